r"""The convex surrogate for labels that one neuron cannot fit.

Least squares over ReLU neurons is not convex, and its minimisers are no convex set. This program
is:

.. math:: \min_w \tfrac12 \|X_P w - y_P\|^2 + \tfrac12 \|\max(X_N w, 0)\|^2

with P the positive labels of the neuron's sign and N the others. Among its minimisers, which all
have the same residuals, the shortest is returned. Its residuals r satisfy
:math:`X^\top r = 0`, and whatever the neuron can fit exactly it fits exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from relubias._threads import one_blas_thread
from relubias._validate import Float, fail
from relubias.minnorm._products import residual
from relubias.minnorm.least_squares import least_squares
from relubias.minnorm.one_neuron import solve_one_neuron
from relubias.minnorm.scaling import label_units, scaled_gram
from relubias.problem import Problem, require_problem

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["ClosestFit", "closest_fit"]

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class ClosestFit:
    """The shortest neuron among those that come closest to the labels.

    Attributes
    ----------
    problem : Problem
        What was solved.
    dual : ndarray of shape (n_samples,)
        ``w = X.T @ dual``.
    primal : ndarray of shape (n_samples,)
        ``w @ x_i``.
    norm : float
        Norm of the weights.
    residual : ndarray of shape (n_samples,)
        ``w @ x_i - y_i`` on labels of the neuron's sign, ``max(w @ x_i, 0)`` elsewhere, in units
        of the labels (mirrored for a neuron of sign -1).
    loss : float
        Half the sum of squared residuals.
    stationarity : float
        Length of ``X.T @ residual`` over the sum of ``|residual_i| * ||x_i||``: 0 at a minimiser.
    is_exact : bool
        Whether the labels are fitted, to rounding.
    """

    problem: Problem
    dual: Float
    primal: Float
    norm: float
    residual: Float
    loss: float
    stationarity: float
    is_exact: bool

    @property
    def weights(self) -> Float | None:
        """Weights of shape (n_features,), where the features are known."""
        return None if self.problem.features is None else self.dual @ self.problem.features

    def summary(self) -> str:
        """Return the result as a few lines of text."""
        largest = float(np.abs(self.residual).max(initial=0.0))
        return "\n".join(
            [
                "closest fit of one neuron" + (": exact" if self.is_exact else ""),
                f"  norm              {self.norm:.12g}",
                f"  loss              {self.loss:.12g}",
                f"  largest residual  {largest:.6g}",
                f"  stationarity      {self.stationarity:.1e}",
            ]
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a row per sample.

        Returns
        -------
        pandas.DataFrame
            Columns ``sample, label, primal, dual, residual``.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "sample": np.arange(self.problem.n_samples),
                "label": self.problem.labels,
                "primal": self.primal,
                "dual": self.dual,
                "residual": self.residual,
            }
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the predictions against the labels, with the residuals.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure if omitted.

        Returns
        -------
        matplotlib.axes.Axes
            Ignored samples are hollow.

        Raises
        ------
        InvalidInputError
            If `ax` is no rectangular Axes.
        """
        from relubias.minnorm._plot import draw_closest_fit

        return draw_closest_fit(self, ax)

    def __repr__(self) -> str:
        return f"ClosestFit(loss={self.loss:.6g}, norm={self.norm:.6g})"


def closest_fit(problem: Any) -> ClosestFit:
    r"""Fit one neuron to labels that it need not be able to fit: a convex surrogate.

    .. math:: \min_w \tfrac12 \|X_P w - y_P\|^2 + \tfrac12 \|\max(X_N w, 0)\|^2

    at least norm. It is not the minimiser of the empirical risk: a positive label whose sample
    the neuron should rather leave inactive still pulls. Where the labels can be fitted it equals
    `minimum_norm`.

    Parameters
    ----------
    problem : Problem
        Gram matrix, labels and the sign of one neuron.

    Returns
    -------
    ClosestFit
        ``dual``, ``norm``, ``residual``, ``loss`` and how stationary they are.

    Raises
    ------
    InvalidInputError
        If the network has more than one neuron.

    See Also
    --------
    relubias.minimum_norm : Says INFEASIBLE where nothing fits.

    Notes
    -----
    The residuals are unique; they come from Newton steps on the piecewise quadratic loss with a
    line search, in the eigenbasis of the Gram matrix. The shortest neuron with these residuals is
    then a problem of the kind that `minimum_norm` solves.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, eqs. (7), (8).

    Examples
    --------
    >>> import numpy as np
    >>> from relubias import Problem
    >>> closest_fit(Problem(np.ones((2, 2)), [1.0, 3.0])).primal
    array([2., 2.])
    """
    problem = require_problem(problem)
    if problem.n_neurons != 1:
        raise fail("problem", f"has {problem.n_neurons} neurons", "pass one with a single sign")
    with one_blas_thread(problem.n_samples):
        return _closest(problem)


def _closest(problem: Problem) -> ClosestFit:
    sign = float(problem.signs[0])
    target = np.maximum(sign * problem.labels, 0.0)
    y, units = label_units(problem.gram, target, by_row=False)
    gram = scaled_gram(problem.gram, units.row)
    free = y > 0
    basis, weights = least_squares(gram, y, free)
    # the shortest neuron with these residuals, in the eigenbasis: u = basis @ w
    u = basis @ weights
    misfit = np.where(free, u - y, np.maximum(u, 0.0))
    misfit[np.abs(misfit) <= 64 * _EPS * np.abs(y).max(initial=0.0)] = 0.0
    goal = np.where(free, y + misfit, misfit)
    dual = _shortest(gram, goal, free | (misfit > 0), basis, weights)
    u = residual(gram, dual, np.zeros(y.size))[0]
    norm = math.sqrt(max(float(dual @ u), 0.0))
    misfit = np.where(free, u - y, np.maximum(u, 0.0))
    is_exact = bool((np.abs(misfit) <= 1e-12 * np.abs(y).max(initial=0.0)).all())
    if is_exact:
        misfit = np.zeros(y.size)
    pull, _, _ = residual(gram, misfit, np.zeros(y.size))
    length = float(np.abs(misfit) @ np.sqrt(np.diagonal(gram)))
    stationarity = math.sqrt(max(float(misfit @ pull), 0.0)) / length if length > 0 else 0.0
    out = units.primal(misfit)
    return ClosestFit(
        problem=problem,
        dual=units.dual(dual) + 0.0,
        primal=units.primal(u) + 0.0,
        norm=units.norm(norm),
        residual=out + 0.0,
        loss=float(out @ out) / 2,
        stationarity=stationarity,
        is_exact=is_exact,
    )


def _shortest(
    gram: Float, goal: Float, equal: NDArray[np.bool_], basis: Float, weights: Float
) -> Float:
    """Return the dual of the shortest neuron with these predictions on the rows in `equal`."""
    zero = np.flatnonzero(equal & (goal == 0))  # two inequalities each
    sample = np.concatenate((np.arange(goal.size), zero))
    side = np.where(equal & (goal < 0), -1.0, 1.0)
    side = np.concatenate((side, np.full(zero.size, -1.0)))
    labels = np.where(equal & (goal != 0), np.abs(goal), -1.0)[sample]
    neuron = solve_one_neuron(gram[np.ix_(sample, sample)] * np.outer(side, side), labels)
    if neuron.fits:
        dual = np.zeros(goal.size)
        np.add.at(dual, sample, neuron.dual * side)
        return dual
    least: Float = np.linalg.lstsq(basis.T, weights, rcond=None)[0].astype(np.float64)
    return least
