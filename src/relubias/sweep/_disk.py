"""Files that exist whole or not at all: written aside, synced, renamed, and the folder synced."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from relubias._files import printable
from relubias.errors import StoreError

__all__ = ["is_left_over", "make_folder", "publish", "sync_folder", "trouble"]

_SUFFIX = ".aside"
_CANNOT_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EBADF}


def trouble(path: Path, error: OSError) -> StoreError:
    """Return the error that names a file which could not be written or read."""
    reason = error.strerror or str(error)
    return StoreError(
        f"{printable(path)}: {reason}; nothing that was finished is lost, so mend that and run the "
        "same command again"
    )


def publish(path: Path, data: bytes, owner: str) -> None:
    """Make `data` the content of a file, durably; `owner` says whose leftovers a crash leaves."""
    aside = path.with_name(f".{path.name}.{owner}.{os.getpid()}{_SUFFIX}")
    try:
        _write_synced(aside, data)
        aside.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise trouble(path, error) from error
    finally:
        with suppress(OSError):  # renamed, or never made
            aside.unlink()


def is_left_over(name: str, owner: str | None) -> bool:
    """Return whether a killed run left this file; of one owner, or of any."""
    if not (name.startswith(".") and name.endswith(_SUFFIX)):
        return False
    return owner is None or name.removesuffix(_SUFFIX).split(".")[-2] == owner


def _write_synced(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable, where the system can."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise
    finally:
        os.close(descriptor)


def make_folder(folder: Path, refuse: Callable[[str], Exception]) -> None:
    """Create a folder and its parents durably, and see that files can be written there."""
    try:
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        for path in missing:
            sync_folder(path.parent)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a valid path"
        raise refuse(reason) from error
