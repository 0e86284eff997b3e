"""How tight the invariants of Lemmas 9 and 10 are: margins against hand-made trajectories."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

import relubias as rb
from relubias.experiments import Agreement, load, tightness
from relubias.experiments._gram_path import GramPath
from tests.experiments.conftest import quick_table


@pytest.fixture(scope="module")
def figures():
    return {k: m.value for k, m in load("tightness").measure(quick_table("tightness")).items()}


def margins_by_weights(gram, y, step, n_steps):
    """Descend on weights and take the margins of Lemma 9 from its table, step by step."""
    d = gram.trace() / y.size
    X = np.linalg.cholesky(gram)
    w = np.linalg.solve(X, np.full(y.size, tightness.START))
    kappa, low, high, plus = step * d, np.abs(y).min(), np.abs(y).max(), y > 0
    found = []
    for _ in range(n_steps):
        u = X @ w
        w = w - step * X.T @ ((u > 0) * (np.maximum(u, 0) - y))
        u, beta = X @ w, d * np.linalg.solve(gram, X @ w)
        found.append(
            [
                (u[plus] / (kappa * low)).min() - 0.9,
                min(
                    (-beta[~plus] / (kappa * low)).min() - 0.7,
                    1.3 - (-beta[~plus] / (kappa * high)).max(),
                ),
                1 - np.linalg.norm((u - y)[plus]) / (math.sqrt(plus.sum()) * high),
                2.2 - np.linalg.norm(beta) / (math.sqrt(y.size) * high),
                (-u[~plus] / (kappa * low)).min() - 0.56,
                (np.where(plus, u, -u) / (kappa * low)).min(),
            ]
        )
    return np.min(found, axis=0)


@pytest.mark.parametrize("d", [300.0, 30_000.0])
def test_margins_are_those_of_weight_space_descent(d):
    gram = GramPath(tightness.N, np.random.default_rng(3)).at(d)
    gram *= d * tightness.N / gram.trace()  # so that the trace is known to both
    y = rb.ensembles.labels.uniform_magnitude(0.5, 1.0, n_negative=10)(tightness.N, 4)
    rows = tightness._one_run(gram, y, d, 0.9)
    ours = [row["margin"] for row in rows if row["lemma"] == "lemma9"]
    assert_allclose(ours, margins_by_weights(gram, y, 0.9 / d, 300), rtol=1e-7, atol=1e-9)


def test_a_crossing_is_found_in_the_logarithm():
    d = np.array([1e2, 1e4, 1e3])
    assert tightness.crossing(d, np.array([-1.0, 2.0, 1.0])) == pytest.approx(10**2.5)
    assert math.isnan(tightness.crossing(d, np.array([1.0, 2.0, 1.0])))
    assert math.isnan(tightness.crossing(d, np.array([-1.0, -2.0, 1.0])))


def test_invariants_hold_where_they_are_guaranteed(figures):
    assert figures["n_violated_where_guaranteed"] == 0
    for name, figure in figures.items():
        if name.startswith("margin_"):
            assert figure > 0


def test_margins_in_high_dimension_are_those_of_orthogonal_data(figures):
    """There alpha(1) = eps - kappa (eps - y), and the worst label is the smallest or largest."""
    for kappa, key in ((0.9, "kappa9e-1"), (0.3, "kappa3e-1")):
        # kappa y + (1 - kappa) eps over kappa y_min, with y at least y_min
        least = 1 + (1 - kappa) * tightness.START / (kappa * tightness.LOW) - 0.9
        assert figures[f"margin_lemma9_a_{key}"] >= least - 0.01
        assert figures[f"margin_lemma9_b_{key}"] == pytest.approx(0.3, abs=0.05)
        assert figures[f"fraction_at_step_1_lemma9_a_{key}"] == 1
        assert figures[f"fraction_at_step_1_lemma9_d_{key}"] == 0
        for one, two in (("a", "a"), ("b", "c"), ("e", "g")):
            ours, theirs = (
                figures[f"margin_{name}_{key}"] for name in (f"lemma9_{one}", f"lemma10_{two}")
            )
            assert ours == pytest.approx(theirs, abs=0.05)


def test_findings_name_what_breaks_first():
    experiment = load("tightness")
    findings = experiment.verdict(experiment.measure(quick_table("tightness")))
    assert {finding.agreement for finding in findings} == {Agreement.BEYOND}
    assert "a is the tightest" in findings[0].sentence
