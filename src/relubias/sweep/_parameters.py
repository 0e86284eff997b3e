"""The parameters of tasks as columns: what was asked for, one value a row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from relubias.sweep._choices import DATA_VARIABLES, FIELDS, LAW_VARIABLES, Choice
from relubias.sweep._expressions import parse
from relubias.sweep.grid import Cell

if TYPE_CHECKING:
    from relubias.sweep.plan import Plan

__all__ = ["kinds_of", "row_of"]

_FIELDS = ("n", "d", "spectrum", "features", "labels", "signs", "start", "algorithm")
_MISSING = {"float64": math.nan, "string": ""}


def kinds_of(plan: Plan) -> dict[str, str]:
    """Return the column of every parameter of a plan, in order, and its type."""
    kinds: dict[str, str] = {}
    for field in _FIELDS:
        if field not in FIELDS:
            kinds[field] = "string" if field == "signs" else "int64"
            continue
        kinds[field] = "string"
        choices: Sequence[Choice] = getattr(plan, field)
        for option in dict.fromkeys(key for choice in choices for key, _ in choice.options):
            kinds[f"{field}_{option}"] = _kind_of(field, option, choices)
    for field in ("kappa", "eta"):
        values = getattr(plan, field)
        if values is not None:
            kinds[field] = "string" if any(map(_depends_on_data, values)) else "float64"
    return kinds | {"replicate": "int64"}


def _kind_of(field: str, option: str, choices: Sequence[Choice]) -> str:
    given = [choice for choice in choices if choice.get(option) is not None]
    kinds = {FIELDS[field][choice.name][option].kind for choice in given}
    if not kinds <= {"count", "real"} or any(_depends_on_data(c.get(option)) for c in given):
        return "string"
    return "int64" if kinds == {"count"} and len(given) == len(choices) else "float64"


def _depends_on_data(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    return not parse("", value, LAW_VARIABLES | DATA_VARIABLES).names.isdisjoint(DATA_VARIABLES)


def row_of(kinds: Mapping[str, str], cell: Cell, replicate: int) -> dict[str, Any]:
    """Return the parameters of one task, by column."""
    row: dict[str, Any] = {}
    for field in (*_FIELDS, "kappa", "eta"):
        value = getattr(cell, field)
        if isinstance(value, Choice):
            row[field] = value.name
            row |= {f"{field}_{key}": entry for key, entry in value.options}
        else:
            row[field] = value
    row["replicate"] = replicate
    return {name: _typed(row.get(name), kind) for name, kind in kinds.items()}


def _typed(value: Any, kind: str) -> Any:
    if value is None:
        return _MISSING[kind]
    if kind == "float64":
        return float(value)
    if kind == "string" and isinstance(value, tuple):
        return ", ".join(f"{entry:.12g} x {count}" for entry, count in value)  # pyright: ignore[reportUnknownVariableType]
    return str(value) if kind == "string" else value
