"""Both layers of a ReLU network trained in weight space: rationals, plain loops, Runge-Kutta."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from tests.oracles.rational import as_fractions

__all__ = ["RationalRun", "flow", "mean_risk_loop", "rational", "weight_space"]


class RationalRun(NamedTuple):
    """Weights after the last step; switches as (time, neuron, sample, mode)."""

    weights: list[list[Fraction]]
    outer: list[Fraction]
    switches: list[tuple[int, int, int, int]]


def rational(
    features: Any, labels: Any, weights: Any, outer: Any, step_size: float, n_steps: int
) -> RationalRun:
    """Step both layers down the gradient of half the squared residual, exactly."""
    X, y, W, a = (as_fractions(v) for v in (features, labels, weights, outer))
    eta, n, m = Fraction(step_size), len(y), len(a)
    zero = Fraction(0)
    switches: list[tuple[int, int, int, int]] = []
    Z = _products(W, X)
    for time in range(1, n_steps + 1):
        r = [sum(a[k] * max(Z[k][i], zero) for k in range(m)) - y[i] for i in range(n)]
        pull = [
            [sum(r[i] * X[i][c] for i in range(n) if Z[k][i] > 0) for c in range(len(X[0]))]
            for k in range(m)
        ]
        slope = [sum(max(Z[k][i], zero) * r[i] for i in range(n)) for k in range(m)]
        W = [[w - eta * a[k] * g for w, g in zip(W[k], pull[k], strict=True)] for k in range(m)]
        a = [a[k] - eta * slope[k] for k in range(m)]
        before, Z = Z, _products(W, X)
        switches += [
            (time, k, i, 1 if Z[k][i] > 0 else -1)
            for k in range(m)
            for i in range(n)
            if (Z[k][i] > 0) != (before[k][i] > 0)
        ]
    return RationalRun(W, a, switches)


def _products(W: Any, X: Any) -> Any:
    return [[sum(p * q for p, q in zip(w, x, strict=True)) for x in X] for w in W]


def weight_space(X: Any, y: Any, W: Any, a: Any, step_size: float, n_steps: int) -> Any:
    """Run the textbook loop in floats; return weights and output weights."""
    for _ in range(n_steps):
        Z = X @ W.T
        r = np.maximum(Z, 0) @ a - y
        W, a = (
            W - step_size * ((Z > 0) * r[:, None] * a).T @ X,
            a - step_size * np.maximum(Z, 0).T @ r,
        )
    return W, a


def mean_risk_loop(X: Any, y: Any, W: Any, a: Any, rate: float, n_steps: int) -> Any:
    """Descend the mean risk of ``(1/p) sum_k a_k relu(w_k x)``, gradients multiplied by p."""
    n, p = X.shape[0], a.size
    for _ in range(n_steps):
        Z = X @ W.T
        r = np.maximum(Z, 0) @ a / p - y
        grad_w = ((Z > 0) * r[:, None] * a).T @ X / (n * p)
        grad_a = np.maximum(Z, 0).T @ r / (n * p)
        W, a = W - rate * p * grad_w, a - rate * p * grad_a
    return W, a


def flow(X: Any, y: Any, W: Any, a: Any, time: float, n_steps: int) -> Any:
    """Integrate the gradient flow by classical Runge-Kutta; for paths without switches."""
    h = time / n_steps

    def slope(W: Any, a: Any) -> Any:
        Z = X @ W.T
        r = np.maximum(Z, 0) @ a - y
        return -((Z > 0) * r[:, None] * a).T @ X, -np.maximum(Z, 0).T @ r

    for _ in range(n_steps):
        p1 = slope(W, a)
        p2 = slope(W + h / 2 * p1[0], a + h / 2 * p1[1])
        p3 = slope(W + h / 2 * p2[0], a + h / 2 * p2[1])
        p4 = slope(W + h * p3[0], a + h * p3[1])
        W = W + h / 6 * (p1[0] + 2 * p2[0] + 2 * p3[0] + p4[0])
        a = a + h / 6 * (p1[1] + 2 * p2[1] + 2 * p3[1] + p4[1])
    return W, a
