"""What a trajectory tells: text, tables, pictures, later states, failures."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import relubias as rb

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")


@pytest.fixture
def problem():
    X = np.random.default_rng(3).standard_normal((6, 40))
    return rb.Problem.from_features(X, [1.0, -0.5, 0.7, -1.0, 0.6, -0.8], signs=(1, -1))


@pytest.fixture
def trajectory(problem):
    start = rb.starts.all_positive(problem, 0.01)
    return rb.gradient_descent(
        problem, start, step_size=0.5 / problem.scale, record=[0, 1, 2, 5, 20]
    )


def test_kappa_is_the_step_in_units_of_the_mean_diagonal(trajectory):
    assert_allclose(trajectory.kappa, 0.5, rtol=1e-15)


def test_table_has_a_row_per_record_neuron_and_sample(trajectory):
    frame = trajectory.to_frame()
    assert list(frame.columns) == ["time", "neuron", "sample", "primal", "dual", "loss"]
    assert len(frame) == 5 * 2 * 6
    row = frame[(frame.time == 5) & (frame.neuron == 1) & (frame["sample"] == 3)]
    assert row.primal.item() == trajectory.at(5).primal[1, 3]


def test_table_without_records_is_the_limit(problem):
    start = rb.starts.all_positive(problem, 0.01)
    run = rb.gradient_descent(problem, start, step_size=0.5 / problem.scale)
    frame = run.to_frame()
    assert_array_equal(frame.primal.to_numpy().reshape(2, 6), run.limit.primal)


def test_arrays_are_read_only(trajectory):
    for array in (trajectory.limit.primal, trajectory.records.dual, trajectory.switches):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[0]


def test_summary_names_status_step_and_switches(trajectory):
    text = trajectory.summary()
    assert text.startswith("Gradient descent: CERTIFIED")
    assert f"{trajectory.n_switches} switches" in text
    assert "kappa = 0.5" in text
    assert "certificate" in text
    assert len(repr(trajectory)) < 200


def test_plot_draws_every_pair_and_the_switches(trajectory):
    ax = trajectory.plot()
    crosses = [line for line in ax.lines if line.get_marker() == "x" and len(line.get_xdata())]
    assert sum(len(line.get_xdata()) for line in crosses) == trajectory.n_switches
    assert ax.get_xlabel() == "step"
    matplotlib.pyplot.close(ax.figure)


def test_failure_keeps_the_partial_result(problem):
    start = rb.starts.all_positive(problem, 0.01)
    run = rb.gradient_descent(problem, start, step_size=1e-4 / problem.scale, max_iter=10)
    assert run.status is rb.Status.MAX_ITER
    with pytest.raises(rb.NotSolvedError, match="max_iter") as caught:
        run.raise_if_failed()
    assert caught.value.result is run


def test_success_passes_through(trajectory):
    assert trajectory.raise_if_failed() is trajectory


def test_divergence_is_explained_with_a_safe_step():
    # opposite samples: the weight jumps from one side to the other, twice as far each time
    problem = rb.Problem([[1.0, -1.0], [-1.0, 1.0]], [1.0, 1.0])
    run = rb.gradient_descent(problem, [[2.0, -2.0]], step_size=3.0)
    assert run.status is rb.Status.DIVERGED
    assert np.isfinite(run.limit.primal).all()
    assert run.safe_step_size == pytest.approx(1.0)
    with pytest.raises(rb.NotSolvedError, match="step_size"):
        run.raise_if_failed()
    assert rb.gradient_descent(problem, [[2.0, -2.0]], step_size=0.9).status != "DIVERGED"


def test_every_status_and_tail_has_a_sentence():
    for member in (*rb.Status, *rb.Tail):
        assert member == member.name
        assert len(member.sentence) > 20


def test_progress_is_reported_to_a_callable(problem):
    calls = []
    start = rb.starts.all_positive(problem, 0.01)
    rb.gradient_descent(
        problem,
        start,
        step_size=1e-3 / problem.scale,
        progress=lambda fraction, message: calls.append((fraction, message)),
    )
    assert calls
    assert all(0.0 <= fraction <= 1.0 and message for fraction, message in calls)


def test_switches_beyond_the_cap_are_counted(problem, monkeypatch):
    monkeypatch.setattr("relubias.dynamics._run._MAX_KEPT_SWITCHES", 3)
    start = rb.starts.all_positive(problem, 0.01)
    run = rb.gradient_descent(problem, start, step_size=0.01 / problem.scale)
    assert run.switches.size == 3
    assert run.n_switches > 3
    assert run.switches_truncated
    assert "first 3 kept" in run.summary()
