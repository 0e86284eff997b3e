"""Weight-space gradient descent in exact rational arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

__all__ = ["WeightRun", "as_fractions", "descend"]

Matrix = list[list[Fraction]]


class WeightRun(NamedTuple):
    """States before the first step and after each one; switches as (time, neuron, sample, mode)."""

    weights: list[Matrix]
    primal: list[Matrix]
    switches: list[tuple[int, int, int, int]]


def as_fractions(values: Any) -> Any:
    """Convert a number or nested sequences of numbers to exact fractions."""
    if hasattr(values, "tolist"):
        values = values.tolist()
    if isinstance(values, (list, tuple)):
        return [as_fractions(value) for value in values]
    return Fraction(values)


def descend(
    features: Any, labels: Any, signs: Sequence[float], weights: Any, step_size: float, n_steps: int
) -> WeightRun:
    """Run ``w_k -= step_size * s_k * X^T D(X w_k) (f(X) - y)``, the textbook form."""
    X, y, W = as_fractions(features), as_fractions(labels), as_fractions(weights)
    s, eta = as_fractions(list(signs)), Fraction(step_size)
    all_weights, all_primal = [W], [_products(W, X)]
    switches: list[tuple[int, int, int, int]] = []
    for time in range(1, n_steps + 1):
        Z = all_primal[-1]
        residual = [
            sum((a * max(z[i], Fraction(0)) for a, z in zip(s, Z, strict=True)), -y[i])
            for i in range(len(y))
        ]
        W = [
            [
                wc - eta * a * sum(residual[i] * x[c] for i, x in enumerate(X) if z[i] > 0)
                for c, wc in enumerate(w)
            ]
            for a, w, z in zip(s, W, Z, strict=True)
        ]
        all_weights.append(W)
        all_primal.append(_products(W, X))
        for k, (before, after) in enumerate(zip(Z, all_primal[-1], strict=True)):
            for i, (u, v) in enumerate(zip(before, after, strict=True)):
                if (u > 0) != (v > 0):
                    switches.append((time, k, i, 1 if v > 0 else -1))
    return WeightRun(all_weights, all_primal, switches)


def _products(W: Matrix, X: Matrix) -> Matrix:
    return [[sum((a * b for a, b in zip(w, x, strict=True)), Fraction(0)) for x in X] for w in W]
