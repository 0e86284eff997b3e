"""Every statement on valid, unfriendly data: a named error or an answer, and no warning.

    python tests/campaigns/theory_hostile.py --instances 2000 --seed 0 --workers 2

Singular, zero and huge Gram matrices, labels 300 orders of magnitude apart, starts up to 1e100,
steps that diverge, spectra that contradict the data. Exit status 1 on any complaint.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "src")]

from tests.campaigns._report import Outcome, campaign  # noqa: E402
from tests.theory_hostile import complaints, hostile  # noqa: E402


def one(seed: int) -> Outcome:
    """Ask all statements about one problem."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        case = hostile(seed)
        if case is None:
            return Outcome(f"seed {seed}", {"refused before any statement": 1})
        return Outcome(f"seed {seed}", {"problems": 1}, list(complaints(case)))


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, default=2000, help="problems")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.instances)
    return campaign("hostile", one, seeds, options.workers)


if __name__ == "__main__":
    raise SystemExit(main())
