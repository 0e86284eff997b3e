"""Theorem 1: its hypotheses, what guarantees it, and every outcome."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import relubias as rb
from relubias.theory.lai2026 import Theorem1
from tests.theory.certificates import CASES, at_equality, certify, guaranteed
from tests.theory.vectors import G0, G1, One, random_one, scaled

NAME = "lai2026.theorem1"


def outcomes(case, **options):
    return {name[len(NAME) :]: v.holds for name, v in case.check(Theorem1(), **options).items()}


def test_all_of_theorem_1_holds_on_almost_orthogonal_data():
    assert outcomes(random_one(0, d=10**7, rho=0.02)) == dict.fromkeys(
        [
            "",
            ".start",
            ".step_size.lower",
            ".step_size.upper",
            ".explicit",
            ".certificate",
            ".one_step",
        ],
        True,
    )


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6))
def test_one_step_guarantees_from_any_start(seed):
    rng = np.random.default_rng(seed)
    case = random_one(
        seed,
        n=int(rng.integers(1, 12)),
        d=int(10 ** rng.uniform(2, 4)),
        kappa=float(rng.uniform(0.1, 1.6)),
        low=float(rng.uniform(0.3, 1.0)),
        sign=float(rng.choice([-1.0, 1.0])),
    )
    if rng.random() < 0.5:
        case = case._replace(start=rb.starts.gaussian(case.problem, 10 ** rng.uniform(-3, 0), seed))
    found = case.check(Theorem1())
    if found[f"{NAME}.one_step"].holds:
        assert guaranteed(case)
        assert found[NAME].holds is not False
    if found[f"{NAME}.certificate"].holds:
        assert found[f"{NAME}.one_step"].holds is True


def test_one_step_is_sharper_and_can_be_undecided():
    case = random_one(0, n=20, d=1000, kappa=0.9, rho=0.01)
    found = case.check(Theorem1())
    assert found[f"{NAME}.certificate"].holds is False
    assert found[f"{NAME}.one_step"].holds is True
    assert random_one(0, n=20, d=60, kappa=0.9).check(Theorem1())[f"{NAME}.one_step"].holds is False
    problem = rb.Problem(4.0 * np.eye(2), [1.0, -0.7])
    edge = One(problem, rb.starts.all_positive(problem, 0.3), 0.3 / 4, 4.0)
    assert edge.check(Theorem1())[f"{NAME}.one_step"].holds is None


def test_g1_breaks_the_conclusion_and_says_where():
    verdict = G1.check(Theorem1())[NAME]
    assert verdict.holds is False
    assert verdict.first_violation == (2, 0, 2)
    assert "step 2, neuron 0, sample 2" in verdict.detail
    assert certify(G1).holds is False


def test_the_limit_is_that_of_the_published_vector():
    verdict = G0.check(Theorem1())[NAME]
    assert verdict.holds is True
    assert "-0.155" in verdict.detail


@pytest.mark.parametrize("rho", [0.01, 0.0501])
def test_the_start_is_measured_against_y_min(rho):
    problem = rb.Problem(4.0 * np.eye(3), [1.0, 0.5, -0.5])
    case = One(problem, rb.starts.all_positive(problem, rho * 0.5), 0.1, 4.0)
    verdict = case.check(Theorem1())[f"{NAME}.start"]
    assert verdict.margin == pytest.approx(1 - 20 * rho)
    assert verdict.holds is (rho < 0.05)
    assert case.check(Theorem1(start_constant=1 / rho))[f"{NAME}.start"].holds is None


def test_a_start_that_is_not_all_positive_fails_and_is_named():
    problem = rb.Problem(4.0 * np.eye(2), [1.0, -0.5])
    verdict = One(problem, np.array([[0.002, -0.001]]), 0.1, 4.0).check(Theorem1())[f"{NAME}.start"]
    assert verdict.holds is False
    assert verdict.margin == pytest.approx(-0.5)
    assert verdict.sample == 1


@pytest.mark.parametrize(
    ("kappa", "low", "high"), [(0.5, True, True), (0.1, False, True), (0.95, True, False)]
)
def test_the_step_range_uses_the_measured_condition(kappa, low, high):
    # eigenvalues 0.8 and 1.1 in units of L: C_g = 1.25, range [0.2, 0.8]
    G = np.array([[0.95, 0.15], [0.15, 0.95]])
    problem = rb.Problem(G, [1.0, -0.5])
    case = One(problem, rb.starts.all_positive(problem, 0.01), kappa, 1.0)
    found = case.check(Theorem1())
    assert found[f"{NAME}.step_size.lower"].holds is low
    assert found[f"{NAME}.step_size.upper"].holds is high
    assert found[f"{NAME}.step_size.lower"].margin == pytest.approx(1 - 0.2 / kappa)
    assert found[f"{NAME}.step_size.upper"].margin == pytest.approx(1 - kappa / 0.8)
    assert found[f"{NAME}.step_size.upper"].constants["C_g"] == pytest.approx(1.25)
    bounds = rb.step_size_bounds(problem, trace=1.0)
    assert bounds.lower == pytest.approx(0.2)
    assert bounds.upper == pytest.approx(0.8)


@pytest.mark.parametrize("end", ["lower", "upper"])
def test_the_step_size_is_open_exactly_at_an_end_of_its_range(end):
    base = random_one(3, d=3000)
    bounds = rb.step_size_bounds(base.problem, trace=base.trace)
    edge = base._replace(step_size=getattr(bounds, end))
    verdict = edge.check(Theorem1())[f"{NAME}.step_size.{end}"]
    assert verdict.holds is None
    assert "is 1 times" in verdict.detail


def test_a_singular_gram_matrix_leaves_no_step_size():
    problem = rb.Problem(np.ones((2, 2)) + 0.0, [1.0, 1.0])
    case = One(problem, np.array([[0.005, 0.005]]), 0.5, 1.0)
    found = case.check(Theorem1())
    assert found[f"{NAME}.step_size.upper"].holds is False
    assert "singular" in found[f"{NAME}.step_size.upper"].detail
    assert found[f"{NAME}.certificate"].holds is not True


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_explicit_hypotheses_are_the_formulas(case):
    found = case.check(Theorem1())[f"{NAME}.explicit"]
    with mpmath.workdps(40):
        G = mpmath.matrix(case.problem.gram.tolist()) / mpmath.mpf(case.trace)
        mu = mpmath.mp.eigsy(G, eigvals_only=True)
        delta = max(abs(mu[0] - 1), abs(mu[G.rows - 1] - 1))
        kappa = mpmath.mpf(case.step_size) * case.trace
        eps = G * mpmath.matrix(case.start[0].tolist()) * case.trace
        size = [abs(mpmath.mpf(v)) for v in case.problem.labels.tolist()]
        star = delta * mpmath.sqrt(G.rows) * max(size) / min(size)
        true = min(
            min(eps) / max(map(abs, eps)),
            1 - kappa * (1 + delta),
            1 - 4 * max(eps) / min(size) / kappa,
            1 - 16 * delta,
            1 - 16 * star / kappa,
        )
        assert abs(found.margin - true) <= found.rounding_error < 1e-9


def test_the_limit_has_to_be_the_projection_too():
    assert random_one(0).check(Theorem1(tolerance=1e-18))[NAME].holds is None


def test_explicit_hypotheses_are_open_at_equality():
    step, start = at_equality()
    found = step.check(Theorem1())[f"{NAME}.explicit"]
    assert found.holds is None
    assert "step size decides" in found.detail
    found = start.check(Theorem1())[f"{NAME}.explicit"]
    assert found.holds is None
    assert "rho decides" in found.detail


@pytest.mark.parametrize(
    ("change", "decisive"),
    [
        ({"kappa": 1.2, "d": 10**7}, "step size"),
        ({"rho": 0.5, "d": 10**7}, "rho"),
        ({"d": 10**4}, "delta_star"),
        ({"d": 200, "n": 2, "low": 1.0}, "delta_star"),
    ],
)
def test_explicit_hypotheses_name_what_fails(change, decisive):
    verdict = random_one(0, **change).check(Theorem1())[f"{NAME}.explicit"]
    assert verdict.holds is False
    assert f"{decisive} decides" in verdict.detail


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6))
def test_the_explicit_version_implies_the_certificate(seed):
    rng = np.random.default_rng(seed)
    case = random_one(
        seed,
        n=int(rng.integers(1, 12)),
        d=int(10 ** rng.uniform(5, 8)),
        kappa=float(rng.uniform(0.1, 1.0)),
        rho=float(rng.uniform(0.0, 0.3)) + 1e-6,
        low=float(rng.uniform(0.3, 1.0)),
        n_negative=0 if rng.random() < 0.1 else None,
    )
    found = case.check(Theorem1())
    if found[f"{NAME}.explicit"].holds:
        assert found[f"{NAME}.certificate"].holds is True
    if found[f"{NAME}.certificate"].holds:
        assert found[f"{NAME}.one_step"].holds is True
        assert found[NAME].holds is True
        assert guaranteed(case)


def test_the_conclusion_is_open_on_a_run_without_an_end():
    verdict = random_one(0, d=800, kappa=0.95).check(Theorem1(), max_iter=2)[NAME]
    assert verdict.holds is None
    assert "not known" in verdict.detail
    cut = G1.check(Theorem1(), max_iter=3)[NAME]
    assert cut.holds is False  # already violated


def test_a_diverging_run_has_no_conclusion_but_no_warning_either():
    problem = rb.Problem([[1.0, 0.9], [0.9, 1.0]], [1.0, 0.5])
    case = One(problem, rb.starts.all_positive(problem, 0.01), 2.5, 1.0)
    assert outcomes(case)[""] is not True


@given(
    seed=st.integers(0, 1000),
    labels=st.sampled_from([-30, 40]),
    features=st.sampled_from([-25, 20]),
)
def test_units_that_are_powers_of_two_change_no_bit(seed, labels, features):
    case = random_one(seed, n=6, d=2000)
    first, second = case.check(Theorem1()), scaled(case, labels, features).check(Theorem1())
    for name, verdict in first.items():
        other = second[name]
        assert (other.margin, other.rounding_error) == (verdict.margin, verdict.rounding_error)
        assert other.holds is verdict.holds


def test_a_negative_neuron_is_the_mirror_image():
    case = random_one(0)
    mirrored = case._replace(problem=rb.Problem(case.problem.gram, -case.problem.labels, [-1]))
    for name, verdict in case.check(Theorem1()).items():
        assert mirrored.check(Theorem1())[name].margin == verdict.margin


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_the_samples_changes_nothing_but_rounding(seed):
    case = random_one(seed, n=7, d=10**5)
    order = np.random.default_rng(seed).permutation(7)
    problem = rb.Problem(case.problem.gram[np.ix_(order, order)], case.problem.labels[order])
    moved = case._replace(problem=problem, start=case.start[:, order])
    first, second = certify(case), certify(moved)
    for name, margin in first.margins.items():
        error = first.rounding_errors[name] + second.rounding_errors[name]
        assert abs(second.margins[name] - margin) <= error
    assert math.isfinite(first.margin)
