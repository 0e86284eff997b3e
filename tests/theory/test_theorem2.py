"""Theorem 2: bounds, law and identity against multiple precision, and every outcome of each."""

from __future__ import annotations

import dataclasses
import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import relubias as rb
from relubias.theory.lai2026 import Theorem2
from tests.theory.vectors import G0, G1, G4, One, random_one, scaled

NAME = "lai2026.theorem2"
PARTS = ("lower", "upper", "sharp", "identity")


def outcomes(case, statement=None, **options):
    found = case.check(statement or Theorem2(), **options)
    return {part: found[f"{NAME}.{part}"] for part in PARTS}


def in_mpmath(case):
    """Return gap, law and the number of negatives from the stored limit and optimum's supports."""
    run = rb.gradient_descent(case.problem, case.start, step_size=case.step_size)
    answer = rb.minimum_norm(case.problem)
    G = mpmath.matrix(case.problem.gram.tolist())
    n, s = G.rows, int(case.problem.signs[0])
    y = [s * mpmath.mpf(v) for v in case.problem.labels.tolist()]

    def solved(support, frozen, target):
        """Return the dual that is `frozen` off the support and fits the target on it."""
        S = [i for i in range(n) if support[i]]
        rest = [mpmath.mpf(0) if support[i] else frozen[i] for i in range(n)]
        block = mpmath.matrix([[G[i, j] for j in S] for i in S])
        right = [target[i] - mpmath.fsum(G[i, j] * rest[j] for j in range(n)) for i in S]
        for i, value in zip(S, mpmath.lu_solve(block, mpmath.matrix(right)), strict=True):
            rest[i] = value
        return rest

    beta = [mpmath.mpf(v) for v in case.start[0].tolist()]
    eps = [mpmath.fsum(G[i, j] * beta[j] for j in range(n)) for i in range(n)]
    eta = mpmath.mpf(case.step_size)
    state, primal = list(beta), list(eps)
    for _ in range(run.last_switch):
        state = [b - eta * (u - v) * (u > 0) for b, u, v in zip(state, primal, y, strict=True)]
        primal = [mpmath.fsum(G[i, j] * state[j] for j in range(n)) for i in range(n)]
    limit = solved([u > 0 for u in primal], state, y)
    best = solved(answer.support[0], [mpmath.mpf(0)] * n, [max(v, mpmath.mpf(0)) for v in y])
    away = [a - b for a, b in zip(limit, best, strict=True)]
    gap = mpmath.sqrt(mpmath.fsum(away[i] * G[i, j] * away[j] for i in range(n) for j in range(n)))
    L = mpmath.mpf(case.trace)
    kappa = eta * L
    kicks = [kappa * -y[i] - (1 - kappa) * eps[i] for i in range(n) if y[i] < 0]
    return gap, mpmath.sqrt(mpmath.fsum(k * k for k in kicks) / L), kappa


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_margins_are_the_formulas(seed, sign):
    case = random_one(seed, n=7, d=300, kappa=0.6, sign=sign)
    found = outcomes(case)
    with mpmath.workdps(40):
        gap, law, kappa = in_mpmath(case)
        y = np.abs(case.problem.labels)
        n_minus = int((sign * case.problem.labels < 0).sum())
        root = mpmath.sqrt(n_minus / mpmath.mpf(case.trace))
        expected = {
            "lower": gap / (kappa * float(y.min()) * root) - mpmath.mpf(0.6),
            "upper": mpmath.mpf(1.35) - gap / (kappa * float(y.max()) * root),
            "sharp": mpmath.mpf(0.1) - abs(gap / law - 1),
        }
        for part, margin in expected.items():
            assert abs(found[part].margin - margin) <= found[part].rounding_error
            assert found[part].rounding_error < 1e-11
            assert found[part].holds is bool(margin > 0)
    assert found["identity"].holds is True


@pytest.mark.parametrize(
    ("case", "gap", "law"),
    [(G0, 0.051235639081, 0.060797098029), (G1, 0.120044932247, None), (G4, 0.28, 0.28)],
)
def test_the_published_gaps(case, gap, law):
    found = outcomes(case)
    unit = 0.5 * 0.5 if case is not G4 else 0.6
    n_minus = 2 if case is not G4 else 1
    low = gap / (unit * math.sqrt(n_minus / case.trace))
    assert found["lower"].margin == pytest.approx(low - 0.6, abs=1e-9)
    if law is not None:
        assert found["sharp"].margin == pytest.approx(0.1 - abs(gap / law - 1), abs=1e-9)


def test_all_hold_on_almost_orthogonal_data():
    for seed in range(5):
        found = outcomes(random_one(seed, d=10**7, rho=0.02))
        assert {verdict.holds for verdict in found.values()} == {True}
        assert found["sharp"].margin > 0.095


FAILING = {
    "lower": One(  # eps near kappa |y| / (1 - kappa): the first step leaves the duals near zero
        (problem := rb.Problem(4.0 * np.eye(2), [1.0, -0.5])),
        rb.starts.all_positive(problem, 0.48),
        0.5 / 4.0,
        4.0,
    ),
    "upper": random_one(0, d=11),
    "sharp": random_one(0, d=30),
    "identity": random_one(0, d=11),
}


@pytest.mark.parametrize("part", PARTS)
def test_each_fails_somewhere(part):
    assert outcomes(FAILING[part])[part].holds is False


@pytest.mark.parametrize("part", PARTS)
def test_each_is_open_where_the_limit_or_the_optimum_is_not_known(part):
    verdict = outcomes(random_one(0, d=2000, kappa=0.95), max_iter=2)[part]
    assert verdict.holds is None
    assert "MAX_ITER" in verdict.detail
    answer = dataclasses.replace(
        rb.minimum_norm(G0.problem), status=rb.minnorm.MinimumNormStatus.FEASIBLE
    )
    verdict = outcomes(G0, shortest=answer)[part]
    assert verdict.holds is None
    assert "FEASIBLE" in verdict.detail


@pytest.mark.parametrize("part", PARTS[:3])
def test_each_is_open_within_rounding_of_its_bound(part):
    case = random_one(1, d=3000)
    slope = -1 if part == "lower" else 1
    first = outcomes(case)[part]
    edge = getattr(Theorem2(), part) - slope * first.margin
    for shift, expected in ((0.0, None), (1e-7, True), (-1e-7, False)):
        verdict = outcomes(case, Theorem2(**{part: edge + slope * shift}))[part]
        assert verdict.holds is expected
        assert verdict.constants == {part: edge + slope * shift}


def test_the_identity_is_open_with_a_tolerance_below_rounding():
    assert outcomes(random_one(1), Theorem2(tolerance=1e-18))["identity"].holds is None


def test_the_law_says_nothing_about_other_starts():
    case = random_one(0)
    start = case.start.copy()
    start[0, 0] = -start[0, 0]
    verdict = outcomes(case._replace(start=start))["sharp"]
    assert verdict.holds is None
    assert "no start" in verdict.detail


def test_without_negative_labels_nothing_is_claimed():
    found = outcomes(random_one(0, n_negative=0))
    assert {verdict.margin for verdict in found.values()} == {math.inf}


def test_it_is_about_one_neuron_and_labels_that_are_not_zero():
    case = random_one(0)
    two = case._replace(
        problem=case.problem.with_signs([1, -1]), start=np.repeat(case.start, 2, axis=0)
    )
    assert two.check(Theorem2()) == {}
    zero = One(rb.Problem(np.eye(2), [1.0, 0.0]), np.array([[0.1, 0.1]]), 0.5, 1.0)
    assert zero.check(Theorem2()) == {}


@pytest.mark.parametrize("seed", range(10))
def test_where_delta_alone_bounds_the_ratio_it_is_inside(seed):
    case = random_one(seed, d=20_000, kappa=0.8)
    detail = outcomes(case)["sharp"].detail
    low, high = (float(word.strip(".")) for word in detail.rsplit("by ", 1)[1].split(" and "))
    ratio = float(detail.split(" is ")[1].split(" times")[0])
    assert low <= ratio <= high
    assert high < 1.6


@given(
    seed=st.integers(0, 1000),
    labels=st.sampled_from([-20, 30]),
    features=st.sampled_from([-25, 20]),
)
def test_units_that_are_powers_of_two_change_no_bit(seed, labels, features):
    case = random_one(seed, n=5, d=40)
    first, second = outcomes(case), outcomes(scaled(case, labels, features))
    for part, verdict in first.items():
        assert second[part].margin == verdict.margin
        assert second[part].holds is verdict.holds
