"""Single runs behind the figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import relubias as rb
from relubias._validate import Float

__all__ = ["Case", "descend"]


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
