"""Hold a trajectory against the big-integer oracle: every switch, every state, the limit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.oracles import fixed_point
from tests.problems import Case
from tests.tolerances import LIMIT

__all__ = ["Comparison", "compare", "switches_of"]


@dataclass(slots=True)
class Comparison:
    """Outcome of one comparison.

    ``failures`` are wrong answers. ``horizon`` is the time up to which the two sequences were
    compared, ``is_complete`` says that both sides claim there is nothing behind it.
    ``depth`` is the oracle's ``abs(u)`` at the first sign the trajectory has wrong, over the
    problem's scale.
    """

    run: fixed_point.Run
    failures: list[str] = field(default_factory=list)
    horizon: int = 0
    is_complete: bool = False
    n_switches: int = 0
    depth: float | None = None


def is_certified(trajectory: Any) -> bool:
    """Whether the trajectory claims that no switch ever follows."""
    return str(trajectory.status) == "CERTIFIED" and str(trajectory.tail) != "CHATTER"


def switches_of(trajectory: Any) -> list[tuple[int, int, int, int]]:
    """Return the trajectory's switches as plain tuples."""
    names = ("time", "neuron", "sample", "mode")
    return list(zip(*(trajectory.switches[name].tolist() for name in names), strict=True))


def compare(
    case: Case,
    trajectory: Any,
    *,
    max_steps: int = 20_000,
    bits: int = 384,
    limit_tolerance: float = LIMIT,
) -> Comparison:
    """Run the oracle as far as the trajectory went (or as `max_steps` allow) and compare."""
    certified = is_certified(trajectory)
    max_time = 2**60 if certified else int(trajectory.n_steps)
    if trajectory.undecided_from:  # it says that it does not know what follows
        max_time = min(max_time, trajectory.undecided_from - 1)
    run = fixed_point.simulate(*case.arguments, max_steps=max_steps, max_time=max_time, bits=bits)
    while run.undecided and bits < 6_000:  # more bits are slow: do not follow for long
        bits, max_steps = 4 * bits, min(max_steps, 4000)
        run = fixed_point.simulate(
            *case.arguments, max_steps=max_steps, max_time=max_time, bits=bits
        )
    result = Comparison(run)
    reach = run.n_steps - bool(run.undecided)
    result.horizon = max_time if run.is_terminal else min(reach, max_time)
    result.is_complete = certified and run.is_terminal
    _compare_switches(case, trajectory, result, bits)
    _compare_summary(trajectory, result)
    if result.is_complete:
        _compare_limits(case, trajectory, result, limit_tolerance)
    elif not certified and run.n_steps == trajectory.n_steps and not run.is_terminal:
        _compare_states(case, trajectory, result, limit_tolerance)
    return result


def _compare_switches(case: Case, trajectory: Any, result: Comparison, bits: int) -> None:
    ours = [s for s in switches_of(trajectory) if s[0] <= result.horizon]
    exact = [s for s in result.run.switches if s[0] <= result.horizon]
    result.n_switches = len(exact)
    if ours == exact:
        return
    k = next(
        (k for k, (a, b) in enumerate(zip(ours, exact, strict=False)) if a != b),
        min(len(ours), len(exact)),
    )
    mine = ours[k] if k < len(ours) else None
    right = exact[k] if k < len(exact) else None
    wrong = min((s for s in (mine, right) if s is not None), key=lambda s: s[:3])
    state = fixed_point.simulate(
        *case.arguments, max_steps=10**6, max_time=wrong[0], record=[wrong[0]], bits=bits
    ).records.get(wrong[0])
    depth = abs(float(state[0][wrong[1], wrong[2]])) / case.size if state else float("nan")
    result.depth = depth
    result.failures.append(
        f"switch {k} is {mine}, exactly {right}; abs(u) there is {depth:.2e} of the scale"
    )


def _compare_summary(trajectory: Any, result: Comparison) -> None:
    ours = switches_of(trajectory)
    if trajectory.undecided_from and is_certified(trajectory):
        result.failures.append("certified after an undecided sign")
    if not trajectory.undecided_from and trajectory.n_switches != len(ours):
        result.failures.append(f"n_switches is {trajectory.n_switches}, the array has {len(ours)}")
    last = ours[-1][0] if ours else 0
    if not trajectory.undecided_from and trajectory.last_switch != last:
        result.failures.append(f"last_switch is {trajectory.last_switch}, in the array {last}")
    if ours != sorted(ours):
        result.failures.append("switches are not ordered by time, neuron, sample")
    if trajectory.last_switch > trajectory.n_steps:
        result.failures.append(f"last_switch {trajectory.last_switch} > n_steps")


def _compare_limits(
    case: Case, trajectory: Any, result: Comparison, limit_tolerance: float
) -> None:
    exact = result.run.limit_primal
    assert exact is not None
    allowed = limit_tolerance * (float(np.abs(case.labels).max()) or case.size)
    error = float(np.abs(trajectory.limit.primal - exact).max())
    if not error <= allowed:
        result.failures.append(f"limit.primal is off by {error:.2e}, {allowed:.2e} allowed")
    error = float(np.abs(trajectory.limit.dual @ case.gram - exact).max())
    if not error <= 2 * allowed:
        result.failures.append(f"limit.dual @ gram is off by {error:.2e}")
    r = case.signs @ np.maximum(exact, 0) - case.labels
    loss = 0.5 * float(r @ r)
    tolerance = (1e-9 * loss) + allowed**2
    if not abs(trajectory.loss - loss) <= tolerance:
        result.failures.append(f"loss is {trajectory.loss!r}, exactly {loss!r}")


def _compare_states(
    case: Case, trajectory: Any, result: Comparison, limit_tolerance: float
) -> None:
    """Compare the last state of a run that ended without a certificate."""
    if str(trajectory.status) == "DIVERGED" or result.failures:
        return
    error = float(np.abs(trajectory.limit.primal - result.run.primal).max())
    if not error <= 1e3 * limit_tolerance * case.size:
        result.failures.append(f"the last state is off by {error:.2e}")
