"""Lemma 4: optimality conditions of the shortest pair, and whether it decouples."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import relubias as rb
from relubias.minnorm import MinimumNormStatus
from relubias.theory.lai2026 import Lemma4
from tests.oracles.enumeration import enumerate_one_neuron, enumerate_patterns
from tests.theory.runs import G0, LABELS, asked, mixed, permuted, scaled

CONDITIONS = ["feasible", "stationary", "sign", "complementary", "norm", "decoupled"]


def about(problem, **changes):
    given = {"problem": problem, **changes}
    lemma = given.pop("lemma", Lemma4())
    return asked([lemma], given)[1]


def small(seed, n=5, d=5, signs=(1, -1)):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    return rb.Problem(X @ X.T, rng.uniform(0.3, 1.0, n) * rng.choice([-1.0, 1.0], n), signs)


def test_g0_meets_every_condition_in_either_order():
    for signs in ((1, -1), (-1, 1)):
        found = about(rb.Problem(G0 @ G0.T, LABELS, signs))
        assert [*found] == [f"lemma4.{name}" for name in CONDITIONS]
        assert all(verdict.holds for verdict in found.values())


@pytest.mark.parametrize("seed", range(16))
def test_brute_force_agrees_on_the_optimum_and_on_decoupling(seed):
    """Over all patterns; the pair of single neurons is optimal just where nothing is shared."""
    problem = small(seed, d=(5, 6, 8, 40)[seed % 4])
    best = rb.minimum_norm(problem)
    found = about(problem)
    norm = enumerate_patterns(problem.gram, problem.labels, problem.signs)
    assert best.norm == pytest.approx(norm, rel=1e-8)
    for name in ("feasible", "stationary", "sign", "complementary", "norm"):
        assert found[f"lemma4.{name}"].holds is True, name
    pair = [enumerate_one_neuron(problem.gram, s * problem.labels)[1] for s in problem.signs]
    decoupled = found["lemma4.decoupled"]
    assert decoupled.holds is bool(math.hypot(*pair) <= norm * (1 + 1e-9))
    if decoupled.holds is False:
        k, i = decoupled.neuron, decoupled.sample
        assert (best.primal[:, i] > 0).all()
        assert decoupled.margin == pytest.approx(
            -best.primal[k, i] / np.abs(problem.labels).min() + 1e-8, rel=1e-9
        )


def test_both_outcomes_of_decoupling_are_seen():
    outcomes = {about(small(seed))["lemma4.decoupled"].holds for seed in range(16)}
    assert {True, False} <= outcomes


def network(problem, dual, status=MinimumNormStatus.OPTIMAL):
    """Return an answer with another dual, as a solver might claim it."""
    best = rb.minimum_norm(problem)
    gram = problem.gram
    dual = np.array(dual, dtype=float)
    return dataclasses.replace(best, dual=dual, primal=dual @ gram, status=status)


EYE = rb.Problem(4.0 * np.eye(2), [1.0, -1.0], signs=(1, -1))


@pytest.mark.parametrize(
    ("primal", "failing"),
    [
        ([[1.1, 0.0], [0.0, 1.0]], {"feasible"}),
        ([[1.0, 0.0], [0.2, 1.0]], {"feasible", "decoupled", "complementary"}),
        # both active on the first sample: the multiplier of alpha_m >= 0 is not zero
        ([[1.3, 0.0], [0.3, 1.0]], {"complementary", "decoupled"}),
        # the second neuron is held off a sample that would not turn it on
        ([[1.0, 0.0], [-0.3, 1.0]], {"complementary"}),
    ],
)
def test_networks_that_are_not_optimal_are_found_out(primal, failing):
    found = about(EYE, shortest=network(EYE, np.array(primal) / 4.0))
    wrong = {name for name in CONDITIONS if found[f"lemma4.{name}"].holds is False}
    assert wrong == failing


def test_a_positive_dual_on_an_inactive_sample_has_the_wrong_sign():
    problem = rb.Problem([[4.0, -2.0], [-2.0, 4.0]], [1.0, -1.0], signs=(1, -1))
    dual = np.array([[0.3, 0.1], [0.0, 0.25]])  # predictions (1, -0.2) of the first neuron
    found = about(problem, shortest=network(problem, dual))
    assert found["lemma4.sign"].holds is False
    assert (found["lemma4.sign"].neuron, found["lemma4.sign"].sample) == (0, 1)


def test_predictions_that_are_not_those_of_the_duals_are_found_out():
    best = network(EYE, np.eye(2) / 4.0)
    wrong = dataclasses.replace(best, primal=best.primal + np.array([[0.0, -0.1], [0.0, 0.0]]))
    assert about(EYE, shortest=wrong)["lemma4.stationary"].holds is False


def test_a_norm_beyond_the_bound_fails_and_one_at_it_is_open():
    # C_g = 1: the bound is sqrt(2) for both
    far = network(EYE, np.array([[2.0, 0.0], [0.0, 1.0]]) / 4.0)
    assert about(EYE, shortest=far)["lemma4.norm"].holds is False
    single = rb.Problem([[4.0]], [1.0], signs=(1, -1))
    assert about(single)["lemma4.norm"].holds is None


def test_conditions_at_their_tolerance_are_open():
    off = 1e-8
    near = network(EYE, np.array([[1.0 + off, 0.0], [0.0, 1.0]]) / 4.0)
    loose = dataclasses.replace(
        near, certificate=dataclasses.replace(near.certificate, error_bound=1e-9)
    )
    assert about(EYE, shortest=loose, lemma=Lemma4(tolerance=1e-8))["lemma4.feasible"].holds is None
    crossing = network(EYE, np.array([[1.0, -off], [0.0, 1.0]]) / 4.0)
    uncertain = dataclasses.replace(
        crossing, certificate=dataclasses.replace(crossing.certificate, error_bound=1.0)
    )
    found = about(EYE, shortest=uncertain)
    for name in CONDITIONS:
        assert found[f"lemma4.{name}"].holds is None, name


def test_ties_are_not_shared():
    """On orthogonal data the other neuron's prediction and multiplier are both exactly zero."""
    assert about(EYE)["lemma4.decoupled"].holds is True
    assert about(EYE)["lemma4.decoupled"].margin == 1e-8
    assert about(EYE, lemma=Lemma4(tolerance=1e-16))["lemma4.decoupled"].holds is None


def test_what_is_not_proved_is_open():
    problem = small(3)
    unproved = dataclasses.replace(rb.minimum_norm(problem), status=MinimumNormStatus.FEASIBLE)
    found = about(problem, shortest=unproved)
    assert found["lemma4.feasible"].holds is True
    assert all(found[f"lemma4.{name}"].holds is None for name in CONDITIONS[1:])
    assert "FEASIBLE" in found["lemma4.sign"].detail
    nothing = dataclasses.replace(unproved, status=MinimumNormStatus.UNDECIDED)
    assert all(verdict.holds is None for verdict in about(problem, shortest=nothing).values())


def test_dependent_samples_have_no_shortest_pair():
    twice = rb.Problem(np.ones((2, 2)), [1.0, 2.0], signs=(1, -1))
    found = about(twice)
    assert all(verdict.holds is None for verdict in found.values())
    assert "INFEASIBLE" in found["lemma4.feasible"].detail


def test_other_networks_are_left_out_with_a_sentence():
    setting, found = asked([Lemma4()], {"problem": rb.Problem(np.eye(2), [1.0, -1.0], (1, 1))})
    assert found == {}
    assert "two neurons of opposite signs" in Lemma4().refusal(setting)


@settings(max_examples=20)
@given(st.integers(0, 2**20), st.integers(-12, 12), st.integers(-12, 12))
def test_scaling_by_powers_of_two_keeps_every_verdict(seed, of_labels, of_features):
    arguments = mixed(seed, d=60)
    other = scaled(arguments, 2.0**of_labels, 4.0**of_features)
    first, second = (about(given["problem"], trace=given["trace"]) for given in (arguments, other))
    for name, verdict in first.items():
        assert second[name].holds is verdict.holds
        assert second[name].margin == pytest.approx(verdict.margin, rel=1e-9, abs=1e-12)


@settings(max_examples=20)
@given(st.integers(0, 2**20), st.permutations(range(2)), st.permutations(range(6)))
def test_permuting_neurons_and_samples_keeps_every_verdict(seed, neurons, samples):
    arguments = mixed(seed, d=30)
    other = permuted(arguments, neurons, samples)
    first, second = about(arguments["problem"]), about(other["problem"])
    for name, verdict in first.items():
        assert second[name].holds is verdict.holds
        assert second[name].margin == pytest.approx(verdict.margin, rel=1e-7, abs=1e-7)
