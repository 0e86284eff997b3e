"""Data that tests of the theory share: the test vectors, and random problems of one neuron."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import relubias as rb

__all__ = ["G0", "G1", "G4", "One", "random_one", "scaled"]


class One(NamedTuple):
    """One neuron with its start and step; the arguments of every check."""

    problem: rb.Problem
    start: Any
    step_size: float
    trace: float

    def check(self, statement: Any, **options: Any) -> Any:
        """Return the verdicts by condition."""
        options = {"step_size": self.step_size, "trace": self.trace, **options}
        found = statement.check(self.problem, self.start, **options)
        return {verdict.condition: verdict for verdict in found}


def _from(features: Any, labels: Any, eps: float, kappa: float, trace: float) -> One:
    X = np.array(features, dtype=float)
    problem = rb.Problem(X @ X.T, labels)
    return One(problem, rb.starts.all_positive(problem, eps), kappa / trace, trace)


_Y = (1.0, 0.5, -0.75, -1.0)

G0 = _from(
    [[10, 0, 1, 0, 0], [0, 10, 0, 1, 0], [1, 0, 10, 0, -1], [0, -1, 0, 10, 1]], _Y, 0.02, 0.5, 101.0
)
"""The first step decides; delta is 0.2033."""

G1 = _from(
    [[4, 0, 1, 0, 0], [0, 4, 0, 1, 0], [1, 0, 4, 0, -1], [0, -1, 0, 4, 1]], _Y, 0.02, 0.5, 17.0
)
"""Sample 2 is off after step 1 and on again after step 2."""

G4 = _from([[2, 0], [0, 2]], (1.0, -1.0), 0.1, 0.6, 4.0)
"""Orthogonal: L beta ends at (1, -0.56), the gap is 0.28."""


def random_one(
    seed: int,
    *,
    n: int = 10,
    d: int = 4000,
    kappa: float = 0.7,
    rho: float = 0.05,
    low: float = 0.5,
    n_negative: int | None = None,
    sign: float = 1.0,
) -> One:
    """Return Gaussian data with labels of size between `low` and 1."""
    rng = np.random.default_rng(seed)
    T = np.tril(rng.standard_normal((n, n)), -1)
    T[np.diag_indices(n)] = np.sqrt(rng.chisquare(d - np.arange(n)))  # Bartlett
    n_negative = n // 2 if n_negative is None else n_negative
    y = rng.uniform(low, 1.0, n) * np.where(np.arange(n) < n - n_negative, 1.0, -1.0)
    y = sign * rng.permutation(y)
    problem = rb.Problem(T @ T.T, y, [sign])
    start = rb.starts.all_positive(problem, rho * float(np.abs(y).min()) * rng.uniform(0.5, 1, n))
    return One(problem, start, kappa / d, float(d))


def scaled(case: One, labels: int, features: int) -> One:
    """Return the same problem with labels and features times powers of two."""
    old = case.problem
    problem = rb.Problem(np.ldexp(old.gram, 2 * features), np.ldexp(old.labels, labels), old.signs)
    return One(
        problem,
        np.ldexp(case.start, labels - 2 * features),
        float(np.ldexp(case.step_size, -2 * features)),
        float(np.ldexp(case.trace, 2 * features)),
    )
