"""Cyclic mini-batches: exact switches, no limit where there is none, certificates that hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from tests.comparison import switches_of
from tests.oracles import varying_descent
from tests.problems import NAMED, case_from_features, unfittable_case
from tests.varying import Varying, check, descend, random_varying

import relubias as rb

ETA = 2.0**-6


@settings(max_examples=30)
@given(
    seed=st.integers(0, 10**6),
    batches=st.sampled_from([1, 2, [[2], [0, 1]], [[1], [2], [0]]]),
    momentum=st.sampled_from([0.0, 0.5]),
)
def test_batches_equal_rational_steps_in_weight_space(seed, batches, momentum):
    rng = np.random.default_rng(seed)
    X, start = rng.integers(-3, 4, (3, 4)).astype(float), rng.integers(-4, 5, (2, 3)) / 8
    y = rng.integers(-3, 4, 3).astype(float)
    problem = rb.Problem(X @ X.T, y, (1, -1))
    lists = {1: [[0], [1], [2]], 2: [[0, 1], [2]]}.get(batches if batches in (1, 2) else 0, batches)
    primal, switches = varying_descent.in_rationals(
        X, y, (1, -1), start @ X, ETA, momentum, lists, 6
    )
    run = rb.gradient_descent(
        problem, start, step_size=ETA, momentum=momentum, batches=batches, record=range(7),
        max_iter=6, tol=1e-300,
    )  # fmt: skip
    for time, state in zip(run.records.time, run.records.primal, strict=True):
        assert_array_equal(state, np.array(primal[time], float))
    assert switches_of(run) == [s for s in switches if s[0] <= run.n_steps]


@pytest.mark.parametrize("kind", ["batches", "both"])
@pytest.mark.parametrize("seed", range(100, 116))
def test_every_switch_state_and_limit_is_that_of_long_double(seed, kind):
    varying = random_varying(seed, kind=kind)
    failures, _ = check(varying, descend(varying, max_iter=5000), max_steps=2000)
    assert not failures


@pytest.mark.parametrize("name", ["generic_two_neurons", "G1", "dyadic_chatter", "step_3_1"])
def test_one_batch_of_everything_is_plain_descent_bit_for_bit(name):
    case = NAMED[name]
    n = case.labels.size
    plain = descend(Varying(case, 0.0, None), record=[1, 9])
    for batches in (n, [list(range(n))], [np.arange(n)[::-1]]):
        whole = rb.gradient_descent(
            case.problem(), case.start, step_size=case.step_size, batches=batches, record=[1, 9]
        )
        assert_array_equal(plain.switches, whole.switches)
        assert_array_equal(plain.limit.primal, whole.limit.primal)
        assert_array_equal(plain.limit.dual, whole.limit.dual)
        assert_array_equal(plain.records.primal, whole.records.primal)
        assert whole.batches is not None
        assert len(whole.batches) == 1


def test_a_size_means_consecutive_chunks():
    case = NAMED["generic"]
    options = {"step_size": case.step_size, "record": [1, 2, 3, 100]}
    by_size = rb.gradient_descent(case.problem(), case.start, batches=2, **options)
    listed = rb.gradient_descent(
        case.problem(), case.start, batches=[[0, 1], [3, 2], [4]], **options
    )
    assert [batch.tolist() for batch in by_size.batches or ()] == [[0, 1], [2, 3], [4]]
    assert_array_equal(by_size.records.dual, listed.records.dual)
    assert_array_equal(by_size.switches, listed.switches)
    assert "3 mini-batches" in by_size.summary()


def test_a_step_moves_only_its_batch():
    case = NAMED["generic"]
    run = rb.gradient_descent(
        case.problem(), case.start, step_size=case.step_size, batches=[[3], [0, 1], [2, 4]],
        record=range(4),
    )  # fmt: skip
    moved = np.diff(run.records.dual, axis=0) != 0
    for step, batch in enumerate([[3], [0, 1], [2, 4]]):
        others = np.setdiff1d(np.arange(5), batch)
        assert not moved[step][:, others].any()
        assert moved[step][:, batch].any()


@pytest.mark.parametrize("name", ["generic", "G1_two_neurons"])
@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_certified_limits_are_reached(name, momentum):
    case = NAMED[name]
    varying = Varying(case, momentum, [np.array([0, 2]), np.arange(case.labels.size)[1::2]])
    rest = np.setdiff1d(np.arange(case.labels.size), np.concatenate(varying.batches or []))
    if rest.size:
        varying = Varying(case, momentum, [*(varying.batches or []), rest])
    run = descend(varying)
    assert run.status is rb.Status.CERTIFIED
    assert run.certificate is not None
    assert run.certificate.kind == ("epochs" if momentum else "ball")
    oracle = varying.oracle(run.n_steps + 3000)
    error = np.abs(run.limit.primal - oracle.primal).max()
    assert error <= 1e-8 * case.size  # where long double has come by then
    assert switches_of(run) == oracle.switches


def test_without_momentum_batches_and_plain_descent_fit_the_same_samples():
    rng = np.random.default_rng(4)
    X, y = rng.standard_normal((6, 300)), rng.uniform(0.5, 1, 6)
    case = case_from_features("positive", X, y, step=0.2, primal=0.1)
    plain, batched = descend(Varying(case, 0.0, None)), descend(Varying(case, 0.0, None))
    batched = rb.gradient_descent(case.problem(), case.start, step_size=case.step_size, batches=2)
    assert plain.status is rb.Status.CERTIFIED
    assert batched.status is rb.Status.CERTIFIED
    assert_allclose(batched.limit.primal, y[None], rtol=1e-12)
    assert_allclose(batched.limit.dual, plain.limit.dual, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_what_cannot_be_fitted_ends_in_a_cycle_and_is_never_certified(momentum):
    tails = set()
    for seed in range(12):
        case = unfittable_case(seed)
        n = case.labels.size
        varying = Varying(case, momentum, [np.arange(0, n, 2), np.arange(1, n, 2)])
        run = descend(varying, max_iter=6000)
        tails.add(run.tail)
        failures, _ = check(varying, run, max_steps=1000)
        assert not failures
        r = case.signs @ np.maximum(run.limit.primal, 0) - case.labels
        on = (run.limit.primal > 0).any(axis=0)
        if run.status is rb.Status.CERTIFIED:
            assert np.abs(r[on]).max(initial=0.0) <= 1e-10 * case.size
        elif run.tail is rb.Tail.LIMIT_CYCLE:
            oracle = varying.oracle(run.n_steps + run.period)
            assert run.period % 2 == 0
            error = np.abs(run.limit.primal - oracle.primal).max()
            assert error <= 1e-9 * case.size
    assert rb.Tail.LIMIT_CYCLE in tails


def test_a_residual_that_one_batch_cannot_move_is_no_limit():
    """Two labels for one row: plain descent has a limit between them, two batches do not."""
    problem = rb.Problem([[1.0, 1.0], [1.0, 1.0]], [1.0, 2.0])
    start = [[0.5, 0.0]]
    plain = rb.gradient_descent(problem, start, step_size=0.5)
    assert plain.status is rb.Status.CERTIFIED
    assert_allclose(plain.limit.primal, [[1.5, 1.5]])
    for momentum in (0.0, 0.5):
        run = rb.gradient_descent(
            problem, start, step_size=0.5, batches=1, momentum=momentum, max_iter=5000
        )
        assert run.status is rb.Status.MAX_ITER
        assert run.tail is rb.Tail.LIMIT_CYCLE
        assert run.period == 2
        assert run.certificate is None


@pytest.mark.parametrize("seed", range(6))
def test_a_certificate_never_precedes_a_switch(seed):
    varying = random_varying(200 + seed, kind="batches")
    case, batches = varying.case, varying.batches
    assert batches is not None
    oracle = varying.oracle(1000)
    last = oracle.switches[-1][0] if oracle.switches else 0
    times = range(0, min(800, 3 * last + 100), 1 + last // 25)
    run = descend(varying, record=times, max_iter=1000)
    for time, dual in zip(run.records.time.tolist(), run.records.dual, strict=True):
        phase = time % len(batches)
        proof = rb.dynamics.certify(
            case.problem(), dual, step_size=case.step_size,
            batches=[*batches[phase:], *batches[:phase]],
        )  # fmt: skip
        assert not (proof.holds and time < last)


def test_endless_chatter_is_certified_with_batches_too():
    kinds = []
    for seed in range(10):
        rng = np.random.default_rng([seed, 8])
        X, y = rng.standard_normal((6, 300)), rng.standard_normal(6)
        case = case_from_features("chatter", X, y, signs=(1, -1), step=0.05, primal=0.01)
        varying = Varying(case, 0.0, [np.arange(3), np.arange(3, 6)])
        run = descend(varying)
        if run.tail is rb.Tail.CHATTER and run.certificate is not None:
            kinds.append(run.certificate.kind)
            oracle = varying.oracle(2 * run.n_steps)
            error = np.abs(run.limit.primal - oracle.primal).max()
            assert error <= 1e-12 * case.size
    assert len(kinds) >= 2
    assert set(kinds) == {"sliding"}


@pytest.mark.parametrize("momentum", [0.0, 0.5])
@pytest.mark.parametrize("name", ["dyadic_ties", "dyadic_chatter"])
def test_values_that_reach_exactly_zero_are_off(name, momentum):
    case = NAMED[name]
    varying = Varying(case, momentum, [np.arange(1), np.arange(1, case.labels.size)])
    run = descend(varying, max_iter=24, tol=1e-300)
    oracle = varying.oracle(run.n_steps)  # nothing rounds
    assert not run.undecided_from
    assert switches_of(run) == oracle.switches
