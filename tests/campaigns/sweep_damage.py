"""Ten thousand damaged parts: each is detected and named, and all other rows stay readable.

    python tests/campaigns/sweep_damage.py --instances 10000 --seed 0 --workers 2

Half of them flip a single bit; the others truncate, extend, blank or exchange files. Exit status 1
on any failure.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "src")]

from tests.campaigns._report import Outcome, campaign  # noqa: E402
from tests.sweep.damaging import KINDS, DamagedStore  # noqa: E402

PER_JOB = 200


def damage(seed: int) -> Outcome:
    """Damage the parts of one store, one at a time."""
    outcome = Outcome(f"seed {seed}")
    with tempfile.TemporaryDirectory() as folder:
        store = DamagedStore(folder, seed)
        for number in range(PER_JOB):
            kind = "bit" if number % 2 else KINDS[number // 2 % len(KINDS)]
            outcome.failures += store.damage(kind)
            outcome.counts[kind] = outcome.counts.get(kind, 0) + 1
    return outcome


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, default=10_000, help="damaged files")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + -(-options.instances // PER_JOB))
    return campaign("damage", damage, seeds, options.workers)


if __name__ == "__main__":
    sys.exit(main())
