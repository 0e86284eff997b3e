"""Random runs with momentum and mini-batches, held against the long double oracle."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

import relubias as rb
from tests.comparison import switches_of
from tests.oracles import varying_descent
from tests.problems import Case, random_case

__all__ = ["Varying", "check", "check_in_integers", "descend", "random_varying"]


@dataclass(frozen=True, slots=True, eq=False)
class Varying:
    """A case with its momentum and its batches."""

    case: Case
    momentum: float
    batches: list[NDArray[np.intp]] | None

    def __repr__(self) -> str:
        n = len(self.batches) if self.batches else 1
        return f"<{self.case.name}, momentum {self.momentum:g}, {n} batches>"

    def oracle(self, n_steps: int) -> varying_descent.LongRun:
        """Run long double."""
        return varying_descent.in_long_double(
            *self.case.arguments, momentum=self.momentum, batches=self.batches, n_steps=n_steps
        )


def random_varying(seed: int, *, kind: str | None = None, wild: bool = False) -> Varying:
    """Return a random instance; `kind` is "momentum", "batches" or "both", random if omitted.

    Wild ones take steps of up to sixty times the inverse of the largest eigenvalue.
    """
    rng = np.random.default_rng([seed, 77])
    case = random_case(seed, max_samples=8, max_step=0.9)
    if wild:
        case = replace(case, step_size=case.step_size * 10.0 ** rng.uniform(0.0, 1.8))
    kind = kind or str(rng.choice(["momentum", "batches", "both"]))
    momentum = float(rng.choice([0.3, 0.5, 0.9, 0.95])) if kind != "batches" else 0.0
    batches = None
    if kind != "momentum":
        n = case.labels.size
        cuts = np.sort(rng.choice(np.arange(1, n), int(rng.integers(1, n)), replace=False))
        batches = [np.sort(part) for part in np.split(rng.permutation(n), cuts)]
    return Varying(case, momentum, batches)


def descend(varying: Varying, **options: Any) -> rb.DescentTrajectory:
    """Run the package."""
    return rb.gradient_descent(
        varying.case.problem(),
        varying.case.start,
        step_size=varying.case.step_size,
        momentum=varying.momentum,
        batches=varying.batches,
        **options,
    )


def check(
    varying: Varying, trajectory: rb.DescentTrajectory, *, max_steps: int = 3000
) -> tuple[list[str], dict[str, int]]:
    """Compare switches, the last state and a certified limit; return failures and counts."""
    settled = trajectory.status is rb.Status.CERTIFIED and trajectory.tail is not rb.Tail.CHATTER
    horizon = 3 * trajectory.n_steps + 300 if settled else trajectory.n_steps
    if trajectory.undecided_from:
        horizon = min(horizon, trajectory.undecided_from - 1)
    horizon = min(horizon, max_steps)
    oracle = varying.oracle(horizon)
    ours = [s for s in switches_of(trajectory) if s[0] <= horizon]
    counts = {
        "steps": horizon,
        "switches": len(oracle.switches),
        f"status {trajectory.status}, tail {trajectory.tail}": 1,
        "undecided": int(bool(trajectory.undecided_from)),
        "identical": int(ours == oracle.switches),
    }
    failures = []
    if ours != oracle.switches:
        counts["long double had a doubtful sign, judged by integers"] = 1
        failures, _ = check_in_integers(varying, trajectory, max_steps=horizon)
        return failures, counts
    scale = varying.case.size
    if horizon == trajectory.n_steps and not settled and trajectory.tail is not rb.Tail.EXPLODED:
        error = float(np.abs(trajectory.limit.primal - oracle.primal).max())
        if not error <= 1e-9 * scale:
            failures.append(f"the last state is off by {error:.1e}")
    if settled:
        state = trajectory.at(horizon)
        error = float(np.abs(state.primal - oracle.primal).max())
        counts["states of settled runs"] = 1
        if not error <= 1e-11 * scale:
            failures.append(f"the state after {horizon} steps is off by {error:.1e}")
        error = float(np.abs(trajectory.at(2**50).primal - trajectory.limit.primal).max())
        if not error <= 1e-11 * scale:
            failures.append(f"the limit is {error:.1e} from the state after 2**50 steps")
    return failures, counts


def check_in_integers(
    varying: Varying, trajectory: rb.DescentTrajectory, *, max_steps: int = 600
) -> tuple[list[str], dict[str, int]]:
    """Compare every switch with big integers, which are right however errors grow."""
    settled = trajectory.status is rb.Status.CERTIFIED and trajectory.tail is not rb.Tail.CHATTER
    horizon = max_steps if settled else min(trajectory.n_steps, max_steps)
    if trajectory.undecided_from:
        horizon = min(horizon, trajectory.undecided_from - 1)
    switches, _, time = varying_descent.in_integers(
        *varying.case.arguments,
        momentum=varying.momentum,
        batches=varying.batches,
        n_steps=horizon,
    )
    ours = [s for s in switches_of(trajectory) if s[0] <= time]
    counts = {
        "steps": time,
        "switches": len(switches),
        f"status {trajectory.status}, tail {trajectory.tail}": 1,
        "undecided": int(bool(trajectory.undecided_from)),
        "identical": int(ours == switches),
    }
    if ours == switches:
        return [], counts
    other = set(ours) ^ set(switches)
    return [f"{len(other)} switches differ, the first is {min(other)}"], counts
