"""Error-free transformations and double-double sums in NumPy.

A double-double is an unevaluated pair ``high + low`` with ``|low| <= ulp(high) / 2``: about 106
bits. Used where a residual decides something: initial signs and certificates.
"""

from __future__ import annotations

import numpy as np

from relubias._validate import Float

__all__ = ["matvec", "two_prod", "two_sum"]

_SPLITTER = 134217729.0  # 2**27 + 1
_BLOCK = 2**16  # products held at a time


def two_sum(a: Float, b: Float) -> tuple[Float, Float]:
    """Return the rounded sum and its rounding error (Knuth): ``a + b == s + e`` exactly."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def two_prod(a: Float, b: Float) -> tuple[Float, Float]:
    """Return the rounded product and its rounding error (Dekker): ``a * b == p + e`` exactly.

    Exact while nothing over- or underflows; callers keep entries near unit scale.
    """
    p = a * b
    a_wide = _SPLITTER * a
    a_high = a_wide - (a_wide - a)
    a_low = a - a_high
    b_wide = _SPLITTER * b
    b_high = b_wide - (b_wide - b)
    b_low = b - b_high
    return p, ((a_high * b_high - p) + a_high * b_low + a_low * b_high) + a_low * b_low


def matvec(gram: Float, vectors: Float) -> tuple[Float, Float]:
    """Multiply each row of `vectors` by a symmetric matrix in double-double arithmetic.

    Parameters
    ----------
    gram : ndarray of shape (n, n) or (..., n, n)
        Symmetric; a stack multiplies a row each.
    vectors : ndarray of shape (..., n)
        Rows to multiply.

    Returns
    -------
    high, low : ndarray of shape (..., n)
        ``high + low`` equals ``vectors @ gram`` with about 100 correct bits of the largest term.
        Columns of equal rows of `gram` give bit-equal answers.
    """
    n = gram.shape[-1]
    high, low = np.empty(vectors.shape), np.empty(vectors.shape)
    width = max(1, _BLOCK // max(vectors.size, 1))
    for first in range(0, n, width):
        part = slice(first, min(first + width, n))
        products = two_prod(vectors[..., None], gram[..., part])
        high[..., part], low[..., part] = _sum_pairwise(*products)
    return two_sum(high, low)


def _sum_pairwise(terms: Float, errors: Float) -> tuple[Float, Float]:
    """Sum ``terms + errors`` over the last axis but one, the rounding errors carried along."""
    while terms.shape[-2] > 1:
        half, rest = divmod(terms.shape[-2], 2)
        first, second = np.s_[..., :half, :], np.s_[..., half : 2 * half, :]
        sums, rounding = two_sum(terms[first], terms[second])
        below = errors[first] + errors[second] + rounding
        if rest:
            sums = np.concatenate((sums, terms[..., -1:, :]), axis=-2)
            below = np.concatenate((below, errors[..., -1:, :]), axis=-2)
        terms, errors = sums, below
    return terms[..., 0, :], errors[..., 0, :]
