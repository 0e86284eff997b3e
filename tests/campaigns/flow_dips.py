"""Two thousand flows with two crossings inside a short time, or that just miss them.

    python tests/campaigns/flow_dips.py --instances 2000 --seed 0 --workers 2

An inactive sample tops 1e-2 to 1e-11 of the scale above its hyperplane, or below it. The oracle is
made to look at the top. Every switch must be there, and its time right to 1e-12, or to what the
rounding of a primal value makes of it where it is met slowly. Exit status 1 on any failure.
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
from tests.flow_dips import DEPTHS, find_dip  # noqa: E402


def around_one_top(seed: int) -> Outcome:
    """Compare all depths around one top."""
    outcome = Outcome(f"dip {seed}")
    dip = find_dip(seed)
    for depth in DEPTHS:
        case = dip.case(depth)
        trajectory = rb.gradient_flow(case.problem(), case.start)
        result = compare_flow(
            case,
            trajectory,
            n_times=2,
            extra_times=[dip.time],
            blur={(0, case.labels.size - 1): 1e-14 * case.size / dip.slope(depth, case.size)},
        )
        failures = list(result.failures)
        if trajectory.status is not rb.Status.CERTIFIED:
            failures.append(f"status {trajectory.status}")
        outcome.failures += [f"depth {depth:.0e}: {failure}" for failure in failures]
        seen = sum(e[2] == case.labels.size - 1 for e in result.path.events)
        for name in ("instances", f"depth {depth:+.0e}", f"{seen} crossings of the sample"):
            outcome.counts[name] = outcome.counts.get(name, 0) + 1
    return outcome


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, default=2000, help="flows")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    options = parser.parse_args()
    n_seeds = -(-options.instances // len(DEPTHS))
    seeds = range(options.seed, options.seed + n_seeds)
    return campaign("dips", around_one_top, seeds, options.workers)


if __name__ == "__main__":
    raise SystemExit(main())
