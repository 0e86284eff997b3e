r"""Products of slacks added to the objective, zero on every network, that lift the relaxation.

With :math:`\theta` the relaxation minimises :math:`\tfrac12 s^\top (M + \Theta) s + c^\top s` over
:math:`s \ge 0`, a lower bound wherever :math:`M + \Theta \succeq 0`; its maximum over
:math:`\theta` is the bound of Shor's semidefinite relaxation. Only pairs V that the relaxation
violates matter, where :math:`M + \Theta \succeq 0` is :math:`B + \Theta_V \succ 0` with
:math:`B = H_{VV}^{-1}`. The maximum of :math:`\phi(\theta) + \mu \log\det(B + \Theta_V)` is found
by Newton's method for falling :math:`\mu`, with :math:`W = (B + \Theta_V)^{-1}`,

.. math:: \nabla_i = a_i b_i + 2\mu W_{a_i b_i}, \qquad
          -\nabla^2 = J^\top (M+\Theta)_{FF}^{-1} J
          + 2\mu (W_{aa} \circ W_{bb} + W_{ab} \circ W_{ba}),

F the positive slacks and J the change of the gradient in s with :math:`\theta`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm.slack_form import SlackForm, minimise, solve_factored

__all__ = ["Convexified", "convexify"]

_BARRIERS = (1.0, 0.2, 0.05, 0.012)
_NEWTON_STEPS = 10
_HALVINGS = 25


class Convexified(NamedTuple):
    """Coefficient of every pair, and which slacks are positive with them."""

    theta: Float
    positive: NDArray[np.bool_]
    value: float


class _Point(NamedTuple):
    theta: Float
    slack: Float
    positive: NDArray[np.bool_]
    factor: Float
    value: float


def convexify(
    form: SlackForm,
    hessian_of: Callable[[NDArray[np.intp]], Float],
    gap: float,
    stops: Callable[[], bool] = lambda: False,
) -> Convexified | None:
    """Find coefficients for which the relaxation is nearly as good as it can be.

    Parameters
    ----------
    form : SlackForm
        The problem.
    hessian_of : callable
        Returns ``H_VV`` for pairs V, all rows a before all rows b.
    gap : float
        Best known value minus the value of the relaxation: the scale of the barrier.
    stops : callable, optional
        Whether to end early, with what there is.

    Returns
    -------
    Convexified or None
        None if nothing is violated, or the numbers do not allow it.
    """
    point = _evaluate(form, np.zeros(form.n_pairs), None)
    for barrier in _BARRIERS:
        if point is None or stops():
            break
        k = form.n_pairs
        violated = (point.slack[:k] > 0) & (point.slack[k : 2 * k] > 0)
        pairs = np.flatnonzero(violated | (point.theta != 0))
        if pairs.size == 0:
            break
        block = _inverse(hessian_of(pairs))
        if block is None:
            break
        mu = barrier * gap / (2 * pairs.size)
        point = _maximise(form, point, pairs, block, mu, stops)
    if point is None or not point.theta.any():
        return None
    return Convexified(point.theta, point.positive, point.value)


def _evaluate(form: SlackForm, theta: Float, start: NDArray[np.bool_] | None) -> _Point | None:
    """Minimise the relaxation with `theta`."""
    k = np.arange(form.n_pairs)
    kept = form.matrix[k, k + form.n_pairs].copy()
    # in place and undone below: a copy would cost as much as the rest
    form.matrix[k, k + form.n_pairs] = form.matrix[k + form.n_pairs, k] = kept + theta
    try:
        found = minimise(form, start)
    finally:
        form.matrix[k, k + form.n_pairs] = form.matrix[k + form.n_pairs, k] = kept
    if found is None:
        return None
    slack, positive, factor = found
    return _Point(theta, slack, positive, factor, form.value(slack))


def _inverse(matrix: Float) -> Float | None:
    """Invert a positive definite matrix."""
    from scipy.linalg.lapack import dpotrf, dpotri

    factor, info = dpotrf(matrix, lower=1, clean=1)
    if info != 0:
        return None
    inverse, _ = dpotri(factor, lower=1)
    return np.tril(inverse) + np.tril(inverse, -1).T


def _barrier(block: Float, theta: Float) -> tuple[Float, float] | None:
    """Return the Cholesky factor of ``B + Theta`` and its log-determinant."""
    from scipy.linalg.lapack import dpotrf

    matrix, k = block.copy(), np.arange(theta.size)
    matrix[k, k + theta.size] += theta
    matrix[k + theta.size, k] += theta
    factor, info = dpotrf(matrix, lower=1, clean=1)
    return None if info != 0 else (factor, 2.0 * float(np.log(np.diagonal(factor)).sum()))


def _maximise(
    form: SlackForm,
    point: _Point,
    pairs: NDArray[np.intp],
    block: Float,
    mu: float,
    stops: Callable[[], bool],
) -> _Point | None:
    """Take Newton steps for one barrier, with steps halved until they help."""
    here = _barrier(block, point.theta[pairs])
    if here is None:
        return None
    factor, log_determinant = here
    merit = point.value + mu * log_determinant
    for _ in range(_NEWTON_STEPS):
        gradient, direction = _newton(form, point, pairs, factor, mu)
        expected = float(gradient @ direction)
        if stops() or not expected > 0.05 * mu:
            break
        step = 1.0
        for _ in range(_HALVINGS):
            theta = point.theta.copy()
            theta[pairs] += step * direction
            there = _barrier(block, theta[pairs])
            trial = None if there is None else _evaluate(form, theta, point.positive)
            if there is not None and trial is not None:
                trial_merit = trial.value + mu * there[1]
                if trial_merit >= merit + 1e-4 * step * expected:
                    point, factor, merit = trial, there[0], trial_merit
                    break
            step /= 2
        else:
            break
    return point


def _newton(
    form: SlackForm, point: _Point, pairs: NDArray[np.intp], factor: Float, mu: float
) -> tuple[Float, Float]:
    """Return gradient and Newton direction of the merit function."""
    from scipy.linalg.lapack import dpotrf, dpotri, dtrtrs

    k, n_pairs = pairs.size, form.n_pairs
    W, _ = dpotri(factor, lower=1)
    W = np.tril(W) + np.tril(W, -1).T
    across = W[:k, k:]
    a, b = point.slack[pairs], point.slack[pairs + n_pairs]
    gradient = a * b + 2 * mu * np.diagonal(across)
    hessian = 2 * mu * (W[:k, :k] * W[k:, k:] + across * across.T)
    place = np.cumsum(point.positive) - 1
    change = np.zeros((int(point.positive.sum()), k))
    for rows, values in ((pairs, b), (pairs + n_pairs, a)):
        kept = np.flatnonzero(point.positive[rows])
        change[place[rows[kept]], kept] += values[kept]
    if change.size:
        z, _ = dtrtrs(point.factor, change, lower=1)
        hessian += z.T @ z
    hessian[np.diag_indices(k)] += 1e-13 * np.trace(hessian) / k
    cholesky, _ = dpotrf(hessian, lower=1, clean=1)
    return gradient, solve_factored(cholesky, gradient)
