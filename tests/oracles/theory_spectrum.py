"""The distance of a Gram matrix from orthogonality: exact decisions, long double, mpmath."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
from numpy.typing import NDArray

__all__ = ["delta_below", "delta_in_long_double", "delta_in_mpmath", "extremes", "is_definite"]


def is_definite(matrix: list[list[Fraction]]) -> bool:
    """Whether a symmetric rational matrix is positive definite: exact, by fraction-free pivots."""
    n = len(matrix)
    common = math.lcm(*(entry.denominator for row in matrix for entry in row))
    A = [[int(entry * common) for entry in row] for row in matrix]
    before = 1
    for k in range(n):
        if A[k][k] <= 0:
            return False
        for i in range(k + 1, n):
            for j in range(i, n):
                A[i][j] = (A[i][j] * A[k][k] - A[k][i] * A[k][j]) // before
        before = A[k][k]
    return True


def delta_below(gram: Any, trace: float, bound: Fraction) -> bool:
    """Whether ``||gram / trace - I|| < bound``, decided exactly for these float64 numbers."""
    rows = np.asarray(gram, dtype=float).tolist()
    L, n = Fraction(trace), len(rows)
    E = [[Fraction(rows[i][j]) / L - (i == j) for j in range(n)] for i in range(n)]
    above = [[(bound if i == j else 0) - E[i][j] for j in range(n)] for i in range(n)]
    below = [[(bound if i == j else 0) + E[i][j] for j in range(n)] for i in range(n)]
    return is_definite(above) and is_definite(below)


def extremes(matrix: NDArray[np.longdouble]) -> tuple[np.longdouble, np.longdouble]:
    """Return the smallest and largest eigenvalue of a symmetric matrix in long double.

    Double-precision eigenvectors first, orthogonalised again in long double; then Jacobi rotations
    of what is left off the diagonal.
    """
    A = np.asarray(matrix, dtype=np.longdouble)
    n = len(A)
    V = np.linalg.eigh(A.astype(np.float64))[1].astype(np.longdouble)
    for _ in range(2):  # V (V^T V)^(-1/2) to first order, twice
        V = V @ (1.5 * np.eye(n, dtype=np.longdouble) - 0.5 * (V.T @ V))
    A = V.T @ A @ V
    for _ in range(8):
        size = np.abs(A).max()
        off = np.abs(A - np.diag(np.diagonal(A)))
        if off.max() <= 1e-19 * size:
            break
        for p, q in np.argwhere(np.triu(off, 1) > 1e-19 * size):
            _rotate(A, int(p), int(q))
    mu = np.diagonal(A)
    return mu.min(), mu.max()


def _rotate(A: NDArray[np.longdouble], p: int, q: int) -> None:
    if A[p, q] == 0:
        return
    theta = (A[q, q] - A[p, p]) / (2 * A[p, q])
    t = (1 if theta >= 0 else -1) / (abs(theta) + np.sqrt(theta * theta + 1))
    c = 1 / np.sqrt(t * t + 1)
    s = t * c
    row_p, row_q = A[p].copy(), A[q].copy()
    A[p], A[q] = c * row_p - s * row_q, s * row_p + c * row_q
    column_p, column_q = A[:, p].copy(), A[:, q].copy()
    A[:, p], A[:, q] = c * column_p - s * column_q, s * column_p + c * column_q


def delta_in_long_double(gram: Any, trace: float) -> np.longdouble:
    """Return ``||gram / trace - I||``, right to about 1e-18."""
    E = np.asarray(gram, dtype=np.longdouble) / np.longdouble(trace)
    E = E - np.eye(len(E), dtype=np.longdouble)
    low, high = extremes(E)
    return max(abs(low), abs(high))


def delta_in_mpmath(gram: Any, trace: float) -> mpmath.mpf:
    """Return ``||gram / trace - I||`` to the working precision of mpmath."""
    rows = np.asarray(gram, dtype=float).tolist()
    E = mpmath.matrix(rows) / mpmath.mpf(trace) - mpmath.eye(len(rows))
    return max(abs(mu) for mu in mpmath.eigsy(E, eigvals_only=True))
