"""One gradient flow against the long double oracle: states, switches, and the limit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import numpy as np

from tests.oracles import filippov
from tests.problems import Case

__all__ = ["Comparison", "compare_flow"]

TIMED = 1e-11  # relative force below which double precision can't time an event


@dataclass(slots=True)
class Comparison:
    """What was compared, the largest errors relative to the scale, and what differs."""

    path: filippov.FlowPath
    n_switches: int = 0
    state_error: float = 0.0
    limit_error: float = 0.0
    time_error: float = 0.0
    failures: list[str] = field(default_factory=list)


def compare_flow(
    case: Case,
    trajectory: Any,
    *,
    n_times: int = 12,
    tol: float = 1e-9,
    at_zero: str = "closed",
    extra_times: Sequence[float] = (),
    blur: dict[tuple[int, int], float] | None = None,
) -> Comparison:
    """Compare at geometric times from the fastest scale to ten of the slowest, and at the end.

    Times of switches may differ by `tol` of the time passed, plus what the rounding of a force
    that has nearly died out allows; those of the pairs in `blur` by 1e-12 and the time given.
    """
    eigenvalues = np.linalg.eigvalsh(case.gram)
    fast, slow = eigenvalues[-1], max(eigenvalues[0], 1e-6 * eigenvalues[-1])
    times = np.sort([*np.geomspace(0.01 / fast, 10.0 / slow, n_times), *extra_times])
    path = filippov.flow(
        case.gram, case.labels, case.signs, case.start, times=times.tolist(), at_zero=at_zero
    )
    result = Comparison(path)
    for t, primal in zip(times, path.primal, strict=True):
        error = _distance(trajectory.at(float(t)).primal, primal) / case.size
        result.state_error = max(result.state_error, error)
        if not error <= tol:
            result.failures.append(f"state at {t!r} differs by {error:.1e}")
    result.limit_error = _distance(trajectory.limit.primal, path.end_primal) / case.size
    if not result.limit_error <= tol:
        result.failures.append(f"limit differs by {result.limit_error:.1e}")
    dual = _distance(trajectory.limit.dual @ case.gram, path.end_primal) / case.size
    if not dual <= tol:
        result.failures.append(f"dual of the limit differs by {dual:.1e}")
    _compare_switches(trajectory, result, tol, 1.0 / fast, blur or {})
    late = [row for row in trajectory.switches if row["time"] > path.end_time]
    if not late and not (np.asarray(trajectory.modes) == path.end_modes).all():
        result.failures.append("modes at the limit differ")
    return result


def _distance(ours: Any, theirs: Any) -> float:
    return float(np.abs(ours - theirs).max())


def _compare_switches(
    trajectory: Any,
    result: Comparison,
    tol: float,
    fast: float,
    blur: dict[tuple[int, int], float],
) -> None:
    """Compare the switches of every pair in turn; ties between pairs have no order."""
    theirs = defaultdict(list)
    for time, k, i, mode, size in result.path.events:
        theirs[k, i].append((time, mode, size))
    ours = defaultdict(list)
    for row in trajectory.switches:
        ours[int(row["neuron"]), int(row["sample"])].append((float(row["time"]), int(row["mode"])))
    last = max((e[0] for e in result.path.events if e[4] > TIMED), default=0.0)
    for pair in sorted(ours.keys() | theirs.keys()):
        for a, b in zip_longest(ours[pair], theirs[pair]):
            if b is None:
                if a[0] <= last:
                    result.failures.append(f"pair {pair}: switch {a}, the oracle has none")
            elif b[2] > TIMED:
                result.n_switches += 1
                if a is None or a[1] != b[1]:
                    result.failures.append(f"pair {pair}: {a}, the oracle has {b}")
                    break
                error = abs(a[0] - b[0])
                result.time_error = max(result.time_error, error / max(b[0], fast))
                allowed = (1e-12 if pair in blur else tol) * max(b[0], fast) + blur.get(pair, 0.0)
                if not error <= allowed + 1e-13 / b[2] * fast:
                    result.failures.append(f"pair {pair}: {a}, the oracle has {b}")
