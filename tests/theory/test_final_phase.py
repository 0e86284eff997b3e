"""Lemmas 1 and 2 against exact rational runs, long runs, and claims made from too early a step."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import relubias as rb
from relubias.theory import Setting
from relubias.theory._rounded import Rounded
from relubias.theory.lai2026 import Lemma1, Lemma2
from relubias.theory.lai2026._one import OneNeuron
from relubias.theory.lai2026._weights import Projection, within
from relubias.theory.lai2026.final_phase import regress
from tests.theory.vectors import G0, G1, G4, One, random_one, scaled

SLOW = random_one(3, n=6, d=60, kappa=0.01)  # hundreds of steps, several switches


def outcome(statement, case, **options):
    found = case.check(statement, **options)
    return found[statement.name]


@pytest.mark.parametrize("statement", [Lemma1(), Lemma2()])
@pytest.mark.parametrize("case", [G0, G1, G4, SLOW, random_one(0), random_one(1, d=30, sign=-1.0)])
def test_both_hold_from_the_last_switch_on(statement, case):
    verdict = outcome(statement, case)
    assert verdict.holds is True
    assert verdict.margin > 0.99
    run = rb.gradient_descent(case.problem, case.start, step_size=case.step_size)
    assert verdict.step >= run.last_switch


@pytest.mark.parametrize("statement", [Lemma1(since=1), Lemma2(since=1)])
def test_both_fail_from_a_step_before_the_last_switch(statement):
    assert outcome(statement, G0).holds is True  # its last switch is at step 1
    verdict = outcome(statement, G1)  # and here at step 3
    assert verdict.holds is False
    assert verdict.step == 1
    later = type(statement)(since=3)
    assert outcome(later, G1).holds is True
    assert outcome(type(statement)(since=10**9), G1).holds is True


@pytest.mark.parametrize("statement", [Lemma1(), Lemma2(), Lemma2(since=5)])
def test_both_are_open_on_a_run_without_an_end(statement):
    verdict = outcome(statement, SLOW, max_iter=20)
    assert verdict.holds is None
    assert "MAX_ITER" in verdict.detail


def test_what_an_unfinished_run_shows_of_lemma_1_counts():
    assert outcome(Lemma1(since=1), SLOW, max_iter=20).holds is not None
    beyond = outcome(Lemma1(since=10**6), SLOW, max_iter=20)
    assert beyond.holds is None
    assert "after step 1000000" in beyond.detail


def test_both_are_open_where_the_gram_matrix_is_singular_to_rounding():
    near = 1.0 - 1e-15
    problem = rb.Problem([[1.0, near], [near, 1.0]], [1.0, 1.0])
    case = One(problem, np.array([[0.1, 0.1]]), 0.5, 1.0)
    assert outcome(Lemma2(tolerance=1e-9), case).holds is None


def test_a_tolerance_below_rounding_leaves_both_open():
    for statement in (Lemma1(tolerance=1e-18), Lemma2(tolerance=1e-18)):
        assert outcome(statement, random_one(0)).holds is None


def test_samples_that_switch_for_ever_leave_nothing_to_claim():
    rng = np.random.default_rng(16)
    n = int(rng.integers(2, 5))
    X, labels = rng.standard_normal((n, n + 1)), rng.choice([1.0, 0.0, -1.0], n)
    problem = rb.Problem(X @ X.T, labels)
    start = rb.starts.gaussian(problem, 0.3, 16)
    step_size = 1.2 / np.linalg.eigvalsh(problem.gram)[-1]
    run = rb.gradient_descent(problem, start, step_size=step_size)
    assert (run.status, run.tail) == (rb.Status.CERTIFIED, rb.dynamics.Tail.CHATTER)
    for statement in (Lemma1(), Lemma2()):
        verdict = One(problem, start, step_size, 1.0).check(statement)[statement.name]
        assert verdict.margin == math.inf
        assert "switch for ever" in verdict.detail


def test_without_a_limit_lemma_2_fails():
    problem = rb.Problem([[8.0, -8.0], [-8.0, 8.0]], [2.0, 0.0])
    case = One(problem, np.array([[-3.0, 3.0]]), 1.5, 8.0)
    found = case.check(Lemma2())
    assert found["lai2026.lemma2"].holds is False
    assert "no limit" in found["lai2026.lemma2"].detail
    assert found["lai2026.lemma2.step_size"].holds is False
    assert outcome(Lemma1(), case).holds is None


def test_the_step_size_is_open_at_its_end():
    base = random_one(0, d=200)
    upper = rb.step_size_bounds(base.problem, trace=base.trace).upper
    name = "lai2026.lemma2.step_size"
    for factor, expected in ((1.0, None), (1 - 1e-9, True), (1 + 1e-9, False)):
        case = base._replace(step_size=upper * factor)
        assert case.check(Lemma2())[name].holds is expected


@given(seed=st.integers(0, 1000), n_steps=st.integers(0, 6), data=st.data())
def test_the_linear_regression_is_that_of_rational_arithmetic(seed, n_steps, data):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 5))
    X = rng.integers(-2, 3, (n, n + 1)).astype(float)
    problem = rb.Problem(X @ X.T, rng.integers(-2, 3, n).astype(float))
    dual = rng.integers(-3, 4, n).astype(float)
    subset = np.flatnonzero(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    setting = Setting(problem, dual[None], step_size=2.0**-5)
    w = [Fraction(int(v)) for v in dual @ X]
    for _ in range(n_steps):
        r = {i: sum(Fraction(int(a)) * b for a, b in zip(X[i], w, strict=True)) for i in subset}
        r = {i: value - Fraction(int(problem.labels[i])) for i, value in r.items()}
        w = [
            b - Fraction(1, 32) * sum(r[i] * Fraction(int(X[i, c])) for i in subset)
            for c, b in enumerate(w)
        ]
    found = regress(setting, problem.labels, dual, subset, n_steps)
    np.testing.assert_allclose(found @ X, [float(b) for b in w], rtol=1e-13, atol=1e-13)
    off = np.setdiff1d(np.arange(n), subset)
    np.testing.assert_array_equal(found[off], dual[off])


@given(seed=st.integers(0, 1000))
def test_the_projection_is_the_nearest_point_that_fits(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 6))
    X = rng.standard_normal((n, n + 2))
    y, dual = rng.standard_normal(n), rng.standard_normal(n)
    subset = np.flatnonzero(rng.random(n) < 0.6)
    found = Projection.of(X @ X.T, dual, subset, y)
    assert found.is_exact
    w = X.T @ dual
    expected = w + np.linalg.pinv(X[subset]) @ (y[subset] - X[subset] @ w) if subset.size else w
    np.testing.assert_allclose(X.T @ found.dual, expected, atol=1e-7)
    away = X.T @ found.dual - w
    off_span = away - X[subset].T @ np.linalg.lstsq(X[subset].T, away)[0] if subset.size else away
    assert np.abs(off_span).max() < 1e-7


def test_a_projection_on_contradicting_samples_is_no_fit():
    gram = np.ones((2, 2))
    assert Projection.of(gram, np.zeros(2), np.arange(2), np.array([1.0, 1.0])).is_exact
    assert not Projection.of(gram, np.zeros(2), np.arange(2), np.array([1.0, 2.0])).is_exact


@given(x=st.floats(0, 1), error=st.floats(0, 0.1), shift=st.floats(-1, 1))
def test_closeness_is_enclosed(x, error, shift):
    found = within(Rounded(x, error), 1e-3)
    true = max(x + shift * error, 0.0)
    assert abs((1e-3 - true) / (1e-3 + true) - found.value) <= found.error
    assert -1.0 <= found.value <= 1.0


@given(
    seed=st.integers(0, 1000),
    labels=st.sampled_from([-20, 30]),
    features=st.sampled_from([-25, 20]),
)
def test_units_that_are_powers_of_two_change_no_bit(seed, labels, features):
    case = random_one(seed, n=5, d=40, kappa=0.5)
    for statement in (Lemma1(), Lemma2()):
        first = list(case.check(statement).values())
        second = list(scaled(case, labels, features).check(statement).values())
        assert [v.margin for v in first] == [v.margin for v in second]
        assert [v.rounding_error for v in first] == [v.rounding_error for v in second]


def test_solving_by_fractions_agrees_with_the_stored_limit():
    G = [[Fraction(int(v)) for v in row] for row in G0.problem.gram]
    y = [Fraction(v) for v in G0.problem.labels.tolist()]
    first = [Fraction(v) for v in G0.start[0].tolist()]
    eta, eps = (
        Fraction(G0.step_size),
        [sum(a * b for a, b in zip(row, first, strict=True)) for row in G],
    )
    beta = [b - eta * (e - v) for b, e, v in zip(first, eps, y, strict=True)]
    wanted = [y[i] - sum(G[i][j] * beta[j] for j in (2, 3)) for i in (0, 1)]
    det = G[0][0] * G[1][1] - G[0][1] * G[1][0]
    beta[0] = (G[1][1] * wanted[0] - G[0][1] * wanted[1]) / det
    beta[1] = (G[0][0] * wanted[1] - G[1][0] * wanted[0]) / det
    one = OneNeuron(Setting(G0.problem, G0.start, step_size=G0.step_size, trace=G0.trace))
    np.testing.assert_allclose(
        one.setting.trajectory.limit.dual[0], [float(b) for b in beta], rtol=1e-14
    )
