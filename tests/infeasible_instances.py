"""Data that nothing fits, and data that something fits though it is a near thing."""

from __future__ import annotations

import numpy as np

import relubias as rb

__all__ = ["KINDS", "feasible_near_miss", "infeasible_candidate", "is_proved"]

KINDS = (
    "few dimensions",
    "two neurons in few dimensions",
    "small integers",
    "two neurons, small integers",
    "a repeated sample",
    "a doubled sample",
    "an opposite sample",
)


def infeasible_candidate(seed):
    """Return features, labels and signs that probably nothing fits."""
    rng = np.random.default_rng([seed, 1])
    kind = KINDS[seed % len(KINDS)]
    pair = kind.startswith("two neurons")
    signs = (1, -1) if pair else (1,)
    if "dimensions" in kind:
        d = int(rng.integers(1, 3 if pair else 8))
        n = int(rng.integers(3 * d + 2, 6 * d + 12))
        return rng.standard_normal((n, d)), rng.standard_normal(n), signs
    if "integers" in kind:
        d = int(rng.integers(1, 3 if pair else 5))
        n = int(rng.integers(2 * d + 1, 4 * d + 6))
        X = rng.integers(-3, 4, (n, d)).astype(float)
        return X, rng.integers(-3, 4, n).astype(float), signs
    n = int(rng.integers(3, 15))
    X, y = rng.standard_normal((n, n + 5)), rng.standard_normal(n)
    y[0] = abs(y[0])
    if kind == "an opposite sample":
        return np.vstack([X, -X[:1]]), np.append(y, abs(y[0])), signs
    signs = [(1,), (1, -1), (1, 1, -1), (1, 1)][seed // len(KINDS) % 4]
    factor = 1.0 if kind == "a repeated sample" else 2.0
    wrong = factor * y[0] * (1 + 10.0 ** -rng.integers(1, 10))
    return np.vstack([X, factor * X[:1]]), np.append(y, wrong), signs


def feasible_near_miss(seed):
    """Return features, labels and signs that a network fits exactly, often by a hair."""
    rng = np.random.default_rng([seed, 2])
    signs = [(1,), (-1,), (1, -1), (1, 1), (1, 1, -1)][seed % 5]
    d = int(rng.integers(1, 5))
    n = int(rng.integers(d + 1, 9 if len(signs) > 1 else 20))
    X = rng.integers(-4, 5, (n, d)).astype(float)
    W = rng.integers(-4, 5, (len(signs), d)).astype(float)
    if seed % 3 == 0:  # nearly opposite, nearly repeated, doubled samples
        X[-1] = -X[0]
        X[-1, 0] += 2.0 ** -int(rng.integers(5, 30))
    elif seed % 3 == 1:
        X[-1] = 2 * X[0]
    y = np.array(signs) @ np.maximum(W @ X.T, 0.0)  # exact: few bits
    silent = y == 0
    if len(set(signs)) == 1:  # labels of the other sign count as 0
        y[silent] = -signs[0] * rng.integers(0, 3, silent.sum())
    return X, y, signs


def is_proved(X, y, signs, *, on_features):
    """Return the status, and the proof if there is one."""
    problem = (
        rb.Problem.from_features(X, y, signs) if on_features else rb.Problem(X @ X.T, y, signs)
    )
    found = rb.minimum_norm(problem, time_limit=10)
    return problem, found
