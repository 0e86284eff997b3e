"""A few instances of each campaign of the theory, and of runs outside every hypothesis."""

from __future__ import annotations

import warnings
from collections import Counter

import numpy as np
import pytest

from relubias.theory import lai2026
from tests.campaigns import theory_adversarial, theory_certificate, theory_counterexamples
from tests.oracles.theory_claims import conclusions, extremes_of
from tests.oracles.theory_run import Instance, descend
from tests.theory_checks import ask, contradictions, margins_of_oracle
from tests.theory_hostile import complaints, hostile
from tests.theory_networks import owned_network, wishart


@pytest.mark.parametrize("n_neurons", [1, 2])
@pytest.mark.parametrize("seed", range(8))
def test_nothing_breaks_the_explicit_constants(seed, n_neurons):
    outcome = theory_adversarial.one_attack((seed, n_neurons, 3))
    assert not outcome.failures
    assert outcome.values


@pytest.mark.parametrize("n_neurons", [1, 2])
def test_no_certificate_is_a_false_positive(n_neurons):
    outcome = theory_certificate.edge((1, n_neurons))
    assert not outcome.failures
    assert outcome.counts[f"{n_neurons}: guaranteed"] > 0
    for seed in range(10):
        assert not theory_certificate.wild((seed, 5 if seed % 5 == 0 else n_neurons)).failures


def test_counterexamples_are_named():
    for seed in range(3):
        assert not theory_counterexamples.lemma_5(seed).failures
        for condition in theory_counterexamples.CONDITIONS[:2]:
            assert not theory_counterexamples.theorem_5((seed, *condition)).failures


@pytest.mark.parametrize("seed", range(16))
def test_hostile_data_get_an_error_with_a_name_or_an_answer(seed):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        case = hostile(seed)
        assert case is None or not list(complaints(case))


@pytest.mark.parametrize("n_neurons", [1, 2])
@pytest.mark.parametrize("seed", range(6))
def test_answers_agree_with_long_double_far_from_the_hypotheses(seed, n_neurons):
    rng = np.random.default_rng([3, seed, n_neurons])
    n = int(rng.integers(2, 7))
    d = int(n * 10 ** rng.uniform(0.3, 3.5)) + 1
    gram, y = wishart(rng, n, d), rng.choice([-1.0, 1.0], n) * rng.uniform(0.3, 1.0, n)
    kappa = 10 ** rng.uniform(-2, 0.1)
    eps = np.abs(y).min() * 10 ** rng.uniform(-6, 0) * rng.uniform(0, 1, (n_neurons, n))
    start = np.ascontiguousarray(np.linalg.solve(gram, eps.T).T)
    signs = np.array([1.0, -1.0])[:n_neurons]
    case = Instance(gram, y, signs, start, kappa / d, float(d))
    seen, proved = descend(case, max_steps=5000, slack=1e-11)
    if not proved:  # a sample is active on both: the oracle's end is about disjoint sets
        assert n_neurons == 2
        return
    statements = [lai2026.Lemma9(), lai2026.Theorem1(), lai2026.Lemma10(), lai2026.Theorem3()]
    verdicts = ask(case, statements, n_dense=5000)
    exact = margins_of_oracle(case, seen)
    known = {name: margin for name, margin in exact.items() if name in verdicts}
    known = {name: margin for name, margin in known.items() if "explicit" not in name}
    assert not contradictions(verdicts, known, Counter())


def test_a_sample_that_comes_alive_for_one_step_is_seen():
    c = 0.0023  # active at steps 570 and 2033 alone, long after every step was looked at
    gram = np.array([[1.0, c], [c, 1.0]])
    start = np.linalg.solve(gram, [1e-6, 1e-6])[None]
    case = Instance(gram, np.array([1.0, -1.0]), np.ones(1), start, 1e-3, 1.0)
    verdict = ask(case, [lai2026.Lemma9()])["lai2026.lemma9.f"]
    assert verdict.holds is False
    assert verdict.first_violation == (570, 0, 1)


@pytest.mark.parametrize("band", [(0.02, 0.05), (0.1, 0.2), (0.3, 0.9)])
@pytest.mark.parametrize("seed", range(3))
def test_several_neurons_agree_with_long_double(seed, band):
    case, own = owned_network(seed, 8, 3000, band, kappa=0.7)
    seen, proved = descend(case, max_steps=2000, slack=1e-11)
    verdicts = ask(case, [lai2026.Lemma12(), lai2026.Theorem5()], n_dense=2000)
    if not proved:
        assert verdicts["lai2026.theorem5"].holds is False
        return
    worst = extremes_of(case, seen, own).worst
    kappa = case.step_size * case.trace
    exact = {
        "lai2026.lemma12.a": worst["a"],
        "lai2026.lemma12.b": min(kappa * worst["b lo"] - 0.05, 1.5 - kappa * worst["b hi"]),
        "lai2026.lemma12.c": 1.0 - worst["c"],
        "lai2026.lemma12.d": 2.2 - worst["d"],
        "lai2026.lemma12.e": -worst["e"],
    }
    assert not contradictions(verdicts, exact, Counter())
    ends = conclusions(case, seen, own)
    holds = ends["pattern"] and ends["off the projection"] < 1e-12
    assert verdicts["lai2026.theorem5"].holds is holds
