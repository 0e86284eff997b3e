"""Distances from the shortest network, as Theorems 4 and 6 measure them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from relubias.minnorm import MinimumNormStatus
from relubias.theory.lai2026._limits import limit_errors
from relubias.theory.setting import Setting
from relubias.theory.verdict import Role, Verdict

__all__ = ["concluded", "error_of_gap", "error_of_limit", "nothing_to_compare"]


def nothing_to_compare(setting: Setting) -> str:
    """Return why there are no two networks to compare; empty if there are."""
    if setting.has_gap:
        return ""
    run, best = setting.trajectory, setting.shortest
    return (
        f"The distance is not known: the run is {run.status}, the shortest network {best.status}."
    )


def error_of_gap(setting: Setting) -> float:
    """Return how far a distance in weight space may be off."""
    if setting.shortest.status is not MinimumNormStatus.OPTIMAL:
        return math.inf
    return setting.gap.rounding_error + error_of_limit(setting)


def error_of_limit(setting: Setting) -> float:
    """Return how far the limit may be off, in weight space."""
    error, dual_error = limit_errors(setting)
    return math.sqrt(setting.m * setting.n * error * dual_error / setting.trace)


def concluded(
    condition: str,
    margin: float,
    error: float,
    detail: str,
    constants: Mapping[str, float] | None = None,
    neuron: int = -1,
) -> Verdict:
    """Return a verdict; one about a number that is none is open."""
    is_known = not (math.isnan(margin) or math.isnan(error))
    return Verdict(
        condition=condition,
        role=Role.CONCLUSION,
        margin=margin,
        rounding_error=error if is_known else math.inf,
        neuron=neuron,
        constants=constants or {},
        detail=detail,
    )
