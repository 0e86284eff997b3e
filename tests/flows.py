"""Instances of gradient flow as a function of their seed."""

from __future__ import annotations

import numpy as np

from tests.problems import Case

__all__ = ["random_flow"]


def random_flow(
    seed: int,
    *,
    n_samples: tuple[int, int] = (2, 8),
    max_neurons: int = 3,
    aspects: tuple[int, ...] = (1, 2, 5, 50),
    start: str | None = None,
    n: int | None = None,
    aspect: int | None = None,
    m: int | None = None,
    zero_labels: bool = True,
) -> Case:
    """Return Gaussian data with labels of both signs; `step_size` is one over the top eigenvalue.

    Starts are Gaussian weights of any size between a hundredth of the labels and the labels, or
    all primal values equal.
    """
    rng = np.random.default_rng([20260307, seed])
    n = int(rng.integers(n_samples[0], n_samples[1] + 1)) if n is None else n
    m = int(rng.integers(1, max_neurons + 1)) if m is None else m
    aspect = int(rng.choice(aspects)) if aspect is None else aspect
    d = n * aspect
    X = rng.standard_normal((n, d))
    y = rng.standard_normal(n)
    if rng.random() < 0.5:
        y = rng.uniform(0.1, 1.0, n) * np.where(rng.random(n) < 0.5, -1, 1)
    if zero_labels and rng.random() < 0.1:
        y[int(rng.integers(n))] = 0.0
    signs = rng.choice([1.0, -1.0], m)
    gram = X @ X.T
    gram = gram / 2 + gram.T / 2
    size = 10.0 ** rng.uniform(-2, 0)
    start = start or ("gaussian" if rng.random() < 0.7 else "positive")
    if start == "gaussian":
        W = size / np.sqrt(d) * rng.standard_normal((m, d))
        dual = np.linalg.solve(gram, X @ W.T).T
    else:
        dual = np.tile(np.linalg.solve(gram, np.full(n, size)), (m, 1))
    return Case(
        name=f"flow_{seed}_n{n}_d{d}_m{m}_{start}",
        gram=gram,
        labels=y,
        signs=signs,
        start=dual,
        step_size=1.0 / float(np.linalg.eigvalsh(gram)[-1]),
        features=X,
    )
