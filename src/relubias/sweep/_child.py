"""A process that computes jobs for an engine and may die of them: ``python -m ... _child``.

It reads requests from standard input and writes answers to what was standard output, each as the
length of a JSON header, the length of an Arrow stream, and both. Nothing is unpickled.
"""

from __future__ import annotations

import importlib
import json
import os
import struct
import sys
import threading
import time
from collections.abc import Sequence
from functools import cache
from typing import IO, TYPE_CHECKING, Any

from relubias.sweep._processes import die_with, load_script
from relubias.sweep._warm import warm_up
from relubias.sweep.engine import Job, Outcome, attempt, described

if TYPE_CHECKING:
    from relubias.sweep.plan import Plan

__all__ = ["from_arrow", "main", "read_frame", "to_arrow", "versions", "write_frame"]

_LENGTHS = struct.Struct(">QQ")
_MATTER = ("relubias", "numpy", "scipy", "numba")
"""Packages whose version can change the bits of a row."""


def main(arguments: Sequence[str] = ()) -> None:
    """Answer requests until standard input ends or the parent is gone.

    Parameters
    ----------
    arguments : list of str
        ``--parent PID`` to be ended with that process, ``--script PATH`` for the user's script
        whose own functions are measured.
    """
    given = dict(zip(arguments[::2], arguments[1::2], strict=True))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a user's function prints is no answer
    requests = os.fdopen(os.dup(0), "rb")
    if "--parent" in given:
        die_with(int(given["--parent"]))
    threading.Thread(target=_leave_with, args=(os.getppid(),), daemon=True).start()
    importlib.import_module("relubias.sweep._compute")  # before any clock starts
    trouble = load_script(given["--script"]) if "--script" in given else ""
    write_frame(answers, {"versions": versions()})
    text, plan = "", None
    while (frame := read_frame(requests)) is not None:
        header, _ = frame
        if plan is None or header.get("plan", text) != text:
            text, plan = header.get("plan", text), None
            try:
                plan = _plan(text, is_timed=header.get("is_timed", False))
            except Exception as error:  # noqa: BLE001 - the driver says it
                write_frame(answers, {"is_unusable": True, "error": trouble or described(error)})
                continue
        if "chunk" in header:
            _answer(answers, attempt(plan, _job(header)))
        else:
            write_frame(answers, {"is_ready": True})


def _plan(text: str, *, is_timed: bool) -> Plan:
    from relubias.sweep._compute import schema
    from relubias.sweep.plan import Plan

    plan = Plan.from_toml(text)
    schema(plan)  # imports what it measures
    if is_timed:
        to_arrow(warm_up(plan))
    return plan


def _job(header: dict[str, Any]) -> Job:
    tasks = range(*header["range"]) if "range" in header else tuple(header["tasks"])
    return Job(chunk=header["chunk"], tasks=tasks)


def _answer(file: IO[bytes], outcome: Outcome) -> None:
    header = {
        "is_unusable": False,
        "failure": None if outcome.failure is None else str(outcome.failure),
        "error": outcome.error,
        "seconds": outcome.seconds,
    }
    body = b"" if outcome.columns is None else to_arrow(outcome.columns)
    write_frame(file, header, body)


def _leave_with(parent: int) -> None:
    """End this process when its parent is gone, even in the middle of a task."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


@cache
def versions() -> dict[str, str]:
    """Return the versions of what a row's bits may depend on."""
    from importlib.metadata import PackageNotFoundError, version

    found: dict[str, str] = {}
    for name in _MATTER:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # run from a source tree
            found[name] = "unknown"
    return found


def write_frame(file: IO[bytes], header: dict[str, Any], body: bytes = b"") -> None:
    """Write one message."""
    text = json.dumps(header).encode()
    file.write(_LENGTHS.pack(len(text), len(body)))
    file.write(text)
    file.write(body)
    file.flush()


def read_frame(file: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """Return the next message; None where the other side ended."""
    lengths = file.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    n_header, n_body = _LENGTHS.unpack(lengths)
    text, body = file.read(n_header), file.read(n_body)
    return (json.loads(text), body) if len(text) + len(body) == n_header + n_body else None


def to_arrow(columns: Any) -> bytes:
    """Return columns as an Arrow stream."""
    pa: Any = importlib.import_module("pyarrow")
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def from_arrow(body: bytes) -> dict[str, Any]:
    """Return the columns of an Arrow stream as arrays."""
    pa: Any = importlib.import_module("pyarrow")
    table = pa.ipc.open_stream(body).read_all()
    names: list[str] = table.column_names
    return {name: table.column(name).to_numpy() for name in names}


if __name__ == "__main__":
    main(sys.argv[1:])
