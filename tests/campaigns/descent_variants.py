"""Descent with momentum and mini-batches against long double; and runs that switch for ever.

    python tests/campaigns/descent_variants.py --instances 1000 --workers 2
    python tests/campaigns/descent_variants.py --wild --instances 1000 --workers 2
    python tests/campaigns/descent_variants.py --chatter --instances 20 --workers 2

The first compares every switch, the states and the certified limits of random instances, the
second every switch of runs with far too large steps with 3000-bit integers. The third counts, for
each shape, how many runs of plain descent that still switch at the tolerance become CERTIFIED, and
how far the estimated limit is from a much longer run in long double. Exit status 1 on any failure.
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
from relubias.dynamics.sliding_tail import sliding_limit  # noqa: E402
from tests.campaigns._report import Outcome, campaign  # noqa: E402
from tests.oracles import varying_descent  # noqa: E402
from tests.problems import case_from_features  # noqa: E402
from tests.varying import check, check_in_integers, descend, random_varying  # noqa: E402

SIZES, ASPECTS = (10, 30), (5, 50, 200)


def against_long_double(seed: int) -> Outcome:
    """Compare one random instance."""
    varying = random_varying(seed)
    trajectory = descend(varying, max_iter=20_000)
    failures, counts = check(varying, trajectory)
    return Outcome(repr(varying), counts, failures)


def against_integers(seed: int) -> Outcome:
    """Compare one random instance with a step of any size."""
    varying = random_varying(seed, wild=True)
    trajectory = descend(varying, max_iter=600, tol=1e-13)
    failures, counts = check_in_integers(varying, trajectory)
    return Outcome(repr(varying), counts, failures)


def chatter(job: tuple[int, int, int, int]) -> Outcome:
    """Classify one run of plain descent with two neurons."""
    n, aspect, seed, max_steps = job
    rng = np.random.default_rng([n, aspect, seed])
    X, y = rng.standard_normal((n, n * aspect)), rng.standard_normal(n)
    start = 1e-3 * rng.standard_normal((2, n)) / np.sqrt(n * aspect)
    case = case_from_features(
        f"n={n} d={aspect}n seed={seed}", X, y, signs=(1, -1), start=start, step=0.03
    )
    problem, shape = case.problem(), f"n={n} d={aspect}n:"
    # what the tolerance alone sees, and its estimate
    early = rb.gradient_descent(problem, start, step_size=case.step_size, tol=1e-10)
    counts = {f"{shape} runs": 1}
    if early.tail is not rb.Tail.CHATTER:
        if early.status is rb.Status.CERTIFIED:
            counts[f"{shape} settled for good"] = 1
        return Outcome(case.name, counts, [])
    certified = early.status is rb.Status.CERTIFIED
    counts |= {f"{shape} chatters at its end": 1, f"{shape} chatters, CERTIFIED": int(certified)}
    failures = []
    steps = min(10 * early.n_steps, max_steps)
    if steps >= 2 * early.n_steps:
        late = varying_descent.in_long_double(*case.arguments, n_steps=steps)
        error = float(np.abs(early.limit.primal - late.primal).max())
        allowed = max(early.certificate.radius, 1e-13) if early.certificate else 1e-8
        counts[f"{shape} limits compared"] = 1
        if not error <= 2 * allowed:
            failures.append(f"the limit is {error:.1e} from a run of {steps} steps")
        switched = {(k, i) for t, k, i, _ in late.switches if t > early.n_steps}
        others = switched - {tuple(pair) for pair in early.chattering.tolist()}
        if certified and others:
            failures.append(f"pairs outside the certificate switched: {others}")
        for tol in (1e-3, 1e-5):
            state = _state_at(case, early, tol)
            if state is not None:
                distance = float(np.abs(state - late.primal).max())
                for limit in (1e-6, 1e-10):
                    key = f"{shape} estimate at {tol:g} right to {limit:g}"
                    counts[key] = int(distance <= limit)
    return Outcome(case.name, counts, failures)


def _state_at(case, trajectory, tol):
    """Return the sliding limit estimated where the residual first falls below `tol`."""
    problem, eta = case.problem(), case.step_size
    run = rb.gradient_descent(problem, case.start, step_size=eta, max_iter=trajectory.n_steps)
    low, high = 0, run.n_steps
    largest = tol * float(np.abs(case.labels).max())
    while high - low > 1:
        middle = (low + high) // 2
        primal = trajectory.at(middle).primal
        r = (case.signs @ np.maximum(primal, 0.0) - case.labels)[(primal > 0).any(axis=0)]
        is_small = np.abs(r).max(initial=0.0) <= largest
        low, high = (low, middle) if is_small else (middle, high)
    state = trajectory.at(high)
    recent = (trajectory.switches["time"] > 0.9 * high) & (trajectory.switches["time"] <= high)
    sliding = np.zeros(case.start.shape, bool)
    pairs = trajectory.switches[recent]
    sliding[pairs["neuron"], pairs["sample"]] = True
    limit = sliding_limit(problem, state.dual, sliding)
    return None if limit is None else limit.state.primal


def main() -> int:
    """Run the campaign that the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, default=300, help="instances (of each shape)")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--chatter", action="store_true", help="runs that switch for ever")
    parser.add_argument("--wild", action="store_true", help="steps that are far too large")
    parser.add_argument("--max-steps", type=int, default=60_000, help="long double steps a run")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.instances)
    if options.wild:
        return campaign("wild", against_integers, seeds, options.workers)
    if not options.chatter:
        return campaign("variants", against_long_double, seeds, options.workers)
    jobs = [
        (n, aspect, seed, options.max_steps)
        for n, aspect, seed in itertools.product(SIZES, ASPECTS, seeds)
    ]
    return campaign("chatter", chatter, jobs, options.workers)


if __name__ == "__main__":
    raise SystemExit(main())
