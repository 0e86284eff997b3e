"""Adversarial problems within the hypotheses of the explicit version of Theorems 1 and 3.

    python tests/campaigns/theory_adversarial.py --instances 5000 --seed 0 --workers 2
    python tests/campaigns/theory_adversarial.py --neurons 1 --instances 3000

Starts, labels, step and Gram matrix are optimised against one claim each (reflections that turn the
worst direction onto the weakest sample, then random ascent), hypotheses met by 4e-14 or 1e-10. The
run is followed in long double to a proved end. No claim with an explicit constant may be violated,
and the package's verdicts on the same problem must agree with the oracle's, margins included. The
worst value of every claim is printed beside the bound and the worst of the 3000 (2000) problems of
the first search. Exit status 1 on any failure.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "src")]

import numpy as np  # noqa: E402

from relubias.theory import Role, lai2026  # noqa: E402
from tests.campaigns._report import Outcome, campaign  # noqa: E402
from tests.oracles.theory_claims import CLAIMED, conclusions, hypotheses, owners  # noqa: E402
from tests.oracles.theory_run import descend  # noqa: E402
from tests.theory_attacks import attack  # noqa: E402
from tests.theory_checks import (  # noqa: E402
    ask,
    contradictions,
    margins_of_oracle,
    worst_of,
)

EARLIER = {
    1: {"a": 0.967, "b lo": 0.763, "b hi": 1.007, "c": 0.946, "d": 0.994, "e": -0.725,
        "flips": 0, "gap lo": 0.725, "gap hi": 1.007},
    2: {"a": 0.964, "b lo": 0.872, "b hi": 1.002, "c": 0.949, "d": 0.981, "e": -0.831, "flips": 0},
}  # fmt: skip
ROUNDING = 1e-15  # of a long double sum, in the units of the claims
WORST: dict[str, float] = {}


def one_attack(job: tuple[int, int, int]) -> Outcome:
    """Optimise a problem, run it, ask everyone."""
    seed, m, rounds = job
    target, point = attack(seed, n_neurons=m, rounds=rounds)
    case = point.instance(trace=float(2 ** (seed % 40 - 20)))
    outcome = Outcome(f"seed {seed}, {m} neurons, against {target}, n={len(case.labels)}")
    inside = hypotheses(case, part=0.25 / m)
    if min(inside.values()) <= 0:
        outcome.failures.append(f"outside the hypotheses: {inside}")
        return outcome
    seen, proved = descend(case, slack=1e-9)  # what comes later is below the margins' tolerance
    if not proved:
        outcome.failures.append("the oracle proves no end")
        return outcome
    worst = worst_of(case, seen)
    outcome.values = {f"{m} {name}": value for name, value in worst.items()}
    for name, value in worst.items():
        relation, bound = CLAIMED[name]
        slack = value - bound if relation == ">=" else bound - value
        if slack < -ROUNDING:
            outcome.failures.append(f"{name} = {value!r} violates {relation} {bound}")
    ends = conclusions(case, seen, owners(case))
    if not ends["pattern"] or not ends["negative elsewhere"]:
        outcome.failures.append(f"conclusion: {ends}")
    if ends["off the projection"] > 1e-14 * np.abs(case.labels).max():
        outcome.failures.append(f"limit off the projection by {ends['off the projection']:.1e}")
    verdicts = ask(case, [statement() for statement in lai2026.STATEMENTS])
    counts: Counter[str] = Counter({"problems": 1, f"against {target}": 1})
    known = margins_of_oracle(case, seen)
    outcome.failures += contradictions(verdicts, known, counts)
    for verdict in verdicts.values():
        if verdict.condition not in known and verdict.role in (Role.INVARIANT, Role.CONCLUSION):
            counts[f"{verdict.condition} {verdict.outcome}"] += 1
    certificate = verdicts[f"lai2026.theorem{2 * m - 1}.certificate"]
    counts[f"certificate {certificate.outcome}"] += 1
    outcome.counts = {f"{m}: {name}": count for name, count in counts.items()}
    return outcome


def remember(outcome: Outcome) -> None:
    """Keep the worst values of all."""
    for key, value in outcome.values.items():
        known = WORST.get(key, value)
        WORST[key] = min(known, value) if CLAIMED[key[2:]][0] == ">=" else max(known, value)


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, default=5000, help="problems")
    parser.add_argument("--neurons", type=int, choices=(1, 2), help="one neuron, or two")
    parser.add_argument("--rounds", type=int, default=40, help="steps of each optimisation")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    options = parser.parse_args()
    both = [options.neurons] if options.neurons else [1, 2]
    jobs = [
        (options.seed + i, both[0] if len(both) == 1 or i % 5 < 3 else 2, options.rounds)
        for i in range(options.instances)
    ]
    status = campaign("attacks", one_attack, jobs, options.workers, watch=remember)
    print(f"{'neurons':<8}{'claim':<9}{'bound':>9}{'worst here':>14}{'first search':>14}")
    for key, value in sorted(WORST.items()):
        m, name = int(key[0]), key[2:]
        relation, bound = CLAIMED[name]
        earlier = EARLIER[m].get(name, "")
        print(f"{m:<8}{name:<9}{relation:>4} {bound:<4g}{value:>14.6g}{earlier!s:>14}")
    return status


if __name__ == "__main__":
    raise SystemExit(main())
