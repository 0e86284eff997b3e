"""The run-time certificate: formulas, soundness, and rounding."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import relubias as rb
from relubias.theory.lai2026 import Theorem1, certificate
from tests.theory.certificates import CASES, certify, guaranteed
from tests.theory.vectors import One, random_one

NAME = "lai2026.theorem1"


def margins_in_mpmath(case):
    """Return the certificate's margins and numbers, all float64 inputs taken as exact."""
    mp, mpf = mpmath.mp, mpmath.mpf
    G = mpmath.matrix(case.problem.gram.tolist())
    n = G.rows
    sign = int(case.problem.signs[0])
    y = [sign * mpf(v) for v in case.problem.labels.tolist()]
    beta = [mpf(v) for v in case.start[0].tolist()]
    L = mpf(case.trace)
    kappa = mpf(case.step_size) * L
    mu = mp.eigsy(G / L, eigvals_only=True)
    dl = max(abs(mu[0] - 1), abs(mu[n - 1] - 1))
    eps = [mp.fsum(G[i, j] * beta[j] for j in range(n)) for i in range(n)]
    plus, minus = [i for i in range(n) if y[i] > 0], [i for i in range(n) if y[i] < 0]

    def size(values):
        return mp.sqrt(mp.fsum(v * v for v in values))

    y_min = min(abs(v) for v in y)
    over = 1 - 1 / max(kappa, mpf(1))
    g = size([eps[i] - y[i] for i in range(n)])
    r_1 = abs(1 - kappa) * size([eps[i] - y[i] for i in plus]) + kappa * dl * g
    margins = {"start": min(eps) / max(map(abs, eps)), "step size": 1 - kappa * (1 + dl) / 2}
    numbers = {"initial_residual": g, "first_misfit": r_1}
    if dl >= 1:
        return {**margins, "delta": 1 - dl}, numbers
    b = [kappa * (eps[i] + abs(y[i])) - eps[i] for i in minus]
    spread = dl / (1 - dl) * size(eps)
    b_hi = size(b) + spread if minus else mpf(0)
    B = mp.sqrt(((size([y[i] for i in plus]) + r_1 + dl * b_hi) / (1 - dl)) ** 2 + b_hi**2)
    numbers |= {"frozen_most": b_hi, "dual_bound": B}
    if plus:
        smallest = min(y[i] for i in plus)
        margins["first step"] = (smallest - dl * g - over * max(eps[i] for i in plus)) / y_min
        margins["active"] = (smallest * (1 - over) - (dl + over) * r_1) / y_min
    if minus:
        numbers["frozen_least"] = min(b) - spread
        margins["frozen"] = numbers["frozen_least"] / kappa / y_min
        margins["inactive"] = (numbers["frozen_least"] - dl * B) / kappa / y_min
    return margins, numbers


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_numbers_and_margins_are_the_formulas(case):
    found = certify(case)
    with mpmath.workdps(40):
        margins, numbers = margins_in_mpmath(case)
        assert list(found.margins) == list(margins)
        for name, margin in margins.items():
            assert abs(found.margins[name] - margin) <= found.rounding_errors[name]
            assert found.rounding_errors[name] < 1e-9
        for name, number in numbers.items():
            assert abs(getattr(found, name) - number) <= 1e-11 * abs(number)
        least = min(margins.values())
        assert abs(found.margin - least) <= found.rounding_error
        assert found.holds is bool(least > 0)
        assert abs(margins[found.decided_by] - least) <= found.rounding_error


def near_the_edge(seed, n_halvings=12):
    """Return a problem whose certificate is about to fail, with a start and labels of any shape."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    y = rng.uniform(rng.choice([0.2, 0.9]), 1.0, n) * rng.choice([-1.0, 1.0], n)
    E = rng.standard_normal((n, n))
    E = (E + E.T) / np.abs(np.linalg.eigvalsh(E + E.T)).max()
    kappa = float(rng.uniform(0.05, 1.7))
    eps = float(np.abs(y).min()) * rng.uniform(0.01, 1.0) * rng.uniform(0.2, 1.0, n)
    low, high = 0.0, 0.99
    for _ in range(n_halvings):
        middle = (low + high) / 2
        G = 2.0 * (np.eye(n) + middle * E)
        start = np.linalg.solve(G, eps)[None]
        case = One(rb.Problem(G, y), start, kappa / 2.0, 2.0)
        low, high = (middle, high) if certify(case).holds else (low, middle)
    G = 2.0 * (np.eye(n) + low * E)
    return One(rb.Problem(G, y), np.linalg.solve(G, eps)[None], kappa / 2.0, 2.0)


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6))
def test_what_is_guaranteed_happens_up_to_the_edge(seed):
    case = near_the_edge(seed)
    if certify(case).holds:
        assert guaranteed(case)
        assert case.check(Theorem1())[NAME].holds is not False  # slow where kappa mu is 2


@pytest.mark.parametrize("seed", range(8))
def test_rounding_is_never_what_guarantees(seed):
    """At the edge, to the last bit of the step, a True is true in 40 digits."""
    case = near_the_edge(seed, 40)
    for factor in np.linspace(-30, 30, 13):
        moved = case._replace(step_size=case.step_size * (1 + factor * 2e-16))
        found = certify(moved)
        with mpmath.workdps(40):
            true = min(margins_in_mpmath(moved)[0].values())
            assert abs(found.margin - true) <= found.rounding_error
            if found.holds is not None:
                assert found.holds is bool(true > 0)


def test_a_certificate_is_open_where_rounding_decides():
    # orthogonal, one negative label: b_lo = kappa (eps + |y|) - eps = 0 where kappa = eps/(eps+|y|)
    problem = rb.Problem(4.0 * np.eye(2), [1.0, -0.7])
    start = rb.starts.all_positive(problem, 0.3)
    found = certificate(problem, start, step_size=0.3 / 4, trace=4.0)
    assert found.decided_by in ("frozen", "inactive")
    assert found.holds is None
    assert "undecided" in repr(found)
    assert "within its rounding error" in found.summary()
    more = certificate(problem, start, step_size=0.3001 / 4, trace=4.0)
    less = certificate(problem, start, step_size=0.2999 / 4, trace=4.0)
    assert more.holds is True
    assert less.holds is False
    assert "guaranteed" in more.summary()
    assert "'frozen' fails" in less.summary()


def test_kappa_one_is_no_edge():
    exactly = random_one(2, d=10**5, kappa=1.0)
    assert certify(exactly).holds is True
    beyond = exactly._replace(step_size=exactly.step_size * (1 + 1e-12))
    assert certify(beyond).margin == pytest.approx(certify(exactly).margin, rel=1e-9)


def test_any_trace_gives_a_valid_certificate():
    case = random_one(0, d=10**5)
    answers = {}
    for trace in np.geomspace(0.3, 3.0, 15) * case.trace:
        found = certify(case._replace(trace=float(trace)))
        answers[float(trace)] = found.holds
        if found.holds:
            assert guaranteed(case)
    assert set(answers.values()) == {True, False}
    assert certificate(case.problem, case.start, step_size=case.step_size).holds is True


def test_the_certificate_refuses_what_it_is_not_about():
    two = random_one(0).problem.with_signs([1, -1])
    with pytest.raises(rb.InvalidInputError, match="problem"):
        certificate(two, np.ones((2, 10)), step_size=1e-3)
    with pytest.raises(rb.InvalidInputError, match="label 1 is zero"):
        certificate(rb.Problem(np.eye(2), [1.0, 0.0]), [[0.1, 0.1]], step_size=0.5)
