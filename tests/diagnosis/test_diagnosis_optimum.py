"""Where training left a network: minima, saddles, and how far there is to go."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose
from tests.diagnosis.planted import (
    all_positive,
    descend,
    gradient,
    jacobian,
    network,
    projected,
    samples,
)

import relubias as rb
from relubias.diagnosis import LimitStatus, Rest

PLUS, PAIR = np.array([1.0]), np.array([1.0, -1.0])
MANY = np.array([1.0, -1.0, 1.0, -1.0, 1.0])


def diagnosed(X, y, W, signs, **options):
    return rb.diagnose((W, None, signs, None), X, y, **{"time_limit": 0.5, **options})


def trained(n=10, d=400, n_steps=1000, seed=0, signs=PAIR):
    X, y = samples(n, d, seed)
    start = all_positive(X, signs.size, 0.01)
    return X, y, start, descend(X, y, start, signs, 0.5 / d, n_steps)


def test_a_network_that_fits_is_at_a_global_minimum():
    X, y, _, W = trained()
    found = diagnosed(X, y, W, PAIR).optimum
    assert (found.rest, found.is_global, found.floor) == (Rest.GLOBAL_MINIMUM, True, 0.0)
    assert found.misfit < 1e-12


@pytest.mark.parametrize("n_steps", [3, 20])
def test_a_network_that_was_stopped_is_still_moving(n_steps):
    X, y, _, W = trained(n_steps=n_steps)
    d = diagnosed(X, y, W, PAIR)
    residual = network(X, W, PAIR) - y
    assert d.optimum.rest is Rest.MOVING
    assert d.optimum.is_global is False
    assert_allclose(d.optimum.loss, residual @ residual / 2, rtol=1e-12)
    assert_allclose(d.optimum.gradient_norm, np.linalg.norm(gradient(X, y, W, PAIR)), rtol=1e-12)
    assert "still moving" in d.findings[0]


def test_what_is_left_to_lose_is_what_the_pattern_can_lose():
    X, y = samples(40, 3, 3)
    W = np.random.default_rng(3).standard_normal((5, 3))
    d = diagnosed(X, y, W, MANY, time_limit=0.0)
    J = jacobian(X, W, MANY).reshape(40, -1)
    residual = network(X, W, MANY) - y
    stuck = residual - J @ np.linalg.lstsq(J, residual, rcond=None)[0]
    assert_allclose(d.curvature.stuck, np.linalg.norm(stuck), rtol=1e-9)
    lost = (residual @ residual - stuck @ stuck) / 2
    assert_allclose(d.optimum.still_to_lose, lost, rtol=1e-9)
    mu = np.linalg.eigvalsh(J @ J.T)
    mu = mu[mu > 1e-12 * mu[-1]]
    assert_allclose(d.curvature.eigenvalues, mu, rtol=1e-9)
    assert_allclose(d.curvature.condition, mu[-1] / mu[0], rtol=1e-9)


def test_steps_left_are_those_that_it_takes():
    X, y, _, W = trained(n_steps=3)
    step = 0.3 / 400
    left = diagnosed(X, y, W, PAIR, step_size=step, tol=1e-6).curvature.steps_left

    def moving(n_steps):
        residual = network(X, descend(X, y, W, PAIR, step, n_steps), PAIR) - y
        return np.linalg.norm(residual) / np.abs(y).max()

    assert moving(int(left) + 1) <= 1e-6 < moving(int(left) - 2)


def test_too_large_a_step_never_gets_there():
    X, y, _, W = trained(n_steps=3)
    d = diagnosed(X, y, W, PAIR, step_size=1.0)
    assert np.isinf(d.curvature.steps_left)
    assert not d.activity.is_settled
    assert "never get there" in d.findings[-1]


def test_a_parked_label_makes_a_local_minimum():
    X, y = np.eye(3) * 2.0, np.array([1.0, 0.5, -1.0])
    W = np.array([[0.5, -1.0, -1.0]])  # fits sample 0, ignores 1, outputs 0 on 2
    d = diagnosed(X, y, W, PLUS)
    assert d.optimum.rest is Rest.LOCAL_MINIMUM
    assert d.optimum.is_global is False
    assert_allclose(d.optimum.floor, 0.5)
    assert d.activity.uncovered.tolist() == [1, 2]
    assert "local minimum" in d.findings[0]
    assert "have a loss of 0.5" in d.findings[0]


def test_labels_of_the_other_sign_cost_what_they_must():
    X, y = np.eye(3) * 2.0, np.array([1.0, 0.5, -1.0])
    d = diagnosed(X, y, np.array([[0.5, 0.25, -1.0]]), PLUS)
    assert d.optimum.rest is Rest.GLOBAL_MINIMUM
    assert "cannot go below 0.5" in d.findings[0]


def test_equal_samples_with_other_labels_share_their_mean():
    X = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    y = np.array([1.0, 2.0, 1.0, 3.0])
    d = diagnosed(X, y, np.array([[1.5, 1.0]]), PLUS)
    assert d.optimum.rest is Rest.GLOBAL_MINIMUM
    assert_allclose(d.optimum.floor, 0.25 + 4.5)
    assert "contradict each other" in d.findings[1]


def test_a_neuron_at_zero_is_at_rest_but_at_no_minimum():
    X, y = np.eye(2), np.array([1.0, 1.0])
    d = diagnosed(X, y, np.zeros((1, 2)), PLUS)
    assert d.optimum.rest is Rest.STATIONARY
    assert d.optimum.n_kinks == 2
    assert "saddle" in d.findings[0]


def test_local_minima_have_no_better_neighbours():
    rng = np.random.default_rng(5)
    X, y = samples(8, 20, 5)
    W = descend(X, y, rng.standard_normal((2, 20)), PAIR, 0.02, 4000)
    d = diagnosed(X, y, W, PAIR)
    assert d.optimum.rest is Rest.LOCAL_MINIMUM
    for _ in range(200):
        other = W + 1e-4 * rng.standard_normal(W.shape)
        residual = network(X, other, PAIR) - y
        assert residual @ residual / 2 >= d.optimum.loss * (1 - 1e-12)


def test_what_cannot_be_fitted_is_not_said_to_be_global():
    rng = np.random.default_rng(1)
    X = np.abs(rng.standard_normal((40, 2))) + 0.1
    y = X @ [1.0, 2.0] + 0.1 * rng.standard_normal(40)
    W = np.array([np.linalg.lstsq(X, y, rcond=None)[0], [-1.0, -1.0]])
    d = diagnosed(X, y, W, PAIR)
    assert d.optimum.rest is Rest.LOCAL_MINIMUM
    assert d.optimum.is_global is None
    assert "not known" in d.findings[0]
    assert d.shortest is None
    assert "no network that does was sought" in d.findings[1]
    one = diagnosed(X, y, W[:1], PLUS)
    assert one.shortest.status is rb.MinimumNormStatus.INFEASIBLE
    assert one["closest fit"].distance < 1e-9
    assert "closest fit" in one.findings[1]


@pytest.mark.parametrize("has_start", [True, False])
@pytest.mark.parametrize(
    ("d", "status"), [(200, LimitStatus.PROVED), (30, LimitStatus.RESTS)], ids=["wide", "chatters"]
)
def test_the_limit_of_descent_is_the_one_that_the_exact_solver_finds(d, status, has_start):
    X, y, start, W = trained(n=8, d=d, n_steps=5, seed=2)
    step = 0.3 / d
    options = {"start": (start, None, PAIR, None)} if has_start else {}
    found = diagnosed(X, y, W, PAIR, step_size=step, time_limit=20.0, **options)
    problem = rb.Problem.from_features(X, y, PAIR)
    dual = rb.starts.from_weights(X, start if has_start else W)
    run = rb.gradient_descent(problem, dual, step_size=step)
    assert run.status is rb.Status.CERTIFIED
    assert found.limit.status is status
    assert_allclose(found.limit.weights @ X.T, run.limit.primal, atol=1e-8)
    assert found.limit.from_start is has_start


def test_descent_that_blows_up_says_so():
    X, y, _, W = trained(n_steps=3)
    d = diagnosed(X, y, W, PAIR, step_size=1.0, time_limit=5.0)
    assert d.limit.status is LimitStatus.DIVERGED
    assert d.find("descent from here") is None
    assert "descent from here" not in str(d)


def test_descent_that_has_no_time_says_so():
    X, y, _, W = trained(n_steps=3)
    d = diagnosed(X, y, W, PAIR, step_size=1e-9, time_limit=0.0)
    assert d.limit.status in (LimitStatus.UNFINISHED, LimitStatus.PROVED)


def test_selection_is_the_projection_by_least_squares():
    X, y, start, W = trained()
    d = diagnosed(X, y, W, PAIR, start=(start, None, PAIR, None))
    expected = projected(X, y, start, PAIR, W)
    assert_allclose(d.selection.projection, expected, atol=1e-12)
    assert d.selection.is_projection is False  # negatives pushed it in the first step
    first = descend(X, y, start, PAIR, 0.5 / 400, 1)
    d = diagnosed(X, y, W, PAIR, start=(first, None, PAIR, None))
    assert d.selection.is_projection is True  # Theorem 3: the projection of the first step
    assert any("is the projection of the start" in text for text in d.findings)
    for k, row in enumerate(W @ X.T):
        assert d.selection.sets[k].tolist() == np.flatnonzero(row > 0).tolist()


def test_change_outside_the_span_gives_other_training_away():
    X, y, start, W = trained()
    other = W + 0.1 * np.random.default_rng(0).standard_normal(W.shape)
    for weights, share in ((W, 0.0), (other, 1.0)):
        d = diagnosed(X, y, weights, PAIR, start=(start, None, PAIR, None))
        basis = np.linalg.qr(X.T)[0]
        change = weights - start
        expected = np.linalg.norm(change - change @ basis @ basis.T)
        assert_allclose(d.selection.outside_change, expected, atol=1e-13)
        said = any("outside the span" in text for text in d.findings)
        assert said is bool(share)


def test_every_state_has_a_sentence():
    for member in itertools.chain(Rest, LimitStatus):
        assert member.sentence
        assert "_" not in member.sentence.replace("`time_limit`", "").replace("`step_size`", "")
