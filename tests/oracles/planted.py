"""Problems built around an answer chosen first. Imports nothing from relubias."""

from __future__ import annotations

from fractions import Fraction

import numpy as np


def planted_one_neuron(n, d, seed, *, n_zero=0):
    """Return gram, labels, dual: the least-norm neuron of (gram, labels) has that dual.

    Chosen are a dual beta and predictions u that satisfy the optimality conditions; then a random
    Gram matrix M is changed in two directions so that ``gram @ beta == u`` up to rounding:
    ``M - M beta (M beta)^T / beta^T M beta + u u^T / beta^T u``.
    """
    rng = np.random.default_rng(seed)
    n_positive = max(1, n // 2)
    positive = np.zeros(n, dtype=bool)
    positive[rng.permutation(n)[:n_positive]] = True
    tight = ~positive & (rng.random(n) < 0.5)
    X = rng.standard_normal((n, d)) / np.sqrt(d)
    M = X @ X.T
    beta = np.where(positive, rng.standard_normal(n), np.where(tight, -rng.random(n), 0.0))
    u = np.where(positive, rng.uniform(0.5, 1.5, n), np.where(tight, 0.0, -rng.random(n)))
    flip = positive & (beta * u < 0) & (rng.random(n) < 0.8)
    beta[flip] *= -1
    if beta @ u <= 0.1:
        beta[positive] = np.abs(beta[positive])
    Mb = M @ beta
    gram = M - np.outer(Mb, Mb) / (beta @ Mb) + np.outer(u, u) / (beta @ u)
    gram = gram / 2 + gram.T / 2
    labels = np.where(positive, u, -rng.random(n))
    labels[np.flatnonzero(~positive)[:n_zero]] = 0.0
    assert gram.shape == (n, n)
    assert labels.shape == (n,)
    return gram, labels, beta


def exact_dual(gram, target, active):
    """Solve ``gram[A, A] @ beta_A = target_A`` in rational arithmetic; zero off A."""
    A = np.flatnonzero(active)
    k = A.size
    rows = [[Fraction(float(gram[i, j])) for j in A] + [Fraction(float(target[i]))] for i in A]
    for p in range(k):
        q = max(range(p, k), key=lambda r: abs(rows[r][p]))
        rows[p], rows[q] = rows[q], rows[p]
        inverse = 1 / rows[p][p]
        rows[p] = [v * inverse for v in rows[p]]
        for r in range(k):
            if r != p and rows[r][p]:
                factor = rows[r][p]
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[p], strict=True)]
    beta = [Fraction(0)] * len(target)
    for p, i in enumerate(A):
        beta[i] = rows[p][k]
    return beta


def exact_distance(gram, dual, exact):
    """Return the distance of weights ``sqrt((b - e)^T G (b - e))``, rounded once."""
    delta = [Fraction(float(b)) - e for b, e in zip(dual, exact, strict=True)]
    square = sum(
        (
            a * b * Fraction(float(g))
            for a, row in zip(delta, gram, strict=True)
            for b, g in zip(delta, row, strict=True)
        ),
        Fraction(0),
    )
    return exact_root(square)


def exact_root(square):
    """Return the square root of a non-negative fraction to 15 digits, whatever its size."""
    if square <= 0:
        return 0.0
    shift = (square.denominator.bit_length() - square.numerator.bit_length()) // 2
    return float(np.ldexp(np.sqrt(float(square * Fraction(4) ** shift)), -shift))


def is_farkas(gram, target, z, *, bound):
    """Whether z proves in rational arithmetic that no w has ``X w = target`` (<= on `bound`).

    ``gram @ z == 0`` exactly, ``z <= 0`` on the bound rows and ``z @ target > 0``.
    """
    z = [Fraction(float(v)).limit_denominator(10**6) for v in z]
    product = [
        sum((Fraction(float(g)) * v for g, v in zip(row, z, strict=True)), Fraction(0))
        for row in gram
    ]
    value = sum((Fraction(float(t)) * v for t, v in zip(target, z, strict=True)), Fraction(0))
    return not any(product) and value > 0 and all(z[i] <= 0 for i in np.flatnonzero(bound))
