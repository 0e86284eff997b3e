"""Gradient flow against the long double oracle: states, switches, modes and limits.

    python tests/campaigns/flow_oracle.py --instances 200 --seed 0 --workers 2

n 2 to 8, m 1 to 3, d from n to 50 n. Exit status 1 on any failure.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "src")]

import relubias as rb  # noqa: E402
from tests.campaigns._report import Outcome, campaign  # noqa: E402
from tests.flow_comparison import compare_flow  # noqa: E402
from tests.flows import random_flow  # noqa: E402


def against_oracle(seed: int) -> Outcome:
    """Compare one instance."""
    case = random_flow(seed)
    trajectory = rb.gradient_flow(case.problem(), case.start)
    result = compare_flow(case, trajectory)
    counts = {
        "switches compared": result.n_switches,
        f"status {trajectory.status}": 1,
        "slide at the limit": int((trajectory.modes == 0).any()),
        "states agree to 1e-12": int(result.state_error <= 1e-12),
        "limits agree to 1e-12": int(result.limit_error <= 1e-12),
        "switch times agree to 1e-12": int(result.time_error <= 1e-12),
    }
    failures = list(result.failures)
    if trajectory.status is not rb.Status.CERTIFIED:
        failures.append(f"status {trajectory.status}")
    return Outcome(case.name, counts, failures)


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, default=200, help="random instances")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.instances)
    return campaign("flow against the oracle", against_oracle, seeds, options.workers)


if __name__ == "__main__":
    raise SystemExit(main())
