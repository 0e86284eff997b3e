"""LAPACK for the ball test, where there are more samples than loops are good for."""

from __future__ import annotations

from typing import cast

import numpy as np

from relubias._threads import one_blas_thread
from relubias._validate import Float
from relubias.dynamics import _codes as code
from relubias.dynamics._plain.freezing import Solver

__all__ = ["LAPACK"]


def _cholesky(matrix: Float) -> Float | None:
    with one_blas_thread():
        try:
            factor = np.asarray(np.linalg.cholesky(matrix), dtype=np.float64)
        except np.linalg.LinAlgError:
            return None
    pivots = np.diagonal(factor) ** 2
    return factor if (pivots > code.PIVOT_TOLERANCE * np.diagonal(matrix)).all() else None


def _triangular(factor: Float, right: Float, *, transposed: bool) -> Float:
    from scipy.linalg import solve_triangular

    if right.size == 0:
        return right
    with one_blas_thread():
        solution = solve_triangular(
            factor, right, lower=True, trans="T" if transposed else "N", check_finite=False
        )
    return cast(Float, solution)


def _forward(factor: Float, right: Float) -> Float:
    return _triangular(factor, right, transposed=False)


def _backward(factor: Float, right: Float) -> Float:
    return _triangular(factor, right, transposed=True)


LAPACK = Solver(_cholesky, _forward, _backward)
"""One BLAS thread, so that the bits are always the same."""
