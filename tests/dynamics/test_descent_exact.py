"""Where nothing may differ: rational arithmetic, powers of two, orders of samples and neurons."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from tests.comparison import switches_of
from tests.oracles import fixed_point, rational
from tests.problems import NAMED, Case, random_case
from tests.strategies import descent_cases, integer_cases, permutations, small_integers
from tests.tolerances import condition, rounding

import relubias as rb

CALM = {"max_step": 0.6, "max_neurons": 2, "zero_labels": False}


def run(case, **options):
    return rb.gradient_descent(case.problem(), case.start, step_size=case.step_size, **options)


def assert_same_bits(first, second, *, primal=1.0, dual=1.0):
    """Compare whole trajectories; the second has primal and dual scaled by these factors."""
    assert first.status is second.status
    assert first.n_steps == second.n_steps
    assert_array_equal(first.switches, second.switches)
    assert_array_equal(primal * first.limit.primal, second.limit.primal)
    assert_array_equal(dual * first.limit.dual, second.limit.dual)
    assert primal**2 * first.loss == second.loss
    assert_array_equal(first.records.time, second.records.time)
    assert_array_equal(primal * first.records.primal, second.records.primal)
    assert_array_equal(dual * first.records.dual, second.records.dual)
    assert_array_equal(primal**2 * first.records.loss, second.records.loss)


@settings(max_examples=200)
@given(case=integer_cases(), n_steps=st.integers(1, 3))
def test_states_equal_rational_weight_space_bit_for_bit(case, n_steps):
    assume(case.features.any())
    weights = case.start @ case.features
    exact = rational.descend(
        case.features, case.labels, case.signs, weights, case.step_size, n_steps
    )
    trajectory = run(case, record=range(n_steps + 1), max_iter=10_000)
    kept = trajectory.records.time.size
    assert kept == min(n_steps, trajectory.n_steps) + 1 or kept == n_steps + 1
    for t in range(kept):  # nothing rounds
        assert_array_equal(trajectory.records.primal[t], np.array(exact.primal[t], dtype=float))
        assert_array_equal(
            trajectory.records.dual[t] @ case.features, np.array(exact.weights[t], dtype=float)
        )
    assert [s for s in switches_of(trajectory) if s[0] < kept] == [
        s for s in exact.switches if s[0] < kept
    ]


@given(case=descent_cases(**CALM), power=st.integers(-60, 60))
def test_scaling_labels_and_start_by_a_power_of_two_scales_every_bit(case, power):
    factor = 2.0**power
    scaled = Case(
        name="scaled",
        gram=case.gram,
        labels=factor * case.labels,
        signs=case.signs,
        start=factor * case.start,
        step_size=case.step_size,
    )
    times = [0, 1, 7, 40]
    assert_same_bits(
        run(case, record=times, max_iter=20_000),
        run(scaled, record=times, max_iter=20_000),
        primal=factor,
        dual=factor,
    )


@given(case=descent_cases(**CALM), power=st.integers(-30, 30))
def test_scaling_features_by_a_power_of_two_scales_every_bit(case, power):
    square = 4.0**power  # features times 2**power, the same primal start
    scaled = Case(
        name="scaled",
        gram=square * case.gram,
        labels=case.labels,
        signs=case.signs,
        start=case.start / square,
        step_size=case.step_size / square,
    )
    times = [0, 1, 7, 40]
    assert_same_bits(
        run(case, record=times, max_iter=20_000),
        run(scaled, record=times, max_iter=20_000),
        dual=1 / square,
    )


@pytest.mark.parametrize("seed", range(10))
def test_the_same_call_gives_the_same_bits(seed):
    case = random_case(seed)
    assert_same_bits(
        run(case, record=[3, 30], max_iter=20_000), run(case, record=[3, 30], max_iter=20_000)
    )


@given(case=descent_cases(**CALM), data=st.data())
def test_permuting_samples_permutes_the_answer(case, data):
    order = data.draw(permutations(case.labels.size))
    permuted = Case(
        name="permuted",
        gram=case.gram[np.ix_(order, order)],
        labels=case.labels[order],
        signs=case.signs,
        start=case.start[:, order],
        step_size=case.step_size,
    )
    first, second = run(case, max_iter=20_000), run(permuted, max_iter=20_000)
    assert first.status is second.status
    there = sorted((t, k, int(order[i]), mode) for t, k, i, mode in switches_of(second))
    assert there == switches_of(first)
    assert_allclose(
        second.limit.primal, first.limit.primal[:, order], rtol=0, atol=rounding(1e3) * case.size
    )


@given(case=descent_cases(max_step=0.6, max_neurons=3, zero_labels=False), data=st.data())
def test_permuting_neurons_permutes_the_answer(case, data):
    order = data.draw(permutations(case.signs.size))
    permuted = Case(
        name="permuted",
        gram=case.gram,
        labels=case.labels,
        signs=case.signs[order],
        start=case.start[order],
        step_size=case.step_size,
    )
    first, second = run(case, max_iter=20_000), run(permuted, max_iter=20_000)
    assert first.status is second.status
    there = sorted((t, int(order[k]), i, mode) for t, k, i, mode in switches_of(second))
    assert there == switches_of(first)
    assert_allclose(
        second.limit.primal, first.limit.primal[order], rtol=0, atol=rounding(1e3) * case.size
    )


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), turn=st.integers(0, 10_000))
def test_rotating_features_changes_nothing(seed, turn):
    case = random_case(seed, **CALM)
    assume(condition(case.gram) < 1e6)
    exact = fixed_point.simulate(*case.arguments, max_steps=3000, jumps=False)
    assume(exact.closest > 1e-9)  # the rotated matrix differs in its last bits
    d = case.features.shape[1]
    Q = np.linalg.qr(np.random.default_rng(turn).standard_normal((d, d)))[0]
    rotated = rb.Problem.from_features(case.features @ Q, case.labels, case.signs)
    first = run(case, max_iter=3000)
    second = rb.gradient_descent(rotated, case.start, step_size=case.step_size, max_iter=3000)
    horizon = min(first.n_steps, second.n_steps)
    assert [s for s in switches_of(second) if s[0] <= horizon] == [
        s for s in switches_of(first) if s[0] <= horizon
    ]
    if first.status is second.status is rb.Status.CERTIFIED:
        assert_allclose(
            second.limit.primal,
            first.limit.primal,
            rtol=0,
            atol=rounding(1e4, condition(case.gram)) * case.size,
        )


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), share=st.integers(0, 8).map(lambda k: k / 8))
def test_splitting_the_dual_between_equal_rows_changes_nothing(seed, share):
    case = random_case(seed, **CALM)
    rows = [*range(case.labels.size), 0]
    gram = case.gram[np.ix_(rows, rows)]
    labels = case.labels[rows]
    whole = np.hstack([case.start, np.zeros((case.signs.size, 1))])
    whole = np.ldexp(np.round(np.ldexp(whole, 40)), -40)  # room to split exactly
    split = whole.copy()
    split[:, 0], split[:, -1] = (1 - share) * whole[:, 0], share * whole[:, 0]
    arguments = {"step_size": case.step_size / 2, "max_iter": 5000}
    problem = rb.Problem(gram, labels, case.signs)
    first = rb.gradient_descent(problem, whole, **arguments)
    second = rb.gradient_descent(problem, split, **arguments)
    assert first.status is second.status
    assert_array_equal(first.switches, second.switches)
    assert_allclose(first.limit.primal, second.limit.primal, rtol=0, atol=rounding(1e3) * case.size)
    assert_array_equal(first.limit.primal[:, 0], first.limit.primal[:, -1])


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), cut=st.integers(1, 50))
def test_resuming_equals_running_through(seed, cut):
    case = random_case(seed, **CALM)
    exact = fixed_point.simulate(*case.arguments, max_steps=3000, jumps=False)
    assume(exact.closest > 1e-9)  # the state is rounded at the cut
    through = run(case, max_iter=3000)
    cut = min(cut, through.n_steps)
    resumed = rb.gradient_descent(
        case.problem(), through.at(cut).dual, step_size=case.step_size, max_iter=3000
    )
    horizon = min(through.n_steps, cut + resumed.n_steps)
    assert [(t + cut, *rest) for t, *rest in switches_of(resumed) if t + cut <= horizon] == [
        s for s in switches_of(through) if cut < s[0] <= horizon
    ]
    if through.status is resumed.status is rb.Status.CERTIFIED:
        assert_allclose(
            resumed.limit.primal,
            through.limit.primal,
            rtol=0,
            atol=rounding(1e4, condition(case.gram)) * case.size,
        )


@settings(max_examples=60)
@given(
    X=small_integers(3, 4),
    y=small_integers(3),
    start=small_integers(2, 3),
    k=st.integers(3, 6),
)
def test_gram_and_features_give_the_same_bits(X, y, start, k):
    assume(X.any())
    options = {"step_size": 2.0**-k, "max_iter": 5000, "record": [0, 1, 5]}
    first = rb.gradient_descent(rb.Problem(X @ X.T, y, (1, -1)), start, **options)
    second = rb.gradient_descent(rb.Problem.from_features(X, y, (1, -1)), start, **options)
    assert_same_bits(first, second)


def test_the_gate_is_shut_at_exactly_zero():
    trajectory = run(NAMED["dyadic_ties"])
    assert switches_of(trajectory) == [(1, 0, 0, -1), (1, 0, 1, -1)]
    assert trajectory.status is rb.Status.CERTIFIED
    assert_array_equal(trajectory.limit.primal, [[0.0, 0.0, 1.0, 0.0]])


def test_a_zero_start_never_moves():
    trajectory = run(NAMED["zero_start"])
    assert trajectory.status is rb.Status.CERTIFIED
    assert trajectory.n_switches == 0
    assert_array_equal(trajectory.limit.dual, 0.0)
