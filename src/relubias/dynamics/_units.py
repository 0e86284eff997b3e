"""Units in which Gram matrix, labels and start are of order one."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from relubias._validate import Float, fail

__all__ = ["Units", "power_of_two", "scaled"]


def power_of_two(size: float) -> float:
    """Return the largest power of two that is at most `size`, and 1 for 0."""
    return math.ldexp(1.0, math.frexp(size)[1] - 1) if size > 0 else 1.0


class Units(NamedTuple):
    """Powers of two that bring the Gram diagonal, and the labels and start, to order one."""

    gram: float
    label: float


def scaled(gram: Float, labels: Float, start: Float) -> Units:
    """Choose the units of a run."""
    with np.errstate(over="ignore", invalid="ignore"):
        size = float(np.abs(start @ gram).max())
    if not size <= 1e150:
        raise fail("start", f"reaches primal values of {size:.3g}", "scale it down")
    return Units(
        power_of_two(float(np.diagonal(gram).mean())),
        power_of_two(max(float(np.abs(labels).max()), size)),
    )
