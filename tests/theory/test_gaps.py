"""Theorems 4 and 6: distances from the shortest network, in closed form and in long double."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import relubias as rb
from relubias.experiments.theorem6 import leading_law, owners
from relubias.theory.lai2026 import Theorem4, Theorem6
from relubias.theory.setting import Setting
from tests.oracles.theory_claims import gaps
from tests.oracles.theory_claims import owners as fitted
from tests.oracles.theory_run import descend
from tests.theory.runs import G0, asked, instance, mixed, permuted, scaled, vector

FOUR = [Theorem4()]
SIX = [Theorem6()]


@pytest.mark.parametrize("signs", [(1, -1), (-1, 1)])
def test_g0_has_its_published_gaps(signs):
    _, found = asked(FOUR, vector(G0, 101.0, signs))
    # kappa y_min sqrt(n_other / L) = sqrt(2 / 101) / 4, and y_max = 2 y_min
    unit = math.sqrt(2 / 101) / 4
    for word, gap in (("positive", 0.049991421049), ("negative", 0.039363005084)):
        assert found[f"theorem4.{word}.lower"].margin == pytest.approx(gap / unit - 0.6, abs=1e-9)
        upper = 1.35 - gap / (2 * unit)
        assert found[f"theorem4.{word}.upper"].margin == pytest.approx(upper, abs=1e-9)
        assert found[f"theorem4.{word}.lower"].neuron == signs.index(
            1 if word == "positive" else -1
        )


@pytest.mark.parametrize("seed", range(12))
def test_bounds_are_those_of_long_double(seed):
    signs = ((1, -1), (-1, 1))[seed % 2]
    d = (3000, 100_000, 10**7)[seed % 3]
    arguments = mixed(seed, n=3 + seed % 6, d=d, signs=signs, scale=0.05)
    _, found = asked(FOUR, arguments)
    case = instance(arguments)
    seen, proved = descend(case, max_steps=2000)
    assert proved
    for sign, gap in zip(case.signs, gaps(case, seen[-1], fitted(case)), strict=True):
        word = "positive" if sign > 0 else "negative"
        if "gap lo" not in gap:
            assert found[f"theorem4.{word}.lower"].margin == np.inf
            continue
        margins = {
            "lower": gap["gap lo"] - 0.6,
            "upper": 1.35 - gap["gap hi"],
            "sharp": 0.1 - abs(gap["sharp"] - 1),
        }
        for end, margin in margins.items():
            verdict = found[f"theorem4.{word}.{end}"]
            assert verdict.margin == pytest.approx(margin, abs=1e-8)
            assert verdict.holds is (margin > 0)


@pytest.mark.parametrize("word", ["positive", "negative"])
def test_every_bound_holds_fails_and_stays_open(word):
    far = mixed(1, d=10**6, kappa=0.9, scale=0.01)
    _, found = asked(FOUR, far)
    margins = {end: found[f"theorem4.{word}.{end}"].margin for end in ("lower", "upper", "sharp")}
    assert all(found[f"theorem4.{word}.{end}"].holds for end in margins)
    edges = {
        "lower": 0.6 + margins["lower"],
        "upper": 1.35 - margins["upper"],
        "sharp": 0.1 - margins["sharp"],
    }
    _, found = asked([Theorem4(**edges)], far)
    assert all(found[f"theorem4.{word}.{end}"].holds is None for end in edges)
    beyond = {"lower": 1.1 * edges["lower"], "upper": 0.9 * edges["upper"], "sharp": 0.0}
    _, found = asked([Theorem4(**beyond)], far)
    assert all(found[f"theorem4.{word}.{end}"].holds is False for end in edges)


def test_the_law_fails_where_samples_come_back():
    found = [asked(FOUR, mixed(seed, d=30, kappa=0.05), max_iter=50_000)[1] for seed in range(6)]
    assert any(each["theorem4.positive.sharp"].holds is False for each in found)


def test_the_law_says_nothing_of_other_starts():
    arguments = mixed(1, d=4000, start="anything", scale=0.01)
    _, found = asked(FOUR, arguments)
    for word in ("positive", "negative"):
        assert found[f"theorem4.{word}.sharp"].holds is None
        assert "all-positive" in found[f"theorem4.{word}.sharp"].detail


def test_labels_of_one_sign_claim_nothing_of_the_neuron_that_fits_them():
    problem = rb.Problem(4.0 * np.eye(2), [1.0, 0.5], signs=(1, -1))
    start = rb.starts.all_positive(problem, 0.01)
    _, found = asked(FOUR, {"problem": problem, "start": start, "step_size": 0.2})
    assert found["theorem4.positive.lower"].margin == np.inf
    assert "nothing is claimed" in found["theorem4.positive.lower"].detail
    assert found["theorem4.negative.lower"].holds is True


def test_distances_are_open_without_a_limit_or_a_proof():
    arguments = mixed(2, d=4000, kappa=0.01)
    _, found = asked(FOUR, arguments, max_iter=1)
    assert all(verdict.holds is None for verdict in found.values())
    best = rb.minimum_norm(arguments["problem"])
    unproved = dataclasses.replace(best, status=rb.minnorm.MinimumNormStatus.FEASIBLE)
    _, found = asked(FOUR, {**arguments, "step_size": 0.9 / 4000}, shortest=unproved)
    assert all(verdict.holds is None for verdict in found.values())
    nothing = dataclasses.replace(best, status=rb.minnorm.MinimumNormStatus.UNDECIDED)
    _, found = asked(FOUR, {**arguments, "step_size": 0.9 / 4000}, shortest=nothing)
    assert all(verdict.holds is None for verdict in found.values())


def on_orthogonal_data(signs, *, n=12, L=5.0, kappa=0.9, active=0.01, parked=0.3, seed=0):
    rng = np.random.default_rng(seed)
    half = np.flatnonzero(np.array(signs) > 0).size
    y = rng.uniform(0.5, 1.0, n) * np.where(np.arange(n) % 2, -1.0, 1.0)
    order = np.argsort(-np.array(signs), kind="stable")
    owner = order[owners(y, half)]
    problem = rb.Problem(L * np.eye(n), y, signs)
    start = rb.starts.disjoint(problem, owner, active, parked=parked)
    return {"problem": problem, "start": start, "step_size": kappa / L}


@pytest.mark.parametrize("signs", [(1, -1), (1, -1, -1, 1), (1, 1, 1, -1, -1, -1)])
def test_the_law_of_theorem6_is_exact_on_orthogonal_data(signs):
    arguments = on_orthogonal_data(signs)
    setting, found = asked(SIX, arguments)
    sharp = found["theorem6.sharp"]
    assert sharp.margin == pytest.approx(0.1, abs=1e-9)
    law = leading_law(arguments["problem"].labels, len(signs), 0.9, 0.01, 0.3) / math.sqrt(5.0)
    assert setting.gap.distance == pytest.approx(law, rel=1e-9)
    assert found["theorem6"].margin == pytest.approx(
        4.6 - law / (setting.y_max * math.sqrt(len(signs) * 12 / 5.0)), abs=1e-8
    )
    norm = math.sqrt(np.sum(setting.trajectory.limit.primal**2) / 5.0)
    assert found["theorem6.twice"].margin == pytest.approx(1 - law / (2 * norm), abs=1e-8)


@pytest.mark.parametrize("m", [2, 4, 6])
def test_small_starts_end_at_the_sharp_constant(m):
    r"""The distance is (1 - 2/m + kappa^2 m/2)^(1/2) norm(y) / sqrt(L)."""
    signs = (1, -1) * (m // 2)
    for kappa in (0.9, 0.3):
        arguments = on_orthogonal_data(signs, kappa=kappa, active=1e-9, parked=1e-9)
        setting, found = asked(SIX, arguments)
        constant = math.sqrt(1 - 2 / m + kappa**2 * m / 2)
        distance = constant * np.linalg.norm(arguments["problem"].labels) / math.sqrt(5.0)
        assert setting.gap.distance == pytest.approx(distance, rel=1e-6)
        assert found["theorem6.sharp"].holds is True


def test_theorem6_holds_fails_and_stays_open():
    far = mixed(1, d=10**6, kappa=0.9, signs=(1, 1, -1, -1), start="disjoint")
    _, found = asked(SIX, far)
    assert all(verdict.holds for verdict in found.values())
    edge = 4.6 - found["theorem6"].margin
    given = {"constant": edge, "sharp": 0.1 - found["theorem6.sharp"].margin}
    _, found = asked([Theorem6(**given)], far)
    assert found["theorem6"].holds is found["theorem6.sharp"].holds is None
    _, found = asked([Theorem6(constant=0.9 * edge, sharp=0.0)], far)
    assert found["theorem6"].holds is found["theorem6.sharp"].holds is False
    _, found = asked([Theorem6(constant=edge, power=1.1)], far)
    assert found["theorem6"].holds is True


def test_a_limit_that_does_not_fit_may_be_far_from_the_shortest_network():
    """Twice its own norm is a bound because the limit fits; one that is nearly zero does not."""
    problem = rb.Problem(4.0 * np.eye(2), [1.0, -1.0], signs=(1, -1))
    start = np.array([[-0.001, 0.001], [0.001, -0.001]])
    _, found = asked(SIX, {"problem": problem, "start": start, "step_size": 0.01 / 4.0})
    assert found["theorem6.twice"].holds is False


def test_an_unproved_optimum_leaves_an_interval():
    far = mixed(1, d=10**6, kappa=0.9, signs=(1, 1, -1, -1), start="disjoint")
    best = rb.minimum_norm(far["problem"])
    unproved = dataclasses.replace(best, status=rb.minnorm.MinimumNormStatus.FEASIBLE)
    setting, found = asked(SIX, far, shortest=unproved)
    assert found["theorem6.sharp"].holds is None
    assert found["theorem6"].holds is True  # the sum of both norms is small enough
    assert "not known" in found["theorem6"].detail
    unit = setting.y_max * math.sqrt(4 * 6 / setting.trace)
    sums = (setting.gap.first_norm + setting.gap.second_norm) / unit
    assert found["theorem6"].margin - found["theorem6"].rounding_error == pytest.approx(4.6 - sums)
    nothing = dataclasses.replace(best, status=rb.minnorm.MinimumNormStatus.UNDECIDED)
    _, found = asked(SIX, far, shortest=nothing)
    assert all(verdict.holds is None for verdict in found.values())


@settings(max_examples=15)
@given(st.integers(0, 2**20), st.integers(-12, 12), st.integers(-12, 12))
def test_scaling_by_powers_of_two_keeps_every_verdict(seed, of_labels, of_features):
    arguments = mixed(seed, d=2000, scale=0.1)
    other = scaled(arguments, 2.0**of_labels, 4.0**of_features)
    first, second = (
        asked([Theorem4(), Theorem6()], given, max_iter=3000)[1] for given in (arguments, other)
    )
    for name, verdict in first.items():
        assert second[name].margin == pytest.approx(verdict.margin, rel=1e-12)
        assert second[name].holds is verdict.holds


@settings(max_examples=15)
@given(st.integers(0, 2**20), st.permutations(range(3)), st.permutations(range(6)))
def test_permuting_neurons_and_samples_keeps_every_verdict(seed, neurons, samples):
    arguments = mixed(seed, d=2000, signs=(1, -1, 1), start="disjoint", scale=0.1)
    first, second = (
        asked(SIX, given, max_iter=3000)[1]
        for given in (arguments, permuted(arguments, neurons, samples))
    )
    for name, verdict in first.items():
        assert second[name].holds is verdict.holds
        assert second[name].margin == pytest.approx(verdict.margin, rel=1e-8, nan_ok=True)


def test_a_run_that_ends_at_zero_is_open():
    problem = rb.Problem([[4.0, 0.1], [0.1, 4.0]], [1.0, -1.0], signs=(1, -1))
    _, found = asked(SIX, {"problem": problem, "start": np.zeros((2, 2)), "step_size": 0.15})
    assert found["theorem6.twice"].holds is None
    assert "limit is zero" in found["theorem6.twice"].detail
    assert found["theorem6"].holds is True


def test_settings_share_the_shortest_network():
    arguments = mixed(1, d=2000)
    setting = Setting(
        arguments["problem"], arguments["start"], step_size=arguments["step_size"], trace=2000.0
    )
    Theorem4().verdicts(setting)
    first = setting.shortest
    Theorem6().verdicts(setting)
    assert setting.shortest is first
