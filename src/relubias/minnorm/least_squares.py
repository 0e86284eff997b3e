r"""The proof of infeasibility that least squares leaves: its residuals.

Weights that minimise :math:`\tfrac12 \|(e - u)_F\|^2 + \tfrac12 \|\max(e - u, 0)\|^2`, with F the
equalities and :math:`u \ge e` asked of the other rows, leave residuals z with :math:`H z = 0`,
:math:`z \ge 0` off F and :math:`e^\top z` twice the loss. So z is a Farkas vector, or zero. For
many dependent rows this takes a few factorisations, where an active-set method takes a pivot per
row; but the vector has more entries than a proof needs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm.active_set import NullTest

__all__ = ["MANY_ROWS", "least_squares", "least_squares_ray"]

_MAX_STEPS = 200
_RANK = 1e-12
"""Eigenvalues of the Gram matrix below this share of the largest count as zero."""

MANY_ROWS = 300
"""Rows from which the proof is sought this way first."""
_CLEAR = 1e-8
"""Residuals below this share of the right-hand side may be rounding."""


def least_squares_ray(
    hessian: Float, linear: Float, free: NDArray[np.bool_], null_test: NullTest
) -> Float | None:
    """Return the residuals, scaled to unit largest entry, if they are a proof; None otherwise.

    Parameters
    ----------
    hessian : ndarray of shape (N, N)
        Positive semi-definite.
    linear : ndarray of shape (N,)
        Right-hand side e.
    free : ndarray of bool, shape (N,)
        Equalities.
    null_test : callable
        As in `active_set`.
    """
    from scipy.linalg import lstsq

    basis, weights = least_squares(hessian, -linear, free)
    excess = basis @ weights + linear
    z = np.where(free, excess, np.maximum(excess, 0.0))
    size = float(np.abs(z).max(initial=0.0))
    if size <= _CLEAR * float(np.abs(linear).max(initial=0.0)):
        return None
    z = np.where(np.abs(z) > 1e-12 * size, z, 0.0) / size
    rows = np.flatnonzero(z)
    for _ in range(2):  # what is left of the rows' span
        found = lstsq(basis[rows], z[rows], cond=1e-13, lapack_driver="gelsy", check_finite=False)
        z[rows] -= basis[rows] @ np.asarray(found[0], dtype=np.float64)
    z[~free] = np.maximum(z[~free], 0.0)
    lead = int(np.argmax(np.abs(z)))
    return z if linear @ z > 0 and null_test(z, lead) == 0.0 else None


def least_squares(gram: Float, y: Float, free: NDArray[np.bool_]) -> tuple[Float, Float]:
    """Return features up to a rotation, and weights that minimise the loss.

    Of rows that are not free, only predictions above `y` count.
    """
    from scipy.linalg import lstsq

    values, vectors = np.linalg.eigh(gram)
    kept = values > _RANK * max(float(values[-1]), 0.0)
    basis = vectors[:, kept] * np.sqrt(values[kept])
    w = np.zeros(basis.shape[1])
    u = basis @ w
    for _ in range(_MAX_STEPS):
        pulls = free | (u > y)
        misfit = np.where(pulls, u - y, 0.0)
        gradient = basis.T @ misfit
        rows = basis[pulls]
        found = lstsq(rows, -misfit[pulls], cond=1e-13, lapack_driver="gelsy", check_finite=False)
        step = np.asarray(found[0], dtype=np.float64)
        move = basis @ step
        if float(-gradient @ step) <= 1e-30 * float(y @ y) + 1e-300:
            break
        length = _exact_line_search(u, move, y, free)
        w, u = w + length * step, basis @ (w + length * step)
        if length == 1.0 and ((free | (u > y)) == pulls).all():
            break
    return basis, w


def _exact_line_search(u: Float, move: Float, y: Float, free: NDArray[np.bool_]) -> float:
    """Minimise the convex, piecewise quadratic loss along a line."""

    def slope(t: float) -> float:
        at = u + t * move
        return float(np.where(free | (at > y), at - y, 0.0) @ move)

    if slope(1.0) <= 0.0:
        return 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        breaks = np.where(~free & (move != 0), (y - u) / move, np.inf)
    ends = np.unique(np.concatenate(([0.0, 1.0], breaks[(breaks > 0) & (breaks < 1)])))
    low, high = 0, ends.size - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if slope(float(ends[middle])) <= 0 else (low, middle)
    a, b = float(ends[low]), float(ends[high])
    at_a, at_b = slope(a), slope(b)
    return a if at_b == at_a else a + (b - a) * min(max(-at_a / (at_b - at_a), 0.0), 1.0)
