"""Gradient flow against the long double oracle, and the oracle against what is known of flows."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_allclose
from tests.flow_checks import grid_failures
from tests.flow_comparison import compare_flow
from tests.flow_dips import find_dip
from tests.flows import random_flow
from tests.oracles import filippov

import relubias as rb

dip_of = cache(find_dip)


@pytest.mark.parametrize("seed", range(12))
def test_flow_equals_the_oracle(seed):
    case = random_flow(seed)
    trajectory = rb.gradient_flow(case.problem(), case.start)
    assert trajectory.status is rb.Status.CERTIFIED
    result = compare_flow(case, trajectory, n_times=6, tol=1e-11)
    assert result.failures == []


@pytest.mark.parametrize("seed", range(6))
def test_flow_crosses_nothing_unseen_between_its_switches(seed):
    case = random_flow(seed, n_samples=(4, 12), max_neurons=4, aspects=(1, 5, 200))
    trajectory = rb.gradient_flow(case.problem(), case.start)
    assert trajectory.status is rb.Status.CERTIFIED
    assert grid_failures(case, trajectory, n_points=8, every=3) == []


def test_events_are_as_many_as_samples_whatever_the_scale():
    n_events = n_pairs = 0
    for seed in range(8):
        case = random_flow(seed, n=10, aspect=(1, 5, 50, 200)[seed % 4], m=1 + seed % 2)
        n_events += rb.gradient_flow(case.problem(), case.start).n_events
        n_pairs += case.start.size
    assert 0.3 < n_events / n_pairs < 1.5


@pytest.mark.parametrize("seed", [0, 2])
@pytest.mark.parametrize("depth", [1e-4, 1e-8, -1e-8, 1e-11, -1e-11])
def test_flow_sees_two_crossings_within_a_short_time(seed, depth):
    dip = dip_of(seed)
    case = dip.case(depth)
    trajectory = rb.gradient_flow(case.problem(), case.start)
    blur = {(0, case.labels.size - 1): 1e-14 * case.size / dip.slope(depth, case.size)}
    result = compare_flow(case, trajectory, n_times=2, extra_times=[dip.time], blur=blur)
    assert result.failures == []
    last = sum(event[2] == case.labels.size - 1 for event in result.path.events)
    assert last == (2 if depth > 0 else 0)


def test_descent_with_small_steps_goes_where_the_flow_goes():
    for seed in (1, 4, 7):
        case = random_flow(seed, n=6, aspect=5, m=2)
        flow = rb.gradient_flow(case.problem(), case.start)
        errors = []
        for part in (1e-3, 2.5e-4):
            step = part * case.step_size
            run = rb.gradient_descent(case.problem(), case.start, step_size=step)
            errors.append(np.abs(run.limit.primal - flow.limit.primal).max() / case.size)
        assert errors[1] < 1e-3
        assert errors[1] < 0.7 * errors[0]


def test_the_oracle_solves_one_sliding_sample_as_by_hand():
    # Sample 0 pulls sample 1 up to its hyperplane, where it stays: r_0 decays at rate 1, then at
    # rate 1 - g^2.
    g, u, y = 0.6, np.array([0.2, -0.3]), np.array([1.0, -2.0])
    gram = np.array([[1.0, g], [g, 1.0]])
    start = np.linalg.solve(gram, u)[None]
    met = np.log((y[0] - u[0]) / (y[0] - u[0] + u[1] / g))
    path = filippov.flow(gram, y, [1.0], start, times=[met / 2, met + 1.0])
    assert [event[1:4] for event in path.events] == [(0, 1, 0)]
    assert path.events[0][0] == pytest.approx(met, rel=1e-14)
    first = y[0] + (u[0] - y[0]) * np.exp(-met / 2)
    then = y[0] - (y[0] - u[0] + u[1] / g) * np.exp(-(1 - g**2))
    assert_allclose(path.primal[:, 0, 0].astype(float), [first, then], rtol=1e-14)
    assert_allclose(path.end_primal[0].astype(float), [1.0, 0.0], atol=1e-14)


def test_the_oracle_stays_within_first_order_of_plain_small_steps():
    case = random_flow(6, n=5, aspect=5, m=2)
    step, n_steps = 2e-4 * case.step_size, 20_000
    times = step * np.array([n_steps // 4, n_steps])
    path = filippov.flow(
        case.gram, case.labels, case.signs, case.start, times=times.tolist(), to_the_end=False
    )
    dual, seen = case.start.copy(), []
    for k in range(1, n_steps + 1):
        u = dual @ case.gram
        r = case.signs @ np.maximum(u, 0) - case.labels
        dual = dual - step * case.signs[:, None] * (u > 0) * r
        if k in (n_steps // 4, n_steps):
            seen.append(dual @ case.gram)
    assert_allclose(path.primal.astype(float), seen, atol=2e-3 * case.size)
