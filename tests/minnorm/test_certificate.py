"""Certificates are never below the true error, which rational arithmetic knows."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import relubias as rb
from relubias.minnorm import certify_one_neuron
from relubias.minnorm._norm_bounds import features_norm_bound, inverse_norm_bound
from tests.oracles.planted import exact_distance, exact_dual, planted_one_neuron


def truth(gram, labels, found):
    """Return the optimal dual in rationals, from the support that the solver found."""
    return exact_dual(gram, np.maximum(labels, 0.0), found.support[0])


def exact_conditions_hold(gram, labels, exact):
    from fractions import Fraction

    u = [sum(Fraction(float(g)) * b for g, b in zip(row, exact, strict=True)) for row in gram]
    return all(
        (u[i] == Fraction(float(y))) if y > 0 else (u[i] <= 0 and exact[i] <= 0)
        for i, y in enumerate(labels)
    )


@pytest.mark.parametrize("seed", range(60))
def test_bound_holds_for_the_solver_and_for_every_perturbation(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    X = rng.standard_normal((n, n + int(rng.integers(0, 2 * n + 1))))
    gram, y = X @ X.T, rng.standard_normal(n)
    found = rb.minimum_norm(rb.Problem(gram, y))
    exact = truth(gram, y, found)
    assert exact_conditions_hold(gram, y, exact)
    error = exact_distance(gram, found.dual[0], exact)
    assert error <= found.certificate.error_bound
    assert found.certificate.error_bound <= max(1e-12 * found.norm, 64 * error)
    norm = exact_distance(gram, np.zeros(n), exact)
    assert found.lower_bound <= norm * (1 + 1e-15)
    for size in (1e-15, 1e-12, 1e-6, 1e-1):
        dual = found.dual[0] * (1 + size * rng.standard_normal(n))
        dual = np.where(y > 0, dual, np.minimum(dual, 0.0))
        off = (y <= 0) & (rng.random(n) < 0.3)
        dual[off] = -size * rng.random(int(off.sum()))
        certificate = certify_one_neuron(gram, y, dual)
        assert exact_distance(gram, dual, exact) <= certificate.error_bound
        assert certificate.lower_bound <= norm * (1 + 1e-15)


@pytest.mark.parametrize("seed", range(5))
def test_bound_holds_for_the_mirrored_neuron(seed):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((6, 8)), rng.standard_normal(6)
    plus = certify_one_neuron(X @ X.T, y, np.where(y > 0, 0.1, -0.1))
    minus = certify_one_neuron(X @ X.T, -y, np.where(y > 0, 0.1, -0.1), -1.0)
    assert plus.error_bound == minus.error_bound > 0


@pytest.mark.parametrize("size", [1e-140, 1e140])
def test_bound_holds_at_extreme_label_scales(size):
    gram, y, _ = planted_one_neuron(8, 12, 1)
    found = rb.minimum_norm(rb.Problem(gram, y * size))
    exact = truth(gram, y * size, found)
    assert exact_distance(gram, found.dual[0], exact) <= found.certificate.error_bound
    assert found.certificate.error_bound <= 1e-14 * found.norm


def test_a_dual_of_wrong_sign_is_never_certified():
    gram, y, beta = planted_one_neuron(6, 9, 2)
    wrong = beta.copy()
    i = int(np.flatnonzero(y <= 0)[0])
    wrong[i] = 1e-300
    assert certify_one_neuron(gram, y, wrong).error_bound == math.inf
    assert certify_one_neuron(gram, y, wrong).lower_bound == 0.0


def test_a_singular_gram_matrix_without_a_basis_has_an_infinite_bound():
    X = np.random.default_rng(0).standard_normal((6, 3))
    y = np.abs(X @ np.array([1.0, 2.0, 3.0]))
    X = X * np.sign(X @ np.array([1.0, 2.0, 3.0]))[:, None]
    found = rb.minimum_norm(rb.Problem(X @ X.T, y))
    assert found.status == "OPTIMAL"
    assert found.certificate.error_bound == math.inf
    assert np.abs(found.dual[0] @ X - [1, 2, 3]).max() < 1e-13
    assert abs(found.rel_gap) < 1e-13


def test_redundant_dependent_rows_do_not_spoil_the_bound():
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((10, 14)), rng.standard_normal(10)
    once = rb.minimum_norm(rb.Problem(X @ X.T, y))
    X, y = np.vstack([X, X[:4], -X[y > 0][:1]]), np.concatenate([y, y[:4], [-1.0]])
    twice = rb.minimum_norm(rb.Problem(X @ X.T, y))
    assert twice.certificate.error_bound < 1e-14 * twice.norm
    assert abs(once.norm - twice.norm) <= 1e-15 * once.norm


def test_duality_gap_is_not_clipped():
    gaps = []
    for seed in range(40):
        gram, y, _ = planted_one_neuron(30, 40, seed)
        gaps.append(rb.minimum_norm(rb.Problem(gram, y)).certificate.duality_gap)
    assert min(gaps) < 0 < max(gaps)
    assert max(np.abs(gaps)) < 1e-13


@given(seed=st.integers(0, 10**6), n=st.integers(1, 8), spread=st.floats(0, 5))
def test_inverse_norm_bound_is_an_upper_bound_and_close(seed, n, spread):
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    A = (Q * 10.0 ** -np.linspace(0, spread, n)) @ Q.T
    A = A / 2 + A.T / 2
    v = rng.standard_normal(n)
    with mpmath.workdps(50):
        V = mpmath.matrix(v.tolist())
        exact = mpmath.sqrt((V.T * mpmath.lu_solve(mpmath.matrix(A.tolist()), V))[0])
        bound = inverse_norm_bound(A, v, np.zeros(n))
        assert exact <= bound <= exact * (1 + 1e-6)
    padded = inverse_norm_bound(A, v, np.full(n, 1e-3))
    for _ in range(5):
        near = v + rng.uniform(-1e-3, 1e-3, n)
        assert inverse_norm_bound(A, near, np.zeros(n)) <= padded * (1 + 1e-6)


@given(seed=st.integers(0, 10**6), n=st.integers(1, 6), spread=st.floats(0, 8))
def test_features_norm_bound_is_an_upper_bound(seed, n, spread):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, n + 3)) * 10.0 ** -np.linspace(0, spread, n)[:, None]
    v = rng.standard_normal(n)
    bound = features_norm_bound(X, v, np.zeros(n))
    with mpmath.workdps(60):
        rows, V = mpmath.matrix(X.tolist()), mpmath.matrix(v.tolist())
        exact = mpmath.sqrt((V.T * mpmath.lu_solve(rows * rows.T, V))[0])
        assert exact <= bound
        assert math.isinf(bound) or bound <= 1.01 * exact


def test_norm_bounds_are_infinite_for_singular_data():
    assert inverse_norm_bound(np.ones((2, 2)), np.ones(2), np.zeros(2)) == math.inf
    assert features_norm_bound(np.ones((2, 3)), np.ones(2), np.zeros(2)) == math.inf
    assert features_norm_bound(np.ones((2, 1)), np.ones(2), np.zeros(2)) == math.inf
    assert inverse_norm_bound(np.ones((2, 2)), np.zeros(2), np.zeros(2)) == 0.0
