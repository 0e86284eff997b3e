"""One seed per task, from what the task is and not from where it stands in the plan."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import blake2b
from typing import Any

from relubias.sweep.grid import AXES, Cell

__all__ = ["seed_of", "stem_of"]


def stem_of(root: int, cell: Cell, shared: Collection[str]) -> Any:
    """Return the hash of what the seeds of a cell's replicates have in common."""
    own = [f"{name}={getattr(cell, name)!r}" for name in AXES if name not in shared]
    return blake2b(f"{root}|{'|'.join(own)}|".encode(), digest_size=8)


def seed_of(stem: Any, replicate: int) -> int:
    """Return the seed of a replicate, in [0, 2**63)."""
    state = stem.copy()
    state.update(str(replicate).encode())
    return int.from_bytes(state.digest(), "little") >> 1
