"""The weights that gradient descent finds, against plain descent in weight space."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning

import relubias as rb
from relubias.estimators import GradientDescentReLURegressor

NETWORKS = {
    "one neuron": ([1.0], 8, 30),
    "both signs": ([1.0, -1.0], 8, 30),
    "three neurons": ([1.0, 1.0, -1.0], 6, 25),
    "a negative one": ([-1.0], 7, 20),
}


def data(n, d, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.standard_normal(n)


def descend(X, y, weights, signs, step_size, n_steps=20_000):
    """Full-batch gradient descent on ``0.5 * ||f(X) - y||**2``, step by step."""
    W = weights.copy()
    for _ in range(n_steps):
        U = W @ X.T
        residual = signs @ np.maximum(U, 0.0) - y
        change = step_size * signs[:, None] * (((U > 0) * residual) @ X)
        W -= change
        if np.abs(change).max() <= 1e-17:
            break
    return W


@pytest.mark.parametrize("has_intercept", [True, False])
@pytest.mark.parametrize("name", NETWORKS)
def test_weights_are_those_of_descent_in_weight_space(name, has_intercept):
    signs, n, d = NETWORKS[name]
    X, y = data(n, d)
    augmented = np.hstack([X, np.ones((n, 1))]) if has_intercept else X
    start = 0.01 * np.random.default_rng(1).standard_normal((len(signs), augmented.shape[1]))
    model = GradientDescentReLURegressor(
        signs, kappa=0.2, start=start, fit_intercept=has_intercept
    ).fit(X, y)
    assert model.status_ == "CERTIFIED"
    step_size = 0.2 / np.mean(np.sum(augmented**2, axis=1))
    assert_allclose(model.step_size_, step_size, rtol=1e-14)
    expected = descend(augmented, y, start, np.array(signs), step_size)
    found = np.hstack([model.coef_, model.intercept_[:, None]]) if has_intercept else model.coef_
    assert_allclose(found, expected, rtol=0, atol=1e-9)
    if not has_intercept:
        assert_array_equal(model.intercept_, 0.0)
    U = augmented @ expected.T
    assert_array_equal(model.active_examples_[np.abs(U.T) > 1e-8], (U.T > 0)[np.abs(U.T) > 1e-8])
    residual = np.maximum(U, 0) @ signs - y
    assert_allclose(model.loss_, 0.5 * residual @ residual, rtol=1e-8, atol=1e-15)
    assert_allclose(model.predict(X), np.maximum(U, 0) @ signs, rtol=0, atol=1e-8)


def test_the_part_of_the_start_that_no_sample_sees_is_kept():
    X, y = data(4, 9)
    start = np.random.default_rng(1).standard_normal((2, 9))
    model = GradientDescentReLURegressor(start=start, fit_intercept=False).fit(X, y)
    apart = np.eye(9) - np.linalg.pinv(X) @ X
    assert np.abs(start @ apart).max() > 0.1
    assert_allclose(model.coef_ @ apart, start @ apart, rtol=0, atol=1e-12)


@pytest.mark.parametrize("neurons", [1, 2, (1, -1, -1)])
def test_the_start_with_every_sample_active_is_that_of_the_paper(neurons):
    X, y = data(6, 40)
    model = GradientDescentReLURegressor(
        neurons, start="all_positive", start_scale=0.05, kappa=0.5, fit_intercept=False
    ).fit(X, y)
    signs = {1: [1], 2: [1, -1]}.get(neurons, neurons)
    weights = np.tile(np.linalg.pinv(X) @ np.full(6, 0.05 * np.abs(y).min()), (len(signs), 1))
    expected = descend(X, y, weights, np.array(signs, float), 0.5 / np.mean(np.sum(X**2, axis=1)))
    assert_allclose(model.coef_, expected, rtol=0, atol=1e-10)
    assert_array_equal(model.signs_, signs)


def test_a_random_start_has_the_size_that_is_asked_for():
    X, y = data(400, 5)
    tiny = GradientDescentReLURegressor(
        20, start_scale=0.5, fit_intercept=False, max_iter=1, kappa=1e-12, random_state=0
    )
    with pytest.warns(ConvergenceWarning, match="MAX_ITER"):
        tiny.fit(X, y)
    size = np.sqrt(np.mean((X @ tiny.coef_.T) ** 2))
    assert_allclose(size, 0.5 * np.sqrt(np.mean(y**2)), rtol=0.2)  # 100 numbers drawn


def test_a_seed_repeats_a_fit_and_none_does_not():
    X, y = data(10, 30)
    first, again, other = (
        GradientDescentReLURegressor(random_state=seed).fit(X, y) for seed in (0, 0, 1)
    )
    assert_array_equal(first.coef_, again.coef_)
    assert np.abs(first.coef_ - other.coef_).max() > 1e-6
    first, other = (GradientDescentReLURegressor().fit(X, y) for _ in range(2))
    assert np.abs(first.coef_ - other.coef_).max() > 1e-9


def test_labels_and_features_may_have_any_unit():
    X, y = data(10, 30)
    model = GradientDescentReLURegressor(fit_intercept=False, random_state=0).fit(X, y)
    scaled = GradientDescentReLURegressor(fit_intercept=False, random_state=0)
    scaled.fit(2.0**40 * X, 2.0**-60 * y)
    assert_array_equal(scaled.coef_, 2.0**-100 * model.coef_)
    assert scaled.n_steps_ == model.n_steps_


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_automatic_step_is_stable_where_kappa_is_not():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 4)) + 3.0  # one direction far longer than the rest
    y = rng.standard_normal(30)
    G = X @ X.T
    model = GradientDescentReLURegressor(fit_intercept=False, max_iter=20, random_state=0)
    model.fit(X, y)
    stable = 2.0 / (2 * np.linalg.eigvalsh(G)[-1])
    assert stable < 0.9 / np.mean(np.diagonal(G))
    assert_allclose(model.step_size_, 0.9 * stable, rtol=1e-12)
    X, y = data(5, 2000)
    model = GradientDescentReLURegressor(1, fit_intercept=False).fit(X, y)
    assert_allclose(model.step_size_, 0.9 / np.mean(np.sum(X**2, axis=1)), rtol=1e-12)
    model = GradientDescentReLURegressor(step_size=1e-4, fit_intercept=False).fit(X, y)
    assert model.step_size_ == 1e-4


def test_a_run_that_circles_for_ever_is_ended_on_its_plateau():
    X, y = data(20, 3, seed=1)
    model = GradientDescentReLURegressor(random_state=0)
    with pytest.warns(ConvergenceWarning, match="PLATEAU: the loss has stopped falling") as caught:
        model.fit(X, y)
    assert caught[0].filename == __file__
    assert model.status_ == "PLATEAU"
    assert model.tail_ == "CHATTER"
    assert model.certificate_ is None
    assert model.n_iter_ == model.n_steps_ < model.max_iter
    assert np.log2(model.n_steps_) % 1 == 0
    X1 = np.hstack([X, np.ones((20, 1))])
    weights = np.hstack([model.coef_, model.intercept_[:, None]])
    weights = descend(X1, y, weights, model.signs_, model.step_size_, 2 * model.n_steps_)
    residual = np.maximum(X1 @ weights.T, 0.0) @ model.signs_ - y
    assert 0.5 * residual @ residual >= 0.99 * model.loss_
    with pytest.warns(ConvergenceWarning, match="PLATEAU"):
        again = GradientDescentReLURegressor(random_state=0).fit(X, y)
    assert_array_equal(again.coef_, model.coef_)


def test_a_small_step_is_no_plateau():
    X, y = data(10, 30)
    with pytest.warns(ConvergenceWarning, match="MAX_ITER"):
        GradientDescentReLURegressor(4, kappa=1e-12, max_iter=600, random_state=0).fit(X, y)


def test_the_warning_is_the_sentence_of_the_status():
    X, y = data(10, 30)
    model = GradientDescentReLURegressor(max_iter=1, kappa=0.01, random_state=0)
    with pytest.warns(ConvergenceWarning) as caught:
        model.fit(X, y)
    assert len(caught) == 1
    assert str(caught[0].message).startswith(f"MAX_ITER: {rb.Status.MAX_ITER.sentence}")
    assert caught[0].filename == __file__
    assert model.status_ == "MAX_ITER"
    assert model.n_iter_ == 1


def test_divergence_is_a_status():
    X = np.array([[1.0, 1.0], [-1.0, -1.0]])
    start = np.array([[1.0, 1.0]])
    model = GradientDescentReLURegressor(1, step_size=1e3, start=start, fit_intercept=False)
    with pytest.warns(ConvergenceWarning, match="DIVERGED: .* lower `step_size`"):
        model.fit(X, [1.0, 0.0])
    assert model.status_ == "DIVERGED"
    assert np.isfinite(model.predict(X)).all()


def test_the_fitted_attributes_belong_to_one_network():
    X, y = data(15, 2000)
    model = GradientDescentReLURegressor(3, start="all_positive").fit(X, y)
    assert model.status_ == "CERTIFIED"
    assert isinstance(model.certificate_, rb.Certificate)
    assert model.coef_.shape == (3, 2000)
    assert model.intercept_.shape == (3,)
    assert_array_equal(model.signs_, [1, -1, 1])
    assert model.active_examples_.shape == (3, 15)
    assert model.n_steps_ >= 1
    assert model.n_iter_ <= 10_000
    assert 0.999 < model.score(X, y) <= 1.0


ODD_DATA = {
    "one sample": (np.ones((1, 3)), np.ones(1)),
    "one feature": (np.arange(1.0, 6.0)[:, None], np.arange(1.0, 6.0)),
    "constant columns": (np.ones((5, 4)), np.full(5, 2.0)),
    "all features zero": (np.zeros((4, 3)), np.full(4, -1.0)),
    "labels zero": (np.eye(4), np.zeros(4)),
    "duplicate samples": (np.repeat(np.eye(3), 2, axis=0), np.repeat([1.0, -2.0, 0.5], 2)),
    "tiny labels": (np.eye(4), np.full(4, 1e-200)),
    "huge features": (1e120 * np.eye(4), np.ones(4)),
}


@pytest.mark.parametrize("has_intercept", [True, False])
@pytest.mark.parametrize("case", ODD_DATA)
def test_odd_data_have_a_limit(case, has_intercept):
    X, y = ODD_DATA[case]
    model = GradientDescentReLURegressor(fit_intercept=has_intercept, random_state=0).fit(X, y)
    assert model.status_ in ("CERTIFIED", "TOLERANCE")
    assert np.isfinite(model.predict(X)).all()
    assert np.isfinite(model.loss_)
