"""A failure at every open, write, fsync, rename, unlink and mkdir of a small sweep, in turn.

    python tests/campaigns/sweep_faults.py --seed 0 --repeats 3

ENOSPC, EIO, EACCES, and the death of the process there, with and without the loss of what was not
synced; on an empty folder and on one that is half done, with a damaged part and a leftover. After
each one the store is intact, the error names a file, and resuming gives the undisturbed bits. Exit
status 1 on any failure.
"""

from __future__ import annotations

import argparse
import errno
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "src")]

from tests.campaigns._report import Outcome, campaign  # noqa: E402
from tests.sweep.faulty_sweeps import (  # noqa: E402
    ERRORS,
    KILL,
    KILL_AND_DROP,
    SmallSweep,
)


def fail(job: tuple[str, bool, int]) -> Outcome:
    """Fail every call in turn in one way."""
    kind, fresh, seed = job
    shown = errno.errorcode.get(kind, kind)
    outcome = Outcome(f"{shown}, {'empty' if fresh else 'half done'}, seed {seed}")
    with tempfile.TemporaryDirectory() as folder:
        sweep = SmallSweep(folder)
        calls = sweep.n_calls(fresh=fresh)
        for at, call in enumerate(calls):
            found, error = sweep.problems(at, kind, fresh=fresh, seed=1000 * seed + at)
            outcome.failures += [f"call {at} ({call}): {problem}" for problem in found]
            how = "crashed" if kind in (KILL, KILL_AND_DROP) else "error named"
            if how == "error named" and error is None:
                how = "harmless"
            name = f"{shown} at {call}, {how}"
            outcome.counts[name] = outcome.counts.get(name, 0) + 1
    return outcome


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="seeds of what a crash loses")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    options = parser.parse_args()
    jobs = [(kind, fresh, 0) for kind in (*ERRORS, KILL) for fresh in (True, False)]
    seeds = range(options.seed, options.seed + options.repeats)
    jobs += [(KILL_AND_DROP, fresh, seed) for seed in seeds for fresh in (True, False)]
    return campaign("faults", fail, jobs, options.workers)


if __name__ == "__main__":
    sys.exit(main())
