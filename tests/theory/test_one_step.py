"""Lemmas 5 and 6 along runs: against long double, and where they fail."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import relubias as rb
from relubias.theory.lai2026 import Lemma5, Lemma6
from tests.oracles.theory_run import states
from tests.theory.runs import G0, G1, asked, instance, mixed, permuted, scaled, vector

ONE_SAMPLE = rb.Problem([[1000.0]], [1.0], signs=(1, 1))
COUNTEREXAMPLE = {"problem": ONE_SAMPLE, "start": [[1e-5], [3e-3]], "step_size": 0.9e-3}

SIGNS = [(1,), (1, -1), (-1, 1, 1), (1, 1, -1, -1)]


def first_steps(arguments, n_steps):
    return [
        (primal.astype(np.longdouble), dual)
        for _, primal, dual in itertools.islice(states(instance(arguments)), n_steps)
    ]


def lemma5_by_hand(arguments, n_steps, *, risk, careful):
    """Return the smallest primal value, over y_min, one step after the lemma's premises hold."""
    case = instance(arguments)
    y, s = case.labels, case.signs
    seen = first_steps(arguments, n_steps)
    worst, first = np.inf, None
    for time, ((before, _), (after, _)) in enumerate(itertools.pairwise(seen), start=1):
        residual = (s[:, None] * np.maximum(before, 0)).sum(axis=0) - y
        if np.sqrt((residual**2).sum()) > risk * np.sqrt(len(y)) * np.abs(y).max():
            continue
        for k, i in itertools.product(range(len(s)), range(len(y))):
            others = [j for j in range(len(s)) if j != k and s[j] == s[k] and before[j, i] > 0]
            if before[k, i] > 0 and s[k] * y[i] > 0 and not (careful and others):
                worst = min(worst, after[k, i] / np.abs(y).min())
                if after[k, i] <= 0 and first is None:
                    first = time
    return float(worst), first


def lemma6_by_hand(arguments, n_steps, *, dual, norm):
    """Return the smallest margin of the three forms."""
    case = instance(arguments)
    low, high = np.abs(case.labels).min(), np.abs(case.labels).max()
    L, n = np.longdouble(case.trace), len(case.labels)
    found = {"lemma6": np.inf, "lemma6.sharp": np.inf, "lemma6.absorbing": np.inf}
    passed_before = None
    for alpha, beta in first_steps(arguments, n_steps):
        E = case.gram.astype(np.longdouble) / L - np.eye(n)
        interaction = np.abs(L * beta @ E)
        pushed = -L * beta >= dual * low
        bounded = L * np.sqrt((beta**2).sum(axis=1)) <= norm * np.sqrt(n) * high
        passed = -L * beta > interaction
        claims = {
            "lemma6": np.where(pushed & bounded[:, None], -alpha, np.inf),
            "lemma6.sharp": np.where(pushed, -L * beta - interaction, np.inf),
        }
        if passed_before is not None:
            claims["lemma6.absorbing"] = np.where(passed_before, -alpha, np.inf)
        passed_before = passed
        for name, margins in claims.items():
            found[name] = min(found[name], float(margins.min() / low))
    return found


def test_the_counterexample_is_reproduced_and_named():
    _, found = asked([Lemma5()], COUNTEREXAMPLE)
    failing = found["lemma5.unconditional"]
    assert failing.holds is False
    assert failing.margin == pytest.approx(-1.799, abs=1e-12)
    assert failing.place == failing.first_violation == (1, 0, 0)
    assert found["lemma5"].holds is True
    assert found["lemma5.step_size"].holds is True
    assert found["lemma5.explicit"].holds is True  # nothing but the new condition is missing


def test_the_counterexample_has_its_published_numbers():
    run = rb.gradient_descent(ONE_SAMPLE, COUNTEREXAMPLE["start"], step_size=0.9e-3, record=[1])
    np.testing.assert_allclose(run.records.primal[0, :, 0], (-1.799, 1.191), atol=1e-12)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("start", ["positive", "anything"])
def test_both_lemmas_agree_with_long_double(seed, start):
    signs = SIGNS[seed % len(SIGNS)]
    d = (12, 40, 400)[seed % 3]
    arguments = mixed(seed, d=d, signs=signs, start=start, scale=0.5, kappa=0.25)
    setting, found = asked([Lemma5(risk=3.0), Lemma6(dual=0.05)], arguments)
    n_steps = min(max(400, setting.trajectory.n_steps), 1500)
    for name, careful in (("lemma5", True), ("lemma5.unconditional", False)):
        worst, first = lemma5_by_hand(arguments, n_steps, risk=3.0, careful=careful)
        verdict = found[name]
        if found["lemma5.step_size"].holds is False:
            assert verdict.margin == np.inf
            assert "Nothing is claimed" in verdict.detail
            continue
        assert verdict.margin == pytest.approx(worst, abs=1e-7)
        assert (verdict.first_violation.step if verdict.first_violation else None) == first
    for name, margin in lemma6_by_hand(arguments, n_steps, dual=0.05, norm=2.2).items():
        if margin == np.inf and str(setting.trajectory.status) != "CERTIFIED":
            assert found[name].holds is None
        else:
            assert found[name].margin == pytest.approx(margin, abs=1e-7)


def test_lemma5_fails_where_a_large_residual_pushes_a_sample_off():
    # C_g = 10, so that kappa = 0.05 is allowed; nothing else is active on the first sample
    problem = rb.Problem([[10.0, -9.0], [-9.0, 10.0]], [1.0, 10.0])
    start = np.linalg.solve(problem.gram, [0.01, 0.01])[None]
    _, found = asked([Lemma5()], {"problem": problem, "start": start, "step_size": 0.05 / 10})
    assert found["lemma5.step_size"].holds is True
    assert found["lemma5"].holds is False
    assert found["lemma5"].first_violation == (1, 0, 0)
    moved = 0.01 + 0.05 * (0.99 - 0.9 * 9.99)
    assert found["lemma5"].margin <= moved < 0


def test_lemma5_says_nothing_where_a_premise_fails():
    far = rb.starts.all_positive(rb.Problem(np.eye(2), [1.0, 1.0]), 30.0)
    arguments = {"problem": rb.Problem(np.eye(2), [1.0, 1.0]), "start": far, "step_size": 0.9}
    # residual 29 sqrt(2) at first: the premise holds from step 1 on
    _, found = asked([Lemma5()], arguments, max_iter=10**6)
    assert found["lemma5"].step > 1
    _, found = asked([Lemma5(risk=0.0)], arguments)
    assert found["lemma5"].holds is True
    assert "Nothing had to be shown" in found["lemma5"].detail
    _, found = asked([Lemma5()], arguments, step_size=1.01)
    assert found["lemma5.step_size"].holds is False
    assert found["lemma5"].margin == np.inf
    assert "Nothing is claimed" in found["lemma5"].detail


def test_everything_is_open_where_it_cannot_be_known():
    # small steps: parked samples stay, the others have not been pushed off yet
    arguments = mixed(3, d=4000, signs=(1, 1, -1), start="disjoint", kappa=0.002)
    setting, found = asked([Lemma5(), Lemma6()], arguments, max_iter=2)
    assert str(setting.trajectory.status) == "MAX_ITER"
    for name in ("lemma5", "lemma5.unconditional", "lemma6", "lemma6.sharp", "lemma6.absorbing"):
        assert found[name].holds is None, name
        assert "not known" in found[name].detail
    # kappa C_g = 1 and C delta_* = 1 to rounding
    exact = rb.Problem([[1.0, 0.25], [0.25, 1.0]], [1.0, 1.0])
    start = rb.starts.all_positive(exact, 0.01)
    sharp = 1.0 / (0.25 * np.sqrt(2))
    _, found = asked(
        [Lemma5(risk=sharp), Lemma6(dual=0.5, norm=0.5 * sharp)],
        {"problem": exact, "start": start, "step_size": 0.75},
    )
    assert found["lemma5.step_size"].holds is None
    assert found["lemma5.explicit"].holds is None
    assert found["lemma6.explicit"].holds is None


def test_guarantees_are_met_or_not():
    _, found = asked([Lemma5(), Lemma6()], mixed(0, d=10**6))
    assert found["lemma5.explicit"].holds is True
    assert found["lemma6.explicit"].holds is True
    _, found = asked([Lemma5(), Lemma6()], mixed(0, d=60))
    assert found["lemma5.explicit"].holds is False
    assert found["lemma6.explicit"].holds is False
    assert found["lemma5.explicit"].outcome == "not met"


@pytest.mark.parametrize("seed", range(30))
def test_explicit_constants_are_never_contradicted(seed):
    """Within the guarantees no run violates the lemmas, at any step size up to 1 / (C_g L)."""
    signs = SIGNS[seed % len(SIGNS)]
    d = int(10 ** np.random.default_rng(seed).uniform(2.5, 5.5))
    arguments = mixed(seed, d=d, signs=signs, start="anything", scale=1.0)
    arguments["step_size"] = 0.9 / np.linalg.eigvalsh(arguments["problem"].gram)[-1]
    _, found = asked([Lemma5(risk=2.0), Lemma6(dual=0.2)], arguments)
    if found["lemma5.explicit"].holds and found["lemma5.step_size"].holds:
        assert found["lemma5"].holds is not False
    if found["lemma6.explicit"].holds:
        assert found["lemma6"].holds is not False


def test_guarantees_are_not_vacuous_in_the_test_above():
    met = [
        asked([Lemma5(risk=2.0), Lemma6(dual=0.2)], mixed(seed, d=200_000))[1] for seed in range(3)
    ]
    assert all(found["lemma5.explicit"].holds for found in met)
    assert all(found["lemma6.explicit"].holds for found in met)


def test_lemma6_fails_where_a_frozen_sample_comes_back():
    """G1: the third sample is off after one step and on again after two."""
    _, found = asked([Lemma6()], vector(G1, 17.0, signs=(1,)))
    for name in ("lemma6", "lemma6.sharp", "lemma6.absorbing"):
        assert found[name].holds is False
        assert found[name].first_violation == (2, 0, 2)
    assert found["lemma6"].margin == pytest.approx(-0.030865051903 / 0.5, abs=1e-11)
    _, found = asked([Lemma6()], vector(G0, 101.0, signs=(1,)))
    assert all(found[name].holds for name in ("lemma6", "lemma6.sharp", "lemma6.absorbing"))


def test_a_zero_label_and_a_missing_run_are_said():
    zero = rb.Problem(np.eye(2), [1.0, 0.0])
    start = rb.starts.all_positive(zero, 0.1)
    assert Lemma5().check(zero, start, step_size=0.5) == []
    setting, _ = asked([], {"problem": zero, "start": start, "step_size": 0.5})
    for lemma in (Lemma5(), Lemma6()):
        assert "label 1 is zero" in lemma.refusal(setting)
        with pytest.raises(rb.errors.InvalidInputError, match="is missing"):
            lemma.check(rb.Problem(np.eye(2), [1.0, 2.0]))


@given(st.integers(0, 2**20), st.integers(-12, 12), st.integers(-12, 12))
def test_scaling_by_powers_of_two_keeps_every_margin(seed, of_labels, of_features):
    arguments = mixed(seed, d=30, signs=(1, -1, 1), start="anything", scale=0.3)
    other = scaled(arguments, 2.0**of_labels, 2.0**of_features)
    first, second = (
        asked([Lemma5(), Lemma6()], given, max_iter=3000)[1] for given in (arguments, other)
    )
    for name, verdict in first.items():
        assert verdict.margin == second[name].margin or np.isnan(verdict.margin)
        assert verdict.place == second[name].place


@given(st.integers(0, 2**20), st.permutations(range(3)), st.permutations(range(6)))
def test_permuting_neurons_and_samples_permutes_places_only(seed, neurons, samples):
    arguments = mixed(seed, d=30, signs=(1, -1, 1), start="anything", scale=0.3)
    other = permuted(arguments, neurons, samples)
    first, second = (
        asked([Lemma5(), Lemma6()], given, max_iter=3000)[1] for given in (arguments, other)
    )
    for name, verdict in first.items():
        moved = second[name]
        assert moved.holds is verdict.holds
        if np.isfinite(verdict.margin):
            assert moved.margin == pytest.approx(verdict.margin, rel=1e-9, abs=1e-9)
        if verdict.neuron >= 0 and verdict.margin < 0:
            found = neurons[moved.neuron], samples[moved.sample]
            assert found == (verdict.neuron, verdict.sample)
