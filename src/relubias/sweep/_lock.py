"""One run at a time in a folder, or one per shard; the system forgets the locks of dead processes.

A run of everything holds ``all.lock`` alone. Shards hold it together, and each its own lock beside
it; shards of another division would compute the same chunks and are refused. Where the file system
has no locks none are held: two runs then do the same work twice, and write the same parts.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import re
import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from relubias._files import printable
from relubias.errors import StoreError
from relubias.sweep._disk import trouble

__all__ = ["Shard", "locked", "owner_of"]

Shard = tuple[int, int]
"""Number of the shard, from 1, and how many there are."""

_OWN = re.compile(r"shard-(\d+)-of-(\d+)\.lock")
_TAKEN = {errno.EAGAIN, errno.EACCES, errno.EDEADLK}
_UNKNOWN = {errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS}


def owner_of(shard: Shard | None) -> str:
    """Return the name under which a run writes."""
    return "all" if shard is None else f"shard-{shard[0]}-of-{shard[1]}"


@contextmanager
def locked(folder: Path, shard: Shard | None = None) -> Generator[None]:
    """Hold the lock of a run in ``folder/locks``; raise `StoreError` at once if it is taken."""
    locks = folder / "locks"
    with contextlib.ExitStack() as held:
        try:
            locks.mkdir(exist_ok=True)
            if shard is not None:
                own = held.enter_context(_opened(locks / f"{owner_of(shard)}.lock"))
                _take(own, locks / f"{owner_of(shard)}.lock", shared=False)
                _sign(own)
            whole = held.enter_context(_opened(locks / "all.lock"))
            _take(whole, locks / "all.lock", shared=shard is not None)
            if shard is None:
                _sign(whole)
            else:
                _refuse_other_divisions(locks, shard[1])
        except OSError as error:
            if isinstance(error, StoreError):
                raise
            raise trouble(locks, error) from error
        yield


@contextmanager
def _opened(path: Path) -> Generator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        yield descriptor
    finally:
        os.close(descriptor)  # lets the lock go


def _take(descriptor: int, path: Path, *, shared: bool) -> None:
    if not _try(descriptor, shared=shared):
        holder = _signature(path) or _signatures_beside(path)
        raise StoreError(
            f"{printable(path.parent.parent)}: another sweep is writing there{holder}; wait until "
            "it ends, or choose another store"
        )


def _try(descriptor: int, *, shared: bool) -> bool:
    """Take the lock if it is free."""
    if os.name == "nt":
        return _try_on_windows(descriptor, shared=shared)
    fcntl: Any = importlib.import_module("fcntl")
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _TAKEN:
            return False
        if error.errno not in _UNKNOWN:
            raise
    return True


def _try_on_windows(descriptor: int, *, shared: bool) -> bool:
    """Windows knows exclusive locks only, so shards there hold just their own."""
    if shared:
        return True
    msvcrt: Any = importlib.import_module("msvcrt")
    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    return True


def _sign(descriptor: int) -> None:
    """Say who holds the lock, for the message of those who are refused."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)


def _signature(path: Path) -> str:
    try:
        text = path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""
    return f" (last taken by {text})" if text else ""


def _signatures_beside(path: Path) -> str:
    found = [_signature(other) for other in sorted(path.parent.glob("shard-*.lock"))]
    return next((text for text in found if text), "")


def _refuse_other_divisions(locks: Path, n_shards: int) -> None:
    for path in sorted(locks.iterdir()):
        match = _OWN.fullmatch(path.name)
        if match and int(match[2]) != n_shards:
            with _opened(path) as descriptor:
                _take(descriptor, path, shared=True)
