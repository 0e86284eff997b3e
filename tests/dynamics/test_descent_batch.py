"""A batch gives the bits of single runs, whatever its size and order."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from tests.problems import Case, random_case

import relubias as rb

FIELDS = ("n_steps", "n_switches", "last_switch", "loss", "primal", "dual")
BUDGET = 5000


def groups():
    """Return random cases of equal shape and signs, at least three of each."""
    found: dict[tuple, list[Case]] = defaultdict(list)
    for seed in range(160):
        case = random_case(40_000 + seed)
        found[*case.start.shape, *case.signs.tolist()].append(case)
    return [cases for cases in found.values() if len(cases) > 2]


def run_batch(cases):
    return rb.gradient_descent_batch(
        np.array([case.gram for case in cases]),
        np.array([case.labels for case in cases]),
        cases[0].signs,
        np.array([case.start for case in cases]),
        step_size=np.array([case.step_size for case in cases]),
        max_iter=BUDGET,
    )


@pytest.mark.parametrize("cases", groups(), ids=lambda cases: f"{cases[0].start.shape}")
def test_batch_equals_single_runs_bit_for_bit(cases):
    batch = run_batch(cases)
    assert len(batch) == len(cases)
    for b, case in enumerate(cases):
        single = rb.gradient_descent(
            case.problem(), case.start, step_size=case.step_size, max_iter=BUDGET
        )
        assert batch.status[b] == str(single.status)
        assert batch.n_steps[b] == single.n_steps
        assert batch.n_switches[b] == single.n_switches
        assert batch.last_switch[b] == single.last_switch
        assert batch.loss[b] == single.loss
        assert_array_equal(batch.primal[b], single.limit.primal)
        assert_array_equal(batch.dual[b], single.limit.dual)


def test_order_and_size_of_the_batch_change_no_bit():
    cases = max(groups(), key=len)
    whole = run_batch(cases)
    order = np.random.default_rng(0).permutation(len(cases))
    shuffled = run_batch([cases[b] for b in order])
    halves = [run_batch(cases[:2]), run_batch(cases[2:])]
    for name in FIELDS:
        expected = getattr(whole, name)
        assert_array_equal(getattr(shuffled, name), expected[order])
        assert_array_equal(np.concatenate([getattr(half, name) for half in halves]), expected)
    assert_array_equal(shuffled.status, whole.status[order])


def test_one_step_size_serves_all():
    cases = [random_case(seed, min_samples=4, max_samples=4, max_neurons=1) for seed in range(6)]
    arguments = (
        np.array([case.gram for case in cases]),
        np.array([case.labels for case in cases]),
        (1,),
        np.array([case.start for case in cases]),
    )
    one = rb.gradient_descent_batch(*arguments, step_size=1e-3, max_iter=BUDGET)
    each = rb.gradient_descent_batch(*arguments, step_size=np.full(6, 1e-3), max_iter=BUDGET)
    for name in FIELDS:
        assert_array_equal(getattr(one, name), getattr(each, name))
