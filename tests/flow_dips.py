"""Flows in which an inactive sample rises to its hyperplane and turns back within a short time.

A sample that is inactive moves nothing, so the others can be followed without it, and its primal
value is known up to a constant that the start chooses: the constant puts the top of its path at
any depth below or above zero. With a negative label it then slides for a moment; with a label of
zero it is active for a moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.oracles import filippov
from tests.problems import Case

__all__ = ["DEPTHS", "Dip", "find_dip"]

DEPTHS = tuple(sign * 10.0**-e for e in (2, 4, 6, 8, 10, 11) for sign in (1, -1))


@dataclass(frozen=True, slots=True)
class Dip:
    """A flow whose last sample has its top at `time`, with the curvature there."""

    features: NDArray[np.float64]
    labels: NDArray[np.float64]
    signs: NDArray[np.float64]
    primal: NDArray[np.float64]
    time: float
    curvature: float
    seed: int

    def case(self, depth: float) -> Case:
        """Return the flow whose last sample tops `depth` above zero, in units of the scale."""
        X = self.features
        gram = X @ X.T
        gram = gram / 2 + gram.T / 2
        primal = self.primal.copy()
        size = max(np.abs(primal).max(), np.abs(self.labels).max())
        primal[0, -1] += depth * size
        return Case(
            name=f"dip_{self.seed}_{depth:.0e}",
            gram=gram,
            labels=self.labels,
            signs=self.signs,
            start=np.linalg.solve(gram, primal.T).T,
            step_size=1.0 / float(np.linalg.eigvalsh(gram)[-1]),
            features=X,
        )

    def slope(self, depth: float, size: float) -> float:
        """Return the speed at which the hyperplane is met."""
        return float(np.sqrt(2 * abs(depth) * size * self.curvature))


def find_dip(seed: int) -> Dip:
    """Return the first flow of a seed in which some sample rises, tops and falls."""
    rng = np.random.default_rng([20260308, seed])
    while True:
        n = int(rng.integers(2, 5))
        d = int(rng.integers(n + 2, 4 * n + 3))
        X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
        sign = float(rng.choice([1.0, -1.0]))
        primal = np.where(rng.random(n) < 0.7, 1, -1) * rng.uniform(0.05, 0.5, n)
        flow = _Others(X, y, sign, primal)
        span = np.geomspace(1e-3, 30.0, 160) / float(np.diagonal(flow.gram).mean())
        heights = np.array(flow.duals(span), dtype=float)
        for _ in range(20):
            x = rng.standard_normal(d)
            h = heights @ (X @ x)
            top = int(h.argmax())
            before, after = h[max(top - 3, 0)], h[min(top + 3, h.size - 1)]
            if 4 <= top < h.size - 5 and h[top] - max(h[0], before, after) > 1e-4:
                return _dip(flow, x, (span[top - 1], span[top + 1]), rng.random() < 0.5, seed)


class _Others:
    """The flow without the sample that dips."""

    def __init__(self, X: Any, y: Any, sign: float, primal: Any) -> None:
        self.X, self.y, self.sign, self.primal = X, y, sign, primal
        self.gram = X @ X.T
        self.start = np.linalg.solve(self.gram, primal)[None]

    def path(self, times: Any) -> filippov.FlowPath:
        return filippov.flow(
            self.gram, self.y, [self.sign], self.start, times=times, to_the_end=False
        )

    def duals(self, times: Any) -> Any:
        return self.path(times).dual[:, 0]


def _dip(flow: _Others, x: Any, bracket: tuple[float, float], zero: bool, seed: int) -> Dip:
    """Narrow the bracket of the top down to rounding and put it at zero."""
    pull = (flow.X @ x).astype(np.longdouble)
    low, high = bracket
    h = flow.duals([low, (low + high) / 2, high]) @ pull
    curvature = float(abs(h[0] - 2 * h[1] + h[2]) / ((high - low) / 2) ** 2)
    for _ in range(4):
        times = np.linspace(low, high, 41)
        h = flow.duals(times.tolist()) @ pull
        top = min(max(int(h.argmax()), 1), times.size - 2)
        low, high = times[top - 1], times[top + 1]
        if high - low < 1e-6 * high:
            break
    height = float(h[top] - flow.start[0] @ pull)
    own = -flow.sign * (0.0 if zero else 0.7)
    return Dip(
        features=np.vstack([flow.X, x]),
        labels=np.append(flow.y, own),
        signs=np.array([flow.sign]),
        primal=np.append(flow.primal, -height)[None],
        time=float(times[top]),
        curvature=curvature,
        seed=seed,
    )
