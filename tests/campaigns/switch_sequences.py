"""Every switch of thousands of random runs, against 384-bit integers or long double.

    python tests/campaigns/switch_sequences.py --instances 10000 --seed 0 --workers 2
    python tests/campaigns/switch_sequences.py --grid --workers 2

The first compares with the big-integer oracle (n 3 to 6, m 1 to 3, spiked or not, step sizes up
to 1.9 over the largest eigenvalue). The second runs the grid n x d/n x m x start x step against
long double; a difference is adjudicated: it counts as doubtful where long double itself saw an
``abs(u)`` below 1e-15 of its terms at or before it, as a failure otherwise. Exit status 1 on any
failure.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "src")]

import numpy as np  # noqa: E402

import relubias as rb  # noqa: E402
from tests.campaigns._report import Outcome, campaign  # noqa: E402
from tests.comparison import compare, switches_of  # noqa: E402
from tests.oracles import long_double  # noqa: E402
from tests.problems import grid_case, random_case  # noqa: E402

ASPECTS = (1, 2, 5, 50, 200)
NEURONS = (1, 2, 4, 20)
STEPS = (0.3, 0.03, 1.6)


def against_integers(seed: int) -> Outcome:
    """Compare one random instance with the big-integer oracle."""
    case = random_case(seed)
    trajectory = rb.gradient_descent(
        case.problem(), case.start, step_size=case.step_size, max_iter=100_000
    )
    result = compare(case, trajectory)
    counts = {
        "switches compared": result.n_switches,
        f"status {trajectory.status}": 1,
        f"tail {trajectory.tail}": 1,
        "certified and proved by the oracle": int(result.is_complete),
        "certified, compared up to the oracle's budget": int(
            trajectory.status is rb.Status.CERTIFIED and not result.is_complete
        ),
        "not certified, although the oracle proves an end": int(
            trajectory.status is not rb.Status.CERTIFIED and result.run.is_terminal
        ),
        "compared up to an undecided sign": int(bool(trajectory.undecided_from)),
        "oracle undecided": int(bool(result.run.undecided)),
    }
    return Outcome(case.name, counts, result.failures)


def grid(sizes: list[int]) -> list[tuple[int, int, int, str, float, int]]:
    """Return the points of the grid."""
    points = []
    for n in sizes:
        steps = STEPS if n < 100 else (0.3, 1.6)
        for aspect, m, start, step in itertools.product(
            ASPECTS, NEURONS, ("gaussian", "positive"), steps
        ):
            points.append((n, aspect, m, start, step, 0))
    return points


def against_long_double(job: tuple[tuple[int, int, int, str, float, int], int]) -> Outcome:
    """Compare one point of the grid with long double stepping."""
    point, max_steps = job
    case = grid_case(*point)
    trajectory = rb.gradient_descent(
        case.problem(), case.start, step_size=case.step_size, max_iter=2_000_000
    )
    certified = trajectory.status is rb.Status.CERTIFIED
    horizon = max_steps if certified else min(max_steps, trajectory.n_steps)
    if trajectory.undecided_from:
        horizon = min(horizon, trajectory.undecided_from - 1)
    other = long_double.descend(*case.arguments, max_steps=horizon, tol=1e-9)
    horizon = other.n_steps
    ours = [s for s in switches_of(trajectory) if s[0] <= horizon]
    theirs = [tuple(s) for s in other.switches.tolist()]
    counts = {
        "switches compared": len(theirs),
        "steps compared": horizon,
        f"status {trajectory.status}": 1,
        "identical": int(ours == theirs),
        "compared up to an undecided sign": int(bool(trajectory.undecided_from)),
    }
    failures = []
    if ours != theirs:
        k = next(
            (k for k, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b),
            min(len(ours), len(theirs)),
        )
        time = min(s[k][0] for s in (ours, theirs) if k < len(s))
        doubts = other.doubtful[other.doubtful[:, 0] <= time]
        if len(doubts):
            counts["different after a doubtful sign of long double"] = 1
        else:
            failures.append(f"switch {k} at step {time}: {ours[k : k + 1]}, {theirs[k : k + 1]}")
    elif certified and other.residual < 1e-8:
        error = float(np.abs(trajectory.limit.primal - other.primal.astype(float)).max())
        counts["limits compared"] = 1
        if not error <= 1e-6 * max(1.0, case.size):
            failures.append(f"limit differs by {error:.2e} from the last long double state")
    return Outcome(case.name, counts, failures)


def main() -> int:
    """Run the campaign that the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, default=10_000, help="random instances")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--grid", action="store_true", help="the grid against long double")
    parser.add_argument("--sizes", type=int, nargs="+", default=[5, 10, 30], help="n of the grid")
    parser.add_argument("--max-steps", type=int, default=20_000, help="long double steps a run")
    options = parser.parse_args()
    if not options.grid:
        seeds = range(options.seed, options.seed + options.instances)
        return campaign("integers", against_integers, seeds, options.workers)
    if not long_double.HAS_EXTENDED_PRECISION:
        print("long double is no wider than double on this machine")
        return 1
    jobs = [(point, options.max_steps) for point in grid(options.sizes)]
    return campaign("grid", against_long_double, jobs, options.workers)


if __name__ == "__main__":
    raise SystemExit(main())
