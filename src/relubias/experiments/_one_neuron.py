"""Runs of one positive neuron from positive predictions, and how far from minimum norm they end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import relubias as rb
from relubias._validate import Float
from relubias.experiments._law import gap_law

__all__ = ["Case", "descend", "gap_rows", "shortest"]


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


def shortest(cases: Sequence[Case]) -> dict[int, Any]:
    """Return the minimum norm of every distinct problem, by its identity."""
    problems = {id(case.problem): case.problem for case in cases}
    return {key: rb.minimum_norm(problem) for key, problem in problems.items()}


def gap_rows(
    cases: Sequence[Case], *, trace: float, max_iter: int = 10_000_000
) -> list[dict[str, Any]]:
    """Return one row per case: the gap, the law, both norms, and when the pattern last moved."""
    batch = descend(cases, max_iter=max_iter)
    rows: list[dict[str, Any]] = []
    solutions = shortest(cases)
    for b, case in enumerate(cases):
        problem, y = case.problem, case.problem.labels
        gap = rb.bias_gap(problem, batch.dual[b], solutions[id(problem)])
        kappa = case.step_size * trace
        initial = (case.start @ problem.gram)[0]
        positive, negative = float(np.linalg.norm(y[y > 0])), float(np.linalg.norm(y[y < 0]))
        active = batch.primal[b, 0] > 0
        rows.append(
            case.about
            | {
                "kappa": kappa,
                "trace": trace,
                "status": str(batch.status[b]),
                "gap": gap.distance,
                "law": gap_law(kappa, y, initial, trace),
                "norm_limit": gap.first_norm,
                "norm_shortest": gap.second_norm,
                "norm_positive": positive,
                "norm_negative": negative,
                "last_switch": int(batch.last_switch[b]),
                "n_steps": int(batch.n_steps[b]),
                "one_step": bool(batch.last_switch[b] <= 1 and (active == (y > 0)).all()),
            }
        )
    return rows
