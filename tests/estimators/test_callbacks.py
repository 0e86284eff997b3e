"""Callbacks of scikit-learn see descent on its way, and may end it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from relubias.estimators import GradientDescentReLURegressor, MinimumNormReLURegressor

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((12, 50)), RNG.standard_normal(12)


class Recorder:
    """Keeps the predictions of every network that it is shown, and stops after some."""

    def __init__(self, stop_after=10**9):
        self.stop_after = stop_after
        self.seen, self.events = [], []

    def setup(self, estimator, context):
        del estimator, context
        self.events.append("setup")

    def teardown(self, estimator, context):
        del estimator, context
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        del estimator
        self.events.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, X=None, fitted_estimator=None):
        del estimator
        self.events.append(f"end {context.task_name}")
        if context.task_name == "look":
            self.seen.append(fitted_estimator.predict(X))
        return len(self.seen) >= self.stop_after


def test_descent_is_the_same_when_it_is_watched():
    free = GradientDescentReLURegressor(kappa=0.05, random_state=0).fit(X, Y)
    recorder = Recorder()
    model = GradientDescentReLURegressor(kappa=0.05, random_state=0).set_callbacks(recorder)
    model.fit(X, Y)
    assert model.status_ == free.status_ == "CERTIFIED"
    assert model.n_switches_ == free.n_switches_
    assert_allclose(model.coef_, free.coef_, rtol=0, atol=1e-14)
    assert len(recorder.seen) > 5
    assert recorder.events[:2] == ["setup", "begin fit"]
    assert recorder.events[-2:] == ["end fit", "teardown"]
    assert_allclose(recorder.seen[-1], model.predict(X), rtol=0, atol=1e-2)


def test_the_networks_shown_are_those_of_plain_descent():
    recorder = Recorder(stop_after=4)
    start = 0.01 * np.random.default_rng(1).standard_normal((2, 50))
    model = GradientDescentReLURegressor(kappa=0.05, start=start, fit_intercept=False)
    model.set_callbacks(recorder).fit(X, Y)
    weights, signs = start.copy(), np.array([1.0, -1.0])
    for step in range(1, 5):
        U = weights @ X.T
        residual = signs @ np.maximum(U, 0.0) - Y
        weights = weights - model.step_size_ * signs[:, None] * (((U > 0) * residual) @ X)
        assert_allclose(recorder.seen[step - 1], signs @ np.maximum(weights @ X.T, 0), atol=1e-13)
    assert model.n_steps_ == 4


def test_a_callback_can_end_the_run_without_a_warning():
    recorder = Recorder(stop_after=3)
    model = GradientDescentReLURegressor(kappa=0.05, random_state=0).set_callbacks(recorder)
    model.fit(X, Y)
    assert model.status_ == "STOPPED"
    assert model.tail_ == ""
    assert model.certificate_ is None
    assert model.n_iter_ == model.n_steps_ == 3
    assert_array_equal(model.predict(X), recorder.seen[-1])
    assert recorder.events[-2:] == ["end fit", "teardown"]
    model.set_callbacks().fit(X, Y)
    assert model.status_ == "CERTIFIED"


def test_callbacks_are_taken_down_after_an_error():
    recorder = Recorder()
    model = GradientDescentReLURegressor(kappa=0.05).set_callbacks(recorder)
    with pytest.raises(ValueError, match="NaN"):
        model.fit(X * np.nan, Y)
    model.fit(X, Y)
    assert recorder.events.count("setup") == recorder.events.count("teardown")


def test_the_scoring_monitor_logs_the_way_to_the_fit():
    monitor = ScoringMonitor(scoring="r2")
    model = GradientDescentReLURegressor(4, kappa=0.05, random_state=0).set_callbacks(monitor)
    model.fit(X, Y)
    scores = [row["r2"] for row in monitor.get_logs().data]
    assert len(scores) > 5
    assert scores[0] == model.score(X, Y)  # of the whole fit, then step by step
    assert scores[1] < 0.1
    assert scores[-1] == pytest.approx(scores[0], abs=1e-2)


def test_the_shortest_network_is_scored_once():
    monitor = ScoringMonitor(scoring="r2")
    model = MinimumNormReLURegressor().set_callbacks(monitor).fit(X, Y)
    assert [row["r2"] for row in monitor.get_logs().data] == [model.score(X, Y)]


@pytest.mark.parametrize("cls", [GradientDescentReLURegressor, MinimumNormReLURegressor])
def test_callbacks_reach_an_estimator_in_a_pipeline(cls):
    recorder = Recorder()
    recorder.max_propagation_depth = None
    make_pipeline(StandardScaler(), cls()).set_callbacks(recorder).fit(X, Y)
    assert "begin fit" in recorder.events
    assert recorder.events.count("setup") == 1


def test_progress_bars_can_be_shown(capsys):
    GradientDescentReLURegressor(random_state=0).set_callbacks(ProgressBar()).fit(X, Y)
    assert "GradientDescentReLURegressor" in "".join(capsys.readouterr())
