"""The only tolerances of the tests: a factor times eps times a condition number, or a promise."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["EPS", "LIMIT", "VECTOR_DIGITS", "condition", "rounding"]

EPS = float(np.finfo(np.float64).eps)

LIMIT = 1e-10
"""Promised error of a limit's primal values, in units of ``max(abs(labels))``."""

VECTOR_DIGITS = 1e-11
"""The test vectors are known to 12 decimals."""


def rounding(factor: float, condition_number: float = 1.0) -> float:
    """Return what rounding may do: ``factor * eps * condition_number``."""
    return factor * EPS * condition_number


def condition(gram: Any) -> float:
    """Return the ratio of the largest to the smallest eigenvalue above rounding."""
    mu = np.linalg.eigvalsh(np.asarray(gram, dtype=float))
    above = mu[mu > mu.shape[0] * EPS * max(mu[-1], 0.0)]
    return float(above[-1] / above[0]) if above.size else 1.0
