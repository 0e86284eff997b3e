"""Every switch of gradient descent, against stepping in 384-bit integers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from tests.comparison import compare, switches_of
from tests.problems import NAMED, Case, case_from_features, random_case
from tests.tolerances import LIMIT

import relubias as rb

N_RANDOM = 600
ONCE_WRONG = [
    409,  # rounding grows on patterns whose step expands
    100_354,
    4_644,  # residual below the resolution of double-double
    1_000_299,  # a zero label has decayed below rounding when a jump ends
    1_001_351,
    1_003_677,
    1_003_811,
    1_005_709,
    1_007_157,  # a zero label decays below the smallest double
]


def run(case, **options):
    return rb.gradient_descent(case.problem(), case.start, step_size=case.step_size, **options)


@pytest.mark.parametrize("block", range(20))
def test_switches_and_limits_are_exact_on_random_problems(block):
    per_block = N_RANDOM // 20
    failures = {}
    for seed in range(block * per_block, (block + 1) * per_block):
        case = random_case(seed)
        outcome = compare(case, run(case, max_iter=20_000))
        if outcome.failures:
            failures[seed] = outcome.failures
    assert not failures


@pytest.mark.parametrize("seed", ONCE_WRONG)
def test_switches_are_exact_where_they_once_were_not(seed):
    case = random_case(seed)
    outcome = compare(case, run(case, max_iter=20_000))
    assert not outcome.failures


@pytest.mark.parametrize("block", range(5))
def test_zero_labels_make_no_false_switch(block):
    failures = {}
    for seed in range(70_000 + 30 * block, 70_000 + 30 * (block + 1)):
        case = random_case(seed)
        zero = np.random.default_rng(seed).random(case.labels.size) < 0.4
        case = replace(case, labels=np.where(zero, 0.0, case.labels))
        outcome = compare(case, run(case, max_iter=5_000))
        if outcome.failures:
            failures[seed] = outcome.failures
    assert not failures


@pytest.mark.parametrize("name", sorted(NAMED))
def test_switches_and_limits_are_exact_on_named_problems(name):
    case = NAMED[name]
    outcome = compare(case, run(case, max_iter=200_000), max_steps=60_000)
    assert not outcome.failures


@pytest.mark.parametrize("block", range(4))
def test_whatever_ends_is_certified(block):
    missed = []
    for seed in range(10_000 + 50 * block, 10_000 + 50 * (block + 1)):
        case = random_case(seed, max_neurons=1, max_step=0.9, zero_labels=False)
        trajectory = run(case)
        if trajectory.status is not rb.Status.CERTIFIED:
            outcome = compare(case, trajectory)
            if outcome.run.is_terminal:
                missed.append(seed)
    assert not missed


@pytest.mark.parametrize("seed", range(30))
def test_certificates_survive_longer_stepping(seed):
    case = random_case(20_000 + seed, max_step=1.9)
    trajectory = run(case, max_iter=50_000)
    if trajectory.status is rb.Status.CERTIFIED:
        times = [trajectory.last_switch + t for t in (0, 1, 10, 100, 1000)]
        B = trajectory.at(times[-1]).dual
        for _ in range(2000):  # the loop that the certificate is about
            U = B @ case.gram
            r = case.signs @ np.maximum(U, 0) - case.labels
            B = B - case.step_size * case.signs[:, None] * (U > 0) * r
        clear = np.abs(trajectory.limit.primal) > 1e-9 * case.size
        assert ((B @ case.gram > 0) == (trajectory.limit.primal > 0))[clear].all()


def test_several_switches_at_one_time_are_ordered_by_neuron_then_sample():
    case = NAMED["ties"]
    switches = run(case).switches
    order = np.lexsort((switches["sample"], switches["neuron"], switches["time"]))
    assert (order == np.arange(switches.size)).all()
    assert (np.unique(switches["time"], return_counts=True)[1] > 1).any()


def test_switch_array_has_the_documented_fields():
    switches = run(NAMED["G1"]).switches
    assert switches.dtype.names == ("time", "neuron", "sample", "mode")
    assert [str(switches.dtype[name]) for name in switches.dtype.names] == [
        "int64",
        "int32",
        "int32",
        "int8",
    ]


@pytest.mark.parametrize("signs", [(1.0,), (1.0, -1.0)])
@pytest.mark.parametrize("seed", range(10))
def test_a_zero_label_decaying_to_the_hyperplane_never_switches_late(seed, signs):
    rng = np.random.default_rng([seed, len(signs)])
    n = 5
    X = rng.standard_normal((n, 60))
    y = rng.uniform(0.3, 1.0, n) * rng.choice([-1, 1], n)
    y[:2] = 0.0
    primal = rng.uniform(0.05, 0.3, n)
    gram = X @ X.T
    case = Case(
        name="zero_label",
        gram=gram / 2 + gram.T / 2,
        labels=y,
        signs=np.array(signs),
        start=np.tile(np.linalg.solve(gram, primal), (len(signs), 1)),
        step_size=0.05 / float(np.linalg.eigvalsh(gram)[-1]),
    )
    trajectory = run(case)
    outcome = compare(case, trajectory)
    assert not outcome.failures
    if len(signs) == 1:
        assert outcome.run.is_terminal
        assert trajectory.status is rb.Status.CERTIFIED
        on = trajectory.limit.primal[0] >= 0
        assert_allclose(
            trajectory.limit.primal[0, on & (y == 0)], 0.0, atol=LIMIT * np.abs(y).max()
        )


def test_a_zero_label_that_other_labels_hold_off_its_hyperplane_is_no_decay():
    """H is singular, so that the residual of the zero label tends to its part in the null space."""
    X = [[2, -2], [2, 1], [-2, -1], [0, 2], [1, 1], [2, -1]]
    start = np.array([[2, 2, -1, 2, -1, 1], [-1, 0, -2, 1, -2, 0], [-2, -2, -2, 2, 0, -2]]) / 4
    case = case_from_features("held_off", X, [0, 2, 0, 0, -1, 1], signs=(-1, -1, 1), start=start)
    case = replace(case, step_size=1e-5)
    trajectory = run(case)
    assert (9148, 0, 0, -1) in switches_of(trajectory)
    outcome = compare(case, trajectory)
    assert not outcome.failures
    assert outcome.is_complete
