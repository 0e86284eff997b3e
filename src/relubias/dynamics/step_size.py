"""The range of step sizes that the theory speaks about, measured on the data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from relubias._validate import as_real
from relubias.problem import Problem, require_problem

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["StepSizeBounds", "step_size_bounds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSizeBounds:
    """Step sizes in inverse squared units of the features; times `trace` they are kappas.

    Attributes
    ----------
    lower, upper : float
        The paper's range ``[1 / (constant * C_g * L), 1 / (C_g * L)]`` with L = `trace`.
    stable : float
        ``2 / (m * lambda_max(G))``: below it no activation pattern is unstable.
    trace : float
        ``||lambda||_1``: as given, else the mean of the Gram diagonal.
    condition : float
        ``C_g = max(mu_1(G) / L, L / mu_n(G))``; infinite where G is singular, and `lower` and
        `upper` are then 0.
    constant : float
        The universal constant C that the paper leaves unspecified.
    """

    lower: float
    upper: float
    stable: float
    trace: float
    condition: float
    constant: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the step sizes of the theory and the stable ones on one axis.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure if omitted.

        Returns
        -------
        matplotlib.axes.Axes
            The axis is kappa: step size times trace.

        Raises
        ------
        InvalidInputError
            If `ax` is no rectangular Axes.
        """
        from relubias.dynamics._plot_summaries import draw_bounds

        return draw_bounds(self, ax)


def step_size_bounds(
    problem: Problem, *, trace: float | None = None, constant: float = 4.0
) -> StepSizeBounds:
    r"""Measure the paper's step-size range on the data.

    Parameters
    ----------
    problem : Problem
    trace : float, optional
        :math:`\|\lambda\|_1 = \mathrm{tr}\,\Sigma`, where it is known; the mean of the Gram
        diagonal otherwise.
    constant : float, default=4.0
        The constant C of the lower end. The paper leaves it unspecified; our default keeps
        kappa above a quarter of the upper end.

    Returns
    -------
    StepSizeBounds

    Raises
    ------
    InvalidInputError
        If `trace` is not positive or `constant` is below 1.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Lemma 7 and Theorem 1; the
       constants are ours.

    Examples
    --------
    >>> import numpy as np
    >>> step_size_bounds(Problem(4 * np.eye(2), [1.0, -1.0])).upper
    0.25
    """
    require_problem(problem)
    C = as_real("constant", constant, minimum=1.0)
    L = problem.scale if trace is None else as_real("trace", trace, minimum=0.0, strict=True)
    mu = np.linalg.eigvalsh(problem.gram)
    largest, smallest = float(mu[-1]), float(mu[0])
    singular = smallest <= 16 * problem.n_samples * np.finfo(np.float64).eps * largest
    condition = math.inf if singular else max(largest / L, L / smallest)
    upper = 0.0 if singular else 1.0 / (condition * L)
    return StepSizeBounds(
        lower=upper / C,
        upper=upper,
        stable=2.0 / (problem.n_neurons * largest) if largest > 0 else math.inf,
        trace=L,
        condition=condition,
        constant=C,
    )
