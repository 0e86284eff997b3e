"""Problems made to break the claims of THEORY 5.4: optimised starts, labels, Gram matrices.

Everything is in units where the trace is one and the smallest label is one; `Attack.instance`
rounds to float64 and scales. Nothing here comes from relubias.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tests.oracles.theory_run import Instance

__all__ = ["TARGETS", "Attack", "attack"]

Float = NDArray[np.float64]

TARGETS = ("a", "b lo", "b hi", "c", "d", "e", "gap lo", "gap hi")
SIZE_WEIGHTS = [0.2, 0.15, 0.15, 0.15, 0.1, 0.1, 0.07, 0.05, 0.03]
INSIDE = (1.0 - 4e-14, 1.0 - 1e-10)  # hypotheses are met by so much, more than rounding undoes


@dataclass(frozen=True, eq=False)
class Attack:
    """A point of the set of all problems within the hypotheses.

    ``turn`` is symmetric; ``E = delta * turn / norm(turn)``. ``shares`` are in (0, 1]: initial
    values over the largest that is allowed. ``excess`` are in [0, 1]: labels between the smallest
    and the largest. All hypotheses are met by a factor of ``inside``.
    """

    signs: Float
    pattern: Float
    kappa: float
    ratio: float
    excess: Float
    shares: Float
    turn: Float
    inside: float

    @cached_property
    def labels(self) -> Float:
        """Labels; the smallest has size one."""
        return self.pattern * (1.0 + (self.ratio - 1.0) * (self.excess - self.excess.min()))

    @cached_property
    def step(self) -> float:
        """The dimensionless step, where the deviation lets it be as large as asked for."""
        kappa = self.kappa
        for _ in range(20):
            before, kappa = kappa, min(self.kappa, self.inside / (1.0 + self._delta(kappa)))
            if before == kappa:
                break
        return kappa

    def _delta(self, kappa: float) -> float:
        y = np.abs(self.labels)
        bound = kappa / 16.0 * y.min() / (y.max() * np.sqrt(y.size))
        return max(0.0, self.inside * min(1.0 / 16.0, bound) - 4e-16)

    @cached_property
    def initial(self) -> Float:
        """Primal start."""
        return self.inside * self.step / (4.0 * len(self.signs)) * self.shares

    @cached_property
    def deviation(self) -> Float:
        """The matrix E."""
        size = np.abs(np.linalg.eigvalsh(self.turn)).max()
        return self._delta(self.step) * self.turn / (size if size > 0 else 1.0)

    def instance(self, trace: float = 1.0) -> Instance:
        """Return the problem in float64; `trace` a power of two keeps every digit."""
        E = (self.deviation + self.deviation.T) / 2
        gram = trace * (np.eye(len(E)) + E)
        start = np.linalg.solve(gram, self.initial.T).T
        return Instance(
            gram, self.labels, self.signs, np.ascontiguousarray(start), self.step / trace, trace
        )


def evaluate(point: Attack, target: str) -> float:
    """Return how close the run comes to violating a claim, larger is closer: double precision."""
    y, s, kappa = point.labels, point.signs[:, None], point.step
    own = s * y > 0
    if not (own if target in ("a", "c") else ~own).any() and target != "d":
        return -np.inf
    K = np.eye(len(y)) + point.deviation
    dual = np.linalg.solve(K, point.initial.T).T
    primal = dual @ K
    worst = -np.inf
    for time in range(400):
        r = (s * np.maximum(primal, 0.0)).sum(axis=0) - y
        dual = dual - kappa * s * np.where(primal > 0, r, 0.0)
        primal = dual @ K
        worst = max(worst, _value(point, target, own, kappa, K, primal, dual))
        left = np.abs(np.where(own, primal - s * y, 0.0)).max()
        if target not in ("a", "d", "e") or (time > 2 and left < (0.5 if target == "a" else 1e-3)):
            break
    return worst


def _value(
    point: Attack,
    target: str,
    own: NDArray[np.bool_],
    kappa: float,
    K: Float,
    primal: Float,
    dual: Float,
) -> float:
    """Return the value of one claim at one step, larger is closer to a violation."""
    y, s, off = point.labels, point.signs[:, None], ~own
    low, high = np.abs(y).min(), np.abs(y).max()
    if target == "a":
        return -float(primal[own].min()) / (kappa * low)
    if target == "b lo":
        return float(dual[off].max()) / (kappa * low)
    if target == "b hi":
        return -float(dual[off].min()) / (kappa * high)
    if target == "c":
        r = np.where(own, primal - s * y, 0.0)
        share = np.maximum(own.sum(axis=1), 1)
        return float(np.sqrt((r * r).sum(axis=1) / share).max()) / high
    if target == "d":
        return float(np.sqrt((dual**2).sum(axis=1).max() / len(y))) / high
    if target == "e":
        return float(primal[off].max()) / (kappa * low)
    return _gap(point, kappa, K, dual, own, target)


def _gap(
    point: Attack, kappa: float, K: Float, dual: Float, own: NDArray[np.bool_], target: str
) -> float:
    """Bound the gap by what the frozen duals make of it, to first order in the deviation."""
    worst = -np.inf
    for k, sign in enumerate(point.signs):
        P, M = np.flatnonzero(own[k]), np.flatnonzero(~own[k])
        if not M.size:
            continue
        cross = K[np.ix_(M, P)] @ np.linalg.inv(K[np.ix_(P, P)])
        schur = K[np.ix_(M, M)] - cross @ K[np.ix_(P, M)]
        pushed = np.maximum(cross @ (sign * point.labels[P]), 0.0)  # L beta* to first order
        away = dual[k, M] + pushed
        gap = np.sqrt(away @ schur @ away) / (kappa * np.sqrt(M.size))
        low, high = np.abs(point.labels).min(), np.abs(point.labels).max()
        worst = max(worst, -gap / low if target == "gap lo" else gap / high)
    return worst


def attack(seed: int, *, n_neurons: int, rounds: int = 40) -> tuple[str, Attack]:
    """Return a target and an optimised problem against it."""
    rng = np.random.default_rng([54, seed, n_neurons])
    target = TARGETS[seed % len(TARGETS)]
    best = _begin(rng, target, n_neurons)
    value = evaluate(best, target)
    for _ in range(3):  # structured starts
        other = _begin(rng, target, n_neurons)
        found = evaluate(other, target)
        if found > value:
            best, value = other, found
    size = 0.5
    for _ in range(rounds):
        if rng.random() < 1 / 6:
            other = replace(best, turn=_worst_turn(best, rng, target))
        else:
            other = MOVES[int(rng.integers(len(MOVES)))](best, rng, size)
        found = evaluate(other, target)
        if found > value:
            best, value, size = other, found, min(1.0, 1.5 * size)
        else:
            size = max(1e-3, 0.9 * size)
    return target, best


def _begin(rng: np.random.Generator, target: str, n_neurons: int) -> Attack:
    n = int(rng.choice([2, 3, 4, 5, 8, 12, 20, 35, 60], p=SIZE_WEIGHTS))
    pattern = np.where(rng.random(n) < rng.choice([0.1, 0.5, 0.9]), 1.0, -1.0)
    pattern[int(rng.integers(n))] = 1.0
    if rng.random() < 0.9 and (pattern > 0).all():
        pattern[int(rng.integers(n))] = -1.0
    kappa = float(rng.choice([1.0, 0.9, 0.5, 0.2, 0.05, rng.uniform(0.02, 1.0)]))
    ratio = float(rng.choice([1.0, 2.0, 10.0, 1000.0, 10.0 ** rng.uniform(0, 6)]))
    excess = rng.choice([0.0, 1.0, rng.random()], n) if rng.random() < 0.7 else rng.random(n)
    shares = rng.uniform(1e-6, 1.0, (n_neurons, n))
    if rng.random() < 0.5:
        shares = rng.choice([1e-6, 1.0], (n_neurons, n))
    if target in ("b lo", "e", "gap lo"):
        shares = np.where(rng.random() < 0.8, 1.0, shares)
        excess = np.where(rng.random(n) < 0.3, 0.0, excess)
    elif target in ("b hi", "gap hi", "a", "d"):
        shares = np.where(rng.random() < 0.6, 1e-6, shares)
    signs = np.array([1.0, -1.0])[:n_neurons]
    if n_neurons == 2 and rng.random() < 0.5:
        signs = -signs
    turn, inside = rng.standard_normal((n, n)), float(rng.choice(INSIDE))
    shares = shares * np.ones((n_neurons, n))
    point = Attack(signs, pattern, kappa, ratio, excess, shares, turn + turn.T, inside)
    return replace(point, turn=_worst_turn(point, rng, target)) if rng.random() < 0.8 else point


def _worst_turn(point: Attack, rng: np.random.Generator, target: str) -> Float:
    """Return the reflection that does the most harm to first order, in one direction."""
    n, s = len(point.labels), float(point.signs[0])
    own = s * point.labels > 0
    r = (point.signs[:, None] * point.initial).sum(axis=0) - point.labels
    frozen = np.where(own, s * point.labels, point.initial[0] - point.step * s * r)
    off = np.flatnonzero(~own) if (~own).any() else np.arange(n)
    on = np.flatnonzero(own) if own.any() else np.arange(n)
    i = int(off[np.abs(point.labels[off]).argmin()])
    j = int(on[np.abs(point.labels[on]).argmin()])
    unit = np.eye(n)
    if target == "a":
        return _reflection(s * r, unit[j])
    if target in ("b lo", "b hi"):
        return _reflection(point.initial[0], unit[i] if target == "b hi" else -unit[i])
    if target == "c":
        return _reflection(r, np.where(own, r, 0.0))
    if target == "e":
        return _reflection(frozen, unit[i])
    sign = -1.0 if target in ("d", "gap lo") else 1.0
    return sign * np.eye(n) if rng.random() < 0.5 else _reflection(frozen, sign * frozen)


def _reflection(source: Float, image: Float) -> Float:
    """Return a symmetric matrix of norm one that turns `source` in the direction of `image`."""
    u = source / max(np.linalg.norm(source), 1e-300)
    v = image / max(np.linalg.norm(image), 1e-300)
    w = u - v
    size = w @ w
    return np.eye(len(u)) - (2.0 * np.outer(w, w) / size if size > 1e-12 else 0.0)


def _move_turn(point: Attack, rng: np.random.Generator, size: float) -> Attack:
    noise = rng.standard_normal(point.turn.shape)
    noise = noise + noise.T
    unit = point.turn / max(np.abs(np.linalg.eigvalsh(point.turn)).max(), 1e-300)
    return replace(point, turn=unit + size * noise / np.abs(np.linalg.eigvalsh(noise)).max())


def _move_shares(point: Attack, rng: np.random.Generator, size: float) -> Attack:
    change = size * rng.standard_normal(point.shares.shape) * (rng.random(point.shares.shape) < 0.5)
    return replace(point, shares=np.clip(point.shares + change, 1e-6, 1.0))


def _move_labels(point: Attack, rng: np.random.Generator, size: float) -> Attack:
    change = size * rng.standard_normal(point.excess.shape) * (rng.random(point.excess.shape) < 0.5)
    return replace(point, excess=np.clip(point.excess + change, 0.0, 1.0))


def _move_numbers(point: Attack, rng: np.random.Generator, size: float) -> Attack:
    kappa = float(np.clip(point.kappa * np.exp(size * rng.standard_normal()), 0.01, 1.0))
    ratio = 1.0 + (point.ratio - 1.0) * float(np.exp(size * rng.standard_normal()))
    return replace(point, kappa=kappa, ratio=min(ratio, 1e6))


MOVES: tuple[Callable[[Attack, np.random.Generator, float], Attack], ...] = (
    _move_turn, _move_turn, _move_shares, _move_labels, _move_numbers,
)  # fmt: skip
