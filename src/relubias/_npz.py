"""Arrays in .npy streams and .npz archives, by a reader that knows numbers only, never objects."""

from __future__ import annotations

import errno
import math
import os
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from relubias._files import DAMAGE, require_room, short, unusable
from relubias.errors import InvalidInputError

__all__ = [
    "KEYS",
    "Array",
    "decode",
    "find_members",
    "mapped",
    "opened_archive",
    "read_member",
    "write_archive",
]

Array = NDArray[Any]

_HEADERS: dict[tuple[int, int], Callable[[IO[bytes]], tuple[tuple[int, ...], bool, Any]]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
"""Version 3 of the format exists for structured arrays alone."""


KEYS = {
    "features": ("features", "X"),
    "gram": ("gram", "G"),
    "labels": ("labels", "y"),
    "signs": ("signs",),
    "start": ("start",),
}
"""What an .npz file may hold, and under which names."""


def decode(path: Path, member: str, stream: IO[bytes], size: int) -> Array:
    """Read one .npy stream of `size` bytes; objects are refused from the header alone."""
    shape, is_fortran, dtype = _header(path, member, stream, size)
    declared = math.prod(shape) * dtype.itemsize
    require_room(path, declared)
    try:
        array = np.frombuffer(stream.read(), dtype) if declared else np.zeros(0, dtype)
        return array.reshape(shape, order="F" if is_fortran else "C")
    except DAMAGE as error:
        raise unusable(path, f"is damaged{_of(member)}", "save it again") from error


def mapped(path: Path, stream: IO[bytes], size: int) -> Array:
    """Map the array of an .npy file into memory without reading it; its header is checked."""
    shape, is_fortran, dtype = _header(path, "", stream, size)
    try:
        order = "F" if is_fortran else "C"
        return np.memmap(path, dtype, mode="r", offset=stream.tell(), shape=shape, order=order)
    except DAMAGE as error:
        raise unusable(path, "cannot be mapped into memory", "copy it to a local disk") from error


def _header(
    path: Path, member: str, stream: IO[bytes], size: int
) -> tuple[tuple[int, ...], bool, Any]:
    of = _of(member)
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
    return shape, is_fortran, dtype


def _of(member: str) -> str:
    return f" (array {member})" if member else ""


def opened_archive(path: Path, file: IO[bytes]) -> zipfile.ZipFile:
    """Return the archive in an open file; the caller closes it."""
    try:
        return zipfile.ZipFile(file)
    except DAMAGE as error:
        got = "is no .npz archive, or is cut off"
        raise unusable(path, got, "save it again with numpy.savez") from error


def find_members(
    path: Path, archive: zipfile.ZipFile, wanted: Sequence[str]
) -> dict[str, str | None]:
    """Return the member that holds each wanted array, by any of the array's names."""
    found: dict[str, str | None] = dict.fromkeys(wanted)
    members = archive.namelist()
    for key in wanted:
        names = [f"{name}.npy" for name in KEYS[key]]
        matches = [member for member in members if member in names]
        if len(matches) > 1:
            listed = " and ".join(match.removesuffix(".npy") for match in matches)
            raise unusable(path, f"holds {key} twice ({listed})", "keep one")
        if matches:
            found[key] = matches[0]
    return found


def read_member(path: Path, archive: zipfile.ZipFile, member: str) -> Array:
    """Read one array of an archive."""
    name = member.removesuffix(".npy")
    try:
        info = archive.getinfo(member)
        require_room(path, info.file_size)
        with archive.open(info) as stream:
            return decode(path, name, stream, info.file_size)
    except InvalidInputError:
        raise
    except DAMAGE as error:
        got = f"is damaged (array {name})"
        raise unusable(path, got, "save it again with numpy.savez") from error


def write_archive(target: Path, arrays: Mapping[str, Array]) -> None:
    """Write an archive aside and rename it into place, so that it is there whole or not at all."""
    aside = None
    try:
        if target.exists() and not target.is_file():
            raise OSError(errno.EINVAL, "not a regular file")
        descriptor, aside = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        with os.fdopen(descriptor, "wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        Path(aside).chmod(0o666 & ~umask)
        Path(aside).replace(target)
        aside = None
        _sync(target.parent)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a valid path"
        raise unusable(target, f"cannot be written ({reason})", "choose another place") from error
    finally:
        if aside is not None:
            Path(aside).unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Have the new name survive a loss of power, where the system can."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
