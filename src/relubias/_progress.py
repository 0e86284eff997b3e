"""Progress of long work: a bar on a terminal, a plain line every 30 s elsewhere, or a callable."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from relubias.errors import InvalidInputError

__all__ = ["Progress", "Report", "duration", "reporting"]

Progress = bool | Callable[[float, str], Any]
"""``False``, ``True``, or a callable that takes the fraction done and a sentence."""

Report = Callable[[float, str], Any]

_PLAIN_LINE_EVERY = 30.0  # seconds


@contextmanager
def reporting(progress: Progress, title: str) -> Generator[Report]:
    """Yield ``report(fraction, message)`` for the kind of progress that was asked for."""
    if callable(progress):
        yield progress
    elif progress is False:
        yield _silent
    elif progress is not True:
        raise InvalidInputError(
            f"progress: is a {type(progress).__name__}; "
            "pass True, False or a callable (fraction, message)"
        )
    elif sys.stderr.isatty():
        with _bar(title) as report:
            yield report
    else:
        yield _plain_lines(title)


def _silent(fraction: float, message: str) -> None:
    del fraction, message


@contextmanager
def _bar(title: str) -> Generator[Report]:
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[message]}"),
    )
    with RichProgress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=1.0, message="")

        def report(fraction: float, message: str) -> None:
            bar.update(task, completed=fraction, message=message)

        yield report


def _plain_lines(title: str) -> Report:
    last = time.monotonic()
    has_spoken = False  # quick work stays silent, long work says that it is done

    def report(fraction: float, message: str) -> None:
        nonlocal last, has_spoken
        now = time.monotonic()
        if now - last >= _PLAIN_LINE_EVERY or (has_spoken and fraction >= 1.0):
            last, has_spoken = now, True
            sys.stderr.write(f"{title}: {fraction:.0%} {message}\n")
            sys.stderr.flush()

    return report


def duration(seconds: float) -> str:
    """Return a time as people say it."""
    for unit, size in (("days", 86400.0), ("hours", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
