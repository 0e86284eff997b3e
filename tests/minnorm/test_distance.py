"""Distances keep all their digits, at gaps from 1e-1 to 1e-16 of the norm."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import relubias as rb
from relubias.minnorm.distance import between_duals, dual_norm, to_minimum_norm
from tests.oracles.planted import exact_distance, exact_dual

GAPS = [1e-1, 1e-3, 1e-5, 1e-7, 1e-9, 1e-11, 1e-13, 1e-15, 1e-17]


def near_optimum(gram, labels, found, gap, rng):
    """Return a dual at about that relative distance, on the side where descent stops."""
    support = found.support[0]
    A, R = np.flatnonzero(support), np.flatnonzero(~support)
    push = np.where(labels[A] > 0, 0.0, -gap * np.abs(rng.standard_normal(A.size)))
    rest = -gap * np.abs(rng.standard_normal(R.size)) / gram[0, 0]
    dual = found.dual[0].copy()
    dual[A] += np.linalg.solve(gram[np.ix_(A, A)], push - gram[np.ix_(A, R)] @ rest)
    dual[R] += rest
    return dual


@pytest.mark.parametrize("d", [13, 15, 120])
def test_distance_to_the_optimum_keeps_its_digits(d):
    n = 12
    rng = np.random.default_rng(d)
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    gram = X @ X.T
    problem = rb.Problem(gram, y)
    found = rb.minimum_norm(problem)
    exact = exact_dual(gram, np.maximum(y, 0.0), found.support[0])
    for gap in GAPS:
        dual = near_optimum(gram, y, found, gap, rng)
        truth = exact_distance(gram, dual, exact)
        value, error = to_minimum_norm(gram, dual, found, 0)
        assert abs(value - truth) <= error
        assert abs(value - truth) <= 1e-12 * truth
        assert error <= 1e-2 * truth
        assert rb.bias_gap(problem, [dual], found).distance == value


@given(seed=st.integers(0, 10**6), exponent=st.integers(-17, 0))
def test_distance_of_two_duals_is_within_its_bound(seed, exponent):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 8))
    X = rng.standard_normal((n, n + 2))
    gram, first = X @ X.T, rng.standard_normal(n)
    second = first * (1 + 10.0**exponent * rng.standard_normal(n))
    value, error = between_duals(gram, first, second)
    truth = exact_distance(gram, first, [Fraction(float(v)) for v in second])
    assert abs(value - truth) <= error
    assert abs(value - truth) <= 1e-11 * truth


def test_equal_duals_have_distance_zero():
    dual = np.array([1.0, -2.0])
    assert between_duals(np.eye(2), dual, dual) == (0.0, 0.0)


@pytest.mark.parametrize("size", [1e-150, 1.0, 1e150])
def test_norms_of_any_size(size):
    value, error = dual_norm(np.array([[4.0, 0.0], [0.0, 4.0]]), np.array([3.0, 4.0]) * size)
    assert value == pytest.approx(10 * size, rel=1e-15)
    assert error <= 1e-14 * value


def test_coupled_samples_fall_back_to_the_difference_of_duals():
    for seed in range(50):
        rng = np.random.default_rng(seed)
        X, y = rng.standard_normal((6, 7)), rng.standard_normal(6)
        problem = rb.Problem(X @ X.T, y, (1, -1))
        found = rb.minimum_norm(problem)
        if found.coupled.size and found.status == "OPTIMAL":
            break
    dual = found.dual + 1e-3
    gap = rb.bias_gap(problem, dual, found)
    exact = np.sqrt(2 * 1e-6 * problem.gram.sum())
    assert gap.distance == pytest.approx(exact, rel=1e-9)
    assert gap.rounding_error <= 1e-9 * gap.distance


def test_dependent_samples_have_a_distance_too():
    X = np.random.default_rng(0).standard_normal((6, 4))
    y = np.array([1.0, -1.0, -1.0, 0.5, -1.0, -1.0])
    problem = rb.Problem(X @ X.T, y)
    found = rb.minimum_norm(problem)
    assert found.status == "OPTIMAL"
    dual = found.dual + 0.01
    gap = rb.bias_gap(problem, dual, found)
    assert gap.distance == pytest.approx(0.01 * np.linalg.norm(X.sum(axis=0)), rel=1e-9)
