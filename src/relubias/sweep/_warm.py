"""Load compiled code before a clock starts, so that no task is charged for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relubias.sweep.plan import Plan

__all__ = ["warm_up"]

_LARGEST = 50
"""Samples; what is compiled depends on their number only below this."""


def warm_up(plan: Plan) -> Mapping[str, Any]:
    """Compute tiny tasks with the algorithms, signs and quantities of a plan; return their rows."""
    from relubias.sweep._compute import compute
    from relubias.sweep.plan import Plan

    named = [entry for entry in plan.measure if isinstance(entry, str) and ":" not in entry]
    sizes = sorted({4, min(min(plan.n), _LARGEST)})
    small = Plan(
        n=sizes,
        d="2*n",
        kappa=None if plan.eta is None and plan.kappa is None else 0.5,
        signs=plan.signs,
        algorithm=[replace(choice) for choice in plan.algorithm],
        measure=named or "loss",
    )
    return compute(small, range(small.n_tasks))
