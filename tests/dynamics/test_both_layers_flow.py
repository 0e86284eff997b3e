"""Flow of both layers: against Runge-Kutta, far smaller steps, and the laws that a flow keeps."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from tests.both_layers import instance
from tests.oracles import both_layers as oracle

import relubias as rb
from relubias.dynamics import HalvingStatus, both_layers_flow, train_both_layers


def flow_of(case, **options):
    norms = np.linalg.norm(case.orthogonal, axis=1)
    arguments = {"step_size": 0.05, "orthogonal_norm": norms} | options
    return both_layers_flow(case.problem, case.start, case.a, **arguments)


def distance(first, second, gram):
    dual, outer = first.dual - second.dual, first.outer - second.outer
    return np.sqrt((dual * (dual @ gram)).sum() + outer @ outer)


def test_paths_without_switches_are_extrapolated():
    n_smooth = 0
    for seed in range(60):
        case = instance(700 + seed, size=1.0)
        flow = flow_of(case, time=0.03, step_size=0.0075, rel_error=1e-6)
        if any(run.n_switches for run in flow.runs[-3:]):
            continue
        n_smooth += 1
        W, a = oracle.flow(case.X, case.y, case.W, case.a, 0.03, 100)
        assert flow.status is HalvingStatus.CONVERGED
        assert_allclose(flow.ratio, 2.0, atol=0.4)
        found = flow.limit.dual @ case.X + case.orthogonal
        away = np.sqrt(((found - W) ** 2).sum() + ((flow.limit.outer - a) ** 2).sum())
        assert away <= 2 * flow.error + 1e-9
        assert away <= 2e-6 * np.sqrt(2 * flow.limit.half_squared_norm)
    assert n_smooth >= 8


def test_errors_after_switches_cover_the_distance_to_far_smaller_steps():
    covered = []
    for seed in range(16):
        case = instance(800 + seed, size=0.2)
        flow = flow_of(case, time=8.0, rel_error=5e-3)
        fine = train_both_layers(
            case.problem, case.start, case.a, step_size=8.0 / 2**18, max_iter=2**18, tol=1e-300
        )
        away = distance(flow.limit, fine.limit, case.problem.gram)
        covered.append(away <= flow.error)
        assert away <= 0.03 * np.sqrt(2 * flow.limit.half_squared_norm)
    assert np.mean(covered) >= 0.9


def test_the_flow_conserves_balancedness():
    for seed in range(5):
        case = instance(900 + seed, size=0.4)
        flow = flow_of(case, rel_error=1e-3)
        before = case.a**2 - (case.W**2).sum(axis=1)
        size = 2 * flow.limit.half_squared_norm
        assert_allclose(flow.limit.balancedness, before, rtol=0, atol=5e-3 * size)


def test_runs_that_end_do_so_at_zero_loss():
    flow = flow_of(instance(14, size=0.5))
    assert flow.status is HalvingStatus.CONVERGED
    assert flow.time == np.inf
    assert flow.loss < 1e-3
    assert flow.raise_if_failed() is flow
    frame = flow.to_frame()
    assert len(frame) == len(flow.runs)
    assert np.isnan(frame.change[0])
    assert_allclose(frame.step_size[0] / frame.step_size[1], 2.0)
    assert "CONVERGED" in flow.summary()
    assert len(repr(flow)) < 200


def test_a_short_budget_of_halvings_is_said():
    flow = flow_of(instance(804, size=0.2), time=8.0, max_halvings=2, rel_error=1e-9)
    assert flow.status in (HalvingStatus.INACCURATE, HalvingStatus.OTHER_BASIN)
    assert "step_size" in flow.status.sentence
    with pytest.raises(rb.NotSolvedError, match=flow.status):
        flow.raise_if_failed()


@pytest.mark.parametrize("seed", [3, 15, 24])
def test_runs_that_do_not_approach_each_other_are_said(seed):
    case = instance(seed, size=0.2)
    flow = flow_of(case, step_size=0.1, max_halvings=2, time=6.0, rel_error=1e-4)
    assert flow.status is HalvingStatus.OTHER_BASIN
    assert flow.ratio < 1
    assert flow.error == np.inf
    longer = flow_of(case, step_size=0.1, max_halvings=12, time=6.0, rel_error=1e-3)
    assert longer.status is HalvingStatus.CONVERGED


def test_runs_that_do_not_end_fail():
    flow = flow_of(instance(14, size=0.5), max_iter=10)
    assert flow.status is HalvingStatus.FAILED
    assert flow.runs == ()
    assert flow.error == np.inf
    late = flow_of(instance(14, size=0.5), time=1.0, step_size=0.1, max_iter=15)
    assert late.status is HalvingStatus.FAILED
    assert len(late.runs) == 1


def test_steps_that_diverge_are_left_out():
    flow = flow_of(instance(302), step_size=0.05, max_halvings=9)
    assert flow.runs[0].step_size < 0.05
    assert all(run.status is not rb.Status.DIVERGED for run in flow.runs)
