"""Last switches after more than 10**13 steps, exact to the step."""

from __future__ import annotations

import pytest
from tests.comparison import switches_of
from tests.oracles import fixed_point
from tests.problems import long_case
from tests.tolerances import LIMIT

import relubias as rb

TINY_STEPS = [3, 5, 14, 16, 18, 29, 31, 40, 43, 50]
SPIKED = [4, 5, 9, 21, 32, 34, 35]
CASES = [long_case(s, spiked=False) for s in TINY_STEPS] + [
    long_case(s, spiked=True) for s in SPIKED
]


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_a_last_switch_after_ten_trillion_steps_is_exact(case):
    trajectory = rb.gradient_descent(case.problem(), case.start, step_size=case.step_size)
    exact = fixed_point.simulate(*case.arguments, patience=1)
    assert exact.is_terminal
    assert exact.last_switch > 10**13
    assert switches_of(trajectory) == exact.switches
    assert trajectory.status is rb.Status.CERTIFIED
    error = abs(trajectory.limit.primal - exact.limit_primal).max()
    assert error <= LIMIT * abs(case.labels).max()


def test_few_iterations_are_enough_for_many_steps():
    case = CASES[0]
    trajectory = rb.gradient_descent(
        case.problem(), case.start, step_size=case.step_size, max_iter=20_000
    )
    assert trajectory.status is rb.Status.CERTIFIED
    assert trajectory.n_steps > 10**13
