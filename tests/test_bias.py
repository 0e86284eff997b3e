"""The bias gap: known values, the law, and every kind of network it takes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import relubias as rb
from tests.tolerances import VECTOR_DIGITS

G0 = np.array([[10, 0, 1, 0, 0], [0, 10, 0, 1, 0], [1, 0, 10, 0, -1], [0, -1, 0, 10, 1]], float)
Y0 = np.array([1, 0.5, -0.75, -1])


@dataclass
class State:
    dual: np.ndarray


@dataclass
class Run:
    """What `bias_gap` reads of a trajectory."""

    start: np.ndarray
    step_size: float
    limit: State


def descend(problem, eps, step_size, n_steps=20_000):
    """Plain gradient descent in the dual from the all-positive start."""
    start = np.tile(np.linalg.solve(problem.gram, np.full(problem.n_samples, eps)), (
        problem.n_neurons, 1))  # fmt: skip
    dual = start.copy()
    for _ in range(n_steps):
        primal = dual @ problem.gram
        residual = problem.signs @ np.maximum(primal, 0) - problem.labels
        dual = dual - step_size * problem.signs[:, None] * (primal > 0) * residual
    return Run(start, step_size, State(dual))


def test_reproduces_the_test_vector_of_one_neuron():
    problem = rb.Problem.from_features(G0, Y0)
    run = descend(problem, 0.02, 0.5 / 101)
    gap = rb.bias_gap(problem, run, rb.minimum_norm(problem), trace=101)
    assert gap.distance == pytest.approx(0.051235639081, abs=VECTOR_DIGITS)
    assert gap.first_norm == pytest.approx(0.126670410995, abs=VECTOR_DIGITS)
    assert gap.second_norm == pytest.approx(0.113032016826, abs=VECTOR_DIGITS)
    assert gap.prediction == pytest.approx(0.060797098029, abs=VECTOR_DIGITS)
    assert gap.kappa == pytest.approx(0.5)
    assert gap.rho == pytest.approx(0.04)
    assert gap.ratio == gap.distance / gap.prediction
    assert gap.relative == gap.distance / gap.second_norm
    assert gap.rounding_error < 1e-14


def test_reproduces_the_test_vector_of_two_neurons():
    problem = rb.Problem.from_features(G0, Y0, (1, -1))
    gap = rb.bias_gap(problem, descend(problem, 0.02, 0.5 / 101), rb.minimum_norm(problem))
    assert_allclose(gap.per_neuron, [0.049991421049, 0.039363005084], atol=VECTOR_DIGITS)
    assert gap.distance == pytest.approx(math.hypot(*gap.per_neuron))
    assert gap.prediction == pytest.approx(math.hypot(*gap.predictions))


def test_reproduces_the_test_vector_with_a_reactivation():
    X = G0.copy()
    X[[0, 1, 2, 3], [0, 1, 2, 3]] = 4.0
    problem = rb.Problem.from_features(X, Y0)
    gap = rb.bias_gap(problem, descend(problem, 0.02, 0.5 / 17), rb.minimum_norm(problem))
    assert gap.distance == pytest.approx(0.120044932247, abs=VECTOR_DIGITS)


def test_the_law_is_exact_on_orthogonal_data():
    problem = rb.Problem(4 * np.eye(2), [1.0, -1.0])
    gap = rb.bias_gap(problem, descend(problem, 0.1, 0.6 / 4), rb.minimum_norm(problem))
    assert gap.distance == pytest.approx(0.28, abs=1e-14)
    assert gap.prediction == pytest.approx(0.28, abs=1e-14)
    assert gap.ratio == pytest.approx(1.0, abs=1e-13)


def test_the_law_of_two_neurons_couples_their_starts():
    problem = rb.Problem(4 * np.eye(3), [1.0, -0.5, -1.0], (1, -1))
    eps, kappa = np.array([[0.1, 0.05, 0.02], [0.03, 0.01, 0.04]]), 0.6
    run = descend(problem, 0.1, kappa / 4)
    run.start = eps / 4
    dual = run.start.copy()
    for _ in range(5000):
        primal = dual * 4
        residual = problem.signs @ np.maximum(primal, 0) - problem.labels
        dual = dual - kappa / 4 * problem.signs[:, None] * (primal > 0) * residual
    run.limit = State(dual)
    gap = rb.bias_gap(problem, run, rb.minimum_norm(problem))
    assert_allclose(gap.ratios, 1.0, atol=1e-12)
    plus = eps[0, 1:] - kappa * (np.array([0.5, 1.0]) + eps[0, 1:] - eps[1, 1:])
    assert gap.predictions[0] == pytest.approx(np.linalg.norm(plus) / 2)
    minus = eps[1, 0] - kappa * (1.0 + eps[1, 0] - eps[0, 0])
    assert gap.predictions[1] == pytest.approx(abs(minus) / 2)


def test_the_law_of_a_negative_neuron_is_mirrored():
    problem = rb.Problem(4 * np.eye(2), [1.0, -1.0], (-1,))
    gap = rb.bias_gap(problem, descend(problem, 0.1, 0.6 / 4), rb.minimum_norm(problem))
    assert gap.ratio == pytest.approx(1.0, abs=1e-13)


def test_a_run_of_the_package_is_taken():
    problem = rb.Problem.from_features(G0, Y0)
    start = rb.starts.all_positive(problem, 0.02)
    run = rb.gradient_descent(problem, start, step_size=0.5 / 101)
    gap = rb.bias_gap(problem, run, rb.minimum_norm(problem), trace=101)
    assert gap.distance == pytest.approx(0.051235639081, abs=VECTOR_DIGITS)
    state = rb.bias_gap(problem, run.limit, rb.minimum_norm(problem))
    assert state.distance == gap.distance
    assert math.isnan(state.kappa)


def test_every_kind_of_network_gives_the_same_distance():
    problem = rb.Problem.from_features(G0, Y0)
    best = rb.minimum_norm(problem)
    dual = best.dual * 1.5
    distances = [
        rb.bias_gap(problem, first, second).distance
        for first in (dual, dual.tolist(), State(dual), Run(dual, 0.1, State(dual)))
        for second in (best, best.dual, State(best.dual))
    ]
    assert_allclose(distances, 0.5 * best.norm, rtol=1e-12)
    assert rb.bias_gap(problem, best, dual).distance == pytest.approx(0.5 * best.norm)
    assert rb.bias_gap(problem, best, best).distance <= 1e-16


@pytest.mark.parametrize("signs", [(1, 1), (1, 1, -1)])
def test_other_networks_have_a_distance_but_no_law(signs):
    problem = rb.Problem.from_features(G0, Y0, signs)
    gap = rb.bias_gap(problem, descend(problem, 0.02, 1e-3, 100), rb.minimum_norm(problem))
    assert gap.distance > 0
    assert math.isnan(gap.prediction)
    assert math.isnan(gap.ratio)
    assert gap.per_neuron.shape == (len(signs),)


def test_a_start_that_is_not_all_positive_has_no_law():
    problem = rb.Problem(4 * np.eye(2), [1.0, -1.0])
    run = Run(np.array([[0.1, -0.1]]), 0.1, State(np.array([[0.25, -0.1]])))
    gap = rb.bias_gap(problem, run, rb.minimum_norm(problem))
    assert math.isnan(gap.prediction)
    assert gap.kappa == pytest.approx(0.4)


def test_zero_labels_leave_rho_undefined():
    problem = rb.Problem(4 * np.eye(2), [1.0, 0.0])
    gap = rb.bias_gap(problem, descend(problem, 0.1, 0.1), rb.minimum_norm(problem))
    assert math.isnan(gap.rho)


def test_zero_weights_have_no_relative_distance():
    problem = rb.Problem(np.eye(2), [-1.0, -1.0])
    gap = rb.bias_gap(problem, [[0.0, -1.0]], rb.minimum_norm(problem))
    assert gap.distance == 1.0
    assert math.isnan(gap.relative)


@given(seed=st.integers(0, 10**6), exponent=st.integers(-300, 300))
def test_scaling_by_a_power_of_two_scales_the_gap(seed, exponent):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((5, 9)), rng.standard_normal(5)
    dual, scale = rng.standard_normal((1, 5)) * 0.1, 2.0**exponent
    one, other = rb.Problem(X @ X.T, y), rb.Problem(X @ X.T, y * scale)
    gap = rb.bias_gap(one, dual, rb.minimum_norm(one))
    scaled = rb.bias_gap(other, dual * scale, rb.minimum_norm(other))
    assert scaled.distance == gap.distance * scale
    assert scaled.rounding_error == gap.rounding_error * scale
    assert_array_equal(scaled.relative, gap.relative)


def test_results_show_themselves():
    problem = rb.Problem.from_features(G0, Y0)
    gap = rb.bias_gap(problem, descend(problem, 0.02, 0.5 / 101), rb.minimum_norm(problem))
    assert repr(gap).startswith("BiasGap(distance=0.0512356, relative=0.4533, ratio=0.84")
    for word in ("distance", "relative", "kappa", "law"):
        assert word in gap.summary()
    frame = gap.to_frame()
    columns = ["neuron", "first_neuron", "distance", "prediction", "ratio"]
    assert list(frame.columns) == columns
    assert_array_equal(frame["distance"], gap.per_neuron)
    bare = rb.bias_gap(problem, gap.per_neuron * np.ones((1, 4)), np.zeros((1, 4)))
    assert "law" not in bare.summary()
    assert "ratio" not in repr(bare)


@pytest.mark.parametrize(
    ("first", "second", "name"),
    [
        (None, [[0.0] * 4], "first"),
        ([[0.0] * 4], None, "second"),
        ("weights", [[0.0] * 4], "first"),
        ([[0.0] * 3], [[0.0] * 4], "first"),
        ([[0.0] * 4], [[0.0] * 4, [0.0] * 4], "second"),
        ([[math.nan] * 4], [[0.0] * 4], "first"),
        ([[0.0] * 4], {"dual": 1}, "second"),
        ([[1j] * 4], [[0.0] * 4], "first"),
    ],
)
def test_bad_networks_are_named(first, second, name):
    with pytest.raises(rb.InvalidInputError, match=name):
        rb.bias_gap(rb.Problem.from_features(G0, Y0), first, second)


@pytest.mark.parametrize("trace", [0, -1, math.nan, "1"])
def test_a_bad_trace_is_named(trace):
    with pytest.raises(rb.InvalidInputError, match="trace"):
        rb.bias_gap(rb.Problem.from_features(G0, Y0), [[0.0] * 4], [[0.0] * 4], trace=trace)


def test_what_is_no_problem_is_named():
    with pytest.raises(rb.InvalidInputError, match="problem"):
        rb.bias_gap(np.eye(2), [[0.0] * 2], [[0.0] * 2])


def test_an_infeasible_minimum_is_refused():
    problem = rb.Problem(np.ones((2, 2)), [1.0, 2.0])
    with pytest.raises(rb.NotSolvedError, match="conflict"):
        rb.bias_gap(problem, [[0.0, 0.0]], rb.minimum_norm(problem))


def test_the_law_is_that_of_plain_descent_of_the_first_layer():
    problem = rb.Problem.from_features(G0, Y0)
    start, shortest = rb.starts.all_positive(problem, 0.02), rb.minimum_norm(problem)
    plain, momentum, batches = (
        rb.gradient_descent(problem, start, step_size=0.5 / 101, **options)
        for options in ({}, {"momentum": 0.3}, {"batches": 2})
    )
    assert rb.bias_gap(problem, plain, shortest).prediction > 0
    for run in (momentum, batches):
        gap = rb.bias_gap(problem, run, shortest)
        assert gap.distance > 0
        assert math.isnan(gap.prediction)
    trained = rb.train_both_layers(problem, start, [0.1], step_size=0.01)
    with pytest.raises(rb.InvalidInputError, match="first"):
        rb.bias_gap(problem, trained, shortest)
