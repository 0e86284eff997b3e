"""Gradient descent in long double, step by step, to a proved end: for claims about every step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.oracles.theory_spectrum import extremes

__all__ = ["Extended", "Instance", "Seen", "descend", "limit", "solve", "states"]

Extended = NDArray[np.longdouble]


class Instance(NamedTuple):
    """A problem with its run; all numbers are float64 and taken as exact."""

    gram: NDArray[np.float64]
    labels: NDArray[np.float64]
    signs: NDArray[np.float64]
    start: NDArray[np.float64]
    step_size: float
    trace: float


class Seen(NamedTuple):
    """The state after `time` steps; `time` is -1 for the limit."""

    time: int
    primal: Extended
    dual: Extended


def states(case: Instance) -> Iterator[Seen]:
    """Yield the states of the run for ever, each from the one before."""
    G = case.gram.astype(np.longdouble)
    y = case.labels.astype(np.longdouble)
    s = case.signs.astype(np.longdouble)[:, None]
    eta = np.longdouble(case.step_size)
    dual = case.start.astype(np.longdouble)
    time = 0
    while True:
        primal = dual @ G
        yield Seen(time, primal, dual)
        r = (s * np.maximum(primal, 0)).sum(axis=0) - y
        dual = dual - eta * s * np.where(primal > 0, r, 0)
        time += 1


def limit(case: Instance, seen: Seen, own: NDArray[np.bool_] | None = None) -> Seen:
    """Return the nearest point at which every neuron fits what it owns (what is active now)."""
    G = case.gram.astype(np.longdouble)
    dual = seen.dual.copy()
    for k, sign in enumerate(case.signs):
        S = np.flatnonzero(seen.primal[k] > 0 if own is None else own[k])
        want = sign * case.labels[S].astype(np.longdouble) - seen.primal[k, S]
        dual[k, S] += solve(G[np.ix_(S, S)], want)
    return Seen(-1, dual @ G, dual)


def solve(A: Extended, b: Extended) -> Extended:
    """Solve in long double: double precision, refined."""
    x = np.zeros_like(b)
    if b.size:
        inverse = np.linalg.inv(A.astype(np.float64))
        for _ in range(6):
            x = x + (inverse @ (b - A @ x).astype(np.float64)).astype(np.longdouble)
    return x


def descend(
    case: Instance, *, max_steps: int = 100_000, slack: float = 0.01
) -> tuple[list[Seen], bool]:
    """Return states until nothing can change any more, then the limit; and whether that is proved.

    The end: active sets are disjoint, and what is left of the residual, ``norm(r)``, moves the
    primal values of a neuron by at most ``2 norm(r) mu_max / mu_min`` in all (linear regression
    with a step below ``2 / mu_max`` never comes further away from its solution), less than
    `slack` times the primal value closest to zero.
    """
    low, high = extremes(case.gram.astype(np.longdouble))
    is_contracting = bool(low > 0) and case.step_size * float(high) < 2
    reach = float(high / low) if low > 0 else np.inf
    y = case.labels.astype(np.longdouble)
    seen: list[Seen] = []
    for now in states(case):
        seen.append(now)
        active = now.primal > 0
        if is_contracting and active.sum(axis=0).max() <= 1:
            r = case.signs[:, None] * now.primal - y
            away = np.sqrt((np.where(active, r, 0) ** 2).sum(axis=1)).max()
            if 2 * reach * away < slack * np.abs(now.primal).min():
                return [*seen, limit(case, now)], True
        if now.time >= max_steps or not np.isfinite(now.primal).all():
            break
    return seen, False
