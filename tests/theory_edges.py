"""Problems at the very edge of the run-time certificate, found by bisection. No relubias here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tests.oracles.theory_run import Instance

__all__ = ["OFFSETS", "Edge", "around", "find_edge", "inwards", "last_inside"]

Float = NDArray[np.float64]

SIZE_WEIGHTS = [0.05, 0.15, 0.15, 0.15, 0.15, 0.15, 0.1, 0.06, 0.04]
RANGES = {"delta": (1e-9, 0.9), "kappa": (1e-3, 2.5), "scale": (1e-9, 3.0)}
OFFSETS = (2e-16, 1e-15, 1e-14, 1e-12, 1e-9)
"""Relative distances from the edge, on both sides."""


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """A family of problems; one of `delta`, `kappa` and `scale` is moved until the edge is met.

    `turn` is symmetric with norm one, `eps` has shape (n_neurons, n_samples).
    """

    signs: Float
    labels: Float
    eps: Float
    turn: Float
    delta: float
    kappa: float
    scale: float
    trace: float
    moving: str

    def instance(self) -> Instance:
        """Return the problem in float64."""
        E = self.delta * (self.turn + self.turn.T) / 2
        gram = self.trace * (np.eye(len(E)) + E)
        start = np.linalg.solve(gram, self.scale * self.eps.T).T
        return Instance(
            gram=gram,
            labels=self.labels,
            signs=self.signs,
            start=np.ascontiguousarray(start, dtype=np.float64),
            step_size=self.kappa / self.trace,
            trace=self.trace,
        )

    def at(self, value: float) -> Edge:
        """Return the member of the family with another value of what moves."""
        return replace(self, **{self.moving: value})

    @property
    def value(self) -> float:
        """The value of what moves."""
        return float(getattr(self, self.moving))


def find_edge(
    seed: int, *, n_neurons: int, margin: Callable[[Edge], float], tries: int = 20
) -> tuple[Edge, float] | None:
    """Return a problem at the edge of what `margin` says, and a value of what moves inside."""
    for attempt in range(tries):
        edge = _family(np.random.default_rng([73, seed, n_neurons, attempt]), n_neurons)
        low, high = RANGES[edge.moving]
        inside = [margin(edge.at(value)) > 0 for value in (low, high)]
        if inside[0] != inside[1]:
            a, b = (low, high) if inside[0] else (high, low)
            return edge.at(_bisect(a, b, lambda value: margin(edge.at(value)) > 0)), a  # noqa: B023
    return None


def last_inside(edge: Edge, is_inside: Callable[[Edge], bool]) -> Edge | None:
    """Return the problem nearest to the edge for which `is_inside` holds; None if it is far."""
    for offset in (*OFFSETS, 1e-6, 1e-3):
        for signed in (offset, -offset):
            far = edge.value * (1.0 + signed)
            if is_inside(edge.at(far)):
                return edge.at(_bisect(far, edge.value, lambda value: is_inside(edge.at(value))))
    return None


def _bisect(inside: float, outside: float, test: Callable[[float], bool]) -> float:
    """Return the last double that passes, between one that does and one that does not."""
    for _ in range(100):
        middle = (inside + outside) / 2
        if middle in (inside, outside):
            break
        if test(middle):
            inside = middle
        else:
            outside = middle
    return inside


def around(edge: Edge) -> Iterator[Edge]:
    """Yield the problem and its neighbours on both sides."""
    yield edge
    for offset in OFFSETS:
        for signed in (offset, -offset):
            yield edge.at(edge.value * (1.0 + signed))


def inwards(edge: Edge, towards: float) -> Iterator[Edge]:
    """Yield the problem and problems further inside, one double and more away."""
    yield edge
    value = edge.value
    for _ in range(2):
        value = float(np.nextafter(value, towards))
        yield edge.at(value)
    for offset in (*OFFSETS[1:], 1e-6, 1e-4, 1e-2):
        yield edge.at(edge.value + np.sign(towards - edge.value) * offset * edge.value)


def _family(rng: np.random.Generator, n_neurons: int) -> Edge:
    n = int(rng.choice([1, 2, 3, 4, 6, 8, 12, 20, 40], p=SIZE_WEIGHTS))
    ratio = float(rng.choice([1.0, 3.0, 30.0, 1e4]))
    y = np.where(rng.random(n) < rng.choice([0.2, 0.5, 1.0]), 1.0, -1.0)
    y *= np.where(rng.random(n) < 0.4, 1.0, rng.uniform(1.0, ratio, n))
    y *= 10.0 ** rng.integers(-3, 4)
    Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    eigenvalues = rng.choice([-1.0, 1.0], n) if rng.random() < 0.5 else rng.uniform(-1, 1, n)
    eigenvalues[int(rng.integers(n))] = rng.choice([-1.0, 1.0])
    kappa = float(rng.choice([0.9, 0.5, 0.1, rng.uniform(0.02, 1.0)]))
    room = np.abs(y).min() / (np.sqrt(n) * np.abs(y).max())
    moving = str(rng.choice(["delta", "kappa", "scale"]))
    return Edge(
        signs=np.array([1.0, -1.0])[:n_neurons] * rng.choice([-1.0, 1.0]),
        labels=y,
        eps=np.abs(y).min() * rng.uniform(0.01, 1.0, (n_neurons, n)) * 10.0 ** rng.integers(-4, 1),
        turn=(Q * eigenvalues) @ Q.T,
        delta=float(0.4 * kappa * room * rng.uniform(0.05, 1.0)),
        kappa=kappa,
        scale=1.0,
        trace=float(rng.choice([1.0, 101.0, 3.7e5, 2.0**-20])),
        moving=moving,
    )
