"""The linear least-norm interpolator of labels on a subset of samples."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from relubias._threads import one_blas_thread
from relubias._validate import Float, as_indices, as_labels
from relubias.errors import NotSolvedError
from relubias.minnorm._products import residual
from relubias.minnorm._systems import cholesky_solver, refine
from relubias.minnorm.scaling import in_unit_scale
from relubias.problem import require_problem

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LinearMinimumNorm", "LinearStatus", "linear_minimum_norm"]

_EPS = float(np.finfo(np.float64).eps)

_DETERMINED = 2.0**-20
"""Part of the labels that rounding may explain; above it the matrix is singular to rounding."""


class LinearStatus(enum.StrEnum):
    """Whether a linear function interpolates the labels; `sentence` is what people read."""

    INTERPOLATES = "INTERPOLATES"
    INCONSISTENT = "INCONSISTENT"

    @property
    def sentence(self) -> str:
        """The status in words, with its remedy."""
        if self is LinearStatus.INTERPOLATES:
            return "the linear function fits the labels of the subset"
        return (
            "linearly dependent samples of the subset have labels that contradict each other; the "
            "dual is that of the least-squares fit of smallest norm; drop samples or use `residual`"
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class LinearMinimumNorm:
    """Least-norm linear interpolator of labels on a subset.

    Attributes
    ----------
    dual : ndarray of shape (n_samples,)
        ``w = X.T @ dual``, zero off the subset.
    primal : ndarray of shape (n_samples,)
        ``X @ w`` on all samples.
    norm : float
        Norm of w.
    subset : ndarray of int
        Samples that are interpolated.
    status : LinearStatus
        ``INTERPOLATES``, or ``INCONSISTENT`` if the labels contradict each other.
    residual : float
        Largest absolute misfit on the subset.
    """

    dual: Float
    primal: Float
    norm: float
    subset: NDArray[np.intp]
    status: LinearStatus
    residual: float

    def raise_if_failed(self) -> LinearMinimumNorm:
        """Return the result, or raise `NotSolvedError` if the labels are inconsistent."""
        if self.status is LinearStatus.INCONSISTENT:
            raise NotSolvedError(f"linear_minimum_norm: {self.status.sentence}", self)
        return self

    def summary(self) -> str:
        """Return the result as a few lines of text."""
        return (
            f"{self.status}: {self.status.sentence}\n"
            f"  norm      {self.norm:.15g}\n"
            f"  residual  {self.residual:.2g} on {self.subset.size} of {self.dual.size} samples"
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the predictions in increasing order.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure if omitted.

        Returns
        -------
        matplotlib.axes.Axes
            Samples of the subset are filled, the others hollow.

        Raises
        ------
        InvalidInputError
            If `ax` is no rectangular Axes.
        """
        from relubias.minnorm._plot import draw_linear

        return draw_linear(self, ax)

    def __repr__(self) -> str:
        return f"LinearMinimumNorm({self.status}, norm={self.norm:.6g}, n={self.subset.size})"


def linear_minimum_norm(
    problem: Any, subset: Any = None, *, labels: Any = None
) -> LinearMinimumNorm:
    r"""Interpolate labels on a subset by the linear function of smallest norm.

    .. math:: w = X_S^\top (X_S X_S^\top)^{-1} y_S

    The signs of the problem play no part.

    Parameters
    ----------
    problem : Problem
        Gram matrix and labels.
    subset : array_like of int or of bool, optional
        Samples S to interpolate, as distinct indices or as a mask; all if omitted.
    labels : array_like of shape (n_samples,), optional
        Other labels than those of the problem, such as ``(y_+, kappa * y_-)``.

    Returns
    -------
    LinearMinimumNorm
        If the Gram matrix of S is singular and the labels are consistent, the interpolator all
        the same; if not, the least-squares fit of smallest norm, with status ``INCONSISTENT``.

    Raises
    ------
    InvalidInputError
        If the subset names samples twice or that do not exist, or `labels` has a wrong shape.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, section 2 and Lemma 3.

    Examples
    --------
    >>> from relubias import Problem
    >>> problem = Problem([[2.0, 0.0], [0.0, 4.0]], [1.0, -2.0])
    >>> linear_minimum_norm(problem).dual
    array([ 0.5, -0.5])
    >>> linear_minimum_norm(problem, [0]).primal
    array([1., 0.])
    """
    problem = require_problem(problem)
    n = problem.n_samples
    y = problem.labels if labels is None else as_labels("labels", labels, n)
    rows = as_indices("subset", np.ones(n, dtype=bool) if subset is None else subset, n)
    dual, primal = np.zeros(n), np.zeros(n)
    if rows.size == 0 or not y[rows].any():
        return _result(dual, primal, 0.0, rows, consistent=True, misfit=0.0)
    with one_blas_thread(n):
        wanted = np.zeros(n)
        wanted[rows] = y[rows]
        gram, target, units = in_unit_scale(problem.gram, wanted, by_row=False)
        x, misfit, consistent = _solve(gram[np.ix_(rows, rows)], target[rows])
        scaled = np.zeros(n)
        scaled[rows] = x
        high, low, _ = residual(gram, scaled, np.zeros_like(scaled))
    predictions = high + low
    if consistent:
        predictions[rows] = target[rows]
    norm = math.sqrt(max(math.fsum(scaled * predictions), 0.0))
    return _result(
        units.dual(scaled),
        units.primal(predictions),
        units.norm(norm),
        rows,
        consistent=consistent,
        misfit=float(np.abs(np.ldexp(misfit / units.row[rows], units.label)).max()),
    )


def _solve(gram: Float, target: Float) -> tuple[Float, Float, bool]:
    """Return duals, misfit and whether the system is consistent to rounding."""
    solve = cholesky_solver(gram)
    if solve is not None:
        x = refine(gram, target, solve)
        misfit = _misfit(gram, x, target)
        noise = _noise(gram, x, target)
        if np.abs(misfit).max() <= noise <= _DETERMINED * np.abs(target).max():
            return x, misfit, True
    values, vectors = np.linalg.eigh(gram)
    kept = values > 16 * target.size * _EPS * values[-1]
    basis: Float = vectors[:, kept]
    inverse: Float = 1.0 / values[kept]

    def pseudo_solve(right: Float) -> Float:
        return basis @ ((basis.T @ right) * inverse)

    x = refine(gram, target, pseudo_solve)
    misfit = _misfit(gram, x, target)
    return x, misfit, bool(np.abs(misfit).max() <= _noise(gram, x, target))


def _noise(gram: Float, x: Float, target: Float) -> float:
    """Return the misfit that rounding explains."""
    terms = np.abs(gram) @ np.abs(x) + np.abs(target)
    return 64 * target.size * _EPS * float(terms.max())


def _misfit(gram: Float, x: Float, target: Float) -> Float:
    high, low, _ = residual(gram, x, target)
    return high + low


def _result(
    dual: Float,
    primal: Float,
    norm: float,
    rows: NDArray[np.intp],
    *,
    consistent: bool,
    misfit: float,
) -> LinearMinimumNorm:
    return LinearMinimumNorm(
        dual=dual,
        primal=primal,
        norm=norm,
        subset=rows,
        status=LinearStatus.INTERPOLATES if consistent else LinearStatus.INCONSISTENT,
        residual=misfit,
    )
