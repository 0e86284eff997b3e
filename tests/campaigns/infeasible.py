"""Proofs of infeasibility checked in exact rationals, and feasible near-misses.

    python tests/campaigns/infeasible.py --instances 1000 --near-misses 1000 --seed 0 --workers 2

Every answer INFEASIBLE must come with a vector that proves it, exactly, about the float64
features (tests/oracles/farkas.py); no near-miss, which a network fits exactly, may be called
INFEASIBLE. Counts how many candidates each kind of data gives. Exit status 1 on any failure.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "src")]

import numpy as np  # noqa: E402

from tests.campaigns._report import Outcome, campaign  # noqa: E402
from tests.infeasible_instances import (  # noqa: E402
    KINDS,
    feasible_near_miss,
    infeasible_candidate,
    is_proved,
)
from tests.oracles.farkas import proves_infeasible  # noqa: E402


def examine(job: tuple[str, int]) -> Outcome:
    """Solve one instance twice, from its Gram matrix and from its features."""
    kind, seed = job
    outcome = Outcome(f"{kind} {seed}")
    make = infeasible_candidate if kind == "candidate" else feasible_near_miss
    X, y, signs = make(seed)
    for on_features in (False, True):
        _, found = is_proved(X, y, signs, on_features=on_features)
        name = KINDS[seed % len(KINDS)] if kind == "candidate" else kind
        label = f"{name}: {found.status}"
        outcome.counts[label] = outcome.counts.get(label, 0) + 1
        where = "features" if on_features else "gram"
        if found.status != "INFEASIBLE":
            continue
        if kind != "candidate":
            outcome.failures.append(f"{where}: a fit exists, called INFEASIBLE")
        elif found.certificate.farkas is None:
            outcome.counts["without a vector"] = outcome.counts.get("without a vector", 0) + 1
        elif not proves_infeasible(X, y, signs, found.certificate.farkas):
            outcome.failures.append(f"{where}: the vector is no proof in rationals")
        else:
            outcome.counts["proofs checked"] = outcome.counts.get("proofs checked", 0) + 1
            support = np.flatnonzero(found.certificate.farkas.any(axis=0))
            if support.tolist() != found.conflict.tolist():
                outcome.failures.append(f"{where}: `conflict` is not the support of the vector")
    return outcome


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, default=1000, help="infeasible candidates")
    parser.add_argument("--near-misses", type=int, default=1000, help="feasible near-misses")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    options = parser.parse_args()
    jobs = [("candidate", options.seed + k) for k in range(options.instances)]
    jobs += [("near-miss", options.seed + k) for k in range(options.near_misses)]
    return campaign("infeasible", examine, jobs, options.workers)


if __name__ == "__main__":
    raise SystemExit(main())
