"""Norms in the inverse of a Gram matrix, bounded with all rounding."""

from __future__ import annotations

import math

import numpy as np

from relubias._validate import Float

__all__ = ["features_norm_bound", "inverse_norm_bound"]

_EPS = float(np.finfo(np.float64).eps)
_SINGLE_EPS = float(np.finfo(np.float32).eps)
_MANY = 200
"""Rows from which a Cholesky factor in single precision is tried first."""


def inverse_norm_bound(matrix: Float, vector: Float, pad: Float) -> float:
    r"""Bound :math:`\sqrt{v^\top A^{-1} v}` for every v within `pad` of `vector`, entrywise.

    The Cholesky factor of :math:`A - \tau I` is used, with :math:`\tau` above all rounding errors
    of the factorisation and of the solve: its inverse exceeds that of A. Infinite if the shifted
    matrix is not positive definite. Where that may do, the factor is in single precision.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        Symmetric, of about unit diagonal.
    vector : ndarray of shape (n,)
        Right-hand side.
    pad : ndarray of shape (n,)
        Bound on the error of each entry of `vector`.
    """
    from scipy.linalg.lapack import dpotrf, dtrtrs, spotrf

    n = matrix.shape[0]
    if n == 0 or not (vector.any() or pad.any()):
        return 0.0
    diagonal = np.diagonal(matrix)
    trace = float(diagonal.sum())
    rounding = 4 * (n + 2) * _EPS * trace
    factor, info = np.zeros((0, 0)), 1
    single_rounding = 0.55 * (n + 4) * _SINGLE_EPS * trace  # Higham, Theorem 10.3
    if n >= _MANY and 8 * single_rounding < float(diagonal.min()):
        with np.errstate(over="ignore"):
            shifted = matrix.astype(np.float32)
        shifted.flat[:: n + 1] -= np.float32(single_rounding + 2 * rounding)
        factor, info = spotrf(shifted.T, lower=1, clean=0, overwrite_a=1)
        factor = factor.astype(np.float64)
        info = info if np.isfinite(np.diagonal(factor)).all() else 1
    if info != 0:
        shifted = matrix.copy()
        shifted.flat[:: n + 1] -= 2 * rounding
        factor, info = dpotrf(shifted.T, lower=1, clean=0, overwrite_a=1)
    if info != 0:
        return math.inf
    v = dtrtrs(factor, vector, lower=1)[0]
    bound = float(np.linalg.norm(v)) + float(np.linalg.norm(pad)) / math.sqrt(rounding)
    return bound * (1 + (n + 10) * _EPS)


def features_norm_bound(features: Float, vector: Float, pad: Float) -> float:
    r"""Bound :math:`\|X^+ v\|` for every v within `pad` of `vector`, entrywise.

    With the QR factorisation :math:`X^\top = QR`, whose backward error is below
    ``dn eps`` times the Frobenius norm of X; infinite if that reaches the smallest singular value.
    """
    from scipy.linalg import qr, solve_triangular

    n, n_features = features.shape
    if n == 0 or not (vector.any() or pad.any()):
        return 0.0
    if n > n_features:
        return math.inf
    factor = qr(features.T, mode="r")[0][:n]
    if (np.diagonal(factor) == 0).any():
        return math.inf
    inverse = float(np.linalg.norm(solve_triangular(factor, np.eye(n))))
    share = 4 * n * n_features * _EPS * float(np.linalg.norm(features)) * inverse
    if share >= 0.5:
        return math.inf
    v = solve_triangular(factor, vector, trans="T")
    bound = float(np.linalg.norm(v)) + inverse * float(np.linalg.norm(pad))
    return bound / (1 - 2 * share)
