"""Errors on held-out samples, ridge regression, and arguments of the diagnosis."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import Ridge as SklearnRidge
from tests.diagnosis.planted import all_positive, descend, network, samples

import relubias as rb
from relubias.diagnosis.held_out import ridge_of

PAIR = np.array([1.0, -1.0])


def diagnosed(X, y, W, signs=PAIR, **options):
    return rb.diagnose((W, None, signs, None), X, y, **{"time_limit": 5.0, **options})


def fitted(n=8, d=200, seed=0):
    X, y = samples(n, d, seed)
    start = all_positive(X, 2, 0.01)
    return X, y, start, descend(X, y, start, PAIR, 0.5 / d, 800)


@pytest.mark.parametrize(("n", "d"), [(30, 5), (10, 25), (12, 12)])
@pytest.mark.parametrize("penalty", [1e-3, 1.0, 100.0])
def test_ridge_is_that_of_scikit_learn_and_its_leave_one_out_error_that_of_a_loop(n, d, penalty):
    rng = np.random.default_rng(n)
    X, y = rng.standard_normal((n, d)) + 3.0, rng.standard_normal(n)
    found = ridge_of(X, y, penalty)
    other = SklearnRidge(alpha=penalty).fit(X, y)
    assert_allclose(found.coefficients, other.coef_, rtol=1e-8, atol=1e-11)
    assert_allclose(found.intercept, other.intercept_, rtol=1e-8)
    left_out = []
    for i in range(n):
        rest = np.arange(n) != i
        model = SklearnRidge(alpha=penalty).fit(X[rest], y[rest])
        left_out.append(model.predict(X[i : i + 1])[0] - y[i])
    assert_allclose(found.error, np.sqrt(np.mean(np.square(left_out))), rtol=1e-8)


def test_the_chosen_penalty_has_the_smallest_error_of_the_grid():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 10))
    y = X[:, 0] + rng.standard_normal(40)
    chosen = ridge_of(X, y, None)
    assert chosen.was_chosen
    for factor in (0.01, 0.3, 3.0, 100.0):
        assert chosen.error <= ridge_of(X, y, chosen.penalty * factor).error * (1 + 1e-12)


def test_ridge_without_a_penalty_is_least_squares():
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((20, 4)), rng.standard_normal(20)
    Z = np.column_stack([X, np.ones(20)])
    expected = np.linalg.lstsq(Z, y, rcond=None)[0]
    found = ridge_of(X, y, 0.0)
    assert_allclose(np.r_[found.coefficients, found.intercept], expected, rtol=1e-9)


def test_test_errors_are_those_of_the_predictions():
    X, y, start, W = fitted()
    rng = np.random.default_rng(9)
    A, b = rng.standard_normal((30, 200)), rng.standard_normal(30)
    d = diagnosed(X, y, W, held_out=(A, b), start=(start, None, PAIR, None), ridge=2.0)
    problem = rb.Problem.from_features(X, y, PAIR)
    linear = np.linalg.lstsq(X, y, rcond=None)[0]
    ridge = SklearnRidge(alpha=2.0).fit(X, y)
    expected = {
        "model": network(A, W, PAIR),
        "descent from its start": network(A, d.limit.weights, PAIR),
        "minimum norm": network(A, rb.minimum_norm(problem).weights, PAIR),
        "linear minimum norm": A @ linear,
        "ridge": ridge.predict(A),
        "mean of the labels": np.full(30, y.mean()),
    }
    assert [e.name for e in d.test_errors] == list(expected)
    own = (expected["model"] - b) ** 2
    for e in d.test_errors:
        squares = (expected[e.name] - b) ** 2
        assert_allclose(e.rmse, np.sqrt(squares.mean()), rtol=1e-8)
        assert_allclose(e.r2, 1 - squares.mean() / b.var(), rtol=1e-7)
        assert_allclose(e.difference, (squares - own).mean(), atol=1e-10)
        error = (squares - own).std(ddof=1) / np.sqrt(30)
        assert_allclose(e.difference_error, error, atol=1e-10)
    assert d.ridge.penalty == 2.0
    assert d.n_test == 30


def test_clear_differences_are_told_from_noise():
    X, y, _, W = fitted()
    rng = np.random.default_rng(9)
    A = rng.standard_normal((200, 200))
    d = diagnosed(X, y, W, held_out=(A, network(A, W, PAIR)))
    verdicts = {e.name: e.is_better for e in d.test_errors}
    assert verdicts["ridge"] is False
    assert verdicts["model"] is None
    d = diagnosed(X, y, W, held_out=(A, np.full(200, y.mean())))
    assert next(e for e in d.test_errors if e.name == "mean of the labels").is_better is True
    text = next(t for t in d.findings if "held-out" in t)
    assert "better: " in text


def test_one_held_out_sample_decides_nothing():
    X, y, _, W = fitted()
    d = diagnosed(X, y, W, held_out=(X[:1] + 1, y[:1]))
    assert all(e.is_better is None for e in d.test_errors)
    assert all(np.isnan(e.r2) for e in d.test_errors)
    assert str(d)


def test_output_bias_belongs_to_every_network():
    X, y, _, W = fitted()
    plain = diagnosed(X, y, W, held_out=(X + 0.1, y))
    shifted = rb.diagnose(
        (W, None, PAIR, 0.5), X, y + 0.5, held_out=(X + 0.1, y + 0.5), time_limit=5.0
    )
    for one, other in zip(plain.test_errors, shifted.test_errors, strict=True):
        assert_allclose(one.rmse, other.rmse, rtol=1e-6)


def test_kappa_is_the_step_times_the_mean_squared_length():
    X, y, _, W = fitted()
    d = diagnosed(X, y, W, kappa=0.3)
    assert_allclose(d.step_size, 0.3 / np.mean((X**2).sum(axis=1)), rtol=1e-12)
    assert diagnosed(X, y, W, step_size=1e-3).step_size == 1e-3


X, Y, START, WEIGHTS = fitted()
MODEL = (WEIGHTS, None, PAIR, None)

REFUSED = {
    "both steps": ({"step_size": 0.1, "kappa": 0.1}, "kappa"),
    "held-out word": ({"held_out": "test.npz"}, "held_out"),
    "held-out of three": ({"held_out": (X, Y, Y)}, "held_out"),
    "held-out sizes": ({"held_out": (X, Y[:3])}, "held_out"),
    "held-out features": ({"held_out": (X[:, :5], Y)}, "held_out"),
    "start of other size": ({"start": (START[:1], None, PAIR[:1], None)}, "start"),
    "start with biases": ({"start": (START, np.ones(2), PAIR, None)}, "start"),
    "start of a word": ({"start": "init.pt"}, "start"),
    "negative ridge": ({"ridge": -1.0}, "ridge"),
    "ridge of a word": ({"ridge": "strong"}, "ridge"),
    "ridge of no number": ({"ridge": np.nan}, "ridge"),
    "tolerance of one": ({"tol": 1.0}, "tol"),
    "no progress": ({"progress": 3}, "progress"),
}


@pytest.mark.parametrize(("options", "name"), REFUSED.values(), ids=REFUSED)
def test_unusable_arguments_are_named(options, name):
    with pytest.raises(rb.InvalidInputError, match=rf"^{name}\b"):
        rb.diagnose(MODEL, X, Y, **options)


def test_a_start_of_other_signs_is_left_out_and_said():
    d = diagnosed(X, Y, WEIGHTS, start=(START, None, -PAIR, None))
    assert not d.limit.from_start
    assert d.n_flipped == 2
    assert any("changed the sign of the outer weight" in text for text in d.findings)


def test_a_trained_output_layer_is_found_out():
    d = diagnosed(X, Y, WEIGHTS, start=(START, None, 0.5 * PAIR, 0.1))
    text = next(t for t in d.findings if "output layer was trained" in t)
    assert "changed by 100%" in text
    assert "0.1 to 0" in text


def test_progress_is_reported_and_can_interrupt():
    seen = []
    rb.diagnose(MODEL, X, Y, progress=lambda fraction, _: seen.append(fraction), time_limit=1.0)
    assert seen[0] == 0.0
    assert seen[-1] == 1.0
    assert all(0.0 <= value <= 1.0 for value in seen)

    def stop(fraction, _):
        if fraction > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rb.diagnose(MODEL, X, Y, progress=stop)


def test_arguments_are_left_alone():
    W, A, b = WEIGHTS.copy(), X.copy(), Y.copy()
    diagnosed(A, b, W, held_out=(A, b))
    assert (W == WEIGHTS).all()
    assert (A == X).all()
    assert (b == Y).all()
