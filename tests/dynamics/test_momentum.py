"""Descent with momentum: exact switches, exact limits, and certificates that hold."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from tests.comparison import switches_of
from tests.oracles import varying_descent
from tests.problems import NAMED, Case, case_from_features
from tests.tolerances import rounding
from tests.varying import Varying, check, check_in_integers, descend, random_varying

import relubias as rb
from relubias.dynamics import _codes as code
from relubias.dynamics import _compiled, _plain
from relubias.dynamics._varying_run import VaryingRun

ETA = 2.0**-6
STATE = (
    "high low dual_high dual_low fast_high fast_low dual_fast_high dual_fast_low shadow shadow_fast"
    " active pair_last saved_high counters rounding growths moves residual_high residual_low"
)


def same(first, second):
    """Whether two runs left the same bits behind."""
    assert_array_equal(first.switches, second.switches)
    assert_array_equal(first.limit.primal, second.limit.primal)
    assert_array_equal(first.limit.dual, second.limit.dual)
    assert_array_equal(first.records.primal, second.records.primal)
    assert first.status is second.status
    assert (first.n_steps, first.n_switches) == (second.n_steps, second.n_switches)


def small(shape):
    """Strategy for nested lists of small whole numbers."""
    rows, columns = shape
    row = st.lists(st.integers(-3, 3), min_size=columns, max_size=columns)
    return st.lists(row, min_size=rows, max_size=rows)


@settings(max_examples=30)
@given(X=small((3, 4)), beta=small((2, 3)), y=small((1, 3)), momentum=st.sampled_from([0.5, 0.75]))
def test_momentum_equals_rational_steps_in_weight_space(X, beta, y, momentum):
    features, start = np.array(X, float), np.array(beta, float) / 8
    weights = start @ features
    problem = rb.Problem(features @ features.T, y[0], (1, -1))
    primal, switches = varying_descent.in_rationals(
        X, y[0], (1, -1), weights, ETA, momentum, [range(3)], 5
    )
    run = rb.gradient_descent(
        problem, start, step_size=ETA, momentum=momentum, record=range(6), max_iter=5, tol=1e-300
    )
    for time, state in zip(run.records.time, run.records.primal, strict=True):
        assert_array_equal(state, np.array(primal[time], float))
    assert switches_of(run) == [s for s in switches if s[0] <= run.n_steps]


@pytest.mark.parametrize("seed", range(30))
def test_every_switch_state_and_limit_is_that_of_long_double(seed):
    varying = random_varying(seed, kind="momentum")
    failures, _ = check(varying, descend(varying, max_iter=5000), max_steps=2000)
    assert not failures


@pytest.mark.parametrize("seed", range(12))
def test_far_too_large_steps_make_the_exact_switches(seed):
    varying = random_varying(seed, wild=True)
    trajectory = descend(varying, max_iter=300, tol=1e-13)
    failures, _ = check_in_integers(varying, trajectory, max_steps=300)
    assert not failures


@pytest.mark.parametrize("side", [-1, 1])
def test_a_sign_below_rounding_is_decided_in_integers(side):
    """u = 0.24 x - 0.76 after two steps from x, and x is tuned to 2**-93 by the other sample."""
    eta, gamma, tiny = 0.4, 0.3, 2.0**-40
    step, keep = Fraction(eta), Fraction(gamma)

    def after_two_steps(x):
        first = x - step * (x + 1)
        return first + keep * (first - x) - step * (first + 1)

    zero = after_two_steps(Fraction(0))
    root = -zero / (after_two_steps(Fraction(1)) - zero)
    near = float(root + Fraction(tiny) * 3 / 4)
    rest = float((root - Fraction(near)) / Fraction(tiny))
    while (after_two_steps(Fraction(near) + Fraction(tiny) * Fraction(rest)) > 0) != (side > 0):
        rest = float(np.nextafter(rest, np.inf * side))
    gram = np.array([[1.0, tiny], [tiny, 1.0]])
    case = Case(
        name="tuned", gram=gram, labels=np.array([-1.0, 1.0]), signs=np.ones(1),
        start=np.array([[near, rest]]), step_size=eta,
    )  # fmt: skip
    varying = Varying(case, gamma, None)
    run = VaryingRun(case.problem(), case.start, eta, gamma, None)
    assert run.advance(2, 1e-10) == code.UNDECIDED
    assert abs(run.high[0, 0]) < 1e-26
    assert run.resolve()
    assert run.active[0, 0] == (side > 0)
    trajectory = descend(varying)
    assert trajectory.undecided_from == 0
    assert not check_in_integers(varying, trajectory)[0]


@pytest.mark.parametrize("seed", range(6))
def test_no_momentum_is_plain_descent_bit_for_bit(seed):
    varying = random_varying(seed, kind="batches")
    case = varying.case
    plain = rb.gradient_descent(
        case.problem(), case.start, step_size=case.step_size, record=[1, 5, 50]
    )
    same(plain, descend(Varying(case, 0.0, None), record=[1, 5, 50]))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("power", [-3, 10])
def test_powers_of_two_scale_everything_bit_for_bit(seed, power):
    varying = random_varying(seed, kind="both")
    case, factor = varying.case, 2.0**power
    options = {"step_size": case.step_size, "momentum": varying.momentum}
    options |= {"batches": varying.batches, "record": [0, 7, 40], "max_iter": 2000}
    once = rb.gradient_descent(case.problem(), case.start, **options)
    scaled = rb.Problem(case.gram, factor * case.labels, case.signs)
    again = rb.gradient_descent(scaled, factor * case.start, **options)
    assert_array_equal(once.switches, again.switches)
    assert_array_equal(factor * once.limit.primal, again.limit.primal)
    assert_array_equal(factor * once.records.dual, again.records.dual)


@pytest.mark.parametrize("seed", range(8))
def test_twins_agree_bit_for_bit(seed):
    varying = random_varying(seed, kind=("momentum", "batches", "both")[seed % 3])
    case, runs = varying.case, []
    for engine in (_plain, _compiled):
        run = VaryingRun(
            case.problem(), case.start, case.step_size, varying.momentum, varying.batches
        )
        run.engine = engine
        reasons = []
        while run.time < 200 and len(reasons) < 400:
            reasons.append(run.advance(200, 1e-12))
            if reasons[-1] in (code.SMALL_RESIDUAL, code.UNDECIDED, code.CYCLE):
                break
        runs.append((run, reasons))
    (one, first), (other, second) = runs
    assert [r for r in first if r != code.STOPPED] == [r for r in second if r != code.STOPPED]
    for name in STATE.split():
        assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def test_the_velocity_of_a_neuron_that_switched_off_decides_where_it_ends():
    gamma, eta = 0.75, 0.25
    problem = rb.Problem([[1.0]], [-1.0])
    run = rb.gradient_descent(problem, [[0.125]], step_size=eta, momentum=gamma)
    push = eta * (0.125 + 1.0)  # the only step that is ever pushed
    assert 0.125 - push < 0
    assert run.status is rb.Status.CERTIFIED
    assert_allclose(run.limit.primal, [[0.125 - push / (1 - gamma)]], rtol=rounding(4))
    assert switches_of(run) == [(1, 0, 0, -1)]


@pytest.mark.parametrize("name", ["generic", "G0_two_neurons", "same_label_twice"])
def test_certified_limits_are_reached(name):
    case = NAMED[name]
    varying = Varying(case, 0.8, None)
    run = descend(varying)
    assert run.status is rb.Status.CERTIFIED
    assert run.certificate is not None
    assert run.certificate.kind == "modes"
    oracle = varying.oracle(run.n_steps + 3000)
    assert_allclose(run.limit.primal, oracle.primal.astype(float), rtol=0, atol=1e-10 * case.size)
    assert switches_of(run) == oracle.switches


@pytest.mark.parametrize("seed", range(6))
def test_a_certificate_never_precedes_a_switch(seed):
    varying = random_varying(seed, kind="both" if seed % 2 else "momentum")
    case = varying.case
    eta, gamma = case.step_size, varying.momentum
    oracle = varying.oracle(1000)
    last = oracle.switches[-1][0] if oracle.switches else 0
    times = range(0, min(800, 3 * last + 200), 1 + last // 15)
    run = descend(varying, record=[*times, *(t + 1 for t in times)], max_iter=1000)
    state = dict(zip(run.records.time.tolist(), run.records.dual, strict=True))
    n_held = 0
    for time in times:
        if time + 1 not in state or time == 0:
            continue
        ahead = None
        if varying.batches:
            phase = (time + 1) % len(varying.batches)
            ahead = [*varying.batches[phase:], *varying.batches[:phase]]
        proof = rb.dynamics.certify(
            case.problem(), state[time + 1], step_size=eta, momentum=gamma, batches=ahead,
            velocity=state[time + 1] - state[time],
        )  # fmt: skip
        if proof.holds and time + 1 < last:
            pytest.fail(f"certified at {time + 1}, but the last switch is at {last}")
        n_held += bool(proof.holds)
    assert n_held or run.status is not rb.Status.CERTIFIED or last > 1000


def test_an_unstable_step_is_not_certified():
    problem = rb.Problem(4 * np.eye(2), [1.0, 1.0])
    dual = [[0.2, 0.2]]
    stable = rb.dynamics.certify(problem, dual, step_size=0.6, momentum=0.5)
    assert stable.holds
    unstable = rb.dynamics.certify(problem, dual, step_size=0.76, momentum=0.5)
    assert unstable.holds is None
    assert unstable.curvature == pytest.approx(3.04)


def test_a_velocity_that_will_cross_is_not_certified():
    problem = rb.Problem([[1.0]], [-1.0])
    options = {"step_size": 0.25, "momentum": 0.5}
    off = [[-0.5]]
    assert rb.dynamics.certify(problem, off, **options).holds
    assert rb.dynamics.certify(problem, off, velocity=[[0.49]], **options).holds
    assert rb.dynamics.certify(problem, off, velocity=[[0.51]], **options).holds is None


def test_endless_chatter_with_momentum_is_an_estimate_not_a_proof():
    n_estimates = 0
    for seed in range(12):
        rng = np.random.default_rng([seed, 3])
        X, y = rng.standard_normal((6, 300)), rng.standard_normal(6)
        case = case_from_features("chatter", X, y, signs=(1, -1), step=0.03, primal=0.01)
        varying = Varying(case, 0.5, None)
        run = descend(varying)
        if run.tail is not rb.Tail.CHATTER:
            continue
        assert run.status is rb.Status.TOLERANCE
        if run.limit_estimate is not None:
            n_estimates += 1
            assert "not proved" in run.summary()
            oracle = varying.oracle(3 * run.n_steps)
            error = np.abs(run.limit_estimate.primal - oracle.primal).max()
            assert error <= 1e-9 * case.size
    assert n_estimates >= 2


def test_the_summary_names_the_momentum():
    run = descend(Varying(NAMED["generic"], 0.5, None))
    assert "momentum 0.5" in run.summary()
    assert run.momentum == 0.5
    assert run.batches is None
    frame = run.to_frame()
    assert len(frame) == run.start.size


def test_budget_and_divergence_are_statuses():
    case = NAMED["generic"]
    short = descend(Varying(case, 0.5, None), max_iter=7)
    assert short.status is rb.Status.MAX_ITER
    assert short.n_steps == 7
    problem = rb.Problem([[1.0, -1.0], [-1.0, 1.0]], [1.0, 1.0])
    far = rb.gradient_descent(problem, [[20.0, 0.0]], step_size=2.5, momentum=0.1)
    assert far.status is rb.Status.DIVERGED
