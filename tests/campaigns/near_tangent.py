"""A thousand near-tangent runs: depths from 1e-6 of the scale down to adjacent doubles.

    python tests/campaigns/near_tangent.py --instances 1000 --seed 0 --workers 2

No answer may be wrong; an answer may be missing only where the depth is below 1e-12 of the
scale. Exit status 1 on any failure.
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
from tests.comparison import compare  # noqa: E402
from tests.tangents import find_tangent, neighbours  # noqa: E402

PER_SEED = 23  # 7 adjacent doubles, 8 depths on both sides
DECIDABLE = 1e-12


def around_one_touch(seed: int) -> Outcome:
    """Compare all depths around one touch."""
    outcome = Outcome(f"tangent {seed}")
    for depth, case in neighbours(find_tangent(seed)):
        trajectory = rb.gradient_descent(
            case.problem(), case.start, step_size=case.step_size, max_iter=100_000
        )
        result = compare(case, trajectory)
        outcome.failures += [f"depth {depth:.1e}: {failure}" for failure in result.failures]
        missing = result.run.is_terminal and trajectory.status is not rb.Status.CERTIFIED
        if missing and abs(depth) >= DECIDABLE:
            outcome.failures.append(f"depth {depth:.1e}: {trajectory.status}, {trajectory.tail}")
        side = "crosses" if depth < 0 else "misses"
        size = "adjacent doubles" if abs(depth) < 5e-16 else f"depth {abs(depth):.0e}"
        for name in ("instances", f"{side}, {size}"):
            outcome.counts[name] = outcome.counts.get(name, 0) + 1
        outcome.counts["undecided"] = outcome.counts.get("undecided", 0) + int(missing)
    return outcome


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, default=1000, help="near-tangent instances")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    options = parser.parse_args()
    n_seeds = -(-options.instances // PER_SEED)
    seeds = range(options.seed, options.seed + n_seeds)
    return campaign("tangents", around_one_touch, seeds, options.workers)


if __name__ == "__main__":
    raise SystemExit(main())
