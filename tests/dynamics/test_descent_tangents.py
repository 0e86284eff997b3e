"""Trajectories that touch a hyperplane, from clear distances down to adjacent doubles."""

from __future__ import annotations

import pytest
from tests.comparison import compare
from tests.tangents import find_tangent, neighbours

import relubias as rb

DECIDABLE = 1e-12  # relative depth above which "not certified" is not allowed


@pytest.mark.parametrize("seed", range(14))
def test_a_touch_is_decided_rightly_at_every_depth(seed):
    failures, undecided = [], []
    n_crossing = 0
    for depth, case in neighbours(find_tangent(seed)):
        trajectory = rb.gradient_descent(
            case.problem(), case.start, step_size=case.step_size, max_iter=100_000
        )
        outcome = compare(case, trajectory)
        failures += [(depth, failure) for failure in outcome.failures]
        if outcome.run.is_terminal and trajectory.status is not rb.Status.CERTIFIED:
            undecided.append(depth)
        n_crossing += depth < 0
    assert n_crossing > 5
    assert not failures
    assert all(abs(depth) < DECIDABLE for depth in undecided)
