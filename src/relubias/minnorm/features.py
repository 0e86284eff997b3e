r"""Refinement on the features, for Gram matrices too badly conditioned to carry the answer.

The condition number of G is the square of that of X. A QR factorisation of :math:`X_A^\top`
never forms G, and residuals are taken on X with twice the working precision (corrected
semi-normal equations, A. Bjorck 1987).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm._products import residual
from relubias.minnorm._systems import refine_with

__all__ = ["refined_on_features"]

_EPS = float(np.finfo(np.float64).eps)
_MAX_REPAIRS = 10


def refined_on_features(
    X: Float,
    target: Float,
    free: NDArray[np.bool_],
    multipliers: Float,
    active: NDArray[np.bool_],
) -> tuple[Float, NDArray[np.bool_], Float]:
    """Return multipliers, active rows and slacks ``X @ X.T @ multipliers - target``.

    The active rows are corrected where the more accurate signs contradict them. If X itself is
    rank-deficient to working precision, the answer given is returned as it is.
    """
    from scipy.linalg import qr

    given = multipliers, active, _product(X, multipliers, target)
    for _ in range(_MAX_REPAIRS):
        rows = np.flatnonzero(active)
        if rows.size == 0 or rows.size > X.shape[1]:
            return given
        factor = np.asarray(qr(X[rows].T, mode="r")[0][: rows.size], dtype=np.float64)
        diagonal = np.abs(np.diagonal(factor))
        if diagonal.min() <= 8 * rows.size * _EPS * diagonal.max():
            return given
        x = _refined(X[rows], target[rows], factor)
        multipliers = np.zeros(target.size)
        multipliers[rows] = x
        slack = _product(X, multipliers, target)
        wrong = ~free & active & (multipliers < -8 * _EPS * np.abs(x).max())
        noise = 8 * _EPS * X.shape[0] * np.linalg.norm(multipliers @ X)
        wrong |= ~active & (slack < -noise)
        if not wrong.any():
            multipliers[~free] = np.maximum(multipliers[~free], 0.0)
            slack[active] = 0.0
            return multipliers, active, _product(X, multipliers, target)
        active = active ^ wrong
    return given


def _refined(X: Float, target: Float, factor: Float) -> Float:
    from scipy.linalg import solve_triangular

    def solve(right: Float) -> Float:
        return solve_triangular(factor, solve_triangular(factor, right, trans="T"))

    return refine_with(lambda x: _product(X, x, target), target, solve)


def _product(X: Float, x: Float, target: Float) -> Float:
    """Return ``X @ (X.T @ x) - target`` to about twice the working precision."""
    weights, rest, _ = residual(np.ascontiguousarray(X.T), x, np.zeros(int(X.shape[1])))
    high, low, _ = residual(X, weights, target)
    return high + (low + X @ rest)
