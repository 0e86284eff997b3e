"""Minimum norm of networks against brute force, near-misses against every certificate.

    python tests/campaigns/minimum_norm.py --seed 0 --workers 2
    python tests/campaigns/minimum_norm.py --only two --instances 400

Parts: `two` (one neuron of each sign, n up to 10, a quarter with zero labels) and `many` (the sign
patterns of `tests.networks.SIGN_COUNTS`, n up to 5) compare with exact enumeration to 1e-9, and
lower bounds must not exceed the optimum; `hard` does so on ties, near-duplicates, dependent samples
and mixed scales, where an answer may be unproved but never wrong; `misses` shows networks that fit
but are not optimal to every certificate, which must refuse (about 20 a seed); `scales` multiplies
labels by 1e-150 to 1e150. Every answer is also verified by `relubias.minnorm.verify`, leaf by leaf.
Exit status 1 on any failure.
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "src")]

import numpy as np  # noqa: E402

import relubias as rb  # noqa: E402
from tests.campaigns._report import Outcome, campaign  # noqa: E402
from tests.near_misses import (  # noqa: E402
    accepted_by,
    near_ties,
    near_ties_of_many,
    runners_up,
)
from tests.networks import (  # noqa: E402
    Instance,
    check_answer,
    check_scales,
    hard_instance,
    many_instance,
    optimum,
    two_instance,
)
from tests.oracles.patterns import TooManyError  # noqa: E402

SECONDS = 60.0


def against_enumeration(
    instance: Instance, *, strict: bool = True, max_nodes: int = 20_000
) -> Outcome:
    """Compare the answer to one problem with the oracle's."""
    try:
        best = optimum(instance, max_nodes=max_nodes)
    except TooManyError:
        return Outcome(instance.name, {"more patterns than the oracle takes": 1})
    began = time.process_time()
    found = rb.minimum_norm(instance.problem, time_limit=SECONDS)
    spent = time.process_time() - began
    verified = rb.minnorm.verify(instance.problem, found, leaves=True)
    norm = None if best is None else best.norm
    failures = check_answer(instance, found, norm, strict=strict)
    if verified.holds is False:
        failures.append(f"refuted: {verified.refuted}")
    if norm is not None and verified.lower_bound > norm * (1 + 1e-12):
        failures.append(f"verified bound {verified.lower_bound / norm - 1:.1e} above the optimum")
    counts = {
        "compared": 1,
        f"status {found.status}": 1,
        f"certificate {found.certificate.kind}": 1,
        f"verified, leaf by leaf: {verified.holds}": 1,
        "more than a second": int(spent > 1.0),
    }
    return Outcome(instance.name, counts, failures)


def two(seed: int) -> Outcome:
    """One neuron of each sign."""
    return against_enumeration(two_instance(seed))


def many(seed: int) -> Outcome:
    """Any number of neurons."""
    return against_enumeration(many_instance(seed))


def hard(seed: int) -> Outcome:
    """Data made to break solvers: answers may be unproved, never wrong."""
    return against_enumeration(hard_instance(seed), strict=False, max_nodes=4000)


def misses(seed: int) -> Outcome:
    """Show networks that are nearly optimal to every certificate."""
    outcome = Outcome(f"near misses {seed}")
    families = [near_ties(seed), runners_up(seed)]
    families += [near_ties_of_many(seed, counts) for counts in ((2, 1), (3, 0), (2, 2), (4, 0))]
    for miss in itertools.chain(*families):
        decade = f"excess of the squared norm 1e{math.floor(math.log10(miss.excess))}"
        for name in ("networks shown", decade if miss.excess < 1 else "excess above 1"):
            outcome.counts[name] = outcome.counts.get(name, 0) + 1
        outcome.failures += [f"{miss.name}: {wrong}" for wrong in accepted_by(miss)]
    return outcome


def scales(seed: int) -> Outcome:
    """Multiply the labels of one, two and more neurons by 1e-150 to 1e150."""
    rng = np.random.default_rng([seed, 150])
    signs = [(1,), (1, -1), (1, 1, -1), (1, 1, -1, -1), (1, 1, 1)][seed % 5]
    n = int(rng.integers(1, 9 if len(signs) < 3 else 6))
    X = rng.standard_normal((n, round(float(rng.choice([1.2, 2.0, 5.0])) * n)))
    y = rng.standard_normal(n)
    problem = rb.Problem(X @ X.T, y / np.abs(y).max(), signs)  # labels above 1e150 are refused
    failures = check_scales(Instance(f"scales {seed}", problem), EXPONENTS)
    return Outcome(f"scales {seed}: {signs}, n={n}", {"compared": len(EXPONENTS)}, failures)


EXPONENTS = (-150, -100, -30, -6, 6, 30, 100, 150)
PARTS = {
    "two": (two, 400),
    "many": (many, 240),
    "hard": (hard, 320),
    "misses": (misses, 50),
    "scales": (scales, 200),
}


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
