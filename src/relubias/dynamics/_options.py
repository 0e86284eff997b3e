"""Momentum and mini-batches as arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relubias._validate import as_count, as_indices, as_real, fail, shown

__all__ = ["Batches", "as_batches", "as_momentum"]

Batches = tuple[NDArray[np.intp], ...]


def as_momentum(name: str, value: Any) -> float:
    """Return the momentum, in [0, 1)."""
    number = as_real(name, value, minimum=0.0)
    if number >= 1.0:
        raise fail(name, f"is {number:g}", "pass a number in [0, 1)")
    return number


def as_batches(name: str, value: Any, n_samples: int) -> Batches | None:
    """Return a partition of the samples: consecutive chunks of a size, or as listed."""
    if value is None:
        return None
    if isinstance(value, (int, float, complex, np.number)):
        size = as_count(name, value, minimum=1)
        parts = [np.arange(i, min(i + size, n_samples)) for i in range(0, n_samples, size)]
        return tuple(part.astype(np.intp) for part in parts)
    if isinstance(value, (str, bytes)) or not isinstance(value, (Sequence, np.ndarray)):
        raise fail(name, f"is {shown(value)}", "pass a batch size or a list of index arrays")
    listed: list[Any] = list(value)  # pyright: ignore[reportUnknownArgumentType]
    parts = [as_indices(f"{name}[{b}]", part, n_samples) for b, part in enumerate(listed)]
    if any(part.size == 0 for part in parts):
        raise fail(name, "has an empty batch", "drop it")
    seen = np.concatenate(parts) if parts else np.zeros(0, np.intp)
    counts = np.bincount(seen, minlength=n_samples)
    if (counts != 1).any():
        i = int(np.flatnonzero(counts != 1)[0])
        raise fail(
            name,
            f"sample {i} is in {int(counts[i])} batches",
            "every sample has to be in exactly one",
        )
    return tuple(parts)
