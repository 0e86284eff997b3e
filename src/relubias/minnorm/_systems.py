"""Positive definite systems, solved to working accuracy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from relubias._validate import Float
from relubias.minnorm._products import residual

__all__ = ["Map", "cholesky_solver", "refine", "refine_with"]

Map = Callable[[Float], Float]

_EPS = float(np.finfo(np.float64).eps)
_MAX_REFINEMENTS = 10


def cholesky_solver(matrix: Float) -> Map | None:
    """Return the solve with a symmetric matrix; None if it is not positive definite."""
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    if matrix.shape[0] == 0:
        return np.copy
    try:
        factor = cho_factor(matrix, lower=True)
    except LinAlgError:
        return None
    return lambda right: cho_solve(factor, right)


def refine(matrix: Float, target: Float, solve: Map) -> Float:
    """Solve ``matrix @ x = target``, corrected by residuals of twice the working precision."""

    def misfit(x: Float) -> Float:
        high, low, _ = residual(matrix, x, target)
        return high + low

    return refine_with(misfit, target, solve)


def refine_with(misfit: Map, target: Float, solve: Map) -> Float:
    """Solve until the corrections for `misfit` no longer shrink."""
    x = solve(target)
    previous = np.inf
    for _ in range(_MAX_REFINEMENTS if target.size else 0):
        correction = solve(misfit(x))
        share = float(np.abs(correction).max()) / max(float(np.abs(x).max()), 1e-300)
        if share >= previous:
            break
        x, previous = x - correction, share
        if share < _EPS / 2:
            break
    return x
