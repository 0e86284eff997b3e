"""What a sweep will cost is told before, within a factor."""

from __future__ import annotations

import math
import time

import pytest

from relubias.sweep import Plan
from relubias.sweep._compute import compute


def cheap(**changes):
    fields = {"n": [4, 6], "d": "5*n", "kappa": 0.5, "replicates": 1500, "measure": ["loss"]}
    return Plan(**fields | changes)


def test_time_is_right_within_a_factor():
    plan = cheap()
    plan.estimate(seconds=0.01)  # kernels are loaded
    told = plan.estimate(seconds=0.5)
    begin = time.process_time()
    for chunk in plan.chunks:
        compute(plan, chunk)
    spent = time.process_time() - begin
    assert spent / 10 < told.cpu_seconds < 10 * spent
    assert (told.n_tasks, told.n_chunks) == (3000, len(plan.chunks))
    assert told.n_failed == 0


def test_space_is_right_within_a_factor(tmp_path):
    from relubias.sweep import run

    plan = cheap(measure=["loss", "selected", "run_status"])
    told = plan.estimate(seconds=0.5).bytes
    run(plan, tmp_path, workers=0, progress=False)
    used = sum(path.stat().st_size for path in tmp_path.rglob("*.parquet"))
    assert used / 2 < told < 2 * used


def test_a_huge_plan_is_estimated_from_few_tasks():
    plan = Plan(n=[30, 60], d="2*n", kappa=0.9, replicates=10**6, measure="gap")
    told = plan.estimate(seconds=0.2)
    assert 0 < told.n_timed < 10_000
    assert told.cpu_seconds > 100


def test_tasks_that_fail_are_counted():
    told = Plan(n=6, d=2, kappa=0.5, replicates=5, measure="loss").estimate(seconds=0.05)
    assert told.n_failed == told.n_timed > 0
    assert not math.isnan(told.cpu_seconds)
    assert "failed" in str(told)


@pytest.mark.parametrize(
    ("replicates", "words"),
    [(3, ("3 in 1 chunks", "s of one core", "kB")), (10**9, ("GB", "of one core"))],
)
def test_it_reads_well(replicates, words):
    text = str(cheap(n=4, replicates=replicates).estimate(seconds=0.05))
    assert len(text.splitlines()) == 3
    for word in words:
        assert word in text
