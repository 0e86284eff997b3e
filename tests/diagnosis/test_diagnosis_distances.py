"""Distances in weight space against explicit matrices, permutations and another optimiser."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from tests.diagnosis.planted import all_positive, descend, jacobian, network, samples

import relubias as rb
from relubias.diagnosis import Rest

PAIR = np.array([1.0, -1.0])


def diagnosed(X, y, W, signs, **options):
    return rb.diagnose((W, None, signs, None), X, y, **{"time_limit": 1.0, **options})


def cosine(a, b):
    return a.ravel() @ b.ravel() / np.linalg.norm(a) / np.linalg.norm(b)


def shortest_weights(X, y, signs):
    return rb.minimum_norm(rb.Problem.from_features(X, y, signs)).weights


def test_the_minimum_norm_network_is_recognised():
    X, y = samples(8, 60, 0)
    W = shortest_weights(X, y, PAIR)
    d = diagnosed(X, y, W, PAIR)
    found = d["minimum norm"]
    assert found.is_exact
    assert found.distance <= found.rounding_error + 1e-14
    assert "is the minimum-norm network" in d.findings[1]
    assert d.optimum.rest is Rest.GLOBAL_MINIMUM


def test_the_distance_to_the_minimum_norm_is_that_of_the_weights():
    X, y = samples(8, 60, 1)
    W = descend(X, y, all_positive(X, 2, 0.01), PAIR, 0.5 / 60, 500)
    best = shortest_weights(X, y, PAIR)
    found = diagnosed(X, y, W, PAIR)["minimum norm"]
    assert_allclose(found.distance, np.linalg.norm(W - best), rtol=1e-10)
    assert_allclose(found.relative, np.linalg.norm(W - best) / np.linalg.norm(best), rtol=1e-10)
    assert_allclose(found.cosine, cosine(W, best), rtol=1e-10)
    for k in range(2):
        assert_allclose(found.per_neuron[k], np.linalg.norm(W[k] - best[k]), rtol=1e-10)
        assert_allclose(found.cosines[k], cosine(W[k], best[k]), rtol=1e-10)


def test_neurons_are_matched_within_their_sign():
    rng = np.random.default_rng(4)
    X, y = samples(6, 30, 4)
    signs = np.array([1.0, -1.0, 1.0, 1.0, -1.0])
    W = rng.standard_normal((5, 30)) / 10
    found = diagnosed(X, y, W, signs, time_limit=0.2)["minimum norm"]
    plus, minus = np.flatnonzero(signs > 0), np.flatnonzero(signs < 0)
    other = np.empty_like(found.weights)
    other[found.assignment] = found.weights
    nearest = np.inf
    for p in itertools.permutations(plus):
        for q in itertools.permutations(minus):
            order = np.arange(5)
            order[plus], order[minus] = p, q
            nearest = min(nearest, np.linalg.norm(W - other[order]))
    assert_allclose(found.distance, nearest, rtol=1e-9)


def test_the_part_outside_the_span_counts():
    X, y = samples(5, 20, 2)
    best = shortest_weights(X, y, PAIR)
    null = np.linalg.svd(X)[2][-1]
    d = diagnosed(X, y, best + 0.3 * null, PAIR)
    assert_allclose(d["minimum norm"].distance, 0.3 * np.sqrt(2), rtol=1e-12)
    assert_allclose(d.span.outside_norm, 0.3 * np.sqrt(2), rtol=1e-12)
    assert d.span.rank == 5


@pytest.mark.parametrize(("n", "d"), [(6, 20), (20, 6), (20, 20), (12, 6)])
def test_shares_in_the_span_are_those_of_least_squares(n, d):
    rng = np.random.default_rng(n)
    X, y = samples(n, d, n)
    X[1] = X[0]
    X[2] = 0.0
    if n == 12:
        X[:, -1] = X[:, 0]
    W = rng.standard_normal((2, d))
    found = diagnosed(X, y, W, PAIR, time_limit=0.1).span
    inside = W @ np.linalg.pinv(X) @ X
    assert found.rank == np.linalg.matrix_rank(X)
    assert_allclose(found.inside, inside, atol=1e-10)
    assert_allclose(found.share, (inside**2).sum(axis=1) / (W**2).sum(axis=1), atol=1e-10)


def test_linear_fits_are_those_of_lstsq():
    X, y = samples(7, 25, 6)
    W = np.random.default_rng(6).standard_normal((3, 25))
    signs = np.array([1.0, -1.0, 1.0])
    d = diagnosed(X, y, W, signs, time_limit=0.1)
    w = np.linalg.lstsq(X, y, rcond=None)[0]
    expected = np.array([w / 2, -w, w / 2])
    assert_allclose(d["linear, all samples"].weights, expected, atol=1e-12)
    assert_allclose(network(X, expected, signs), y, atol=1e-12)  # it is that linear map
    J = jacobian(X, W, signs).reshape(7, -1)
    on = np.flatnonzero(J.any(axis=1))
    V = np.linalg.lstsq(J[on], y[on], rcond=None)[0].reshape(W.shape)
    assert_allclose(d["linear, active samples"].weights, V, atol=1e-10)


def test_one_active_set_gives_the_linear_interpolator_of_the_subset():
    X, y = samples(6, 30, 8)
    W = descend(X, y, all_positive(X, 1, 0.01), np.ones(1), 0.5 / 30, 500)
    d = diagnosed(X, y, W, np.ones(1))
    problem = rb.Problem.from_features(X, y)
    linear = rb.linear_minimum_norm(problem, d.selection.support)
    assert_allclose(d["linear, active samples"].weights[0], linear.dual @ X, atol=1e-12)


def test_a_linear_network_is_said_to_be_nearly_linear():
    X, y = samples(6, 30, 9)
    w = np.linalg.lstsq(X, y, rcond=None)[0]
    d = diagnosed(X, y, np.array([w, -w]), PAIR)
    assert d["linear, all samples"].distance < 1e-12
    assert any("nearly linear" in text for text in d.findings)


def test_biases_are_the_weight_of_a_constant_feature():
    X, y = samples(8, 40, 3)
    rng = np.random.default_rng(3)
    W, b = rng.standard_normal((2, 40)) / 6, rng.standard_normal(2)
    a, c = np.array([2.0, -0.5]), 0.25
    d = rb.diagnose((W, b, a, c), X, y, time_limit=1.0)
    Z = np.column_stack([X, np.ones(8)])
    V = np.column_stack([W, b]) * np.abs(a)[:, None]
    best = shortest_weights(Z, y - c, PAIR)
    assert_allclose(d["minimum norm"].distance, np.linalg.norm(V - best), rtol=1e-10)
    assert any("Outer weights differ by a factor of up to 4" in text for text in d.findings)


def test_the_shortest_of_the_same_pattern_is_that_of_another_optimiser():
    X, y = samples(6, 4, 12)
    signs = np.array([1.0, -1.0, 1.0])
    rng = np.random.default_rng(0)
    while True:
        W = rng.standard_normal((3, 4))
        active = W @ X.T > 0
        agrees = active & (signs[:, None] * y > 0)
        if agrees.any(axis=0).all():
            J = jacobian(X, W, signs).reshape(6, -1)
            side = np.where(active, 1.0, -1.0)
            solved = minimize(
                lambda v: v @ v,
                W.ravel(),
                jac=lambda v: 2 * v,
                method="SLSQP",
                constraints=[
                    {"type": "eq", "fun": lambda v, J=J: J @ v - y, "jac": lambda _, J=J: J},
                    {
                        "type": "ineq",
                        "fun": lambda v, s=side: (s * (v.reshape(3, 4) @ X.T)).ravel(),
                    },
                ],
                options={"maxiter": 500, "ftol": 1e-14},
            )
            if solved.success:
                break
    d = diagnosed(X, y, W, signs, time_limit=0.0)
    found = d.find("minimum norm, same pattern") or d["minimum norm"]
    assert found.norm <= np.sqrt(solved.fun) * (1 + 1e-6)
    if found.name != "minimum norm":
        assert_allclose(found.weights, solved.x.reshape(3, 4), atol=1e-5)
    assert_allclose(network(X, found.weights, signs), y, atol=1e-9)


def test_the_best_known_network_is_the_shorter_of_search_and_pattern():
    X, y = samples(12, 6, 1)
    signs = np.where(np.arange(20) < 10, 1.0, -1.0)
    rng = np.random.default_rng(2)
    W = descend(X, y, 0.3 * rng.standard_normal((20, 6)), signs, 0.01, 4000)
    d = diagnosed(X, y, W, signs, time_limit=0.0)
    best = d["minimum norm"]
    assert not best.is_exact
    assert_allclose(network(X, best.weights, signs), y, atol=1e-7)
    assert best.norm <= d.norm * (1 + 1e-9)
    same = d.find("minimum norm, same pattern")
    assert same is None or best.norm <= same.norm
    assert best.at_least <= best.distance
    assert "best known" in str(d)


def test_many_neurons_on_many_samples_get_a_shared_pair():
    rng = np.random.default_rng(7)
    X, y = rng.standard_normal((310, 320)), rng.standard_normal(310)
    signs = np.array([1.0, -1.0, 1.0, -1.0, -1.0])
    W = rng.standard_normal((5, 320)) / 20
    d = diagnosed(X, y, W, signs, time_limit=0.5)
    best = d["minimum norm"]
    assert d.shortest is None
    assert "too many" in d.why_no_shortest
    assert_allclose(best.weights[0], best.weights[2])
    assert_allclose(network(X, best.weights, signs), y, atol=1e-8)


def test_an_unknown_comparison_is_named():
    X, y = samples(4, 10, 0)
    d = diagnosed(X, y, np.ones((2, 10)), PAIR, time_limit=0.0)
    with pytest.raises(rb.InvalidInputError, match="choose from"):
        d["max norm"]
