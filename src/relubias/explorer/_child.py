"""The process that computes for the page and may be ended at any time.

It reads requests from standard input and writes answers to what was standard output, framed as
those of sweeps are. Nothing is unpickled.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import time
import warnings
from collections.abc import Sequence
from typing import Any

from relubias.errors import RelubiasError
from relubias.sweep._child import read_frame, write_frame
from relubias.sweep._processes import die_with

__all__ = ["main"]

_MEMORY = 3 << 30
"""Bytes that a computation may take."""

_WARM = (
    {"n": 4},
    {"n": 50, "signs": "+-"},
    {"n": 10, "kappa": 1e-3},
    {"n": 12, "signs": "+-", "d": 30, "kappa": 0.1},
    {"n": 4, "signs": "++-", "start": "disjoint"},
    {"n": 4, "method": "flow"},
)
"""States that use every kernel."""

_WARM_PLAIN = ({"n": 2}, {"n": 2, "signs": "+-"}, {"n": 2, "method": "flow"})
"""States that load what answers without compiled code need."""


def main(arguments: Sequence[str] = ()) -> None:
    """Answer requests until standard input ends or the parent is gone.

    Parameters
    ----------
    arguments : list of str
        ``PARENT`` to be ended with that process, and ``plain`` to begin without compiled code.
    """
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anything prints is no answer
    requests = os.fdopen(os.dup(0), "rb")
    die_with(int(arguments[0]))
    threading.Thread(target=_leave_with, args=(os.getppid(),), daemon=True).start()
    _limit_memory()
    warnings.simplefilter("ignore")
    answer = _answerer(is_plain="plain" in arguments)
    write_frame(answers, {"is_ready": True})
    while (frame := read_frame(requests)) is not None:
        header, body = frame
        try:
            found, content = answer(header, body)
        except RelubiasError as error:
            found = {"refusal": str(error), "field": getattr(error, "field", None)}
            content = b""
        except MemoryError:
            found, content = {"refusal": "this needs too much memory; ask for less"}, b""
        except Exception as error:  # noqa: BLE001 - the server says it
            found, content = {"failure": f"{type(error).__name__}: {error}"}, b""
        write_frame(answers, found, content)


def _answerer(*, is_plain: bool) -> Any:
    """Return the function that answers, with everything loaded that it needs."""
    from relubias.explorer.compute import Memory, compute
    from relubias.explorer.upload import about, pack, read_upload, unpack

    if is_plain:
        for state in _WARM_PLAIN:
            compute(state)
    else:
        importlib.import_module("relubias.dynamics._compiled")  # from now on runs use it
        for state in _WARM:
            compute(state)
    memory = Memory()

    def answer(header: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        if header["kind"] == "read":
            upload = read_upload(header["name"], body)
            return about(upload), pack(upload)
        found = compute(header["state"], unpack(body) if body else None, memory)
        return {}, json.dumps(found, allow_nan=False, separators=(",", ":")).encode()

    return answer


def _limit_memory() -> None:
    if sys.platform == "linux":
        import resource

        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        most = _MEMORY if hard == resource.RLIM_INFINITY else min(_MEMORY, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def _leave_with(parent: int) -> None:
    """End this process when its parent is gone, even in the middle of a computation."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
