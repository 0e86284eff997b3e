"""Instances of gradient flow as a function of their seed."""

from __future__ import annotations

import numpy as np

from tests.problems import Case, case_from_features

__all__ = ["hard_flow", "random_flow"]


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


def hard_flow(seed: int, kind: int | None = None) -> Case:
    """Return a small problem made to break a solver, of one of six kinds.

    0 and 1: small integers, one start for all neurons or not; 2: one decimal; 3: a feature up to
    10,000 times the others; 4: parallel or opposite rows and zero labels; 5: rows that agree to 2
    to 9 digits, labels and starts of any scale.
    """
    rng = np.random.default_rng([99, seed])
    n, d, m = int(rng.integers(1, 7)), int(rng.integers(1, 7)), int(rng.integers(1, 5))
    drawn = int(rng.integers(6))
    kind = drawn if kind is None else kind
    if kind == 0:
        X, y = rng.integers(-2, 3, (n, d)) * 1.0, rng.integers(-2, 3, n) * 1.0
        start = rng.integers(-2, 3, (m, n)) / 4.0
    elif kind == 1:
        X, y = rng.integers(-1, 2, (n, d)) * 1.0, rng.integers(-1, 2, n) / 2.0
        start = np.tile(rng.integers(-2, 3, (1, n)) / 8.0, (m, 1))
    elif kind == 2:
        X, y, start = (np.round(rng.standard_normal(s), 1) for s in ((n, d), n, (m, n)))
    elif kind == 3:
        X = rng.standard_normal((n, d + n))
        X[:, 0] *= 10 ** rng.uniform(0, 4)
        y = rng.standard_normal(n)
        start = rng.standard_normal((m, n)) * 10 ** rng.uniform(-6, 1)
    elif kind == 4:
        X = rng.standard_normal((n, n))
        X[-1] = X[0] * rng.choice([1, 2, -1, -0.5])
        y = rng.standard_normal(n) * (rng.random(n) < 0.7)
        start = 0.2 * rng.standard_normal((m, n))
    else:
        X = rng.standard_normal((n, 2 * n))
        X[-1] = X[0] + 10 ** rng.uniform(-9, -2) * X[-1]
        y = 10 ** rng.uniform(-8, 8) * rng.standard_normal(n)
        start = rng.standard_normal((m, n)) * 10 ** rng.uniform(-8, 8)
    signs = rng.choice([1.0, -1.0], m)
    return case_from_features(f"hard_{seed}_kind{kind}", X, y, signs=signs, start=start)
