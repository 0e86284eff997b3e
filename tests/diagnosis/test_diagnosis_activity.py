"""Ignored samples: margins, what is frozen, and what wakes, against plain descent."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tests.diagnosis.planted import all_positive, descend, samples

import relubias as rb
from relubias.dynamics import certify

PAIR = np.array([1.0, -1.0])
MANY = np.array([1.0, -1.0, 1.0, -1.0])


def diagnosed(X, y, W, signs, **options):
    return rb.diagnose((W, None, signs, None), X, y, **{"time_limit": 0.0, **options})


def partly_trained(seed, d=40, n_steps=30):
    X, y = samples(8, d, seed)
    rng = np.random.default_rng(seed)
    return X, y, descend(X, y, rng.standard_normal((4, d)) / d, MANY, 0.2 / d, n_steps)


def test_signs_and_cosines_are_those_of_the_weights():
    X, y, W = partly_trained(0)
    a = diagnosed(X, y, W, MANY).activity
    primal = W @ X.T
    assert_array_equal(a.sign, np.sign(primal))
    lengths = np.linalg.norm(W, axis=1)[:, None] * np.linalg.norm(X, axis=1)
    assert_allclose(a.cosine, primal / lengths, rtol=1e-12)
    assert_array_equal(a.n_ignored, (primal < 0).sum(axis=1))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("share", [0.4, 0.9, 1.5])
def test_the_margin_is_that_of_the_independent_certificate(seed, share):
    X, y, W = partly_trained(seed, n_steps=10 * seed)
    problem = rb.Problem.from_features(X, y, MANY)
    active = (W @ X.T > 0).astype(float)
    step = share / np.linalg.eigvalsh(problem.gram * (active.T @ active))[-1]
    a = diagnosed(X, y, W, MANY, step_size=step).activity
    certificate = certify(problem, rb.starts.from_weights(X, W), step_size=step)
    if certificate.holds:
        assert a.margin <= certificate.margin / np.abs(y).max() * (1 + 1e-6)
    else:
        assert not a.is_settled
        assert_allclose(a.margin, certificate.margin / np.abs(y).max(), rtol=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_what_is_frozen_never_wakes_and_what_wakes_does(seed):
    X, y, W = partly_trained(seed, n_steps=(0, 5, 60, 400)[seed % 4])
    step = 0.3 / 40
    a = diagnosed(X, y, W, MANY, step_size=step).activity
    following = descend(X, y, W, MANY, step, 1) @ X.T
    assert_allclose(a.next_primal, following, atol=1e-12)
    assert (following[a.frozen < 0] > 0).all()
    moving = W
    for _ in range(300):
        moving = descend(X, y, moving, MANY, step, 1)
        assert (moving @ X.T)[a.frozen > 0].max(initial=-1.0) < 0
        if a.is_settled:
            assert_array_equal(moving @ X.T > 0, W @ X.T > 0)


def test_a_trained_network_is_settled_and_an_untrained_one_is_not():
    X, y = samples(10, 400, 0)
    start = all_positive(X, 2, 0.01)
    trained = diagnosed(X, y, descend(X, y, start, PAIR, 0.5 / 400, 1000), PAIR)
    assert trained.activity.is_settled
    assert (trained.activity.frozen == 1).sum() == 10
    assert "stay so" in next(text for text in trained.findings if "Ignored" in text)
    before = diagnosed(X, y, start, PAIR, step_size=0.5 / 400)
    assert not before.activity.is_settled
    assert any("active on every sample" in text for text in before.findings)


def test_the_ball_answers_where_the_box_is_too_much_work(monkeypatch):
    X, y, W = partly_trained(4, n_steps=60)
    exact = diagnosed(X, y, W, MANY).activity
    monkeypatch.setattr("relubias.diagnosis.activity._MOST_WORK", 0.0)
    coarse = diagnosed(X, y, W, MANY).activity
    assert (coarse.slack <= exact.slack + 1e-12).all()
    assert (coarse.slack == -np.inf).any()


def test_lemma_6_is_its_formula():
    X, y, W = partly_trained(2)
    a = diagnosed(X, y, W, MANY).activity
    gram = X @ X.T
    dual = W @ X.T @ np.linalg.inv(gram)
    delta = np.abs(np.linalg.eigvalsh(gram / np.diagonal(gram).mean() - np.eye(8))).max()
    room = np.maximum(-dual, 0.0) / (delta * np.linalg.norm(dual, axis=1)[:, None])
    ignored = W @ X.T < 0
    assert_allclose(a.headroom[ignored], room[ignored], rtol=1e-8)
    assert np.isnan(a.headroom[~ignored]).all()


def test_lemma_6_needs_independent_samples():
    X, y = samples(8, 4, 0)
    a = diagnosed(X, y, np.ones((2, 4)), PAIR).activity
    assert np.isnan(a.headroom).all()


def test_lemma_6_headroom_above_one_means_inactive():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((6, 5000))
    dual = rng.standard_normal((2, 6))
    a = diagnosed(X, np.ones(6), dual @ X, PAIR).activity
    assert (a.headroom > 1).any()
    assert (a.sign[a.headroom > 1] < 0).all()


def test_orthogonal_samples_have_all_the_headroom():
    a = diagnosed(np.eye(2), np.array([1.0, -1.0]), np.array([[1.0, -0.5]]), np.ones(1)).activity
    assert a.headroom[0, 1] == np.inf


def test_dead_neurons_and_lost_samples_are_counted():
    X, y = np.eye(3), np.array([1.0, 1.0, -1.0])
    W = np.array([[1.0, -1.0, -1.0], [-1.0, -1.0, -1.0]])
    d = diagnosed(X, y, W, PAIR)
    assert d.activity.dead.tolist() == [1]
    assert d.activity.uncovered.tolist() == [1, 2]
    text = " ".join(d.findings)
    assert "1 neuron is active on no sample" in text
    assert "2 samples are ignored by every neuron, which costs a loss of 1" in text


def test_all_ignored_stands_still():
    X, y = np.eye(2), np.array([1.0, -1.0])
    d = diagnosed(X, y, -np.ones((2, 2)), PAIR)
    assert d.activity.is_settled
    assert (d.activity.frozen == 1).all()
    assert d.curvature.rank == 0
    assert "stands still" in d.findings[-1]


def test_a_value_that_rounding_decides_is_undecided():
    X = np.array([[1.0, 1.0, 1e-17], [1.0, 0.0, 0.0]])
    d = diagnosed(X, np.array([1.0, 1.0]), np.array([[1.0, -1.0, 1.0]]), np.ones(1))
    assert d.activity.sign[0].tolist() in ([0, 1], [-1, 1])
    X = np.array([[0.1, 0.2, -0.3]])
    d = diagnosed(X, np.array([1.0]), np.array([[1.0, 1.0, 1.0]]), np.ones(1))
    assert d.activity.sign[0, 0] == 0
    assert d.examples()["state"].tolist() == ["undecided"]


def test_frames_hold_what_the_arrays_hold():
    X, y, W = partly_trained(1)
    d = diagnosed(X, y, W, MANY, step_size=0.3 / 40)
    neurons, pairs = d.to_frame(), d.examples()
    assert neurons.shape[0] == 4
    assert pairs.shape[0] == 32
    assert_allclose(neurons["norm"], np.linalg.norm(W, axis=1))
    assert_array_equal(neurons["n_active"], (W @ X.T > 0).sum(axis=1))
    assert_allclose(pairs["primal"].to_numpy().reshape(4, 8), W @ X.T)
    assert set(pairs["frozen"]) <= {True, False, None}
    woken = pairs[[value is False for value in pairs["frozen"]]]
    assert (woken["next_primal"] > 0).all()
    assert set(pairs["state"]) == {"active", "ignored"}
