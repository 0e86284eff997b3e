"""Ten thousand damaged data files: each is refused by name, or read as what its bytes say.

    python tests/campaigns/damaged_files.py --files 10000 --seed 0 --workers 2

Exit status 1 on any failure.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "src")]

import numpy as np  # noqa: E402

from tests.campaigns._report import Outcome, campaign  # noqa: E402
from tests.damage import WRITERS, n_refused  # noqa: E402

PER_JOB = 100


def damage(job: tuple[str, int]) -> Outcome:
    """Damage one kind of file a hundred times."""
    kind, seed = job
    outcome = Outcome(f"{kind}, seed {seed}")
    rng = np.random.default_rng([seed, len(kind)])
    with tempfile.TemporaryDirectory() as folder:
        try:
            refused = n_refused(kind, Path(folder), rng, PER_JOB)
        except Exception as error:  # noqa: BLE001 - whatever escapes is the finding
            outcome.failures.append(f"{type(error).__name__}: {error}")
            return outcome
    outcome.counts = {f"{kind}, refused": refused, f"{kind}, read": PER_JOB - refused}
    return outcome


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000, help="damaged files of all kinds")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    options = parser.parse_args()
    n_seeds = -(-options.files // (PER_JOB * len(WRITERS)))
    seeds = range(options.seed, options.seed + n_seeds)
    jobs = [(kind, seed) for seed in seeds for kind in WRITERS]
    return campaign("damaged files", damage, jobs, options.workers)


if __name__ == "__main__":
    sys.exit(main())
