"""A certificate is never issued before the last switch, and always some time after it."""

from __future__ import annotations

import numpy as np
import pytest
from tests.oracles import fixed_point
from tests.problems import long_case, random_case, unfittable_case

from relubias.dynamics import certify


def states(case, times):
    """Return the exact run and its dual states at those times, rounded once."""
    run = fixed_point.simulate(*case.arguments, max_steps=3000, record=times)
    return run, {time: dual for time, (_, dual) in run.records.items()}


@pytest.mark.parametrize("block", range(10))
def test_no_certificate_before_the_last_switch(block):
    n_checked, wrong = 0, []
    for seed in range(50_000 + 20 * block, 50_000 + 20 * (block + 1)):
        case = random_case(seed, max_step=1.9)
        run, duals = states(case, range(60))
        for time, dual in duals.items():
            # rounding the state moves nothing by more than 1e-12 of the scale
            follows = [s for s in run.switches if s[0] > time]
            if follows and run.closest > 1e-12:
                n_checked += 1
                if certify(case.problem(), dual, step_size=case.step_size).holds:
                    wrong.append((seed, time, follows[0]))
    assert n_checked > 100
    assert not wrong


@pytest.mark.parametrize("seed", [0, 3, 4, 5, 9, 14, 16, 18])
def test_no_certificate_long_before_a_late_switch(seed):
    case = long_case(seed, spiked=seed % 2 == 1)
    run = fixed_point.simulate(*case.arguments, patience=1)
    if run.last_switch > 10:
        times = np.unique(np.geomspace(1, run.last_switch - 1, 12).astype(np.int64))
        run = fixed_point.simulate(*case.arguments, patience=1, record=times.tolist())
        for time in times.tolist():
            assert not certify(case.problem(), run.records[time][1], step_size=case.step_size).holds


@pytest.mark.parametrize("seed", [3, 17, 18, 66])
def test_no_certificate_on_a_limit_cycle(seed):
    case = unfittable_case(seed)
    run, duals = states(case, range(1500, 1600))
    assert run.last_switch > 2900
    for dual in duals.values():
        assert not certify(case.problem(), dual, step_size=case.step_size).holds


@pytest.mark.parametrize("block", range(4))
def test_a_certificate_some_time_after_the_last_switch(block):
    n_terminal = n_certified = 0
    for seed in range(60_000 + 20 * block, 60_000 + 20 * (block + 1)):
        case = random_case(seed, max_step=1.9)
        run = fixed_point.simulate(*case.arguments, max_steps=3000)
        if run.is_terminal and run.last_switch < 2000:
            n_terminal += 1
            _, duals = states(case, [run.last_switch + 2000])
            dual = duals[run.last_switch + 2000]
            n_certified += certify(case.problem(), dual, step_size=case.step_size).holds is True
    assert n_terminal >= 10
    assert n_certified >= 0.9 * n_terminal
