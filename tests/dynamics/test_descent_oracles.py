"""The oracles agree with each other and with a trivial loop; nothing here runs the package."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from tests.oracles import exponential_sums, fixed_point, long_double, rational
from tests.problems import NAMED, random_case
from tests.strategies import integer_cases
from tests.tolerances import EPS

needs_extended = pytest.mark.skipif(
    not long_double.HAS_EXTENDED_PRECISION, reason="long double is no wider than double here"
)


def plain_loop(case, n_steps):
    """Return the primal after n_steps and the switches, the shortest way to write it."""
    B, switches = case.start.copy(), []
    active = B @ case.gram > 0
    for t in range(1, n_steps + 1):
        r = case.signs @ np.maximum(B @ case.gram, 0) - case.labels
        B -= case.step_size * case.signs[:, None] * active * r
        now = B @ case.gram > 0
        switches += [(t, k, i, 1 if now[k, i] else -1) for k, i in np.argwhere(now != active)]
        active = now
    return B @ case.gram, switches


@given(case=integer_cases(), n_steps=st.integers(0, 6))
def test_fixed_point_equals_rational_weight_space(case, n_steps):
    weights = case.start @ case.features
    exact = rational.descend(
        case.features, case.labels, case.signs, weights, case.step_size, n_steps
    )
    state = fixed_point.Descent(*case.arguments)
    switches = [switch for _ in range(n_steps) for switch in state.step()]
    assert state.is_exact
    assert switches == exact.switches
    unit = Fraction(1, 2 ** (state.F + state.g))
    assert [[u * unit for u in row] for row in state.U] == exact.primal[-1]


@pytest.mark.parametrize("seed", range(40))
def test_fixed_point_equals_plain_loop(seed):
    case = random_case(seed)
    run = fixed_point.simulate(*case.arguments, max_steps=60, record=[60])
    n_steps = min(60, run.n_steps)
    primal, switches = plain_loop(case, n_steps)
    assert switches == [s for s in run.switches if s[0] <= n_steps]
    if n_steps == 60:
        assert_allclose(run.records[60][0], primal, atol=1e5 * EPS * case.size)


@needs_extended
@pytest.mark.parametrize("seed", range(40))
def test_fixed_point_equals_long_double(seed):
    case = random_case(seed, max_step=0.9)
    run = fixed_point.simulate(*case.arguments, max_steps=1500)
    other = long_double.descend(*case.arguments, max_steps=min(run.n_steps, 1500))
    horizon = min(other.n_steps, other.first_doubt() - 1)
    assert [s for s in run.switches if s[0] <= horizon] == [
        tuple(s) for s in other.switches.tolist() if s[0] <= horizon
    ]


@pytest.mark.parametrize("seed", range(60))
def test_jumps_equal_single_steps(seed):
    case = random_case(1000 + seed, max_step=1.9)
    patience = 1 + seed % 7
    times = [5, 50, 400, 1200]
    jumping = fixed_point.simulate(
        *case.arguments, max_steps=1500, max_time=1500, record=times, patience=patience
    )
    stepping = fixed_point.simulate(
        *case.arguments, max_steps=1500, max_time=1500, record=times, jumps=False
    )
    horizon = stepping.n_steps if jumping.is_terminal else min(jumping.n_steps, stepping.n_steps)
    horizon -= bool(stepping.undecided or jumping.undecided)
    assert [s for s in jumping.switches if s[0] <= horizon] == [
        s for s in stepping.switches if s[0] <= horizon
    ]
    for time in set(jumping.records) & set(stepping.records):
        if time <= horizon:
            assert_array_equal(jumping.records[time][0], stepping.records[time][0])


@pytest.mark.parametrize("name", ["generic", "zero_labels", "two_labels_for_one_row", "zero_row"])
def test_limit_is_where_stepping_leads(name):
    case = NAMED[name]
    run = fixed_point.simulate(*case.arguments)
    far = fixed_point.simulate(*case.arguments, max_steps=6000, jumps=False)
    assert run.is_terminal
    assert_allclose(run.limit_primal, far.primal, atol=1e-13)


def test_error_bound_covers_the_distance_to_more_bits():
    for seed in range(20):
        case = random_case(seed, max_step=1.9)
        coarse = fixed_point.simulate(*case.arguments, bits=0, max_steps=25, jumps=False)
        fine = fixed_point.simulate(
            *case.arguments, bits=500, max_steps=coarse.n_steps, jumps=False
        )
        gap = np.abs(coarse.primal - fine.primal).max()
        assert gap <= coarse.error_bound + 2 * EPS * np.abs(fine.primal).max()


def test_a_sign_below_the_error_bound_is_undecided_and_ends_the_run():
    case = NAMED["zero_labels"]  # two primal values decay to zero
    run = fixed_point.simulate(*case.arguments, bits=16, jumps=False)
    assert run.undecided
    assert run.undecided[0][0] == run.n_steps


def test_exact_ties_are_decided():
    run = fixed_point.simulate(*NAMED["dyadic_ties"].arguments)
    assert run.switches == [(1, 0, 0, -1), (1, 0, 1, -1)]
    assert run.closest == 0.0
    assert not run.undecided
    assert_array_equal(run.limit_primal, [[0.0, 0.0, 1.0, 0.0]])


@settings(max_examples=150)
@given(
    numerators=st.lists(st.integers(-20, 20), min_size=2, max_size=5),
    ratios=st.lists(st.integers(1, 63), min_size=4, max_size=4, unique=True),
    strict=st.booleans(),
)
def test_first_nonpositive_equals_a_scan(numerators, ratios, strict):
    constant, *amplitudes = numerators
    terms = [(a, Fraction(r, 64)) for a, r in zip(amplitudes, ratios, strict=False)]
    assume(any(numerators))
    values = (constant + sum(a * rho**t for a, rho in terms) for t in range(120))
    expected = next((t for t, v in enumerate(values) if v < 0 or (strict and v == 0)), None)
    with mpmath.workprec(900):
        found = exponential_sums.first_nonpositive(
            mpmath.mpf(constant),
            [(mpmath.mpf(a), mpmath.mpf(r.numerator) / r.denominator) for a, r in terms],
            strict=strict,
            horizon=119,
        )
    assert found == expected
