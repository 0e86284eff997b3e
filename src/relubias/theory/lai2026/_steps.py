"""What several statements ask of step size and run."""

from __future__ import annotations

import dataclasses
import math
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from relubias.dynamics import Status, Tail, gradient_descent
from relubias.theory.monitor import Invariant
from relubias.theory.setting import EPS, Setting
from relubias.theory.step import Step
from relubias.theory.verdict import Place, Role, Verdict

__all__ = ["step_size_lower", "step_size_upper", "watched"]

_MOST_LATE = 1000
"""Late steps at which samples switch that are looked at again."""

_LATE: WeakKeyDictionary[Setting, dict[int, Step]] = WeakKeyDictionary()


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
        constants={"step_constant": constant},
        detail=(
            f"kappa = {kappa:.4g} is to be at least 1 / ({constant:g} C_g) = {least:.4g} "
            "(margin: 1 - that over kappa)."
        ),
    )


def watched(setting: Setting, invariant: Invariant, modes: tuple[int, ...] = ()) -> Verdict:
    """Return what the run shows of an invariant, late switches included.

    Beyond the dense steps the monitor looks at pairs of neighbours only. The run knows all its
    switches, so the steps of those that may contradict the claim are looked at again.

    Parameters
    ----------
    setting : Setting
    invariant : Invariant
    modes : tuple of int
        Switches that may violate the claim, where it is about the sample: +1 (on), -1 (off).
    """
    run = setting.trajectory
    verdict = setting.monitor.verdict(invariant.condition)
    first = verdict.first_violation
    times = _contradicting(setting, invariant, modes)
    times = times[times < (first.step if first is not None else math.inf)]
    late = _late_steps(setting) if times.size else {}
    for time in times:
        if int(time) in late:
            verdict = _with_look(verdict, invariant, late[int(time)])
        if verdict.first_violation is not first:
            break  # the earliest; what follows was seen, or is as late
    is_open = any(int(time) not in late for time in times)
    is_open |= bool(modes) and (run.switches_truncated or run.undecided_from > 0)
    is_open |= bool(modes) and run.status is Status.CERTIFIED and run.tail is not Tail.SETTLED
    if 0.0 < verdict.margin < math.inf and is_open:
        detail = f"{verdict.detail} Some late steps at which samples switch were not looked at."
        return dataclasses.replace(verdict, rounding_error=math.inf, detail=detail)
    return verdict


def _contradicting(
    setting: Setting, invariant: Invariant, modes: tuple[int, ...]
) -> NDArray[np.intp]:
    """Return the late steps at which a sample that the claim is about switches that way."""
    neurons, samples = invariant.neurons, invariant.samples
    if not modes or neurons is None or samples is None:
        return np.empty(0, np.intp)
    switches = setting.trajectory.switches
    about = np.zeros((setting.m, setting.n), np.bool_)
    about[neurons, samples] = True
    late = switches[switches["time"] > setting.monitor.n_dense]
    kept = np.isin(late["mode"], modes) & about[late["neuron"], late["sample"]]
    return np.unique(late["time"][kept]).astype(np.intp)


def _with_look(verdict: Verdict, invariant: Invariant, step: Step) -> Verdict:
    """Return the verdict after one more look, at a step before any violation that was seen."""
    margins = invariant.margin(step)
    least = int(margins.argmin()) if margins.size else -1
    margin = float(margins[least]) if margins.size else math.inf
    if margin >= verdict.margin and margin > 0.0:
        return verdict
    neuron = -1 if invariant.neurons is None else int(invariant.neurons[least])
    sample = -1 if invariant.samples is None else int(invariant.samples[least])
    place = Place(step.time, neuron, sample)
    if margin < verdict.margin:
        verdict = dataclasses.replace(
            verdict, margin=margin, rounding_error=invariant.rounding_error,
            step=step.time, neuron=neuron, sample=sample,
        )  # fmt: skip
    return verdict if margin > 0.0 else dataclasses.replace(verdict, first_violation=place)


def _late_steps(setting: Setting) -> dict[int, Step]:
    """Return the first late steps at which samples switch, from one more run."""
    if setting not in _LATE:
        problem, run = setting.problem, setting.trajectory
        times = np.unique(run.switches["time"])
        times = times[times > setting.monitor.n_dense][:_MOST_LATE]
        again = gradient_descent(
            problem, setting.start, step_size=setting.step_size, max_iter=setting.max_iter,
            tol=setting.tol, record=np.unique(np.concatenate((times - 1, times))),
        ).records  # fmt: skip
        seen: dict[int, Step] = {}
        for time, primal, dual in zip(again.time, again.primal, again.dual, strict=True):
            residual = problem.signs @ np.maximum(primal, 0.0) - problem.labels
            seen[int(time)] = Step(int(time), primal, dual, residual, seen.get(int(time) - 1))
        _LATE[setting] = {int(time): seen[int(time)] for time in times if int(time) in seen}
    return _LATE[setting]
