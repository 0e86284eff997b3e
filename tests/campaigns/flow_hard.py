"""Flows on small problems made to break a solver: integers, spikes, near-copies, any scale.

    python tests/campaigns/flow_hard.py --instances 3000 --seed 0 --workers 2

None may raise, warn, take long, or move otherwise than its own modes say. Rows that agree to up to
nine digits (kind 5) make the Gram matrix singular to rounding: their pulls are not determined by
it, the honest status is TOLERANCE, and what is off is counted. Exit status 1 on any failure.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "src")]

import relubias as rb  # noqa: E402
from tests.campaigns._report import Outcome, campaign  # noqa: E402
from tests.flow_checks import grid_failures  # noqa: E402
from tests.flows import hard_flow  # noqa: E402

LONGEST = 10.0  # CPU seconds
NEAR_COPIES = "5"


def one_flow(seed: int) -> Outcome:
    """Check one instance."""
    case = hard_flow(seed)
    kind = case.name[-1]
    outcome = Outcome(case.name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        began = time.process_time()
        try:
            trajectory = rb.gradient_flow(case.problem(), case.start)
            seconds = time.process_time() - began
            if trajectory.status is not rb.Status.MAX_EVENTS:
                found = grid_failures(case, trajectory, n_points=5, every=2, tol=1e-7)
                if kind == NEAR_COPIES:
                    outcome.counts[f"kind {kind}, off by more than 1e-7"] = int(bool(found))
                else:
                    outcome.failures += found
        except Exception as error:  # noqa: BLE001 - whatever escapes is the finding
            outcome.failures.append(f"{type(error).__name__}: {error}")
            return outcome
    outcome.counts[f"kind {kind}, {trajectory.status}"] = 1
    if seconds > LONGEST:
        outcome.failures.append(f"{seconds:.0f} s")
    return outcome


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, default=3000, help="instances")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.instances)
    return campaign("hard flows", one_flow, seeds, options.workers)


if __name__ == "__main__":
    raise SystemExit(main())
