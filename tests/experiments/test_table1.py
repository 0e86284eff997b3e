"""Table 1: every claim where it is made, every failure where its assumption is broken."""

from __future__ import annotations

import numpy as np
import pytest

import relubias as rb
from relubias.experiments import Agreement, _table1_runs, load
from relubias.experiments._both_layers_runs import shortest_pair
from tests.experiments.conftest import quick_table


@pytest.fixture(scope="module")
def measured():
    return load("table1").measure(quick_table("table1"))


@pytest.fixture(scope="module")
def figures(measured):
    return {name: figure.value for name, figure in measured.items()}


def test_every_result_is_run_on_every_kind_of_data(figures):
    for result in ("boursier", "dana", "vardi_shamir", "lai2026"):
        for data in ("orthogonal", "high_dimensional", "worst_case", "outside"):
            assert any(name.startswith(f"bias_{result}_{data}") for name in figures)
            assert any(name.startswith(f"least_loss_{result}_{data}") for name in figures)


def test_claims_hold_where_they_are_made(figures):
    assert figures["least_loss_boursier_orthogonal"] == 1
    assert figures["bias_boursier_orthogonal"] < 1e-4
    assert figures["least_loss_dana_high_dimensional"] == 1
    assert figures["s_vardi_shamir_worst_case"] == pytest.approx(-0.11069646, abs=1e-8)
    # (5, -1, s) against (5, -1, 0)
    assert figures["bias_vardi_shamir_worst_case"] == pytest.approx(0.11069646 / 26**0.5, rel=1e-6)
    assert figures["ratio_to_law_lai2026_high_dimensional_one_neuron"] == pytest.approx(1, abs=0.02)
    assert figures["settled_lai2026_high_dimensional_two_neurons"] == 1


def test_claims_fail_where_assumptions_are_broken(figures):
    assert figures["bias_boursier_outside_uncovered"] > 0.1
    assert figures["bias_boursier_outside_large_start"] > 10
    assert figures["least_loss_dana_outside_uncovered"] < 0.5
    assert figures["lost_dana_outside_correlated"] == 1
    assert figures["s_vardi_shamir_outside_gamma_0"] == 0
    assert figures["settled_lai2026_outside_low_dimension_two_neurons"] < 0.5
    assert figures["bias_lai2026_outside_small_step"] < 0.005


def test_the_gap_on_orthogonal_data_is_the_law_exactly(figures):
    assert figures["ratio_to_law_lai2026_orthogonal_one_neuron"] == pytest.approx(1, abs=1e-9)


def test_the_verdict_agrees(measured):
    findings = load("table1").verdict(measured)
    assert [f.agreement for f in findings] == [Agreement.AGREES, Agreement.BEYOND, Agreement.BEYOND]


def test_a_claim_that_fails_is_named(measured):
    broken = measured | {"least_loss_dana_high_dimensional": measured["lost_dana_orthogonal"]}
    first = load("table1").verdict(broken)[0]
    assert first.agreement is Agreement.DIFFERS
    assert "Dana" in first.sentence
    assert "Boursier" not in first.sentence


def test_texts_stay_inside_their_cells():
    figure = load("table1").draw(quick_table("table1"))
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    ax = figure.axes[0]
    boxes = sorted({patch.get_window_extent(renderer).x0 for patch in ax.patches})
    boxes.append(figure.bbox.width)
    for text in ax.texts:
        extent = text.get_window_extent(renderer)
        if extent.y0 > 0.15 * figure.bbox.height:  # above the foot
            right = min(edge for edge in boxes if edge > extent.x0 + 1)
            assert extent.x1 <= right + 1, text.get_text()


def test_the_shortest_pair_of_orthogonal_samples_has_the_known_norm():
    norms, labels = np.array([1.0, 2.0, 0.5]), np.array([1.0, -3.0, 2.0])
    problem = rb.Problem(np.diag(norms**2), labels, (1, -1, 1))
    expected = np.hypot(1.0 / 1.0, 2.0 / 0.5) + 3.0 / 2.0
    assert shortest_pair(problem) == pytest.approx(expected, rel=1e-12)


def test_the_least_loss_is_that_of_the_signs():
    problem = rb.Problem(np.eye(2), [1.0, -2.0])
    assert _table1_runs._is_least(problem, 2.0)
    assert not _table1_runs._is_least(problem, 2.1)
    assert not _table1_runs._is_least(problem.with_signs((1, -1)), 2.0)
