"""What several statements ask of step size and run."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.dynamics import Status, Tail
from relubias.theory.monitor import Invariant
from relubias.theory.setting import EPS, Setting
from relubias.theory.step import Step
from relubias.theory.verdict import Place, Role, Verdict

__all__ = ["step_at", "step_size_lower", "step_size_upper", "watched"]

_MOST_REPLAYS = 20
"""Late switches that are looked at again."""


def step_size_upper(setting: Setting, condition: str) -> Verdict:
    """Return whether the step size is at most ``1 / (C_g L)``."""
    Cg, kappa = setting.condition, setting.kappa
    return Verdict(
        condition=condition,
        role=Role.HYPOTHESIS,
        margin=1.0 - kappa * Cg.value,
        rounding_error=kappa * (Cg.error + 4.0 * EPS * Cg.value) if Cg.value < math.inf else 0.0,
        detail=(
            f"kappa = {kappa:.4g} is to be at most 1 / C_g = {1.0 / Cg.value:.4g} "
            "(margin: 1 - kappa C_g)."
        ),
    )


def step_size_lower(setting: Setting, condition: str, constant: float) -> Verdict:
    """Return whether the step size is at least ``1 / (constant C_g L)``."""
    Cg, kappa = setting.condition, setting.kappa
    least = 1.0 / (constant * Cg.value)
    error = least / kappa * (Cg.error / Cg.value + 4.0 * EPS) if Cg.value < math.inf else 0.0
    return Verdict(
        condition=condition,
        role=Role.HYPOTHESIS,
        margin=1.0 - least / kappa,
        rounding_error=error,
        constants={"step_size": constant},
        detail=(
            f"kappa = {kappa:.4g} is to be at least 1 / (step_size C_g) = {least:.4g} "
            "(margin: 1 - that over kappa)."
        ),
    )


def watched(
    setting: Setting,
    invariant: Invariant,
    contradicts: Callable[[NDArray[np.void]], NDArray[np.bool_]] | None = None,
) -> Verdict:
    """Return what the run shows of an invariant, late switches included.

    Beyond the dense steps the monitor looks at pairs of neighbours only. The run knows all its
    switches, so the steps of those that may contradict the claim are looked at again.

    Parameters
    ----------
    setting : Setting
    invariant : Invariant
    contradicts : callable, optional
        Which of an array of switches may violate the claim; none if omitted.
    """
    run = setting.trajectory
    verdict = setting.monitor.verdict(invariant.condition)
    if contradicts is None:
        return verdict
    first = verdict.first_violation
    horizon = first.step if first is not None else math.inf
    late = run.switches[run.switches["time"] > setting.monitor.n_dense]
    times = np.unique(late["time"][contradicts(late)])
    times = times[times < horizon]
    for time in times[:_MOST_REPLAYS]:
        margins = invariant.margin(step_at(setting, int(time)))
        if margins.size and float(margins.min()) <= 0.0:
            return _violated(verdict, invariant, int(time), margins)
    is_open = times.size > _MOST_REPLAYS or run.switches_truncated or run.undecided_from > 0
    is_open |= run.status is Status.CERTIFIED and run.tail is not Tail.SETTLED
    if verdict.margin > 0.0 and is_open:
        detail = verdict.detail + " Some late steps at which samples switch were not looked at."
        return dataclasses.replace(verdict, rounding_error=_unknown(verdict), detail=detail)
    return verdict


def _unknown(verdict: Verdict) -> float:
    return verdict.rounding_error if math.isinf(verdict.margin) else math.inf


def _violated(verdict: Verdict, invariant: Invariant, time: int, margins: Float) -> Verdict:
    """Return the verdict with an earlier violation than the monitor saw."""
    least = int(margins.argmin())
    neuron = -1 if invariant.neurons is None else int(invariant.neurons[least])
    sample = -1 if invariant.samples is None else int(invariant.samples[least])
    changes: dict[str, object] = {"first_violation": Place(time, neuron, sample)}
    if float(margins[least]) < verdict.margin:
        changes |= {
            "margin": float(margins[least]), "rounding_error": invariant.rounding_error,
            "step": time, "neuron": neuron, "sample": sample,
        }  # fmt: skip
    return dataclasses.replace(verdict, **changes)  # pyright: ignore[reportArgumentType]


def step_at(setting: Setting, time: int) -> Step:
    """Return a step of the run, computed again, with the one before it."""
    problem, run = setting.problem, setting.trajectory

    def read(moment: int, previous: Step | None) -> Step:
        state = run.at(moment)
        residual = problem.signs @ np.maximum(state.primal, 0.0) - problem.labels
        return Step(moment, state.primal, state.dual, residual, previous)

    return read(time, read(time - 1, None) if time > 0 else None)
