"""Assumption 3, Lemmas 11 and 12, Theorem 5: long double, starts that fail, and permutations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import relubias as rb
from relubias.theory.lai2026 import (
    Assumption3,
    Lemma5,
    Lemma10,
    Lemma11,
    Lemma12,
    Theorem3,
    Theorem5,
    Theorem6,
)
from tests.oracles.theory_certificate import one_step_certificate
from tests.oracles.theory_claims import conclusions
from tests.oracles.theory_run import descend
from tests.theory.runs import G0, G1, asked, instance, mixed, permuted, scaled, vector

ALL = [Assumption3(), Lemma11(), Lemma12(), Theorem5()]
SIGNS = [(1, 1, -1), (-1, 1, -1, 1), (1, -1, -1, -1, 1), (1, -1)]


def owned(arguments):
    """Return who owns what: of its sign, the neuron on which a sample starts largest."""
    case = instance(arguments)
    own = np.zeros((len(case.signs), len(case.labels)), dtype=bool)
    for i, y in enumerate(case.labels):
        start = {
            k: float(case.start[k] @ case.gram[:, i]) for k, s in enumerate(case.signs) if s * y > 0
        }
        own[max(start, key=start.__getitem__), i] = True
    return own


def claims_by_hand(arguments):
    """Return the margins of Lemma 12 with its default constants, and what Theorem 5 concludes."""
    case, own = instance(arguments), owned(arguments)
    seen, proved = descend(case, max_steps=2000, slack=1e-9)
    if not proved:
        return None, None
    y, L, n = np.abs(case.labels), np.longdouble(case.trace), len(case.labels)
    unit = case.step_size * L * y.min()
    found = dict.fromkeys("abcde", np.inf)
    for state in seen[1:]:
        alpha, pushed = state.primal, -L * state.dual
        found["a"] = min(found["a"], (alpha[own] / unit).min())
        found["e"] = min(found["e"], (-alpha[~own] / unit).min())
        ends = (pushed[~own] / y.min() - 0.05).min(), (1.5 - pushed[~own] / y.max()).min()
        found["b"] = min(found["b"], *ends)
        for k, S in enumerate(own):
            away = np.sqrt(((alpha[k, S] - y[S]) ** 2).sum())
            found["c"] = min(found["c"], 1.0 - away / (np.sqrt(max(S.sum(), 1)) * y.max()))
            size = L * np.sqrt((state.dual[k] ** 2).sum())
            found["d"] = min(found["d"], 2.2 - size / (np.sqrt(n) * y.max()))
    return {part: float(margin) for part, margin in found.items()}, conclusions(case, seen, own)


@pytest.mark.parametrize("seed", range(24))
def test_margins_are_those_of_long_double(seed):
    d = (100, 1000, 30_000)[seed % 3]
    parked = (0.3, 0.01)[seed % 2]
    arguments = mixed(
        seed, n=4 + seed % 5, d=d, signs=SIGNS[seed % 4], start="disjoint", parked=parked
    )
    setting, found = asked(ALL, arguments, max_iter=20_000)
    assert found["assumption3"].holds is True
    if str(setting.trajectory.status) != "CERTIFIED":
        return
    by_hand, concluded = claims_by_hand(arguments)
    if by_hand is None:
        assert found["theorem5"].holds is False
        return
    for part, margin in by_hand.items():
        assert found[f"lemma12.{part}"].margin == pytest.approx(margin, abs=1e-7)
        assert found[f"lemma12.{part}"].holds is (margin > 0)
    holds = bool(concluded["pattern"]) and bool(concluded["negative elsewhere"])
    assert found["theorem5"].holds is (holds and concluded["off the projection"] < 1e-10)
    assert found["lemma11"].holds is True
    assert found["lemma11.disjoint"].holds is True


@pytest.mark.parametrize("seed", range(30))
def test_the_certificate_is_that_of_the_oracle_and_never_wrong(seed):
    rng = np.random.default_rng(seed)
    d = int(10 ** rng.uniform(1.7, 4.0))
    arguments = mixed(
        seed, d=d, signs=SIGNS[seed % 4], start="disjoint", scale=0.2,
        parked=float(rng.uniform(0.02, 0.6)), kappa=(0.3, 0.9, 1.2)[seed % 3],
    )  # fmt: skip
    _, found = asked([Theorem5()], arguments, max_iter=20_000)
    margins = one_step_certificate(instance(arguments), owned(arguments))
    certificate = found["theorem5.certificate"]
    assert certificate.holds is (min(margins.values()) > 0)
    if certificate.holds:
        assert found["theorem5"].holds is True
        assert found["theorem5.limit"].holds is True


def test_a_start_too_close_to_zero_fails_and_is_named():
    """The lower bound on the start is essential: as in the paper, with one scale for all."""
    law = rb.ensembles.Gaussian(rb.ensembles.isotropic(40_000))
    signs, n, kappa = (1, 1, 1, -1, -1), 10, 0.9
    outcomes = {}
    for part in (0.02, 0.15):
        fails = []
        for seed in range(12):
            y = rb.ensembles.labels.uniform_magnitude(0.5, 1.0, n_negative=5)(n, seed)
            problem = rb.Problem(law.sample_gram(n, seed), y, signs)
            rng = np.random.default_rng(seed)
            owner = [int(rng.choice(np.flatnonzero(np.sign(v) == signs))) for v in y]
            eps = part * np.abs(y).min() * rng.uniform(0.7, 1.3, (5, n))
            start = rb.starts.disjoint(problem, owner, eps)
            _, found = asked(
                [Theorem5()],
                {"problem": problem, "start": start, "step_size": kappa / 40_000, "trace": 4e4},
                max_iter=20_000,
            )
            conclusion = found["theorem5"]
            fails.append(conclusion.holds is False)
            lower = found["theorem5.start.lower"]
            assert lower.margin == pytest.approx(_least_parked(problem, start, owner) - 0.1)
            assert lower.holds is (part > 0.1)
            if conclusion.holds is False:
                time, neuron, sample = conclusion.first_violation
                assert time >= 1
                # it is a parked sample: of the neuron's sign, and another one's
                assert signs[neuron] * y[sample] > 0
                assert owner[sample] != neuron
        outcomes[part] = sum(fails)
    assert outcomes[0.02] >= 4
    assert outcomes[0.15] == 0


def _least_parked(problem, start, owner):
    primal = start @ problem.gram
    parked = [
        -primal[k, i]
        for i, y in enumerate(problem.labels)
        for k, s in enumerate(problem.signs)
        if s * y > 0 and k != owner[i]
    ]
    return min(parked) / np.abs(problem.labels).min()


EYE = rb.Problem(4.0 * np.eye(3), [1.0, 1.0, -1.0], signs=(1, 1, -1))


def on_eye(primal, statements=ALL, kappa=0.8, **changes):
    start = np.array(primal, dtype=float) / 4.0
    return asked(statements, {"problem": EYE, "start": start, "step_size": kappa / 4.0}, **changes)[
        1
    ]


DISJOINT = [[0.01, -0.3, 0.01], [-0.3, 0.01, 0.01], [0.01, 0.01, 0.01]]


def changed(k, i, value):
    primal = np.array(DISJOINT)
    primal[k, i] = value
    return primal


@pytest.mark.parametrize(
    ("primal", "place", "words"),
    [
        (changed(1, 0, 0.005), (-1, 1, 0), "more than one neuron of its sign"),
        (changed(0, 0, -0.2), (-1, 0, 0), "no neuron of its sign"),
        (changed(0, 2, -0.05), (-1, 0, 2), "inactive on neuron 0"),
    ],
)
def test_assumption3_names_what_is_wrong(primal, place, words):
    verdict = on_eye(primal)["assumption3"]
    assert verdict.holds is False
    assert verdict.place == place
    assert words in verdict.detail


def test_assumption3_holds_and_stays_open():
    assert on_eye(DISJOINT)["assumption3"].margin == pytest.approx(0.01)
    assert on_eye(DISJOINT)["assumption3"].holds is True
    assert on_eye(changed(0, 2, 0.0))["assumption3"].holds is None


@pytest.mark.parametrize("part", "abcde")
def test_every_invariant_holds_fails_and_stays_open(part):
    far = mixed(1, d=10**6, kappa=0.9, signs=(1, 1, -1), start="disjoint")
    _, found = asked([Lemma12()], far)
    verdict = found[f"lemma12.{part}"]
    assert verdict.holds is True
    constant = next(iter({*verdict.constants} - {"frozen_most"}))
    value, is_most = getattr(Lemma12(), constant), constant in ("misfit", "dual")
    edge = value - verdict.margin if is_most else value + verdict.margin
    assert asked([Lemma12(**{constant: edge})], far)[1][f"lemma12.{part}"].holds is None
    beyond = edge * (0.9 if is_most else 1.1)
    failing = asked([Lemma12(**{constant: beyond})], far)[1][f"lemma12.{part}"]
    assert failing.holds is False
    assert failing.first_violation is not None


def test_hypotheses_of_theorem5_hold_fail_and_stay_open():
    def holds(name, primal=DISJOINT, kappa=0.8, **constants):
        return on_eye(primal, [Theorem5(**constants)], kappa)[f"theorem5.{name}"].holds

    # y_min = 1, m = 3: active coordinates up to 1 / 60
    assert holds("start.upper") is True
    assert holds("start.upper", changed(2, 1, 0.02)) is False
    assert holds("start.upper", start_constant=100 / 3) is None
    assert holds("start.upper", start_constant=100, power=0.0) is None
    assert holds("start.upper", start_constant=101, power=0.0) is False
    assert holds("start.lower") is True
    assert holds("start.lower", parked=0.3) is None
    assert holds("start.lower", changed(0, 1, -0.05)) is False
    found = on_eye(changed(0, 1, -0.05))["theorem5.start.lower"]
    assert found.place == (-1, 0, 1)
    assert found.margin == pytest.approx(-0.05)
    for kappa, lower, upper in ((0.2, False, True), (0.25, None, True), (1.0, True, None),
                                (1.01, True, False)):  # fmt: skip
        assert holds("step_size.lower", kappa=kappa) is lower
        assert holds("step_size.upper", kappa=kappa) is upper
    assert holds("certificate") is True
    assert holds("certificate", changed(0, 1, 0.3)) is False
    assert holds("certificate", changed(0, 1, 0.0)) is None
    assert holds("limit") is True


def test_conclusions_of_theorem5_hold_fail_and_stay_open():
    found = on_eye(DISJOINT)
    assert found["theorem5"].holds is found["theorem5.limit"].holds is True
    assert "every neuron is active on its own samples alone" in found["theorem5"].detail
    # two owners of the first sample: both fit a part of it
    found = on_eye(changed(1, 0, 0.005), kappa=0.4)
    assert found["theorem5"].holds is found["theorem5.limit"].holds is False
    assert found["theorem5"].first_violation == (1, 1, 0)
    assert "first at step 1, neuron 1, sample 0" in found["theorem5"].detail
    assert "is not the projection" in found["theorem5.limit"].detail
    assert found["lemma11.disjoint"].holds is False
    assert found["lemma11.disjoint"].sample == 0
    assert found["lemma11"].margin == np.inf
    assert "Nothing is claimed" in found["lemma11"].detail
    arguments = mixed(5, d=4000, signs=(1, 1, -1), start="disjoint", kappa=0.002)
    _, found = asked(ALL, arguments, max_iter=2)
    for name in ("theorem5.limit", "lemma11.disjoint", "lemma11"):
        assert found[name].holds is None, name
    assert "not known" in found["theorem5.limit"].detail
    arguments = mixed(5, d=4000, signs=(1, 1, -1), start="disjoint", kappa=0.9)
    _, found = asked(ALL, arguments, max_iter=0)
    assert found["theorem5"].holds is None


def test_no_sample_is_parked_with_one_neuron_of_either_sign():
    _, found = asked([Theorem5(), Lemma12()], vector(G0, 101.0))
    assert found["theorem5.start.lower"].margin == np.inf
    assert "No sample is parked" in found["theorem5.start.lower"].detail
    assert found["theorem5"].holds is True


@pytest.mark.parametrize("seed", range(6))
def test_two_neurons_are_a_special_case(seed):
    """Theorem 5 with one neuron of either sign is Theorem 3, and Lemma 12 is Lemma 10."""
    arguments = mixed(seed, d=(80, 500, 40_000)[seed % 3], scale=0.1)
    given = dict(active=0.9, inactive=0.56, misfit=1.0, dual=2.2)
    _, found = asked(
        [Theorem3(), Theorem5(), Lemma10(), Lemma12(**given)], arguments, max_iter=20_000
    )
    for name in ("", ".limit", ".certificate"):
        first, second = found[f"theorem3{name}"], found[f"theorem5{name}"]
        assert (first.margin, first.place) == (second.margin, second.place)
        assert first.holds is second.holds
    for several, two in (("a", "ab"), ("c", "e"), ("d", "f"), ("e", "gh")):
        parts = [found[f"lemma10.{part}"].margin for part in two]
        assert found[f"lemma12.{several}"].margin == min(parts)


def test_lemma11_finds_a_limit_that_is_wrong():
    """With the run's limit moved off by hand, the lemma no longer holds."""
    import dataclasses

    from relubias.theory.setting import Setting

    arguments = vector(G0, 101.0)
    setting = Setting(
        arguments["problem"], arguments["start"], step_size=arguments["step_size"], trace=101.0
    )
    run = setting.trajectory
    dual = run.limit.dual.copy()
    dual[0, 3] += 1e-3 / 101.0
    moved = type(run.limit)(primal=dual @ setting.problem.gram, dual=dual)
    setting.__dict__["trajectory"] = dataclasses.replace(run, limit=moved)
    found = {v.condition: v for v in Lemma11(since=1).verdicts(setting)}
    assert found["lai2026.lemma11.disjoint"].holds is True
    assert found["lai2026.lemma11"].holds is False
    assert found["lai2026.lemma11"].sample == 3


def test_lemma11_fails_from_a_step_before_the_last_switch():
    arguments = vector(G0, 101.0)
    assert asked([Lemma11(since=1)], arguments)[1]["lemma11"].holds is True
    found = asked([Lemma11(since=0)], arguments)[1]["lemma11"]  # duals move in the first step
    assert found.holds is False
    assert "after step 0" in found.detail


def test_lemma11_on_shared_samples_claims_nothing():
    _, found = asked([Lemma11()], vector(G1, 17.0))
    assert found["lemma11.disjoint"].holds is False
    assert found["lemma11.disjoint"].margin == pytest.approx(-0.0164546455 / 0.5, abs=1e-9)
    assert found["lemma11"].holds is True


def test_other_networks_are_left_out_with_a_sentence():
    for signs in ((1,), (1, 1)):
        problem = rb.Problem(np.eye(2), [1.0, 2.0], signs)
        start = np.full((len(signs), 2), 0.1)
        setting, found = asked(ALL, {"problem": problem, "start": start, "step_size": 0.1})
        assert {name.partition(".")[0] for name in found} <= {"lemma11"}
        assert "both signs" in Theorem5().refusal(setting)
    zero = rb.Problem(np.eye(2), [1.0, 0.0], (1, -1))
    setting, found = asked(ALL, {"problem": zero, "start": np.full((2, 2), 0.1), "step_size": 0.1})
    assert found == {}
    assert "label 1 is zero" in Lemma12().refusal(setting)


@pytest.mark.parametrize(
    ("gram", "labels", "words"),
    [
        (np.eye(2), [1.0, -1e-300], "y_min is 1e-300"),
        (np.eye(2), [1e140, -1.0], "y_max is 1e"),
    ],
)
def test_numbers_out_of_range_are_refused_with_a_sentence(gram, labels, words):
    problem = rb.Problem(gram, labels, (1, -1))
    run = {"problem": problem, "start": np.full((2, 2), 0.1), "step_size": 0.1}
    setting, found = asked([*ALL, Theorem3(), Lemma10(), Lemma5(), Theorem6()], run)
    assert found == {}
    for statement in (Lemma11(), Lemma12(), Theorem3(), Lemma5(), Theorem6()):
        assert words in statement.refusal(setting)


def test_features_that_are_all_zero_meet_no_hypothesis():
    problem = rb.Problem(np.zeros((2, 2)), [1.0, -1.0], (1, -1))
    run = {"problem": problem, "start": np.full((2, 2), 0.1), "step_size": 0.1, "trace": 1.0}
    _, found = asked([*ALL, Theorem3(), Lemma10(), Lemma5(), Theorem6()], run)
    for name in ("assumption3", "theorem3.step_size.upper", "theorem5", "lemma10.a"):
        assert not found[name].holds


@settings(max_examples=20)
@given(st.integers(0, 2**20), st.integers(-12, 12), st.integers(-12, 12))
def test_scaling_by_powers_of_two_keeps_every_margin(seed, of_labels, of_features):
    arguments = mixed(seed, d=200, signs=(1, -1, 1), start="disjoint", scale=0.1)
    other = scaled(arguments, 2.0**of_labels, 2.0**of_features)
    first, second = (asked(ALL, given, max_iter=3000)[1] for given in (arguments, other))
    for name, verdict in first.items():
        assert verdict.margin == second[name].margin or np.isnan(verdict.margin)
        assert verdict.place == second[name].place


@settings(max_examples=20)
@given(st.integers(0, 2**20), st.permutations(range(3)), st.permutations(range(6)))
def test_permuting_neurons_and_samples_permutes_places_only(seed, neurons, samples):
    arguments = mixed(seed, d=100, signs=(1, -1, 1), start="disjoint", scale=0.1, parked=0.1)
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
