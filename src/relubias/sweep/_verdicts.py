"""Verdicts of the theory as columns of a sweep."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from relubias._validate import fail, shown
from relubias.sweep._choices import suggestion
from relubias.sweep._laws import feature_law
from relubias.sweep.case import Case

if TYPE_CHECKING:
    from relubias.theory import Statement, Verdict

__all__ = ["PREFIX", "kinds_of_verdicts", "require_condition", "verdict_columns"]

PREFIX = "verdict:"
"""Of the measures that are verdicts, such as ``verdict:lai2026.theorem1``."""

_ANSWERS = {True: "holds", False: "fails", None: "undecided"}


def _statements() -> dict[str, type[Statement]]:
    from relubias.theory import lai2026

    return {statement.name: statement for statement in lai2026.STATEMENTS}


def _statement_of(condition: str) -> str | None:
    """Return the statement that a condition belongs to."""
    known = _statements()
    named = [name for name in known if condition == name or condition.startswith(f"{name}.")]
    return named[0] if named else None


def require_condition(measure: str) -> None:
    """Refuse the condition of no statement."""
    condition = measure.removeprefix(PREFIX)
    if _statement_of(condition) is None:
        got = f"names the condition {shown(condition)} of no statement"
        raise fail("measure", got, suggestion(condition, _statements()))


def kinds_of_verdicts(conditions: Sequence[str]) -> dict[str, str]:
    """Return the columns of conditions and their types."""
    kinds: dict[str, str] = {}
    for condition in conditions:
        kinds |= {f"{condition}.margin": "float64", f"{condition}.holds": "string"}
    return kinds


def verdict_columns(conditions: Sequence[str], cases: Sequence[Case]) -> Mapping[str, NDArray[Any]]:
    """Check conditions on tasks: one run a task, whatever the number of conditions."""
    found = [_verdicts(conditions, case) for case in cases]
    columns: dict[str, NDArray[Any]] = {}
    for condition in conditions:
        verdicts = [verdicts.get(condition) for verdicts in found]
        columns[f"{condition}.margin"] = np.array(
            [math.nan if verdict is None else verdict.margin for verdict in verdicts]
        )
        columns[f"{condition}.holds"] = np.array(
            ["" if verdict is None else _ANSWERS[verdict.holds] for verdict in verdicts]
        )
    return columns


def _verdicts(conditions: Sequence[str], case: Case) -> dict[str, Verdict]:
    from relubias.theory import Setting
    from relubias.theory.statement import evaluate

    cell = case.cell
    setting = Setting(
        case.problem,
        case.start,
        step_size=case.step_size,
        spectrum=feature_law(cell.features.name, cell.spectrum, cell.d),
        trace=cell.trace,
        max_iter=cell.algorithm.get("max_iter"),
        tol=cell.algorithm.get("tol"),
        shortest=case.__dict__.get("minimum_norm"),
        time_limit=None,
    )
    known = _statements()
    names = dict.fromkeys(_statement_of(condition) for condition in conditions)
    statements = [known[name]() for name in names if name is not None]
    return {verdict.condition: verdict for verdict in evaluate(statements, setting)}
