"""Problems with more features than samples, and their primal values in exact arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from relubias.problem import Problem


def features(n, d, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d))


def wide_problem(n=6, d=40, signs=(1, -1), seed=0):
    y = np.random.default_rng([seed, 1]).uniform(0.5, 1.0, n) * np.resize([1.0, -1.0, 1.0], n)
    return Problem.from_features(features(n, d, seed), y, signs)


def exact_primal(dual, gram):
    """Multiply in rational arithmetic."""
    columns = [[Fraction(g) for g in column] for column in gram.T.tolist()]
    rows = [[Fraction(b) for b in row] for row in dual.tolist()]
    return [
        [sum(b * g for b, g in zip(row, column, strict=True)) for column in columns] for row in rows
    ]
