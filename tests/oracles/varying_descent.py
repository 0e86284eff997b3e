"""Descent with momentum and cyclic mini-batches: in rationals, big integers and long double.

Weight space, the textbook form: ``v_k = momentum * v_k - step_size * s_k * X_E^T D(X w_k) r`` and
``w_k = w_k + v_k``, E the samples of batch ``t % n_batches``. The long double run works on duals.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.oracles.rational import as_fractions

__all__ = ["LongRun", "in_integers", "in_long_double", "in_rationals"]

Switches = list[tuple[int, int, int, int]]


class LongRun(NamedTuple):
    """Switches and the last state."""

    switches: Switches
    primal: NDArray[np.longdouble]
    dual: NDArray[np.longdouble]


def in_rationals(
    features: Any,
    labels: Any,
    signs: Sequence[float],
    weights: Any,
    step_size: float,
    momentum: float,
    batches: Sequence[Sequence[int]],
    n_steps: int,
) -> tuple[list[Any], Switches]:
    """Return the primal values before the first step and after each one, and the switches."""
    X, y, W = as_fractions(features), as_fractions(labels), as_fractions(weights)
    eta, gamma = Fraction(step_size), Fraction(momentum)
    V = [[Fraction(0)] * len(X[0]) for _ in W]
    primal = [[[_dot(w, x) for x in X] for w in W]]
    switches: Switches = []
    for t in range(n_steps):
        Z = primal[-1]
        r = [
            sum((int(s) * max(z[i], Fraction(0)) for s, z in zip(signs, Z, strict=True)), -y[i])
            for i in range(len(y))
        ]
        for k, s in enumerate(signs):
            on = [i for i in batches[t % len(batches)] if Z[k][i] > 0]
            for c in range(len(X[0])):
                pull = sum((r[i] * X[i][c] for i in on), Fraction(0))
                V[k][c] = gamma * V[k][c] - eta * int(s) * pull
                W[k][c] += V[k][c]
        primal.append([[_dot(w, x) for x in X] for w in W])
        for k, (before, after) in enumerate(zip(Z, primal[-1], strict=True)):
            for i, (u, v) in enumerate(zip(before, after, strict=True)):
                if (u > 0) != (v > 0):
                    switches.append((t + 1, k, i, 1 if v > 0 else -1))
    return primal, switches


def in_long_double(
    gram: Any,
    labels: Any,
    signs: Any,
    start: Any,
    step_size: float,
    *,
    momentum: float = 0.0,
    batches: Sequence[Any] | None = None,
    n_steps: int,
) -> LongRun:
    """Step on duals; every primal value is computed afresh from its dual."""
    G = np.asarray(gram, np.longdouble)
    y = np.asarray(labels, np.longdouble)
    s = np.asarray(signs, np.longdouble)[:, None]
    eta, gamma = np.longdouble(step_size), np.longdouble(momentum)
    beta = np.array(start, np.longdouble)
    v = np.zeros_like(beta)
    masks = np.zeros((len(batches or [0]), y.size), bool)
    for mask, batch in zip(masks, batches or [np.arange(y.size)], strict=True):
        mask[batch] = True
    U = beta @ G
    active, switches = U > 0, []
    for t in range(n_steps):
        r = (s * np.where(active, U, 0)).sum(axis=0) - y
        v = gamma * v - eta * s * np.where(active & masks[t % len(masks)], r, 0)
        beta = beta + v
        U = beta @ G
        now = U > 0
        for k, i in np.argwhere(now != active):
            switches.append((t + 1, int(k), int(i), 1 if now[k, i] else -1))
        active = now
    return LongRun(switches, U, beta)


def in_integers(
    gram: Any,
    labels: Any,
    signs: Any,
    start: Any,
    step_size: float,
    *,
    momentum: float = 0.0,
    batches: Sequence[Any] | None = None,
    n_steps: int,
    bits: int = 3000,
) -> tuple[Switches, NDArray[Any], int]:
    """Return switches, the last primal values and its time, on a grid far below any rounding.

    Errors start at ``2**-bits``; a run ends early where values exceed ``2**400``.
    """
    grid = np.vectorize(lambda x: int(Fraction(float(x)) * 2**bits), otypes=[object])
    G, y, beta, eta = grid(gram), grid(labels), grid(start), int(grid(step_size))
    s = np.asarray(signs).astype(int).astype(object)[:, None]
    gamma = int(grid(momentum))
    masks = np.zeros((len(batches or [0]), y.size), bool)
    for mask, batch in zip(masks, batches or [np.arange(y.size)], strict=True):
        mask[batch] = True
    U = (beta @ G) >> bits
    V, active, switches, time = np.zeros_like(U), U > 0, [], 0
    while time < n_steps and max(abs(u) for u in U.ravel()) < 1 << (bits + 400):
        r = (s * np.where(active, U, 0)).sum(axis=0) - y
        push = s * np.where(active & masks[time % len(masks)], (eta * r) >> bits, 0)
        V = ((gamma * V) >> bits) - ((push @ G) >> bits)
        U = U + V
        time += 1
        now = U > 0
        for k, i in np.argwhere(now != active):
            switches.append((time, int(k), int(i), 1 if now[k, i] else -1))
        active = now
    return switches, U, time


def _dot(a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    return sum((x * z for x, z in zip(a, b, strict=True)), Fraction(0))
