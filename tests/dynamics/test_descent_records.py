"""States along the way: `record` and `at` against the oracle's exact states."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tests.comparison import switches_of
from tests.oracles import fixed_point
from tests.problems import NAMED, long_case, random_case, unfittable_case
from tests.tolerances import EPS, LIMIT, rounding

import relubias as rb


def run(case, **options):
    return rb.gradient_descent(case.problem(), case.start, step_size=case.step_size, **options)


TIMES = [0, 1, 2, 3, 10, 33, 100, 321]


@pytest.mark.parametrize("seed", range(60))
def test_records_equal_exact_states(seed):
    case = random_case(seed, max_step=0.9, max_neurons=2)
    trajectory = run(case, record=TIMES, max_iter=20_000)
    exact = fixed_point.simulate(*case.arguments, record=TIMES, max_steps=400)
    assert set(trajectory.records.time.tolist()) >= {t for t in TIMES if t <= trajectory.n_steps}
    for t, primal, dual, loss in zip(
        trajectory.records.time.tolist(),
        trajectory.records.primal,
        trajectory.records.dual,
        trajectory.records.loss,
        strict=True,
    ):
        right, right_dual = exact.records[t]
        assert_allclose(primal, right, rtol=0, atol=rounding(4) * np.abs(right).max())
        assert_allclose(dual, right_dual, rtol=0, atol=rounding(4) * np.abs(right_dual).max())
        r = case.signs @ np.maximum(right, 0) - case.labels
        assert_allclose(loss, 0.5 * r @ r, rtol=1e-12, atol=(1e2 * EPS * case.size) ** 2)


@pytest.mark.parametrize("seed", range(20))
def test_at_equals_the_record(seed):
    case = random_case(seed, max_step=0.9, max_neurons=2)
    trajectory = run(case, record=TIMES, max_iter=20_000)
    for t, primal, dual in zip(
        trajectory.records.time.tolist(),
        trajectory.records.primal,
        trajectory.records.dual,
        strict=True,
    ):
        state = trajectory.at(t)
        assert_array_equal(state.primal, primal)
        assert_array_equal(state.dual, dual)


def test_records_come_in_order_of_time_whatever_order_was_asked():
    trajectory = run(NAMED["G1"], record=[5, 0, 2, 2])
    assert trajectory.records.time.tolist() == [0, 2, 5]


def test_recording_changes_nothing():
    case = NAMED["G1_small"]
    plain, recorded = run(case), run(case, record=range(0, 3000, 7))
    assert_array_equal(plain.switches, recorded.switches)
    assert plain.status is recorded.status
    assert_allclose(
        plain.limit.primal, recorded.limit.primal, rtol=0, atol=rounding(16) * case.size
    )


@pytest.mark.parametrize("name", ["generic", "G1", "zero_row", "one_negative_sample"])
def test_far_states_of_a_certified_run_are_its_limit(name):
    trajectory = run(NAMED[name])
    assert trajectory.status is rb.Status.CERTIFIED
    far = trajectory.at(10**9)
    assert_allclose(far.primal, trajectory.limit.primal, rtol=0, atol=LIMIT)
    far = run(NAMED[name], record=[10**9]).records
    assert_allclose(far.primal[0], trajectory.limit.primal, rtol=0, atol=LIMIT)


@pytest.mark.parametrize("seed", [3, 5])
def test_states_between_late_switches_are_exact(seed):
    case = long_case(seed, spiked=False)
    last = run(case).last_switch
    times = [last // 3, last - 1, last, last + last // 2]
    trajectory = run(case, record=times)
    exact = fixed_point.simulate(*case.arguments, record=times, patience=1)
    for t, primal in zip(trajectory.records.time.tolist(), trajectory.records.primal, strict=True):
        assert_allclose(primal, exact.records[t][0], rtol=0, atol=1e-12 * case.size)
        assert_allclose(
            trajectory.at(t).primal, exact.records[t][0], rtol=0, atol=1e-12 * case.size
        )


def test_the_states_around_a_switch_lie_on_its_two_sides():
    case = NAMED["nearly_singular"]
    trajectory = run(case)
    assert trajectory.n_switches > 5
    for t, k, i, mode in switches_of(trajectory)[:20]:
        before, after = trajectory.at(t - 1).primal[k, i], trajectory.at(t).primal[k, i]
        assert (before > 0) == (mode < 0)
        assert (after > 0) == (mode > 0)


@pytest.mark.parametrize("seed", range(60))
def test_the_last_state_of_an_uncertified_run_is_its_limit(seed):
    case = random_case(seed) if seed < 30 else unfittable_case(126 + seed)
    trajectory = run(case, max_iter=3000)
    if trajectory.status is not rb.Status.CERTIFIED:
        last = trajectory.at(trajectory.n_steps)
        assert_array_equal(last.primal, trajectory.limit.primal)
        assert_array_equal(last.dual, trajectory.limit.dual)
        with pytest.raises(rb.InvalidInputError, match="time"):
            trajectory.at(trajectory.n_steps + 1)
