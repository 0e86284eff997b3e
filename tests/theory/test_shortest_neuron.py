"""Lemma 3 against enumeration of subsets, the published vectors, and spoiled answers."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import relubias as rb
from relubias.theory.lai2026 import Lemma3
from tests.theory.vectors import G0, G1, random_one, scaled

PARTS = ("stationary", "feasible", "sign", "complementary")


def outcomes(problem, **options):
    found = Lemma3().check(problem, **options)
    return {verdict.condition.rsplit(".", 1)[1]: verdict for verdict in found}


def by_enumeration(problem):
    """Return the shortest interpolator on a subset that fits, over all subsets that hold I_+."""
    y = problem.signs[0] * problem.labels
    plus, minus = np.flatnonzero(y > 0), np.flatnonzero(y <= 0)
    best = (math.inf, None)
    for size in range(minus.size + 1):
        for more in itertools.combinations(minus, size):
            S = np.union1d(plus, more).astype(int)
            dual = np.zeros(y.size)
            dual[S] = np.linalg.solve(problem.gram[np.ix_(S, S)], np.maximum(y, 0.0)[S])
            primal = problem.gram @ dual
            length = float(dual @ primal)
            if (primal[minus] <= 1e-12).all() and length < best[0] - 1e-12:
                best = (length, dual)
    return best[1]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_all_hold_on_the_shortest_and_on_no_other_interpolator(seed, sign):
    problem = random_one(seed, n=6, d=12, sign=sign).problem
    answer = rb.minimum_norm(problem)
    assert {v.holds for v in outcomes(problem).values()} == {True}
    best = by_enumeration(problem)
    np.testing.assert_allclose(answer.dual[0], best, atol=1e-9 * np.abs(best).max())
    assert {v.holds for v in outcomes(problem, shortest=with_dual(answer, best)).values()} == {True}


def with_dual(answer, dual):
    return dataclasses.replace(answer, dual=np.atleast_2d(dual))


def test_the_published_vector_has_its_multipliers():
    sign = outcomes(G0.problem)["sign"]
    # L beta* ends with -0.204019593961, -0.002000192098 at L = 101; here L is the mean diagonal
    assert sign.margin == pytest.approx(0.002000192098 * 101.5 / 101, abs=1e-11)
    assert sign.sample == 3
    assert "S has 4 samples, 2 of them" in outcomes(G0.problem)["stationary"].detail


@pytest.mark.parametrize(
    ("spoil", "wrong"),
    [
        (lambda dual: dual * (1 + 1e-6), {"stationary", "feasible"}),
        (lambda dual: np.abs(dual), {"stationary", "feasible", "sign", "complementary"}),
        (lambda dual: dual * [1, 1, 1, 0], {"stationary", "feasible", "complementary"}),
        (lambda dual: dual - [0, 0, 1e-3, 0], {"stationary", "feasible", "complementary"}),
    ],
)
def test_each_fails_on_a_spoiled_answer(spoil, wrong):
    answer = rb.minimum_norm(G0.problem)
    found = outcomes(G0.problem, shortest=with_dual(answer, spoil(answer.dual)))
    assert {part for part, verdict in found.items() if verdict.holds is False} == wrong


def test_an_interpolator_on_too_large_a_set_has_a_wrong_sign():
    problem = rb.Problem([[4.0, -1.0], [-1.0, 4.0]], [1.0, -1.0])  # sample 1 is negative anyway
    linear = rb.linear_minimum_norm(problem, labels=[1.0, 0.0])
    spoiled = with_dual(rb.minimum_norm(problem), linear.dual)
    found = outcomes(problem, shortest=spoiled)
    assert found["stationary"].holds is True  # it is the interpolator on S of both
    assert found["sign"].holds is False
    assert found["sign"].sample == 1


@pytest.mark.parametrize("tolerance", [1e-17, 1e-18])
def test_three_are_open_with_a_tolerance_below_rounding(tolerance):
    found = Lemma3(tolerance=tolerance).check(random_one(0).problem)
    for verdict in found:
        assert verdict.holds is (True if verdict.condition.endswith("sign") else None)


def test_the_sign_is_open_where_a_multiplier_is_rounding():
    answer = rb.minimum_norm(G0.problem)
    dual = answer.dual.copy()
    dual[0, 3] = -1e-19
    blurred = dataclasses.replace(answer.certificate, error_bound=1e-12)
    spoiled = dataclasses.replace(answer, dual=dual, certificate=blurred)
    assert outcomes(G0.problem, shortest=spoiled)["sign"].holds is None


def test_nothing_is_known_where_nothing_fits():
    found = outcomes(rb.Problem(np.ones((2, 2)), [1.0, 2.0]))
    assert {v.holds for v in found.values()} == {None}
    assert all("INFEASIBLE" in v.detail for v in found.values())


def test_without_other_labels_nothing_is_claimed_about_them():
    found = outcomes(random_one(0, n_negative=0).problem)
    assert found["sign"].margin == math.inf
    assert {v.holds for v in found.values()} == {True}


def test_it_is_about_one_neuron_and_some_label():
    assert Lemma3().check(G1.problem.with_signs([1, -1])) == []
    assert Lemma3().check(rb.Problem(np.eye(2), [0.0, 0.0])) == []


def test_no_label_of_its_sign_leaves_the_zero_neuron():
    found = outcomes(rb.Problem(np.eye(2), [-1.0, -0.5]))
    assert {v.holds for v in found.values()} == {True}


@given(
    seed=st.integers(0, 1000),
    labels=st.sampled_from([-20, 30]),
    features=st.sampled_from([-25, 20]),
)
def test_units_that_are_powers_of_two_change_no_bit(seed, labels, features):
    case = random_one(seed, n=5, d=20)
    first = Lemma3().check(case.problem)
    second = Lemma3().check(scaled(case, labels, features).problem)
    assert [v.margin for v in first] == [v.margin for v in second]
    assert [v.holds for v in first] == [v.holds for v in second]
