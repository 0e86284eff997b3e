"""The Gram matrix: the only place where the feature dimension is paid."""

from __future__ import annotations

from typing import Any

import numpy as np

from relubias._threads import one_blas_thread
from relubias._validate import Float, as_unread_features, fail, require_usable_features

__all__ = ["gram_matrix"]

_TOO_SMALL_FOR_THREADS = 100_000  # multiplications; BLAS itself takes one thread


def gram_matrix(features: Any) -> Float:
    r"""Compute the Gram matrix :math:`G = X X^\top`.

    Parameters
    ----------
    features : array_like of shape (n_samples, n_features)
        Feature vectors, one row per sample.

    Returns
    -------
    ndarray of shape (n_samples, n_samples)
        Exactly symmetric; in squared units of the features.

    Raises
    ------
    InvalidInputError
        If the shape is wrong, an entry is not finite, or squares would over- or underflow.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, section 3.

    Examples
    --------
    >>> gram_matrix([[3.0, 0.0], [1.0, 2.0]])
    array([[9., 3.],
           [3., 5.]])
    """
    return gram_of_unread("features", as_unread_features("features", features))


def product_with_transpose(features: Float) -> Float:
    """Return ``features @ features.T``; one buffer, so BLAS computes half of it."""
    n_samples = features.shape[0]
    if n_samples * features.size < _TOO_SMALL_FOR_THREADS:
        return features @ features.T
    with one_blas_thread(n_samples):
        return features @ features.T


def gram_of_unread(name: str, features: Float) -> Float:
    """Return the Gram matrix of features whose entries were not looked at; name an unusable one.

    Squares that are all ordinary prove every entry usable, so that large features are read only
    once, by BLAS.
    """
    with np.errstate(all="ignore"):
        gram = product_with_transpose(features)
    squares = np.diagonal(gram)
    if not ((squares > 1e-280) & (squares < 1e300)).all():
        require_usable_features(name, features)
        if not np.isfinite(squares).all():
            raise fail(name, "has a row of which the squares overflow", "rescale the features")
    return gram
