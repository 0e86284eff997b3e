"""Arrays from .npy and .npz files, by a reader that knows numbers only and never unpickles."""

from __future__ import annotations

import math
import os
import warnings
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from relubias.cli._files import DAMAGE, opened, require_room, short, unusable
from relubias.errors import InvalidInputError

__all__ = ["KEYS", "Array", "read_npy", "read_npz"]

Array = NDArray[Any]

KEYS = {
    "features": ("features", "X"),
    "gram": ("gram", "G"),
    "labels": ("labels", "y"),
    "signs": ("signs",),
    "start": ("start",),
}
"""What an .npz file may hold, and under which names."""

_HEADERS: dict[tuple[int, int], Callable[[IO[bytes]], tuple[tuple[int, ...], bool, Any]]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
"""Version 3 of the format exists for structured arrays alone."""


def read_npy(path: Path) -> Array:
    """Read the array of an .npy file."""
    with opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        return _decode(path, "", file, size)


def _decode(path: Path, member: str, stream: IO[bytes], size: int) -> Array:
    """Read one .npy stream of `size` bytes; objects are refused from the header alone."""
    of = f" (array {member})" if member else ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shape, is_fortran, dtype = _HEADERS[np.lib.format.read_magic(stream)](stream)
        shape = tuple(int(length) for length in shape)
    except DAMAGE as error:
        got = f"has no valid .npy header{of}"
        raise unusable(path, got, "save it again with numpy.save or numpy.savez") from error
    if dtype.hasobject:
        raise unusable(path, f"holds Python objects{of}, never loaded here", "save plain numbers")
    if dtype.kind not in "fiub":
        raise unusable(path, f"holds entries of dtype {dtype}{of}", "save real numbers")
    declared, present = math.prod(shape) * dtype.itemsize, size - stream.tell()
    if min(shape, default=0) < 0 or declared != present:
        got = f"declares an array of shape {short(shape)}, {short(declared)} bytes{of}, but holds"
        raise unusable(path, f"{got} {present}", "the file is cut off or damaged; save it again")
    require_room(path, declared)
    try:
        array = np.frombuffer(stream.read(), dtype) if declared else np.zeros(0, dtype)
        return array.reshape(shape, order="F" if is_fortran else "C")
    except DAMAGE as error:
        raise unusable(path, f"is damaged{of}", "save it again") from error


def read_npz(path: Path, wanted: Sequence[str]) -> dict[str, Array | None]:
    """Read the wanted arrays; the other members of the archive are never opened."""
    found: dict[str, Array | None] = dict.fromkeys(wanted)
    with opened(path) as file:
        try:
            archive = zipfile.ZipFile(file)
        except DAMAGE as error:
            got = "is no .npz archive, or is cut off"
            raise unusable(path, got, "save it again with numpy.savez") from error
        with archive:
            members = archive.namelist()
            for key in wanted:
                names = [f"{name}.npy" for name in KEYS[key]]
                matches = [member for member in members if member in names]
                if len(matches) > 1:
                    listed = " and ".join(match.removesuffix(".npy") for match in matches)
                    raise unusable(path, f"holds {key} twice ({listed})", "keep one")
                if matches:
                    found[key] = _read_member(path, archive, matches[0])
    return found


def _read_member(path: Path, archive: zipfile.ZipFile, member: str) -> Array:
    name = member.removesuffix(".npy")
    try:
        info = archive.getinfo(member)
        require_room(path, info.file_size)
        with archive.open(info) as stream:
            return _decode(path, name, stream, info.file_size)
    except InvalidInputError:
        raise
    except DAMAGE as error:
        got = f"is damaged (array {name})"
        raise unusable(path, got, "save it again with numpy.savez") from error
