"""Files that users hand in: opened safely, refused in one sentence that names the file."""

from __future__ import annotations

import lzma
import os
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from relubias.errors import InvalidInputError

__all__ = ["DAMAGE", "checked_suffix", "opened", "printable", "require_room", "short", "unusable"]

DAMAGE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)
"""What the readers of the standard library and NumPy raise on damaged files."""


def printable(path: Path | str) -> str:
    """Return a path as text that any stream can show."""
    return os.fspath(path).encode("utf-8", "backslashreplace").decode("utf-8")


def unusable(path: Path, got: str, remedy: str) -> InvalidInputError:
    """Return the error that names the file; the caller raises it."""
    return InvalidInputError(f"{printable(path)}: {got}; {remedy}")


def checked_suffix(path: Path, known: Sequence[str]) -> str:
    """Return the suffix in lower case if it is one of the `known`."""
    suffix = path.suffix.lower()
    if suffix not in known:
        listed = f"{', '.join(known[:-1])} or {known[-1]}"
        raise unusable(path, "is in no format that can be read here", f"pass {listed}")
    return suffix


def opened(path: Path) -> IO[bytes]:
    """Open a regular file for reading, or say why that is impossible."""
    try:
        if path.is_dir():
            raise unusable(path, "is a directory", "pass a file")
        if path.exists() and not path.is_file():
            raise unusable(path, "is not a regular file", "pass a file")
        return path.open("rb")
    except (OSError, ValueError) as error:
        if isinstance(error, InvalidInputError):
            raise
        reason = getattr(error, "strerror", None) or "not a valid path"
        raise unusable(path, f"cannot be read ({reason})", "check the path") from error


def require_room(path: Path, n_bytes: int) -> None:
    """Refuse what cannot fit into this machine's memory before trying."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not on this system
        return
    if n_bytes > memory // 2:
        got = f"declares {n_bytes / 2**30:.3g} GiB of numbers, more than fits into memory"
        raise unusable(path, got, "pass the Gram matrix instead of the features")


def short(value: object) -> str:
    """Return `value` as text of at most 40 characters."""
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
