"""Verdicts that are made of several parts, and those that a run has shown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from relubias._validate import Float
from relubias.theory.lai2026._one import zero_label
from relubias.theory.setting import Setting
from relubias.theory.verdict import Role, Verdict

__all__ = ["Part", "conjunction", "ratio", "smallest", "unusable", "watched", "weakest"]

_RANGE = 1e120
"""Labels and step sizes in natural units are to lie between this and its inverse."""


class Part(NamedTuple):
    """A signed margin, its error, and where it was read (-1 for what does not apply)."""

    margin: float
    error: float = 0.0
    neuron: int = -1
    sample: int = -1


def smallest(margins: Float, error: float = 0.0) -> Part:
    """Return the smallest of margins of shape (n_neurons, n_samples); infinite if there is none."""
    if margins.size == 0:
        return Part(math.inf)
    k, i = np.unravel_index(int(margins.argmin()), margins.shape)
    least = float(margins[k, i])
    return Part(math.inf) if math.isinf(least) and least > 0 else Part(least, error, int(k), int(i))


def weakest(parts: Sequence[Part]) -> Part:
    """Return the part that decides whether all hold: one that surely fails, if there is one."""
    failing = [part for part in parts if part.margin + part.error < 0 or part[:2] == (0.0, 0.0)]
    if failing:
        return min(failing, key=lambda part: part.margin + part.error)
    unknown = [part for part in parts if math.isnan(part.margin)]
    if unknown:
        return unknown[0]
    return min(parts, key=lambda part: part.margin - part.error)


def conjunction(
    condition: str,
    role: Role,
    parts: Sequence[Part],
    detail: str,
    constants: Mapping[str, float] | None = None,
) -> Verdict:
    """Return the verdict of all parts together."""
    margin, error, neuron, sample = weakest(parts)
    return Verdict(
        condition=condition,
        role=role,
        margin=margin,
        rounding_error=error,
        neuron=neuron,
        sample=sample,
        constants=constants or {},
        detail=detail,
    )


def ratio(above: float, below: float) -> float:
    """Return a quotient; nan where it is none."""
    return above / below if below > 0.0 else math.nan


def unusable(setting: Setting) -> str:
    """Return why nothing can be said about this data in natural units; empty if it can."""
    reason = zero_label(setting)
    if reason:
        return reason
    sizes = {"y_min": setting.y_min, "y_max": setting.y_max, "L": setting.trace}
    if setting.has_run:
        sizes |= {"kappa": setting.kappa, "kappa y_min": setting.kappa * setting.y_min}
    for name, size in sizes.items():
        if not 1.0 / _RANGE <= size <= _RANGE:
            return f"cannot be evaluated in floating point: {name} is {size:.3g}"
    return ""


def watched(setting: Setting, *conditions: str) -> list[Verdict]:
    """Return what the run shows of invariants that were watched along it."""
    _ = setting.trajectory
    return [setting.monitor.verdict(condition) for condition in conditions]
