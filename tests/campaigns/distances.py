"""Distances to minimum-norm networks against rational arithmetic, at gaps from 1e-1 to 1e-15.

    python tests/campaigns/distances.py --instances 200 --seed 0 --workers 2

Relative errors have to stay below 1e-12 and within the bound that is reported. Networks of one
neuron, one of each sign, and more, whose neurons share samples. The truth is computed in exact
fractions and rounded once, which is more than 60 digits. Exit status 1 on any failure.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "src")]

import numpy as np  # noqa: E402

import relubias as rb  # noqa: E402
from tests.campaigns._report import Outcome, campaign  # noqa: E402
from tests.oracles.networks_in_rationals import (  # noqa: E402
    distance_by_neuron,
    least_norm_of_pattern,
)

GAPS = [10.0**-k for k in range(1, 16)]
NETWORKS = [(1,), (1, -1), (1, 1), (1, 1, -1), (1, 1, 1, -1, -1)]
PROMISE = 1e-12


def examine(seed: int) -> Outcome:
    """Measure all gaps around one optimum."""
    outcome = Outcome(f"distance {seed}")
    rng = np.random.default_rng(seed)
    signs = NETWORKS[seed % len(NETWORKS)]
    n = int(rng.integers(2, 16 // len(signs) + 3))
    d = int(n * rng.choice([1.2, 2.0, 20.0])) + 1
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    problem = rb.Problem(X @ X.T, y, signs)
    found = rb.minimum_norm(problem, time_limit=20)
    if found.norm == 0.0:
        return outcome
    exact = least_norm_of_pattern(
        problem.gram, y, signs, found.pattern, found.support & ~found.pattern
    )
    worst = 0.0
    for gap in GAPS:
        noise = rng.standard_normal(found.dual.shape) * np.abs(found.dual).max()
        duals = found.dual + gap * noise
        truth = math.hypot(*distance_by_neuron(problem.gram, duals.tolist(), exact))
        measured = rb.bias_gap(problem, duals, found, match_neurons=False)
        error = abs(measured.distance - truth) / truth
        worst = max(worst, error)
        if error > PROMISE:
            outcome.failures.append(f"gap {gap:.0e}: relative error {error:.1e}")
        if abs(measured.distance - truth) > measured.rounding_error + 1e-16 * truth:
            bound = measured.rounding_error / truth
            outcome.failures.append(
                f"gap {gap:.0e}: error {error:.1e} beyond the bound {bound:.1e}"
            )
        outcome.counts["distances"] = outcome.counts.get("distances", 0) + 1
    size = "below 1e-15" if worst < 1e-15 else f"1e{math.ceil(math.log10(worst))} at most"
    outcome.counts[f"worst of an instance {size}"] = 1
    outcome.counts[f"signs {signs}, {found.certificate.kind}"] = 1
    return outcome


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, default=200, help="optima, 15 gaps around each")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.instances)
    return campaign("distances", examine, seeds, options.workers)


if __name__ == "__main__":
    raise SystemExit(main())
