"""Lemma 5's counterexample, and Theorem 5 where parked coordinates start too close to zero.

    python tests/campaigns/theory_counterexamples.py --runs 200 --workers 2

`theorem 5`: three positive and two negative neurons, each sample owned by one of its sign, kappa
0.9, labels of size 1/2 to 1; all initial values of size 0.025 to 0.05 times the smallest label, or
0.1 to 0.2. Counted by the long double oracle: runs in which from the first step on every neuron is
active on its own samples alone. The report of `relubias.check` must say the same of each run, and
name what fails. `lemma 5`: two positive neurons on one sample, at random sizes; the closed form of
one step says which is thrown below zero. Exit status 1 if package and oracle disagree anywhere.
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

import relubias as rb  # noqa: E402
from relubias.theory import lai2026  # noqa: E402
from tests.campaigns._report import Outcome, campaign  # noqa: E402
from tests.oracles.theory_run import states  # noqa: E402
from tests.theory_checks import problem_of  # noqa: E402
from tests.theory_networks import crowded, owned_network  # noqa: E402

CONDITIONS = [(n, d, band) for n, d in ((10, 40_000), (30, 36_000))
              for band in ((0.025, 0.05), (0.1, 0.2))]  # fmt: skip
LONGEST = 1000  # steps: kappa is 0.9


def theorem_5(job: tuple[int, int, int, tuple[float, float]]) -> Outcome:
    """Run one network through the oracle and `relubias.check`."""
    seed, n, d, band = job
    case, own = owned_network(seed, n, d, band)
    name = f"n={n}, d={d}, eps in {band}"
    outcome = Outcome(f"{name}, seed {seed}")
    flip = _first_flip(case, own)
    report = rb.check(
        problem_of(case), case.start, step_size=case.step_size, trace=case.trace, time_limit=0.0,
        statements=[lai2026.Assumption3(), lai2026.Lemma12(), lai2026.Theorem5()],
    )  # fmt: skip
    said = report["lai2026.theorem5"]
    outcome.counts = {f"{name}: runs": 1, f"{name}: pattern for ever": int(flip is None)}
    if said.holds is not (flip is None):
        outcome.failures.append(f"first flip {flip}, but {said}")
    if flip is not None:
        named = {verdict.condition for verdict in report.failing()}
        for condition in ("lai2026.theorem5", "lai2026.theorem5.start.lower"):
            if condition not in named:
                outcome.failures.append(f"{condition} is not named: {sorted(named)}")
        if tuple(said.first_violation) != flip:
            outcome.failures.append(f"first flip {flip}, but {said.first_violation}")
    return outcome


def _first_flip(case, own):
    """Return step, neuron and sample of the first wrong sign after the first step."""
    for seen in states(case):
        wrong = (seen.primal > 0) != own
        if seen.time and wrong.any():
            deepest = np.where(own, seen.primal, -seen.primal).argmin()
            k, i = np.unravel_index(int(deepest), own.shape)
            return seen.time, int(k), int(i)
        if seen.time == LONGEST:
            return None
    raise AssertionError


def lemma_5(seed: int) -> Outcome:
    """Put two neurons on one sample."""
    rng = np.random.default_rng([55, seed])
    first, second = 10.0 ** rng.uniform(-3, 1, 2)
    kappa = float(rng.uniform(0.05, 1.0))
    case = crowded(first, second, kappa)
    after = np.array([first, second]) - kappa * (first + second - 1.0)
    named = rb.check(
        problem_of(case), case.start, step_size=case.step_size, trace=case.trace,
        statements=[lai2026.Lemma5(risk=100.0)],
    )  # fmt: skip
    said = named["lai2026.lemma5.unconditional"]
    outcome = Outcome(f"lemma 5, seed {seed}: {first:.3g}, {second:.3g}, kappa {kappa:.3g}")
    outcome.counts = {
        "runs": 1,
        "thrown below zero in one step": int(after.min() <= 0),
        "unconditional fails": int(said.holds is False),
        "with the missing condition holds": int(named["lai2026.lemma5"].holds is True),
    }
    if after.min() <= 0 and (said.holds is not False or said.first_violation.step != 1):
        outcome.failures.append(f"after one step {after}, but {said}")
    if named["lai2026.lemma5"].holds is False:
        outcome.failures.append(f"{named['lai2026.lemma5']}")
    return outcome


def main() -> int:
    """Run both parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=200, help="runs of each kind")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.runs)
    status = campaign("lemma 5", lemma_5, seeds, options.workers)
    jobs = [(seed, *condition) for condition in CONDITIONS for seed in seeds]
    return status | campaign("theorem 5", theorem_5, jobs, options.workers)


if __name__ == "__main__":
    raise SystemExit(main())
