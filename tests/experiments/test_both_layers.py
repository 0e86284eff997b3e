"""The experiments on both layers against what is known about them, at the smallest scale."""

from __future__ import annotations

import numpy as np
import pytest

from relubias.experiments import Agreement, boursier, dana, load
from tests.experiments.conftest import quick_table


def measured(name):
    return {k: m.value for k, m in load(name).measure(quick_table(name)).items()}


def agreements(name):
    experiment = load(name)
    findings = experiment.verdict(experiment.measure(quick_table(name)))
    return [finding.agreement for finding in findings]


def test_no_split_over_neurons_is_shorter_than_two_directions():
    """Balanced, half the squared norm is the sum over neurons of |a| ||w||; samples are axes."""
    assert boursier.shortest() == pytest.approx(2.67293, abs=1e-5)
    rng = np.random.default_rng(0)
    fitted = np.abs(boursier.LABELS) / boursier.NORMS
    for n_neurons in (1, 2, 5):
        shares = rng.dirichlet(np.full(n_neurons, 0.5), (500, fitted.size))
        norms = [
            np.linalg.norm((shares * fitted[:, None])[:, group], axis=1).sum(axis=1)
            for group in (boursier.POSITIVE, ~boursier.POSITIVE)
        ]
        assert (sum(norms) >= boursier.shortest() - 1e-12).all()
    assert sum(norms).min() > boursier.shortest()
    alike = [np.linalg.norm(fitted[g]) for g in (boursier.POSITIVE, ~boursier.POSITIVE)]
    assert sum(alike) == pytest.approx(boursier.shortest())


def test_small_starts_find_the_shortest_network_on_orthogonal_data():
    figures = measured("boursier")
    assert figures["excess_lambda1e0"] == pytest.approx(23, rel=0.15)
    assert 1e-3 < figures["excess_lambda1e-5"] < 5e-2
    assert figures["excess_lambda1e-20"] < 1e-4
    assert figures["fraction_zero_loss"] == 1
    assert figures["fraction_certified"] == 1
    assert agreements("boursier")[0] is Agreement.AGREES


def test_the_step_size_matters_for_the_first_layer_alone():
    figures = measured("boursier")
    assert figures["spread_over_steps"] < 1.2
    assert figures["slope_kappa_first_layer"] == pytest.approx(2, abs=1e-3)


def test_starts_without_the_neurons_of_the_theorem_fit_but_not_shortest():
    starts = (boursier.draw_start((seed,)) for seed in range(500))
    start = next(start for start in starts if not start.is_covered)
    run = boursier._both_layers(start, 1e-20, boursier.RATE)
    assert run["loss"] < 1e-15
    assert run["excess"] > 0.1


def test_covered_starts_reach_zero_loss_in_high_dimension():
    figures = measured("dana")
    assert figures["fraction_zero_loss_if_covered_d2000"] == 1
    assert figures["fraction_zero_loss_d2000_m25"] == 1
    assert figures["fraction_lost_d50_m25"] > 0.7
    assert agreements("dana")[0] is Agreement.AGREES


def test_the_sufficient_number_of_neurons_is_that_of_the_union_bound():
    assert dana.SUFFICIENT == 25
    assert dana.N * 0.75**25 < 0.05 < dana.N * 0.75**23


def test_examples_are_covered_with_probability_one_quarter():
    rng = np.random.default_rng(0)
    covered = (rng.random((20_000, 6, dana.N)) < 0.25).any(axis=1).all(axis=1).mean()
    assert dana.covered_law(np.array([6.0]))[0] == pytest.approx(covered, abs=2e-3)
