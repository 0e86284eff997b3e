"""Minimum norm of networks against brute force, near-misses against every certificate.

    python tests/campaigns/minimum_norm.py --seed 0 --workers 2
    python tests/campaigns/minimum_norm.py --only two --instances 400

Parts: `two` (one neuron of each sign, n up to 10, a quarter with zero labels) and `many` (the sign
patterns of `tests.networks.SIGN_COUNTS`, n up to 5) compare with exact enumeration to 1e-9, and
lower bounds must not exceed the optimum; `misses` shows networks that fit but are not optimal to
every certificate, which must refuse; `scales` multiplies labels by 1e-150 to 1e150. Exit status 1
on any failure.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "src")]

import relubias as rb  # noqa: E402
from tests.campaigns._report import Outcome, campaign  # noqa: E402
from tests.networks import (  # noqa: E402
    Instance,
    check_answer,
    hard_instance,
    many_instance,
    optimum,
    two_instance,
)
from tests.oracles.patterns import TooManyError  # noqa: E402

SECONDS = 60.0


def against_enumeration(instance: Instance) -> Outcome:
    """Compare the answer to one problem with the oracle's."""
    try:
        best = optimum(instance)
    except TooManyError:
        return Outcome(instance.name, {"more patterns than the oracle takes": 1})
    began = time.process_time()
    found = rb.minimum_norm(instance.problem, time_limit=SECONDS)
    spent = time.process_time() - began
    counts = {
        f"status {found.status}": 1,
        f"certificate {found.certificate.kind}": 1,
        "more than one node": int(found.n_nodes > 1),
        "more than a second": int(spent > 1.0),
    }
    norm = None if best is None else best.norm
    return Outcome(instance.name, counts, check_answer(instance, found, norm))


def two(seed: int) -> Outcome:
    """One neuron of each sign."""
    return against_enumeration(two_instance(seed))


def many(seed: int) -> Outcome:
    """Any number of neurons."""
    return against_enumeration(many_instance(seed))


def hard(seed: int) -> Outcome:
    """Data made to break solvers."""
    return against_enumeration(hard_instance(seed))


PARTS = {"two": (two, 400), "many": (many, 240), "hard": (hard, 320)}


def main() -> int:
    """Run the parts that the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=PARTS, help="one part")
    parser.add_argument("--instances", type=int, help="instances of each part")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    options = parser.parse_args()
    status = 0
    for name in [options.only] if options.only else PARTS:
        job, number = PARTS[name]
        seeds = range(options.seed, options.seed + (options.instances or number))
        print(f"== {name}", flush=True)
        status |= campaign(name, job, seeds, options.workers)
    return status


if __name__ == "__main__":
    raise SystemExit(main())
