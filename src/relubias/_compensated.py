"""Error-free transformations and double-double sums in NumPy.

A double-double is an unevaluated pair ``high + low`` with ``|low| <= ulp(high) / 2``: about 106
bits. Used where a residual decides something: initial signs, certificates and distances.
"""

from __future__ import annotations

import numpy as np

from relubias._validate import Float

__all__ = ["dot_residual", "matvec", "two_prod", "two_sum"]

_SPLITTER = 134217729.0  # 2**27 + 1


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
    gram : ndarray of shape (n, n)
        Symmetric.
    vectors : ndarray of shape (..., n)
        Rows to multiply.

    Returns
    -------
    high, low : ndarray of shape (..., n)
        ``high + low`` equals ``vectors @ gram`` with about 100 correct bits of the largest term.
        Columns of equal rows of `gram` give bit-equal answers.
    """
    high = np.zeros(vectors.shape)
    low = np.zeros(vectors.shape)
    for j in range(gram.shape[0]):
        product, product_error = two_prod(vectors[..., j, None], gram[j])
        high, sum_error = two_sum(high, product)
        low = low + (sum_error + product_error)
    return two_sum(high, low)


def dot_residual(gram: Float, vector: Float, target: Float) -> tuple[Float, Float]:
    """Return ``gram @ vector - target`` and a bound on its rounding error, entry by entry.

    Parameters
    ----------
    gram : ndarray of shape (r, n)
        Rows of a Gram matrix.
    vector : ndarray of shape (n,)
        Dual variables.
    target : ndarray of shape (r,)
        What the product should be.

    Returns
    -------
    residual : ndarray of shape (r,)
        Rounded once from a double-double sum.
    error : ndarray of shape (r,)
        Rigorous bound on ``abs(residual - exact)``, from the standard analysis of compensated
        dot products (Ogita, Rump, Oishi 2005): one rounding of the result plus
        ``(n eps)**2`` times the sum of absolute terms.
    """
    n = gram.shape[1]
    high = -target
    low = np.zeros(target.shape)
    for j in range(n):
        product, product_error = two_prod(gram[:, j], vector[j])
        high, sum_error = two_sum(high, product)
        low = low + (sum_error + product_error)
    eps = np.finfo(np.float64).eps
    residual = high + low
    terms = np.abs(gram) @ np.abs(vector) + np.abs(target)
    return residual, eps * np.abs(residual) + (2 * (n + 2) * eps) ** 2 * terms
