"""Matrix times vector to about twice the working precision, at the speed of BLAS.

Both factors are cut into slices of so few bits that products of leading slices are summed
without any rounding, in whatever order (Ozaki, Ogita, Oishi, Rump 2012).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relubias._compensated import two_sum
from relubias._validate import Float

__all__ = ["largest_entry", "residual", "submatrix"]

_EPS = float(np.finfo(np.float64).eps)
_BLOCK = 32_768  # entries of a block of rows: stays in cache


def _leading(values: Float, unit: float, out: Float | None = None) -> Float:
    """Round to multiples of `unit`, a power of two not below ``2**-52`` of the largest entry."""
    shift = 1.5 * unit * 2.0**52
    out = np.add(values, shift, out=out)
    out -= shift
    return out


def largest_entry(values: Float) -> float:
    """Return the largest absolute entry."""
    return max(float(values.max(initial=0.0)), -float(values.min(initial=0.0)))


def _next_power(size: float) -> float:
    """Return a power of two above `size`."""
    return math.ldexp(1.0, math.frexp(size)[1]) if size > 0 else 1.0


def submatrix(
    matrix: Float,
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    scale: Float | None = None,
    dtype: type[np.floating[Any]] = np.float64,
) -> NDArray[Any]:
    """Return ``matrix[rows][:, columns]``, each row and column times its scale, in pieces."""
    out = np.empty((rows.size, columns.size), dtype=dtype)
    step = max(1, _BLOCK // matrix.shape[1])
    for start in range(0, rows.size, step):
        some = rows[start : start + step]
        piece = matrix.take(some, axis=0).take(columns, axis=1)
        if scale is not None:
            piece *= scale[some, None]
            piece *= scale[columns]
        with np.errstate(over="ignore"):  # to infinity, which no factorisation takes
            if rows.size <= step:
                return piece.astype(dtype, copy=False)
            out[start : start + step] = piece
    return out


def residual(
    matrix: Float,
    vector: Float,
    target: Float,
    *,
    brief: bool = False,
    size: float | None = None,
) -> tuple[Float, Float, float]:
    """Return ``matrix @ vector - target`` as a double-double and a bound on its error.

    Parameters
    ----------
    matrix : ndarray of shape (r, n)
        Entries of about unit size.
    vector : ndarray of shape (n,)
        Any size.
    target : ndarray of shape (r,)
        Subtracted without rounding.
    brief : bool, default=False
        Cut the matrix only once: half the work, seven digits fewer.
    size : float, optional
        Bound on the entries of `matrix`, such as the diagonal of a Gram matrix gives; found if
        omitted.

    Returns
    -------
    high, low : ndarray of shape (r,)
        ``high`` is the residual rounded, ``high + low`` holds about twice as many digits.
    error : float
        Bound on ``abs(high + low - exact)`` of every entry, for ``n < 2**20``.
    """
    n_rows, n = matrix.shape
    if n_rows == 0 or not vector.any():
        return 0.0 - target, np.zeros(n_rows), 0.0
    bits = (53 - (n - 1).bit_length()) // 2
    unit = 2.0**-bits
    length = _next_power(largest_entry(vector))
    size = _next_power(largest_entry(matrix) if size is None else size)
    first = _leading(vector, length * unit)
    second = _leading(vector - first, length * unit**2)
    third = (vector - first) - second
    leading_columns = np.stack((first, second, third), axis=1)
    middle_columns = np.stack((first, second + third), axis=1)

    exact, small = np.empty((n_rows, 3)), np.empty(n_rows)
    crossed = np.zeros((n_rows, 2))
    step = max(1, _BLOCK // n)
    leading, others = np.empty((2, min(step, n_rows), n))
    for start in range(0, n_rows, step):
        rows = slice(start, start + step)
        block = matrix[rows]
        top, rest = leading[: block.shape[0]], others[: block.shape[0]]
        np.matmul(_leading(block, size * unit, top), leading_columns, out=exact[rows])
        np.subtract(block, top, out=rest)
        if not brief:
            middle = _leading(rest, size * unit**2, top)
            rest -= middle
            np.matmul(middle, middle_columns, out=crossed[rows])
        np.matmul(rest, vector, out=small[rows])
    small += exact[:, 2] + crossed[:, 1]
    total, e1 = two_sum(exact[:, 0], -target)
    total, e2 = two_sum(total, exact[:, 1])
    total, e3 = two_sum(total, crossed[:, 0])
    high, low = two_sum(total, (e1 + e2 + e3) + small)
    # Only `small` and the sum of error terms round: n terms below 3 size length unit**2, or
    # 2 size length unit where the matrix is cut once.
    error = 8.0 * (n + 4) * _EPS * n * size * length * (unit if brief else unit**2)
    error += 4.0 * _EPS**2 * float(np.abs(target).max())
    return high, low, error
