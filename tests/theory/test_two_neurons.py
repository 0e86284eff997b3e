"""Lemma 10 and Theorem 3: test vectors, long double, and what two neurons share with one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import relubias as rb
from relubias.theory.lai2026 import Lemma9, Lemma10, Theorem1, Theorem3, Theorem4
from tests.oracles.theory_certificate import one_step_certificate
from tests.oracles.theory_claims import conclusions, extremes_of, hypotheses, owners
from tests.oracles.theory_run import descend
from tests.theory.runs import G0, G1, asked, instance, mixed, permuted, scaled, vector

ALL = [Lemma10(), Theorem3()]
PARTS = [f"lemma10.{part}" for part in "abcdefgh"]


def claims_by_hand(arguments):
    """Return the margins of Lemma 10 with its default constants, from long double."""
    case = instance(arguments)
    seen, proved = descend(case, max_steps=2000, slack=1e-9)
    if not proved:
        return None, None
    found = {}
    for k, (active, frozen, inactive) in zip(np.argsort(-case.signs), ("acg", "bdh"), strict=True):
        worst = extremes_of(case, seen, owners(case), neuron=int(k)).worst
        if "a" in worst:
            found[active] = worst["a"] - 0.9
        if "b lo" in worst:
            found[frozen] = min(worst["b lo"] - 0.7, 1.3 - worst["b hi"])
            found[inactive] = -worst["e"] - 0.56
        found["e"] = min(found.get("e", np.inf), 1.0 - worst.get("c", 0.0))
        found["f"] = min(found.get("f", np.inf), 2.2 - worst["d"])
    return found, conclusions(case, seen, owners(case))


@pytest.mark.parametrize("signs", [(1, -1), (-1, 1)])
def test_g0_ends_at_its_published_values_in_either_order(signs):
    setting, found = asked(ALL, vector(G0, 101.0, signs))
    p = signs.index(1)
    limit = setting.trajectory.limit.primal
    np.testing.assert_allclose(limit[p], (1, 0.5, -0.144998529556, -0.481237623762), atol=1e-11)
    np.testing.assert_allclose(limit[1 - p], (-0.315549341726, -0.23, 0.75, 1), atol=1e-11)
    assert found["theorem3"].holds is True
    assert found["theorem3.limit"].holds is True
    # y_min = 1/2 and kappa = 1/2: the unit of predictions is 1/4
    assert found["theorem3.limit"].margin == pytest.approx(4 * 0.144998529556, abs=1e-10)
    assert found["theorem3"].margin == pytest.approx(4 * 0.144998529556, abs=1e-10)
    assert found["theorem3"].place[1:] == (p, 2)
    assert found["lemma10.g"].margin == pytest.approx(4 * 0.144998529556 - 0.56, abs=1e-10)
    assert found["lemma10.h"].margin == pytest.approx(4 * 0.23 - 0.56, abs=1e-10)
    assert found["theorem3.start"].margin == pytest.approx(1 - 40 * 0.04)
    assert found["theorem3.start"].holds is False
    assert found["theorem3.explicit"].holds is False


@pytest.mark.parametrize("signs", [(1, -1), (-1, 1)])
def test_g1_reactivates_a_sample_and_every_claim_about_it_fails(signs):
    _, found = asked(ALL, vector(G1, 17.0, signs))
    p = signs.index(1)
    for name in ("theorem3", "theorem3.limit", "lemma10.b", "lemma10.g", "lemma10.h"):
        assert found[name].holds is False, name
    assert found["theorem3"].first_violation == (2, p, 2)
    assert found["theorem3.certificate"].outcome == "not met"
    assert found["lemma10.a"].holds is True
    # alpha_p,3 = 0.0164546455 in the limit, so that the sample is shared
    assert found["theorem3.limit"].margin == pytest.approx(-1.0, abs=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_margins_are_those_of_long_double(seed):
    signs = ((1, -1), (-1, 1))[seed % 2]
    d = (60, 300, 3000, 100_000)[seed % 4]
    arguments = mixed(seed, n=4 + seed % 5, d=d, signs=signs, scale=0.1)
    setting, found = asked(ALL, arguments)
    if str(setting.trajectory.status) != "CERTIFIED":
        return
    by_hand, concluded = claims_by_hand(arguments)
    if by_hand is None:  # a sample is shared
        assert found["theorem3"].holds is False
        return
    for part, margin in by_hand.items():
        verdict = found[f"lemma10.{part}"]
        assert verdict.margin == pytest.approx(margin, abs=1e-7)
        assert verdict.holds is (margin > 0)
    away = concluded["off the projection"]
    holds = bool(concluded["pattern"]) and bool(concluded["negative elsewhere"])
    assert found["theorem3"].holds is (holds and away < 1e-10)


def test_some_of_the_runs_above_violate_the_claims():
    found = [
        asked(ALL, mixed(seed, n=4 + seed % 5, d=60, scale=0.1))[1] for seed in range(0, 20, 4)
    ]
    assert any(verdicts["lemma10.a"].holds is False for verdicts in found)
    assert any(verdicts["theorem3"].holds is False for verdicts in found)
    assert any(verdicts["theorem3"].holds is True for verdicts in found)


@pytest.mark.parametrize("part", PARTS)
def test_every_invariant_holds_fails_and_stays_open(part):
    far = mixed(1, d=10**6, kappa=0.9, scale=0.01)
    _, found = asked([Lemma10()], far)
    assert found[part].holds is True
    at_zero = found[part].margin
    constant = next(iter({*found[part].constants} - {"frozen_most"}))
    value = getattr(Lemma10(), constant)
    is_most = constant in ("misfit", "dual")
    edge = value - at_zero if is_most else value + at_zero
    _, found = asked([Lemma10(**{constant: edge})], far)
    assert found[part].holds is None
    _, found = asked([Lemma10(**{constant: edge * (0.9 if is_most else 1.1)})], far)
    assert found[part].holds is False
    assert found[part].first_violation is not None


def test_hypotheses_hold_fail_and_stay_open():
    eye = rb.Problem(4.0 * np.eye(2), [1.0, -1.0], signs=(1, -1))

    def verdicts(eps, kappa, **constants):
        start = np.array(eps, dtype=float) / 4
        return asked([Theorem3(**constants)], {"problem": eye, "start": start,
                                               "step_size": kappa / 4})[1]  # fmt: skip

    small = [[0.02, 0.02], [0.02, 0.02]]
    assert verdicts(small, 0.5)["theorem3.start"].margin == pytest.approx(0.2)
    assert verdicts([[0.02, 0.02], [0.02, 0.03]], 0.5)["theorem3.start"].place == (-1, 1, 1)
    assert verdicts([[0.02, 0.02], [0.02, 0.03]], 0.5)["theorem3.start"].holds is False
    assert verdicts([[0.02, -0.02], [0.02, 0.02]], 0.5)["theorem3.start"].holds is False
    assert verdicts([[0.02, 0.0], [0.02, 0.02]], 0.5)["theorem3.start"].holds is None
    assert verdicts(small, 0.5, start_constant=50.0)["theorem3.start"].holds is None
    for kappa, lower, upper in ((0.2, False, True), (0.25, None, True), (1.0, True, None),
                                (1.01, True, False)):  # fmt: skip
        found = verdicts(small, kappa)
        assert found["theorem3.step_size.lower"].holds is lower
        assert found["theorem3.step_size.upper"].holds is upper
    assert verdicts(small, 1.0)["theorem3.explicit"].holds is None
    assert verdicts(small, 0.9)["theorem3.explicit"].holds is True
    assert verdicts(small, 0.15)["theorem3.explicit"].holds is False  # rho > kappa / 8
    assert verdicts(small, 1.9)["theorem3.certificate"].holds is True
    assert verdicts(small, 2.1)["theorem3.certificate"].holds is False
    at_zero = [[0.02, 0.5], [0.02, 0.5]]  # eps = kappa |y|: the first step ends at zero
    assert verdicts(at_zero, 0.5)["theorem3.certificate"].holds is None
    assert verdicts([[0.02, 2.0], [0.02, 0.02]], 0.5)["theorem3.certificate"].holds is False


def test_a_singular_gram_matrix_meets_no_hypothesis():
    problem = rb.Problem(np.ones((2, 2)), [1.0, 2.0], signs=(1, -1))
    _, found = asked(ALL, {"problem": problem, "start": [[0.1, 0.0]] * 2, "step_size": 0.2})
    assert found["theorem3.step_size.upper"].holds is False
    assert found["theorem3.step_size.lower"].holds is True
    assert found["theorem3.explicit"].holds is False
    assert not found["theorem3.certificate"].holds


def test_conclusions_are_open_without_a_certificate():
    arguments = mixed(2, d=100_000, kappa=0.01)
    _, found = asked(ALL, arguments, max_iter=1)
    assert found["theorem3.limit"].holds is None
    _, found = asked(ALL, vector(G1, 17.0), max_iter=2)  # violated before the run is over
    assert found["theorem3.limit"].holds is None
    assert found["theorem3"].holds is False


@pytest.mark.parametrize("seed", range(40))
def test_the_certificate_is_that_of_the_oracle_and_never_wrong(seed):
    """Problems around the edge of the certificate: where it holds, the conclusion does."""
    signs = ((1, -1), (-1, 1))[seed % 2]
    d = int(10 ** np.random.default_rng(seed).uniform(1.7, 3.5))
    kappa = (0.3, 0.9, 1.3, 1.8)[seed % 4]
    arguments = mixed(seed, d=d, signs=signs, scale=0.3, kappa=kappa)
    _, found = asked([Theorem3()], arguments, max_iter=20_000)
    case = instance(arguments)
    margins = one_step_certificate(case, owners(case))
    verdict = found["theorem3.certificate"]
    assert verdict.holds is (min(margins.values()) > 0)
    if verdict.holds:
        assert found["theorem3"].holds is True
        assert found["theorem3.limit"].holds is True
        concluded = conclusions(case, descend(case)[0], owners(case))
        assert concluded["pattern"]
        assert concluded["off the projection"] < 1e-10


def test_the_certificate_is_given_and_refused_in_the_test_above():
    given = []
    for seed in range(0, 40, 3):
        d = int(10 ** np.random.default_rng(seed).uniform(1.7, 3.5))
        arguments = mixed(seed, d=d, scale=0.3, kappa=(0.3, 0.9)[seed % 2])
        _, found = asked([Theorem3()], arguments, max_iter=20_000)
        given.append(found["theorem3.certificate"].holds)
    assert 2 <= sum(given) <= len(given) - 2


@pytest.mark.parametrize("seed", range(25))
def test_explicit_hypotheses_imply_all_claims(seed):
    rng = np.random.default_rng(seed)
    kappa = rng.uniform(0.2, 0.99)
    d = int(25_000 / kappa**2 * 10 ** rng.uniform(0.0, 1.0))
    signs = ((1, -1), (-1, 1))[seed % 2]
    arguments = mixed(seed, d=d, signs=signs, kappa=kappa, scale=kappa / 8 * 0.5)
    _, found = asked([*ALL, Theorem4()], arguments)
    explicit = found["theorem3.explicit"]
    by_hand = hypotheses(instance(arguments), part=0.125)
    assert explicit.holds is (min(by_hand.values()) > 0)
    if explicit.holds:
        assert all(found[part].holds for part in PARTS)
        for name in ("certificate", "limit"):
            assert found[f"theorem3.{name}"].holds is True
        for word in ("positive", "negative"):
            for end in ("lower", "upper", "sharp"):
                assert found[f"theorem4.{word}.{end}"].holds is True
        assert found["theorem3"].holds is True


def test_explicit_hypotheses_are_met_in_the_test_above():
    met = []
    for seed in range(25):
        rng = np.random.default_rng(seed)
        kappa = rng.uniform(0.2, 0.99)
        d = int(25_000 / kappa**2 * 10 ** rng.uniform(0.0, 1.0))
        arguments = mixed(seed, d=d, kappa=kappa, scale=kappa / 8 * 0.5)
        met.append(min(hypotheses(instance(arguments), part=0.125).values()) > 0)
    assert 5 < sum(met) < 20


@pytest.mark.parametrize("seed", range(8))
def test_two_neurons_that_start_apart_are_two_problems_of_one_neuron(seed):
    """On orthogonal data, from disjoint starts, margins are those of Lemma 9 for either neuron."""
    rng = np.random.default_rng(seed)
    n, kappa = 5, float(rng.uniform(0.2, 1.2))
    y = rng.uniform(0.5, 1.0, n) * np.where(np.arange(n) % 2, -1.0, 1.0)
    own = np.array([[1.0], [-1.0]]) * y > 0
    start = np.where(own, 1.0, -1.0) * rng.uniform(0.3, 0.6, (2, n))
    pair = rb.Problem(np.eye(n), y, (1, -1))
    _, found = asked(ALL, {"problem": pair, "start": start, "step_size": kappa})
    for k, (sign, parts) in enumerate(((1, "acg"), (-1, "bdh"))):
        alone = rb.Problem(np.eye(n), y, (sign,))
        # the samples of the other sign are off, and their labels do not matter
        _, single = asked(
            [Lemma9(), Theorem1()],
            {"problem": alone, "start": start[k : k + 1], "step_size": kappa},
        )
        for one, two in zip("abe", parts, strict=True):
            first, second = single[f"lemma9.{one}"], found[f"lemma10.{two}"]
            assert second.margin == pytest.approx(first.margin, abs=1e-9)
            assert second.holds is first.holds
            assert (second.step, second.sample) == (first.step, first.sample)
    assert found["theorem3"].holds is True


@pytest.mark.parametrize("kappa", [0.1, 0.5, 0.9, 1.5])
def test_on_orthogonal_data_the_theorem_is_that_of_either_neuron(kappa):
    y = np.array([1.0, 0.6, -0.8, -1.0])
    for rho, both in ((0.01, True), (0.2, kappa > 0.2)):
        pair = rb.Problem(3.0 * np.eye(4), y, (1, -1))
        step = {"step_size": kappa / 3}
        eps = rho * 0.6
        _, found = asked(
            [Theorem3()], {"problem": pair, "start": rb.starts.all_positive(pair, eps), **step}
        )
        single = [
            asked(
                [Theorem1()],
                {
                    "problem": pair.with_signs((sign,)),
                    "start": rb.starts.all_positive(pair.with_signs((sign,)), eps),
                    **step,
                },
            )[1]["theorem1"].holds
            for sign in (1, -1)
        ]
        assert found["theorem3"].holds is all(single) is both


def test_one_sign_of_labels_leaves_nothing_to_show_of_the_other():
    problem = rb.Problem(4.0 * np.eye(2), [1.0, 0.5], signs=(1, -1))
    start = rb.starts.all_positive(problem, 0.01)
    _, found = asked(ALL, {"problem": problem, "start": start, "step_size": 0.2})
    for part in "bcg":
        assert found[f"lemma10.{part}"].margin == np.inf
        assert "Nothing had to be shown" in found[f"lemma10.{part}"].detail
    assert found["theorem3"].holds is True


def test_other_networks_are_left_out_with_a_sentence():
    for signs in ((1,), (1, 1), (1, -1, 1)):
        problem = rb.Problem(np.eye(2), [1.0, -1.0], signs)
        start = np.full((len(signs), 2), 0.1)
        setting, found = asked(ALL, {"problem": problem, "start": start, "step_size": 0.5})
        assert found == {}
        assert "two neurons of opposite signs" in Lemma10().refusal(setting)
    setting, found = asked(
        ALL,
        {"problem": rb.Problem(np.eye(2), [1.0, 0.0], (1, -1)), "start": np.full((2, 2), 0.1),
         "step_size": 0.5},
    )  # fmt: skip
    assert found == {}
    assert "label 1 is zero" in Theorem3().refusal(setting)


@settings(max_examples=25)
@given(st.integers(0, 2**20), st.integers(-12, 12), st.integers(-12, 12))
def test_scaling_by_powers_of_two_keeps_every_margin(seed, of_labels, of_features):
    arguments = mixed(seed, d=30, scale=0.3)
    other = scaled(arguments, 2.0**of_labels, 2.0**of_features)
    first, second = (asked(ALL, given, max_iter=3000)[1] for given in (arguments, other))
    for name, verdict in first.items():
        assert verdict.margin == second[name].margin or np.isnan(verdict.margin)
        assert verdict.rounding_error == second[name].rounding_error
        assert verdict.place == second[name].place


@settings(max_examples=25)
@given(st.integers(0, 2**20), st.permutations(range(2)), st.permutations(range(6)))
def test_permuting_neurons_and_samples_permutes_places_only(seed, neurons, samples):
    arguments = mixed(seed, d=100, scale=0.3)
    first, second = (
        asked(ALL, given, max_iter=3000)[1]
        for given in (arguments, permuted(arguments, neurons, samples))
    )
    for name, verdict in first.items():
        moved = second[name]
        assert moved.holds is verdict.holds
        assert moved.margin == pytest.approx(verdict.margin, rel=1e-8, abs=1e-8, nan_ok=True)
        if verdict.first_violation and verdict.first_violation.sample >= 0:
            time, k, i = moved.first_violation
            assert (time, neurons[k], samples[i]) == verdict.first_violation


def test_all_parts_are_tested():
    assert [*itertools.islice(asked(ALL, vector(G0, 101.0))[1], 8)] == PARTS
