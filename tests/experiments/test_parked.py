"""Parked coordinates of several neurons: when they stay where they are."""

from __future__ import annotations

import numpy as np
import pytest

import relubias as rb
from relubias.experiments import Agreement, load, parked
from relubias.experiments._gram_path import GramPath
from tests.experiments.conftest import quick_table


@pytest.fixture(scope="module")
def figures():
    return {k: m.value for k, m in load("parked").measure(quick_table("parked")).items()}


def test_every_sample_belongs_to_a_neuron_of_its_sign():
    labels = np.array([1.0, -1.0, 0.5, -0.5, 0.2, 0.1, -0.1])
    signs = np.array(parked.SIGNS)
    assert list(parked.owners(labels)) == [0, 3, 1, 4, 2, 0, 3]
    assert (signs[parked.owners(labels)] * labels > 0).all()


@pytest.mark.parametrize("size", [0.02, 0.04, 0.075])
def test_shares_are_those_of_weight_space_descent(size):
    """Thirty runs on weights, step by step, against the table's switches."""
    d, agree = 4e4, 0
    signs = np.array(parked.SIGNS)
    for k in range(30):
        gram = GramPath(parked.N, np.random.default_rng((k, 2))).at(d)
        y = rb.ensembles.labels.uniform_magnitude(0.5, 1.0, n_negative=5)(parked.N, k)
        problem = rb.Problem(gram, y, parked.SIGNS)
        own = np.arange(5)[:, None] == parked.owners(y)
        start = rb.starts.disjoint(problem, parked.owners(y), parked.ACTIVE, parked=size * 0.5)
        X = np.linalg.cholesky(gram)
        w, stays = start @ X, True
        for _ in range(120):
            u = w @ X.T
            r = signs @ np.maximum(u, 0) - y
            w = w - parked.KAPPA / d * ((u > 0) * r * signs[:, None]) @ X
            stays &= bool(((w @ X.T > 0) == own).all())
        run = rb.gradient_descent(problem, start, step_size=parked.KAPPA / d, max_iter=500)
        last = int(run.switches["time"].max(initial=0))
        agree += stays == (last <= 1 and bool(((run.limit.primal > 0) == own).all()))
    assert agree == 30


def test_the_estimate_is_sure_where_it_should_be():
    labels = np.array([1.0, -1.0] * 5)
    assert parked.stays_law(labels, 0.5, 1e12) == pytest.approx(1)
    assert parked.stays_law(labels, 1e-9, 1e3) < 1e-3
    # A fair coin for each of the fifteen parked coordinates, if they start at nearly zero.
    assert parked.stays_law(labels, 1e-12, 1e9) == pytest.approx(0.5**15, rel=1e-3)


def test_small_parked_coordinates_do_not_stay_and_larger_ones_do(figures):
    assert figures["fraction_stays_d4e5_size3e-3"] < 0.5
    assert figures["fraction_stays_d4e5_size3e-1"] == 1
    assert figures["fraction_stays_d4e3_size3e-1"] == 1
    assert figures["fraction_stays_d4e3_size3e-2"] < 0.5
    assert figures["largest_difference"] < 0.5  # 8 seeds


def test_findings_go_beyond_the_paper():
    experiment = load("parked")
    findings = experiment.verdict(experiment.measure(quick_table("parked")))
    assert [finding.agreement for finding in findings] == [Agreement.BEYOND] * 2
    assert "d = 4,000" in findings[0].sentence
