"""Descent with ever smaller steps goes where the flow goes, with an error of first order.

    python tests/campaigns/flow_descent.py --instances 216 --seed 0 --workers 2

n 5, 10, 20, d/n 1 to 50, m 1, 2, 4, Gaussian and all-positive starts; steps of 1e-3 and 2.5e-4 of
the largest stable one. A limit further off than 5e-3 of the scale belongs to another basin: the
step is quartered until the limit comes back. If it does not within the budget, flows are started
within 5e-3 of the start; if one of them ends elsewhere, the instance lies next to a border between
basins. Exit status 1 if an instance is neither near nor explained.
"""

from __future__ import annotations

import argparse
import os
import sys
from itertools import product
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "src")]

import numpy as np  # noqa: E402

import relubias as rb  # noqa: E402
from tests.campaigns._report import Outcome, campaign  # noqa: E402
from tests.flows import random_flow  # noqa: E402
from tests.problems import Case  # noqa: E402

SIZES, ASPECTS, NEURONS = (5, 10, 20), (1, 2, 5, 50), (1, 2, 4)
COARSE, NEAR = 1e-3, 5e-3
ROUNDING = 1e-8  # errors below are descent's tolerance
BINS = ((0.0, 2.0), (2.0, 3.0), (3.0, 5.0), (5.0, 8.0), (8.0, np.inf))


def distance(case: Case, trajectory: rb.Trajectory, part: float, budget: int) -> float:
    """Return how far off descent's limit is, relative to the scale; infinity out of budget."""
    step = part * case.step_size / max(1.0, case.signs.size / 2)
    run = rb.gradient_descent(case.problem(), case.start, step_size=step, max_iter=budget)
    if run.status not in (rb.Status.CERTIFIED, rb.Status.TOLERANCE):
        return np.inf
    return float(np.abs(run.limit.primal - trajectory.limit.primal).max()) / case.size


def is_on_a_border(case: Case, trajectory: rb.Trajectory) -> bool:
    """Whether flows from starts next to this one end somewhere else."""
    rng = np.random.default_rng(0)
    for _ in range(8):
        noise = NEAR / 2 * case.size * rng.standard_normal(case.start.shape)
        start = case.start + np.linalg.solve(case.gram, noise.T).T
        other = rb.gradient_flow(case.problem(), start)
        if np.abs(other.limit.primal - trajectory.limit.primal).max() > 20 * NEAR * case.size:
            return True
    return False


def towards_flow(job: tuple[tuple[int, int, int, str], int, int]) -> Outcome:
    """Compare one instance at two steps, and at more where it ends in another basin."""
    (n, aspect, m, start), seed, budget = job
    case = random_flow(seed, n=n, aspect=aspect, m=m, start=start)
    outcome = Outcome(case.name)
    trajectory = rb.gradient_flow(case.problem(), case.start)
    if trajectory.status is not rb.Status.CERTIFIED:
        outcome.failures.append(f"status {trajectory.status}")
    first, second = (distance(case, trajectory, c, budget) for c in (COARSE, COARSE / 4))
    if not np.isfinite([first, second]).all():
        outcome.counts["descent out of budget"] = 1
        return outcome
    outcome.counts["compared"] = 1
    part = COARSE / 4
    while second > NEAR and part > COARSE / 1000:
        part /= 4
        first, second = second, distance(case, trajectory, part, 4 * budget)
    if part < COARSE / 4 and second <= NEAR:
        outcome.counts["in another basin until the step was smaller"] = 1
    elif second > NEAR:
        border = is_on_a_border(case, trajectory)
        outcome.counts["in another basin, start next to a border of the flow"] = int(border)
        if not border:
            outcome.failures.append(f"limits {first:.1e} and {second:.1e} off")
    elif first > NEAR:
        outcome.counts["in another basin at the first step only"] = 1
    elif max(first, second) < ROUNDING:
        outcome.counts["equal to descent's tolerance"] = 1
    else:
        ratio = first / max(second, 1e-300)
        low, high = next(b for b in BINS if b[0] <= ratio < b[1])
        outcome.counts[f"first order: ratio {low:g} to {high:g}"] = 1
    return outcome


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, default=216, help="instances")
    parser.add_argument("--seed", type=int, default=0, help="first seed, first point of the grid")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--budget", type=int, default=3_000_000, help="steps of descent")
    options = parser.parse_args()
    points = list(product(SIZES, ASPECTS, NEURONS, ("gaussian", "positive")))
    seeds = range(options.seed, options.seed + options.instances)
    jobs = [(points[seed % len(points)], seed, options.budget) for seed in seeds]
    return campaign("descent against the flow", towards_flow, jobs, options.workers)


if __name__ == "__main__":
    raise SystemExit(main())
