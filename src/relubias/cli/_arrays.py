"""Arrays from .npy and .npz files, by a reader that knows numbers only and never unpickles."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from relubias._files import opened, unusable
from relubias._npz import Array, decode, mapped, opened_archive, read_member

__all__ = ["KEYS", "LARGE", "Array", "read_features", "read_npy", "read_npz"]

LARGE = 1 << 29
"""Bytes from which features stay on disk: their Gram matrix is computed in tiles."""

KEYS = {
    "features": ("features", "X"),
    "gram": ("gram", "G"),
    "labels": ("labels", "y"),
    "signs": ("signs",),
    "start": ("start",),
}
"""What an .npz file may hold, and under which names."""


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
    found: dict[str, Array | None] = dict.fromkeys(wanted)
    with opened(path) as file, opened_archive(path, file) as archive:
        members = archive.namelist()
        for key in wanted:
            names = [f"{name}.npy" for name in KEYS[key]]
            matches = [member for member in members if member in names]
            if len(matches) > 1:
                listed = " and ".join(match.removesuffix(".npy") for match in matches)
                raise unusable(path, f"holds {key} twice ({listed})", "keep one")
            if matches:
                found[key] = read_member(path, archive, matches[0])
    return found
