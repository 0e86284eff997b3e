"""Certificates at their edge: no false positive, by mpmath and by running in long double.

    python tests/campaigns/theory_certificate.py --runs 10000 --seed 0 --workers 2
    python tests/campaigns/theory_certificate.py --only wild --runs 2000

Part `edge` moves delta, the step or the size of the start of a problem by bisection to the place
where the package's certificate changes its answer, and looks at both sides down to the last double,
and at the last problems that are still called guaranteed.
Where it says True, the margins with no rounding to speak of must be positive and the run, in long
double, must do what Theorem 1 (3, 5) says; where it says False, they must not be positive; None is
counted. Part `wild` takes random data of moderate dimension and starts of any kind,
one, two and five neurons.
Exit status 1 on any failure.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "src")]

import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from relubias.theory import Setting  # noqa: E402
from relubias.theory.lai2026 import certificate  # noqa: E402
from relubias.theory.lai2026._one_active_neuron import parts_of_certificate  # noqa: E402
from relubias.theory.lai2026._parts import weakest  # noqa: E402
from relubias.theory.lai2026._shares import Shares  # noqa: E402
from relubias.theory.verdict import decided  # noqa: E402
from tests.campaigns._report import Outcome, campaign  # noqa: E402
from tests.oracles import theory_certificate as oracle  # noqa: E402
from tests.oracles.theory_claims import conclusions, owners  # noqa: E402
from tests.oracles.theory_run import Instance, descend  # noqa: E402
from tests.theory_checks import problem_of  # noqa: E402
from tests.theory_edges import around, find_edge, inwards, last_inside  # noqa: E402
from tests.theory_networks import owned_network, wishart  # noqa: E402

LONGEST = 500  # steps; a contraction at its very edge never ends
OPEN = 1e-9  # margins above are not near zero


def share(case: Instance) -> NDArray[np.bool_]:
    """Return who is to fit what: the neuron of its sign on which a sample starts largest."""
    agrees = owners(case)
    first = np.where(agrees, case.start @ case.gram, -np.inf).argmax(axis=0)
    return agrees & (np.arange(len(case.signs))[:, None] == first)


def answer(case: Instance) -> tuple[bool | None, float]:
    """Return what the package says, and its margin."""
    if len(case.signs) == 1:
        found = certificate(
            problem_of(case), case.start, step_size=case.step_size, trace=case.trace
        )
        return found.holds, found.margin
    setting = Setting(problem_of(case), case.start, step_size=case.step_size, trace=case.trace)
    part = weakest(parts_of_certificate(setting, Shares(setting, share(case))))
    return decided(part.margin, part.error), part.margin


def exact_margin(case: Instance) -> float:
    """Return the smallest margin of the same certificate by the oracles."""
    if len(case.signs) == 1:
        return float(min(oracle.certificate(case).values()))
    return min(oracle.one_step_certificate(case, share(case)).values())


def judge(case: Instance, outcome: Outcome, counts: Counter[str]) -> None:
    """Hold one answer against the oracles."""
    holds, margin = answer(case)
    exact = exact_margin(case)
    word = {True: "guaranteed", False: "not guaranteed", None: "undecided"}[holds]
    counts[word] += 1
    what = f"{word}, margin {margin:.3g}, oracle {exact:.3g}: {case!r}"
    if holds is True and exact <= 0:
        outcome.failures.append(f"margin: {what}")
    sharper = len(case.signs) == 1 and case.step_size * case.trace > 1  # the oracle's is, there
    if holds is False and exact > 0 and not sharper:
        outcome.failures.append(f"margin: {what}")
    counts["undecided although not near zero"] += holds is None and abs(exact) > OPEN
    if holds is not True:
        return
    seen, proved = descend(case, max_steps=LONGEST)
    own = share(case)
    counts["followed to a proved end"] += proved
    if not all(bool(((s.primal > 0) == own).all()) for s in seen[1:]):
        outcome.failures.append(f"FALSE POSITIVE, the pattern: {what}")
    if proved:
        ends = conclusions(case, seen, own)
        size = np.abs(case.labels).max()
        if not ends["negative elsewhere"] or ends["off the projection"] > 1e-14 * size:
            outcome.failures.append(f"FALSE POSITIVE, the limit {ends}: {what}")


def edge(job: tuple[int, int]) -> Outcome:
    """Look around one edge."""
    seed, m = job
    outcome, counts = Outcome(f"edge {seed}, {m} neurons"), Counter[str]()
    found = find_edge(seed, n_neurons=m, margin=lambda family: answer(family.instance())[1])
    if found is None:
        return Outcome(outcome.name, {"families without an edge": 1})
    at_edge, inside = found
    surest = last_inside(at_edge, lambda family: answer(family.instance())[0] is True)
    points = list(around(at_edge))
    if surest is not None:
        points += inwards(surest, inside)
    for family in points:
        judge(family.instance(), outcome, counts)
    counts[f"edges in {at_edge.moving}"] += 1
    outcome.counts = {f"{m}: {name}": count for name, count in counts.items()}
    return outcome


def wild(job: tuple[int, int]) -> Outcome:
    """Ask about random data of moderate dimension and a start of any size."""
    seed, m = job
    rng = np.random.default_rng([91, seed, m])
    n = int(rng.integers(1, 13))
    d = int(n * 10.0 ** rng.uniform(0.2, 4.0)) + n
    gram = wishart(rng, n, d)
    y = rng.choice([-1.0, 1.0], n) * rng.uniform(rng.choice([0.1, 0.5, 1.0]), 1.0, n)
    signs = np.array([1.0, -1.0])[:m]
    eps = np.abs(y).min() * 10.0 ** rng.uniform(-6, 0.5) * rng.uniform(0.0, 1.0, (m, n))
    if m > 2:
        band = sorted(10.0 ** rng.uniform(-3, 0, 2))
        case, _ = owned_network(seed, n, d, (band[0], band[1]), kappa=rng.uniform(0.05, 1.9))
        return judged(case, f"wild {seed}, {m} neurons")
    if m == 2 and rng.random() < 0.3:
        eps = eps * rng.choice([-1.0, 1.0], (m, n), p=[0.2, 0.8])
    start = np.ascontiguousarray(np.linalg.solve(gram, eps.T).T)
    kappa = float(rng.uniform(0.05, 1.9))
    case = Instance(gram, y, signs, start, kappa / d, float(rng.choice([d, gram[0, 0]])))
    return judged(case, f"wild {seed}, {m} neurons")


def judged(case: Instance, name: str) -> Outcome:
    """Return the outcome of one problem."""
    outcome, counts = Outcome(name), Counter[str]()
    judge(case, outcome, counts)
    m = len(case.signs)
    outcome.counts = {f"{m}: {name}": count for name, count in counts.items()}
    return outcome


NEURONS = {"edge": (1, 2), "wild": (1, 2, 5)}
PARTS: dict[str, tuple[Any, int]] = {
    "edge": (edge, 8),
    "wild": (wild, 0.4),
}  # guaranteed runs of each job, about


def main() -> int:
    """Run the parts that the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=PARTS, help="one part")
    parser.add_argument(
        "--runs", type=int, default=10_000, help="guaranteed runs of each part, about"
    )
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    options = parser.parse_args()
    status = 0
    for name in [options.only] if options.only else PARTS:
        job, each = PARTS[name]
        number = round(options.runs / each)
        jobs = [(options.seed + i, NEURONS[name][i % len(NEURONS[name])]) for i in range(number)]
        print(f"== {name}", flush=True)
        status |= campaign(name, job, jobs, options.workers)
    return status


if __name__ == "__main__":
    raise SystemExit(main())
