"""Remark 1 and its refinement: samples that stay inactive, and some that do not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import relubias as rb
from relubias.theory.lai2026 import Remark1
from tests.theory.vectors import One, random_one, scaled


def outcomes(case, statement=None, **options):
    found = case.check(statement or Remark1(), **options)
    return found["lai2026.remark1"], found["lai2026.remark1.dual"]


def pushed(correlation, start):
    """Return two positive labels, of which the first pushes the second by its correlation."""
    problem = rb.Problem([[1.0, correlation], [correlation, 1.0]], [1.0, 1.0])
    dual = np.linalg.solve(problem.gram, start)[None]
    return One(problem, dual, 0.5, 1.0)


def test_a_sample_pushed_away_stays_inactive():
    happened, dual = outcomes(pushed(-0.5, [0.1, -0.2]), spectrum=4)
    assert happened.holds is True
    assert happened.margin == pytest.approx(0.2, abs=1e-6)
    assert (happened.step, happened.sample) == (0, 1)
    # beta(0) = G^-1 (0.1, -0.2): -0.2 at the second sample; q = 1 / sqrt(4), times 3
    assert dual.margin == pytest.approx((0.2 - 0.05) / 0.75 / 1.5 - 1, abs=1e-12)
    assert dual.holds is False


def test_a_sample_pushed_towards_zero_is_fitted_later():
    case = pushed(0.5, [0.1, -0.2])
    happened, _ = outcomes(case)
    assert happened.holds is False
    assert happened.first_violation is not None
    run = rb.gradient_descent(case.problem, case.start, step_size=case.step_size)
    assert happened.first_violation.step == run.switches["time"][0]
    assert "1 of them are active at the end" in happened.detail


def test_the_pattern_is_open_on_a_run_without_an_end():
    case = random_one(0, d=2000, kappa=0.95)
    start = case.start.copy()
    start[0] *= np.where(np.arange(10) % 3 == 0, -100.0, 1.0)
    cut = outcomes(case._replace(start=start), max_iter=1)[0]
    assert cut.margin > 0
    assert cut.holds is None


def test_the_refined_hypothesis_is_all_three():
    case = pushed(-0.25, [0.1, -0.9])
    size = -case.start[0, 1] / 0.5  # over q = 1 / sqrt(4)
    for constant, expected in ((0.9 * size, True), (1.1 * size, False), (size, None)):
        assert outcomes(case, Remark1(constant=constant), spectrum=4)[1].holds is expected
    law = rb.ensembles.Gaussian(rb.ensembles.isotropic(900))
    n = 8
    problem = rb.Problem(law.sample_gram(n, seed=0), np.ones(n))
    values = np.where(np.arange(n) == 0, -0.3, 0.01)
    wide = One(problem, np.linalg.solve(problem.gram, values)[None], 0.5 / 900, 900.0)
    assert outcomes(wide)[1].holds is None  # q is known to a factor only


def test_without_an_inactive_sample_nothing_is_claimed():
    happened, dual = outcomes(random_one(0))
    assert happened.margin == dual.margin == math.inf
    assert happened.holds is dual.holds is True
    alone = pushed(0.5, [-0.1, -0.2])
    happened, dual = outcomes(alone)
    assert happened.holds is True
    assert dual.margin == math.inf
    assert "No sample that starts inactive can be pushed" in dual.detail


@pytest.mark.parametrize("size", [0.03, 10.0])
def test_large_starts_stay_inactive_and_small_ones_do_not(size):
    """In units of q: 0.03 of it are rescued often, ten times it hardly ever."""
    rescued = total = 0
    for seed in range(60):
        case = random_one(seed, n=12, d=2000, kappa=0.9, n_negative=0)
        q = math.sqrt(6 / 2000)
        start = rb.starts.gaussian(case.problem, size * q / math.sqrt(2000), seed)
        happened, _ = outcomes(case._replace(start=start))
        words = happened.detail.split()
        if words[0] == "No":
            continue
        total += int(words[0])
        rescued += int(words[words.index("inactive;") + 1])
    assert (rescued / total > 0.35) if size < 1 else (rescued / total < 0.2)


def test_a_negative_neuron_is_the_mirror_image():
    case = pushed(0.5, [0.1, -0.2])
    mirrored = case._replace(problem=rb.Problem(case.problem.gram, -case.problem.labels, [-1]))
    assert outcomes(mirrored) == outcomes(case)


@given(
    seed=st.integers(0, 1000),
    labels=st.sampled_from([-20, 30]),
    features=st.sampled_from([-9, 20]),
)
def test_units_that_are_powers_of_two_change_no_bit(seed, labels, features):
    case = random_one(seed, n=6, d=40)
    case = case._replace(start=rb.starts.gaussian(case.problem, 1e-2, seed))
    first, second = outcomes(case), outcomes(scaled(case, labels, features))
    assert [v.margin for v in first] == [v.margin for v in second]
    assert [v.holds for v in first] == [v.holds for v in second]
