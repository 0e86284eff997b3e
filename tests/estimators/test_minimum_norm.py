"""The shortest network, against convex programs over all activation patterns."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import nnls
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_ridge import KernelRidge

import relubias as rb
from relubias.estimators import MinimumNormReLURegressor


def data(n, d, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.standard_normal(n)


def least_norm(equal, right, below):
    """Return the shortest w with ``equal @ w == right`` and ``below @ w <= 0``; None if none.

    Over the equalities' solutions ``p + N z`` this is a least-distance program, which Lawson and
    Hanson solve with one non-negative least-squares problem.
    """
    p = np.linalg.lstsq(equal, right, rcond=None)[0]
    if not np.abs(equal @ p - right).max(initial=0.0) <= 1e-9:
        return None
    _, sizes, Vt = np.linalg.svd(equal)
    rank = int((sizes > 1e-10).sum())
    null = Vt[rank:].T
    G, h = -below @ null, below @ p
    E = np.vstack([G.T, h])
    f = np.append(np.zeros(null.shape[1]), 1.0)
    u, distance = nnls(E, f)
    if distance <= 1e-8:
        return None
    r = E @ u - f
    return p + null @ (-r[:-1] / r[-1])


def brute_force(X, y, signs):
    """Return the least norm of a network that fits, over all activation patterns."""
    n, d = X.shape
    m = len(signs)
    best = np.inf
    for bits in itertools.product((False, True), repeat=n * m):
        active = np.array(bits).reshape(m, n)
        equal = np.hstack([s * active[k, :, None] * X for k, s in enumerate(signs)])
        below = np.vstack(
            [
                np.hstack([X[i] * (1 - 2 * active[k, i]) * (j == k) for j in range(m)])
                for k in range(m)
                for i in range(n)
            ]
        )
        w = least_norm(equal, y, below)
        if w is not None:
            best = min(best, float(np.linalg.norm(w)))
    assert d * m > 0
    return best


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("has_intercept", [True, False])
def test_one_neuron_is_the_solution_of_a_convex_program(seed, has_intercept):
    X, y = data(8, 12, seed)
    Z = np.hstack([X, np.ones((8, 1))]) if has_intercept else X
    model = MinimumNormReLURegressor(1, fit_intercept=has_intercept).fit(X, y)
    w = least_norm(Z[y > 0], y[y > 0], Z[y <= 0])
    found = np.append(model.coef_[0], model.intercept_[0]) if has_intercept else model.coef_[0]
    assert_allclose(found, w, rtol=0, atol=1e-9)
    assert model.status_ == "OPTIMAL"
    assert_allclose(model.norm_, np.linalg.norm(w), rtol=1e-9)
    assert_allclose(model.predict(X), np.maximum(y, 0.0), rtol=0, atol=1e-12)


@pytest.mark.parametrize("signs", [(1, -1), (1, 1), (-1,)])
@pytest.mark.parametrize("seed", range(3))
def test_networks_equal_the_best_of_all_patterns(seed, signs):
    X, y = data(4, 5, seed)
    y = y if len(set(signs)) == 2 else np.abs(y) * signs[0]
    model = MinimumNormReLURegressor(signs, fit_intercept=False).fit(X, y)
    assert model.status_ == "OPTIMAL"
    assert_allclose(model.norm_, brute_force(X, y, signs), rtol=1e-8)
    assert_allclose(model.predict(X), y, rtol=0, atol=1e-10)
    assert_array_equal(
        model.active_examples_[np.abs(X @ model.coef_.T).T > 1e-9],
        ((X @ model.coef_.T).T > 0)[np.abs(X @ model.coef_.T).T > 1e-9],
    )


def test_the_intercept_is_the_weight_of_a_constant_feature():
    X, y = data(10, 30)
    model = MinimumNormReLURegressor().fit(X, y)
    other = MinimumNormReLURegressor(fit_intercept=False)
    other.fit(np.hstack([X, np.ones((10, 1))]), y)
    assert_array_equal(model.coef_, other.coef_[:, :-1])
    assert_array_equal(model.intercept_, other.coef_[:, -1])
    squares = np.sum(model.coef_**2) + np.sum(model.intercept_**2)
    assert_allclose(model.norm_, np.sqrt(squares), rtol=1e-12)
    assert model.objective_ == pytest.approx(model.norm_, rel=1e-12)
    assert model.lower_bound_ <= model.objective_
    assert model.alpha_ == 0.0
    assert model.conflict_.size == 0
    assert 0.999999 < model.score(X, y) <= 1.0


@pytest.mark.parametrize("alpha", [1e-3, 0.1, 10.0])
def test_alpha_is_that_of_kernel_ridge_regression(alpha):
    """One neuron, positive labels, and no inactive sample: the network is linear on the data."""
    rng = np.random.default_rng(0)
    X, y = np.abs(rng.standard_normal((20, 6))) + 1.0, rng.uniform(1.0, 2.0, 20)
    model = MinimumNormReLURegressor(1, alpha=alpha, fit_intercept=False).fit(X, y)
    ridge = KernelRidge(alpha=alpha).fit(X, y)
    assert_allclose(model.predict(X), ridge.predict(X), rtol=1e-9)
    assert_allclose(model.coef_[0], X.T @ ridge.dual_coef_, rtol=1e-7)
    assert_allclose(model.objective_, np.sqrt(y @ ridge.dual_coef_), rtol=1e-9)
    assert model.status_ == "OPTIMAL"
    assert model.norm_ < model.objective_


def test_contradicting_labels_are_named_and_fitted_with_a_warning():
    X = np.eye(4)[[0, 1, 0, 2]]
    y = np.array([1.0, -2.0, 3.0, 0.5])
    model = MinimumNormReLURegressor(fit_intercept=False)
    with pytest.warns(ConvergenceWarning) as caught:
        model.fit(X, y)
    assert len(caught) == 1
    message = str(caught[0].message)
    assert message.startswith(f"INFEASIBLE: {rb.MinimumNormStatus.INFEASIBLE.sentence}")
    assert message.endswith("fitted with alpha = 0.01 instead")
    assert caught[0].filename == __file__
    assert model.status_ == "INFEASIBLE"
    assert_array_equal(model.conflict_, [0, 2])
    assert model.certificate_.kind == "infeasible"
    assert model.alpha_ == 0.01
    assert_allclose(model.predict(X), [2.0, -2.0, 2.0, 0.5], rtol=0.02)
    with_alpha = MinimumNormReLURegressor(alpha=0.01, fit_intercept=False).fit(X, y)
    assert with_alpha.status_ == "OPTIMAL"
    assert_array_equal(with_alpha.coef_, model.coef_)


def test_weights_too_large_to_be_evaluated_are_not_returned():
    """Samples that nearly repeat, with different labels: networks that fit have huge weights."""
    rng = np.random.default_rng(11)
    X = np.repeat(rng.standard_normal((10, 40)), 2, axis=0)
    X *= 1.0 + 1e-12 * rng.standard_normal((20, 1))
    y = rng.standard_normal(20)
    model = MinimumNormReLURegressor()
    with pytest.warns(ConvergenceWarning, match="samples .*; fitted with alpha"):
        model.fit(X, y)
    assert model.status_ in ("UNDECIDED", "INFEASIBLE")
    means = np.repeat((y[::2] + y[1::2]) / 2, 2)
    assert_allclose(model.predict(X), means, rtol=0, atol=0.05)
    assert model.norm_ < 10.0


def test_a_search_that_is_cut_says_so():
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((40, 44)), rng.standard_normal(40)
    model = MinimumNormReLURegressor(4, time_limit=0.0)
    with pytest.warns(ConvergenceWarning) as caught:
        model.fit(X, y)
    sentence = rb.MinimumNormStatus.FEASIBLE.sentence
    assert str(caught[0].message) == f"FEASIBLE: {sentence}"
    assert model.status_ == "FEASIBLE"
    assert 0.0 < model.rel_gap_ < 1.0
    assert_allclose(model.predict(X), y, rtol=0, atol=1e-8)
    good_enough = MinimumNormReLURegressor(4, time_limit=0.0, rel_gap=0.99).fit(X, y)
    assert good_enough.status_ == "FEASIBLE"


def test_a_larger_penalty_never_gives_a_longer_network():
    X, y = data(12, 30)
    alphas = (0.0, 0.1, 1.0, 10.0, 100.0)
    models = [MinimumNormReLURegressor(alpha=alpha).fit(X, y) for alpha in alphas]
    assert {model.status_ for model in models} == {"OPTIMAL"}
    norms = [model.norm_ for model in models]
    assert norms == sorted(norms, reverse=True)


def test_labels_and_features_may_have_any_unit():
    X, y = data(10, 30)
    model = MinimumNormReLURegressor(fit_intercept=False).fit(X, y)
    scaled = MinimumNormReLURegressor(fit_intercept=False).fit(2.0**40 * X, 2.0**-60 * y)
    assert_array_equal(scaled.coef_, 2.0**-100 * model.coef_)


ODD_DATA = {
    "one sample": (np.ones((1, 3)), np.ones(1)),
    "one feature": (np.arange(1.0, 6.0)[:, None], np.arange(1.0, 6.0)),
    "constant columns": (np.ones((5, 4)), np.full(5, 2.0)),
    "labels zero": (np.eye(4), np.zeros(4)),
    "duplicate samples": (np.repeat(np.eye(3), 2, axis=0), np.repeat([1.0, -2.0, 0.5], 2)),
    "tiny labels": (np.eye(4), np.full(4, 1e-200)),
    "huge features": (1e120 * np.eye(4), np.ones(4)),
    "far more features than samples": (np.eye(3, 5000), np.array([1.0, -1.0, 2.0])),
}


@pytest.mark.parametrize("has_intercept", [True, False])
@pytest.mark.parametrize("case", ODD_DATA)
def test_odd_data_have_a_shortest_network(case, has_intercept):
    X, y = ODD_DATA[case]
    model = MinimumNormReLURegressor(fit_intercept=has_intercept).fit(X, y)
    assert model.status_ == "OPTIMAL"
    assert_allclose(model.predict(X), y, rtol=1e-9, atol=1e-12 * np.abs(y).max())


def test_samples_without_features_are_fitted_by_zero():
    model = MinimumNormReLURegressor(fit_intercept=False)
    with pytest.warns(ConvergenceWarning, match="INFEASIBLE"):
        model.fit(np.zeros((4, 3)), np.full(4, -1.0))
    assert_array_equal(model.coef_, 0.0)
    assert_array_equal(model.predict(np.ones((2, 3))), 0.0)
