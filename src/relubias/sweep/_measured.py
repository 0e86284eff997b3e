"""What a plan measures: checked, and as the measures that compute it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import Any

from relubias._files import short
from relubias._validate import fail, shown
from relubias.sweep._choices import as_list, suggestion
from relubias.sweep._verdicts import (
    PREFIX,
    kinds_of_verdicts,
    require_condition,
    verdict_columns,
)
from relubias.sweep.measures import BOTH, DESCENT, MEASURES, Measure
from relubias.sweep.own_measures import own_measure

__all__ = ["as_measures", "chunk_size", "measures_of", "require_supported"]

_REFERENCE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", re.ASCII)

Asked = Sequence[str | Callable[..., Any]]


def as_measures(value: Any) -> tuple[str | Callable[..., Any], ...]:
    """Return what a plan measures, checked."""
    entries = [value] if callable(value) else as_list("measure", value)
    if not entries:
        raise fail("measure", "is empty", "name at least one quantity")
    checked: list[str | Callable[..., Any]] = []
    for entry in entries:
        if callable(entry):
            name = f"{entry.__module__}:{getattr(entry, '__qualname__', '<none>')}"
            if not _REFERENCE.fullmatch(name):
                got = f"{short(name.partition(':')[2])} has no name that workers could import it by"
                raise fail("measure", got, "define it with def at the top level of a module")
        elif not isinstance(entry, str):
            raise fail("measure", f"is {shown(entry)}", "pass names of quantities, or functions")
        elif entry.startswith(PREFIX):
            require_condition(entry)
        elif ":" in entry and not _REFERENCE.fullmatch(entry):
            raise fail("measure", f"is {shown(entry)}", "write a function as 'module:name'")
        elif ":" not in entry and entry not in MEASURES:
            raise fail("measure", f"is {shown(entry)}", suggestion(entry, MEASURES))
        if entry in checked:
            raise fail("measure", f"names {shown(entry)} twice", "name it once")
        checked.append(entry)
    return tuple(checked)


def require_supported(measured: Asked, algorithms: Collection[str]) -> None:
    """Refuse quantities that mean nothing for one of the algorithms."""
    for entry in measured:
        supported = BOTH
        if isinstance(entry, str):
            is_verdict = entry.startswith(PREFIX)
            supported = DESCENT if is_verdict else getattr(MEASURES.get(entry), "algorithms", BOTH)
        missing = set(algorithms) - supported
        if missing:
            got = f"names {shown(entry)}, which a {missing.pop()} does not have"
            raise fail("measure", got, "drop it, or make two plans")


def measures_of(measured: Asked) -> list[Measure]:
    """Return how everything is computed; imports the functions that are named by module."""
    verdicts = [e for e in measured if isinstance(e, str) and e.startswith(PREFIX)]
    found = [
        MEASURES[entry] if isinstance(entry, str) and entry in MEASURES else own_measure(entry)
        for entry in measured
        if entry not in verdicts
    ]
    if verdicts:
        conditions = [entry.removeprefix(PREFIX) for entry in verdicts]
        found.append(
            Measure(
                about="verdicts of the theory",
                kinds=kinds_of_verdicts(conditions),
                compute=lambda batch: verdict_columns(conditions, batch.with_starts),
                algorithms=DESCENT,
            )
        )
    return found


def chunk_size(shape: tuple[Any, ...], measured: Asked) -> int:
    """Return how many tasks make a chunk of about a second; a rule, the same on any machine."""
    n, signs, algorithm = shape
    size = min(2000, 200_000_000 // n**3)
    if algorithm.name == "flow":
        size //= 10
    names = {entry for entry in measured if isinstance(entry, str)}
    if len(signs) > 1 and any("gap" in name or "minimum" in name for name in names):
        size //= 20
    return max(size, 1)
