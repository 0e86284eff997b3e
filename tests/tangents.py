"""Problems whose trajectory touches a hyperplane: the closest approach is tuned to any depth.

One entry of the start is moved until the smallest value of a primal series, followed with its
own sign held fixed, is zero up to the spacing of doubles. On one side the pair switches for a
step or more, on the other it never does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tests.oracles.integer_descent import Descent, Pattern
from tests.problems import Case, case_from_features

__all__ = ["DEPTHS", "Tangent", "find_tangent", "neighbours"]

DEPTHS = (1e-6, 1e-8, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15)
_STEPS = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Tangent:
    """A case, the pair that touches, the time, and the slope of the depth in the start entry."""

    case: Case
    neuron: int
    sample: int
    time: int
    slope: float


class _Held(Descent):
    """A descent that keeps one pair's gate as it was at the start."""

    held: tuple[int, int, bool] | None = None

    def _judge(self) -> Pattern:
        pattern = super()._judge()
        if self.held is None:
            return pattern
        k, i, on = self.held
        row = tuple(on if j == i else value for j, value in enumerate(pattern[k]))
        return (*pattern[:k], row, *pattern[k + 1 :])


def _series(case: Case, k: int, i: int, steps: int) -> np.ndarray:
    """Return the signed primal values of a pair, positive where its first gate is right."""
    state = _Held(*case.arguments)
    on = state.pattern[k][i]
    state.held = (k, i, on)
    unit = state.F + state.g
    values = []
    for _ in range(steps + 1):
        values.append(_exact_float(state.U[k][i] if on else -state.U[k][i], unit))
        state.step()
    return np.array(values)


def _exact_float(value: int, shift: int) -> float:
    """Return ``value / 2**shift`` rounded once."""
    excess = max(abs(value).bit_length() - 64, 0)
    return math.ldexp(value >> excess, excess - shift)


def _moved(case: Case, k: int, i: int, value: float) -> Case:
    start = case.start.copy()
    start[k, i] = value
    return replace(case, start=start)


def _base(rng: np.random.Generator, name: str) -> Case:
    n = int(rng.integers(3, 7))
    X = rng.standard_normal((n, n * int(rng.choice([1, 2, 5]))))
    if rng.random() < 0.3:
        X[:, 0] *= 10.0 ** rng.uniform(0.0, 1.0)
    signs = [1] if rng.random() < 0.7 else [1, -1]
    y = rng.uniform(0.2, 1.0, n) * rng.choice([-1, 1, 1], n)
    start = rng.standard_normal((len(signs), n)) / np.sqrt((X**2).sum(axis=1))
    return case_from_features(
        name, X, y, signs=signs, start=start, step=10.0 ** rng.uniform(-2.0, -0.5)
    )


def find_tangent(seed: int, *, attempts: int = 60) -> Tangent:
    """Return a tangent case; which attempt succeeds is a function of the seed."""
    rng = np.random.default_rng([seed, 777])
    for _ in range(attempts):
        case = _base(rng, f"tangent_{seed}")
        m, n = case.start.shape
        k, i = int(rng.integers(m)), int(rng.integers(n))
        found = _tune(case, k, i)
        if found is not None:
            return found
    raise LookupError(f"no tangent case from seed {seed}")


def _tune(case: Case, k: int, i: int) -> Tangent | None:
    """Move ``start[k, i]`` until the series' interior minimum is nearly zero."""
    theta = float(case.start[k, i])
    slope = float(case.gram[i, i]) * (1 if (case.start[k] @ case.gram[:, i]) > 0 else -1)
    for _ in range(12):
        h = _series(case, k, i, _STEPS)
        t = int(np.argmin(h))
        if not (3 < t < _STEPS - 3 and min(h[0], h[-1]) > h[t] + 1e-4 * case.size):
            return None
        if abs(h[t]) <= 4 * abs(slope) * np.spacing(abs(theta)):
            return Tangent(case=case, neuron=k, sample=i, time=t, slope=slope)
        shift = 1e-7 * case.size / slope
        nearby = _series(_moved(case, k, i, theta + shift), k, i, t)
        slope = (nearby[t] - h[t]) / shift
        if not abs(slope) > 1e-3 * case.gram[i, i]:
            return None
        theta -= h[t] / slope
        case = _moved(case, k, i, theta)
        if (case.start[k] @ case.gram[:, i] > 0) != (slope > 0):
            return None
    return None


def neighbours(tangent: Tangent) -> Iterator[tuple[float, Case]]:
    """Yield (signed depth over the scale, case): both sides of the touch, down to one spacing.

    Positive depths miss the hyperplane by that much, negative ones cross it.
    """
    case, k, i = tangent.case, tangent.neuron, tangent.sample
    theta = float(case.start[k, i])
    values = [theta]
    for direction in (-np.inf, np.inf):
        value = theta
        for _ in range(3):
            value = float(np.nextafter(value, direction))
            values.append(value)
    for depth in DEPTHS:
        for side in (1, -1):
            values.append(theta + side * depth * case.size / tangent.slope)
    for value in values:
        moved = _moved(case, k, i, value)
        h = _series(moved, k, i, tangent.time + 5)
        yield float(h[3:].min()) / case.size, moved
