"""The convex surrogate: its optimality conditions, and nothing to do where a fit exists."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import minimize

import relubias as rb
from relubias.minnorm import ClosestFit, closest_fit


def data(seed, n=12, d=4):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.standard_normal(n)


def loss(w, X, y):
    free = y > 0
    return (((X @ w - y)[free] ** 2).sum() + (np.maximum(X @ w, 0)[~free] ** 2).sum()) / 2


@given(seed=st.integers(0, 10**6), n=st.integers(1, 14), d=st.integers(1, 8))
def test_the_conditions_of_optimality_hold(seed, n, d):
    X, y = data(seed, n, d)
    found = closest_fit(rb.Problem.from_features(X, y))
    w = found.weights
    residual = np.where(y > 0, X @ w - y, np.maximum(X @ w, 0.0))
    scale = np.abs(residual) @ np.linalg.norm(X, axis=1) + 1e-300
    if not found.is_exact:
        assert np.linalg.norm(X.T @ residual) <= 1e-7 * scale
    assert np.abs(residual - found.residual).max() <= 1e-9 * np.abs(y).max()
    assert found.norm == pytest.approx(np.linalg.norm(w), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_no_other_weights_are_closer_or_as_close_and_shorter(seed):
    X, y = data(seed)
    found = closest_fit(rb.Problem.from_features(X, y))
    start = np.random.default_rng(seed).standard_normal(4)
    best = minimize(loss, start, (X, y), tol=1e-14, method="BFGS", options={"gtol": 1e-10})
    assert found.loss == pytest.approx(best.fun, rel=1e-9)
    assert found.loss <= best.fun * (1 + 1e-12)


def test_dependent_samples_get_the_shortest_of_the_closest():
    X, y = data(0, 10, 3)
    wide = (
        np.hstack([X, np.zeros((10, 2))])
        @ np.linalg.qr(np.random.default_rng(1).standard_normal((5, 5)))[0]
    )
    one = closest_fit(rb.Problem.from_features(X, y))
    other = closest_fit(rb.Problem.from_features(wide, y))
    assert other.norm == pytest.approx(one.norm, rel=1e-9)
    assert other.loss == pytest.approx(one.loss, rel=1e-9)
    assert np.linalg.norm(other.weights) == pytest.approx(np.linalg.norm(one.weights), rel=1e-8)


@pytest.mark.parametrize("sign", [1, -1])
def test_where_a_fit_exists_it_is_the_minimum_norm(sign):
    for seed in range(10):
        X, y = data(seed, 8, 12)
        problem = rb.Problem.from_features(X, y, (sign,))
        found, shortest = closest_fit(problem), rb.minimum_norm(problem)
        assert found.is_exact
        assert found.loss == 0.0
        assert found.stationarity == 0.0
        assert_allclose(found.dual, shortest.dual[0], rtol=1e-9, atol=1e-12)


def test_contradictions_are_averaged():
    found = closest_fit(rb.Problem(np.ones((2, 2)), [1.0, 3.0]))
    assert_allclose(found.primal, [2.0, 2.0], rtol=1e-14)
    assert found.loss == pytest.approx(1.0)
    opposite = closest_fit(rb.Problem([[1.0, -1.0], [-1.0, 1.0]], [1.0, 1.0]))
    assert_allclose(opposite.primal, [0.0, 0.0], atol=1e-14)
    assert opposite.norm == pytest.approx(0.0, abs=1e-14)


@pytest.mark.parametrize("exponent", [-400, -7, 9, 400])
def test_scaling_labels_by_a_power_of_two_scales_the_answer(exponent):
    X, y = data(3)
    one = closest_fit(rb.Problem(X @ X.T, y))
    other = closest_fit(rb.Problem(X @ X.T, y * 2.0**exponent))
    assert (other.dual == one.dual * 2.0**exponent).all()
    assert other.norm == one.norm * 2.0**exponent


def test_it_shows_itself():
    X, y = data(0)
    found = closest_fit(rb.Problem(X @ X.T, y))
    assert isinstance(found, ClosestFit)
    assert "largest residual" in found.summary()
    assert repr(found).startswith("ClosestFit(loss=")
    assert list(found.to_frame().columns) == ["sample", "label", "primal", "dual", "residual"]
    assert found.weights is None


def test_wider_networks_are_refused():
    with pytest.raises(rb.InvalidInputError, match="2 neurons"):
        closest_fit(rb.Problem(np.eye(2), [1.0, -1.0], (1, -1)))
