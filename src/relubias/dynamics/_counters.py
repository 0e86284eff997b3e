"""What a kernel counts before its first step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.dynamics import _codes as code

__all__ = ["growth_mode", "new_counters"]


def growth_mode(gram: Float, step_size: float, n_neurons: int) -> tuple[float, float]:
    """Return the first GROWTH and CAN_GROW: whether rounding errors can grow on some pattern."""
    can_grow = step_size * n_neurons * float(np.abs(gram).sum(axis=0).max()) > 2.0
    return (0.0, 1.0) if can_grow else (1.0, 0.0)


def new_counters() -> NDArray[np.int64]:
    """Return the counters of a run that has not begun."""
    counters = np.zeros(code.N_COUNTERS, np.int64)
    counters[code.NEXT_ATTEMPT] = code.FIRST_ATTEMPT
    counters[code.NEXT_SAVE] = code.FIRST_SAVE
    return counters
