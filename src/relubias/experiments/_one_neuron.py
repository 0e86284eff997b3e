"""Single runs behind the figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import relubias as rb
from relubias._validate import Float
from relubias.sweep import Plan

__all__ = ["Case", "descend", "shown_case"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Case:
    """One run: a problem, a start, a step size, and what the row should say about it."""

    problem: rb.Problem
    start: Float
    step_size: float
    about: dict[str, Any]


def descend(cases: Sequence[Case], *, max_iter: int = 10_000_000) -> Any:
    """Run gradient descent on cases of one shape, all at once."""
    first = cases[0].problem
    return rb.gradient_descent_batch(
        np.stack([case.problem.gram for case in cases]),
        np.stack([case.problem.labels for case in cases]),
        first.signs,
        np.stack([case.start for case in cases]),
        step_size=np.array([case.step_size for case in cases]),
        max_iter=max_iter,
    )


def shown_case(plan: Plan, task: int, *, by_label: bool = False, **about: Any) -> Case:
    """Return one run of a plan to be drawn; `by_label` puts samples of large labels first."""
    case = plan.case(task)
    order = np.argsort(-case.labels, kind="stable") if by_label else np.arange(case.cell.n)
    return Case(
        problem=rb.Problem(case.gram[np.ix_(order, order)], case.labels[order], case.problem.signs),
        start=case.start[:, order],
        step_size=float(case.step_size or 0.0),
        about={"replicate": case.replicate, **about},
    )
