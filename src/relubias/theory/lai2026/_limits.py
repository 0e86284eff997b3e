"""What Theorems 3 and 5 conclude: the pattern from the first step on, and the limit."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

import numpy as np

from relubias.dynamics import DescentTrajectory, Status
from relubias.theory._rounded import Rounded
from relubias.theory.lai2026._one_active_neuron import first_step
from relubias.theory.lai2026._parts import Part, conjunction, smallest, watched, weakest
from relubias.theory.lai2026._shares import Shares
from relubias.theory.lai2026._weights import within
from relubias.theory.monitor import Invariant
from relubias.theory.setting import Setting
from relubias.theory.verdict import Role, Verdict

__all__ = ["conclusions", "limit_errors", "pattern_of", "positive_start"]


def pattern_of(shares: Shares, name: str) -> Invariant:
    """Return the claim that from the first step on every neuron is active on its samples alone."""
    return shares.pattern(
        name,
        "From the first step on every neuron is active on its own samples alone (margin: distance "
        "of predictions from the wrong side of zero, in units of kappa y_min).",
    )


def positive_start(setting: Setting, unit: float) -> Part:
    """Return whether every sample starts active on every neuron; infinite if surely so."""
    part = smallest(setting.initial / unit, setting.initial_error / unit)
    return part if part.margin <= part.error else Part(math.inf)


def conclusions(setting: Setting, shares: Shares, name: str, tolerance: float) -> list[Verdict]:
    """Return the verdict on the limit alone, and that on pattern and limit."""
    run = setting.trajectory
    seen = watched(setting, name)[0]
    parts = _limit_parts(setting, shares, tolerance)
    constants: Mapping[str, float] = {"tolerance": tolerance}
    limit = conjunction(f"{name}.limit", Role.CONCLUSION, parts, "", constants)
    limit = dataclasses.replace(limit, detail=f"{_said_of_limit(limit)}; {_ended(run)}.")
    whole = dataclasses.replace(seen, role=Role.CONCLUSION, constants=constants)
    if seen.holds is not False:
        worst = weakest([Part(seen.margin, seen.rounding_error, seen.neuron, seen.sample), *parts])
        if worst[:2] != (seen.margin, seen.rounding_error):
            whole = dataclasses.replace(limit, condition=name, first_violation=seen.first_violation)
    said = _said_of_pattern(seen)
    if seen.holds is not False:
        said += f". {_said_of_limit(limit)}"
    return [limit, dataclasses.replace(whole, detail=f"{said}; {_ended(run)}.")]


def _said_of_pattern(seen: Verdict) -> str:
    if seen.holds is None:
        return "It is not known whether every neuron stays active on its own samples alone"
    if seen.holds:
        return "From the first step on every neuron is active on its own samples alone"
    return (
        f"A neuron is active on another's sample, or inactive on its own (first at "
        f"{seen.first_violation}; worst at {seen.place}, {-seen.margin:.4g} kappa y_min on the "
        "wrong side of zero)"
    )


def _said_of_limit(limit: Verdict) -> str:
    if limit.holds is None:
        return "The limit is not known well enough"
    projection = "the projection of its weights after the first step on those that fit its samples"
    if limit.holds:
        return f"Each neuron's limit is {projection}, and is inactive on all others"
    return (
        f"The limit of neuron {limit.neuron} is not {projection}, inactive on all others: sample "
        f"{limit.sample} shows it"
    )


def _ended(run: DescentTrajectory) -> str:
    """Return how a run ended, for people."""
    return f"the run is {run.status}, its last switch at step {run.last_switch}"


def limit_errors(setting: Setting) -> tuple[float, float]:
    """Return how far the limit's primal values, and L times its duals, may be off."""
    certificate = setting.trajectory.certificate
    radius = math.inf if certificate is None else certificate.radius
    if not radius > 0.0:
        return setting.state_error, setting.state_error
    # a dual is known as well as the primal values, up to the inverse of the Gram matrix
    smallest_mu = max(float(setting.eigenvalues[0]), setting.eigenvalue_error)
    stretch = math.sqrt(setting.n) / smallest_mu
    return setting.state_error + radius, setting.state_error + radius * stretch


def _limit_parts(setting: Setting, shares: Shares, tolerance: float) -> list[Part]:
    """Return how well the limit is the one of the theorem; open without a certificate."""
    run = setting.trajectory
    if run.status is not Status.CERTIFIED:
        return [Part(0.0, math.inf)]
    error, dual_error = limit_errors(setting)
    _, scaled_dual = first_step(setting)
    moved = np.abs(setting.trace * run.limit.dual - scaled_dual)
    missed = np.abs(run.limit.primal - shares.target)
    distance = np.where(shares.own, missed, moved) / setting.y_max
    k, i = np.unravel_index(int(distance.argmax()), distance.shape)
    away = Rounded(float(distance[k, i]), max(error, dual_error) / setting.y_max)
    near = within(away, tolerance)
    side = np.where(shares.own, math.inf, -run.limit.primal / shares.unit)
    return [
        Part(near.value, near.error, int(k), int(i)),
        smallest(side, error / shares.unit),
    ]
