"""Random gradient flows: all certified, nothing crossed unseen, as many events as samples.

    python tests/campaigns/flow_random.py --instances 500 --seed 0 --workers 2

n 2 to 30, m 1 to 4, d from n to 200 n, Gaussian and all-positive starts. Between switches every
sign, every pull, the velocity and the loss are checked on a fine grid of ``at(t)``. Exit status
1 on any failure. Events over pairs (neuron, sample) should be between 0.3 and 1.5.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "src")]

import relubias as rb  # noqa: E402
from tests.campaigns._report import Outcome, campaign  # noqa: E402
from tests.flow_checks import grid_failures  # noqa: E402
from tests.flows import random_flow  # noqa: E402


def one_flow(job: tuple[int, int, int]) -> Outcome:
    """Check one instance."""
    seed, largest, points = job
    case = random_flow(seed, n_samples=(2, largest), max_neurons=4, aspects=(1, 2, 5, 20, 200))
    began = time.process_time()
    trajectory = rb.gradient_flow(case.problem(), case.start)
    seconds = time.process_time() - began
    failures = []
    if trajectory.status is not rb.Status.CERTIFIED:
        failures.append(f"status {trajectory.status}: {trajectory.explanation}")
    failures += grid_failures(case, trajectory, n_points=points, every=5)
    pairs = case.start.size
    per_pair = trajectory.n_events / pairs
    counts = {
        f"status {trajectory.status}": 1,
        "pairs": pairs,
        "events": trajectory.n_events,
        "slide at the limit": int((trajectory.modes == 0).any()),
        "more than 1.5 events a pair": int(per_pair > 1.5),
        "milliseconds": round(1000 * seconds),
    }
    return Outcome(case.name, counts, failures)


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, default=500, help="random instances")
    parser.add_argument("--largest", type=int, default=30, help="largest n")
    parser.add_argument("--points", type=int, default=10, help="points between switches")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.instances)
    jobs = [(seed, options.largest, options.points) for seed in seeds]
    return campaign("random flows", one_flow, jobs, options.workers)


if __name__ == "__main__":
    raise SystemExit(main())
