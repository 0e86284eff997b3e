"""Minimum norm for every network: which method answers which problem."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from relubias._progress import Progress, reporting
from relubias._threads import one_blas_thread
from relubias._validate import as_real, fail
from relubias.minnorm.infeasible import contradicting_multiples, contradiction
from relubias.minnorm.networks import solve_both_signs, solve_one_sign
from relubias.minnorm.search import Search, interruptible
from relubias.minnorm.solution import MinimumNorm, fitted_labels, without_network
from relubias.problem import Problem, require_problem

__all__ = ["minimum_norm"]


def minimum_norm(
    problem: Any,
    *,
    time_limit: float | None = None,
    rel_gap: float = 0.0,
    progress: Progress = False,
) -> MinimumNorm:
    r"""Find the network of smallest norm among those that fit the labels best.

    .. math:: \min \sum_k \|w_k\|^2 \quad\text{s.t.}\quad
              \sum_k s_k\,\mathrm{relu}(X w_k) = y

    With neurons of one sign only, labels of the other sign are fitted as 0: these are the
    minimisers of the empirical risk.

    Parameters
    ----------
    problem : Problem
        Gram matrix, labels and signs. Known features are used where the Gram matrix is too
        badly conditioned.
    time_limit : float, optional
        Seconds after which to return the best network so far; no limit if omitted.
    rel_gap : float, default=0.0
        Relative gap between norm and lower bound that is good enough to stop, dimensionless. An
        answer with a gap above 1e-9 is ``FEASIBLE``, not ``OPTIMAL``, even if it was asked for.
    progress : bool or callable, default=False
        Whether to show progress, or a callable that takes the fraction done and a sentence with
        the norm of the best network, the lower bound, their relative gap and the nodes searched.

    Returns
    -------
    MinimumNorm
        ``dual``, ``primal``, ``norm``, ``lower_bound``, ``status``, ``certificate``.

    Raises
    ------
    InvalidInputError
        If an argument is unusable, or the duals would not be representable.

    See Also
    --------
    minimum_norm_batch : Many problems of one neuron.
    linear_minimum_norm : The linear interpolator on a subset.

    Notes
    -----
    One neuron: convex, always ``OPTIMAL`` or ``INFEASIBLE``; cubic in the number of samples. More
    neurons: not convex. Certificates in closed form are tried first, then a branch and bound over
    activations, whose time is exponential in the worst case. It proves ``OPTIMAL`` if the lower
    bound, rounding included, is within 1e-9 of the norm (relative); `lower_bound` says how
    close it is, and a finite ``certificate.error_bound`` that the network is the optimum itself
    but for rounding. Where time or Ctrl-C ends the search, the answer is the best network so far,
    ``FEASIBLE``, with a lower bound that holds; a second Ctrl-C interrupts as usual. Data that
    nothing fits are a status, not an exception.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, eqs. (5), (7), (8), (45).

    Examples
    --------
    >>> from relubias import Problem
    >>> result = minimum_norm(Problem([[4.0, 1.0], [1.0, 4.0]], [2.0, -1.0]))
    >>> result.status, result.norm.__round__(12)
    (<MinimumNormStatus.OPTIMAL: 'OPTIMAL'>, 1.032795558989)
    >>> result.primal
    array([[2., 0.]])
    """
    problem = require_problem(problem)
    seconds = math.inf if time_limit is None else as_real("time_limit", time_limit, minimum=0.0)
    if as_real("rel_gap", rel_gap, minimum=0.0) >= 1.0:
        raise fail("rel_gap", f"is {rel_gap:g}", "pass a number in [0, 1)")
    with reporting(progress, "minimum norm") as report, one_blas_thread(problem.n_samples):
        search = Search(time.monotonic() + seconds, rel_gap, report)
        with interruptible(search):
            result = _solve(problem, search)
        report(1.0, str(result.status))
    return result


def _solve(problem: Problem, search: Search) -> MinimumNorm:
    z = contradiction(problem.gram, target := fitted_labels(problem))
    if z is None and problem.n_neurons > 1:  # one neuron finds this by itself
        z = contradicting_multiples(problem.gram, target)
    if z is not None:
        return without_network(problem, np.tile(z, (problem.n_neurons, 1)), np.flatnonzero(z))
    if np.ptp(problem.signs) == 0:
        return solve_one_sign(problem, search)
    return solve_both_signs(problem, search)
