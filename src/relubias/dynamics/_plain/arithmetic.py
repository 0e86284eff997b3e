"""Double-double sums and small factorisations whose sums run in a fixed order."""

from __future__ import annotations

import math

import numpy as np

from relubias._compensated import two_sum
from relubias._validate import Float
from relubias.dynamics import _codes as code

__all__ = ["Pair", "accumulate", "backward", "cholesky", "forward", "normalise", "sequential_sum"]

Pair = tuple[Float, Float]
"""High and low parts of double-double numbers."""


def normalise(high: Float, low: Float) -> Pair:
    """Make the low part small against the high one."""
    total = high + low
    return total, low - (total - high)


def accumulate(high: Float, low: Float, term: Float, term_low: Float | float) -> Pair:
    """Add a double-double term to an unnormalised double-double sum."""
    total, error = two_sum(high, term)
    return total, low + (error + term_low)


def sequential_sum(values: Float) -> Float:
    """Sum over the first axis in order (`numpy.sum` may add pairwise)."""
    return np.cumsum(values, axis=0)[-1] if values.shape[0] else np.zeros(values.shape[1:])


def cholesky(matrix: Float) -> Float | None:
    """Return the lower Cholesky factor, or None where a pivot is not safely positive."""
    factor = np.tril(matrix)
    full = np.diagonal(matrix).copy()
    for j in range(matrix.shape[0]):
        if not factor[j, j] > code.PIVOT_TOLERANCE * full[j]:
            return None
        factor[j, j] = math.sqrt(factor[j, j])
        factor[j + 1 :, j] /= factor[j, j]
        factor[j + 1 :, j + 1 :] -= np.tril(np.outer(factor[j + 1 :, j], factor[j + 1 :, j]))
    return factor


def forward(factor: Float, right: Float) -> Float:
    """Solve ``L z = right`` for a vector or for columns."""
    z = right.copy()
    for a in range(factor.shape[0]):
        z[a] /= factor[a, a]
        z[a + 1 :] -= np.multiply.outer(factor[a + 1 :, a], z[a])
    return z


def backward(factor: Float, right: Float) -> Float:
    """Solve ``L.T z = right``."""
    z = right.copy()
    for a in range(factor.shape[0] - 1, -1, -1):
        z[a] /= factor[a, a]
        z[:a] -= factor[a, :a] * z[a]
    return z
