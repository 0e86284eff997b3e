"""Arrays from .npy and .npz files, by a reader that knows numbers only and never unpickles."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from relubias._files import opened
from relubias._npz import (
    KEYS,
    Array,
    decode,
    find_members,
    mapped,
    opened_archive,
    read_member,
)

__all__ = ["KEYS", "LARGE", "Array", "read_features", "read_npy", "read_npz"]

LARGE = 1 << 29
"""Bytes from which features stay on disk: their Gram matrix is computed in tiles."""


def read_npy(path: Path) -> Array:
    """Read the array of an .npy file."""
    with opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        return decode(path, "", file, size)


def read_features(path: Path) -> Array:
    """Read the array of an .npy file, or map it where it is large."""
    with opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        return mapped(path, file, size) if size > LARGE else decode(path, "", file, size)


def read_npz(path: Path, wanted: Sequence[str]) -> dict[str, Array | None]:
    """Read the wanted arrays; the other members of the archive are never opened."""
    with opened(path) as file, opened_archive(path, file) as archive:
        members = find_members(path, archive, wanted)
        return {
            key: None if member is None else read_member(path, archive, member)
            for key, member in members.items()
        }
