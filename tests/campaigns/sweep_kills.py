"""Kill -9 of a worker, of the driver, and of both at random moments of a sweep.

    python tests/campaigns/sweep_kills.py --moments 200 --seed 0

After each kill no row that was stored is lost, changed or torn; sweeps that were killed until they
were complete hold the bits of an undisturbed run, each row once. Exit status 1 on any failure.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "src")]

from tests.campaigns._report import Outcome, campaign  # noqa: E402
from tests.sweep.killing import KINDS, KilledSweeps  # noqa: E402

PER_JOB = 20


def kill(job: tuple[str, int, int]) -> Outcome:
    """Kill some sweeps in one way, some times in all."""
    kind, seed, moments = job
    outcome = Outcome(f"{kind}, seed {seed}")
    with tempfile.TemporaryDirectory() as folder:
        sweeps = KilledSweeps(folder, seed)
        if kind == "worker":
            sweeps.kill_workers(moments)
        else:
            for _ in range(moments):
                sweeps.kill(kind)
            sweeps.finish()
        outcome.failures = sweeps.problems
        outcome.counts = {f"{kind} killed": moments, "sweeps completed": sweeps.n_complete}
    return outcome


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moments", type=int, default=200, help="of each kind")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    options = parser.parse_args()
    jobs: list[tuple[str, int, int]] = []
    for number, first in enumerate(range(0, options.moments, PER_JOB)):
        moments = min(PER_JOB, options.moments - first)
        jobs += [(kind, options.seed + number, moments) for kind in KINDS]
    return campaign("kills", kill, jobs, options.workers)


if __name__ == "__main__":
    sys.exit(main())
