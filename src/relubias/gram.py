"""The Gram matrix: the only place where the feature dimension is paid."""

from __future__ import annotations

from typing import Any

from relubias._validate import Float, as_features

__all__ = ["gram_matrix"]


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
    return product_with_transpose(as_features("features", features))


def product_with_transpose(features: Float) -> Float:
    """Return ``features @ features.T`` of checked features; one buffer, so BLAS uses syrk."""
    return features @ features.T
