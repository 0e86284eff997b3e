"""How often equal neurons are optimal, and how hard the proof is otherwise: 432 random networks.

    python tests/campaigns/many_neurons.py --workers 2
    python tests/campaigns/many_neurons.py --instances 1 --limit 5
    python tests/campaigns/many_neurons.py --larger --workers 1

X and y are Gaussian; signs (m+, m-), n and d/n run over the grid below, with `--instances` each.
The equal split is the best network whose neurons of a sign are equal. Exit status 1 if an answer
is wrong (it does not fit, or is worse than the equal split, or its bound exceeds its norm); an
answer may be unproved, and every such instance is printed.
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "src")]

import numpy as np  # noqa: E402

import relubias as rb  # noqa: E402
from relubias.minnorm.one_neuron import solve_one_neuron  # noqa: E402
from relubias.minnorm.scaling import in_unit_scale  # noqa: E402
from relubias.minnorm.two_neurons import solve_two_neurons  # noqa: E402

SIGNS = ((2, 1), (2, 2), (3, 3), (5, 5), (3, 0), (6, 0))
SAMPLES = (4, 8, 12)
"""Numbers of samples, unless `--samples` says otherwise."""
RATIOS = (1.2, 5.0, 50.0, 500.0)
SAME = 1e-9
LARGER = (
    ((2, 2), 40, 50.0), ((3, 0), 40, 10.0), ((5, 5), 20, 200.0), ((3, 3), 16, 1.0),
    ((5, 5), 20, 1.2), ((2, 2), 20, 1.2), ((2, 2), 30, 2.0),
)  # fmt: skip
"""Signs, n and d/n of `--larger`."""


class Job(NamedTuple):
    """One instance."""

    counts: tuple[int, int]
    n_samples: int
    ratio: float
    repetition: int
    seed: int
    limit: float

    @property
    def name(self):
        """How to find it again."""
        return f"{self.counts}, n = {self.n_samples}, d = {self.ratio:g}n, {self.repetition}"

    def problem(self):
        """Draw it."""
        key = [self.seed, *self.counts, self.n_samples, round(10 * self.ratio), self.repetition]
        rng = np.random.default_rng(key)
        features = rng.standard_normal((self.n_samples, round(self.ratio * self.n_samples)))
        labels = rng.standard_normal(self.n_samples)
        labels[0] = abs(labels[0])  # something to fit
        signs = [1] * self.counts[0] + [-1] * self.counts[1]
        return rb.Problem(features @ features.T, labels, signs)


class Answer(NamedTuple):
    """What came out."""

    job: Job
    kind: str
    is_proved: bool
    excess: float
    rel_gap: float
    n_nodes: int
    seconds: float
    failure: str


def equal_split(problem):
    """Return the norm of the best network whose neurons of a sign are equal."""
    counts = int((problem.signs > 0).sum()), int((problem.signs < 0).sum())
    if 0 in counts:
        neuron = solve_one_neuron(problem.gram, problem.labels, float(problem.signs[0]))
        return neuron.norm / math.sqrt(problem.n_neurons)
    gram, y, units = in_unit_scale(problem.gram, problem.labels)
    pair = solve_two_neurons(gram, y, (1 / counts[0], 1 / counts[1]), units=units)
    square = sum(float(row @ gram @ row) / m for row, m in zip(pair.dual, counts, strict=True))
    return units.norm(math.sqrt(square))


def run(job):
    """Solve one instance."""
    problem = job.problem()
    began = time.perf_counter()
    found = rb.minimum_norm(problem, time_limit=job.limit)
    seconds = time.perf_counter() - began
    split = equal_split(problem)
    return Answer(
        job,
        found.certificate.kind,
        found.status == "OPTIMAL",
        split / found.norm - 1,
        found.rel_gap,
        found.n_nodes,
        seconds,
        failure_of(problem, found, split),
    )


def failure_of(problem, found, split):
    """Say what is wrong with an answer, if anything is."""
    target = problem.labels if np.ptp(problem.signs) else np.maximum(problem.labels, 0.0)
    misfit = problem.signs @ np.maximum(found.dual @ problem.gram, 0.0) - target
    if np.abs(misfit).max() > 1e-10 * np.abs(target).max():
        return f"misfit {np.abs(misfit).max():.2g}"
    if found.norm > split * (1 + SAME):
        return f"norm {found.norm!r} above that of the equal split, {split!r}"
    if found.lower_bound > found.norm:
        return f"bound {found.lower_bound!r} above the norm {found.norm!r}"
    return ""


def share(part, whole):
    """Return a percentage."""
    return f"{100 * part / whole:.0f} %" if whole else "-"


def row(title, answers):
    """Return a line of the table."""
    proved = [a for a in answers if a.is_proved]
    excess = np.array([max(a.excess, 0.0) for a in proved]) * 100
    quantiles = (
        [float(np.quantile(excess, q)) for q in (0.5, 0.9, 1.0)] if proved else [math.nan] * 3
    )
    searched = [a for a in answers if a.kind != "equal split"]
    nodes = [a.n_nodes for a in searched] or [1]
    seconds = [a.seconds for a in answers]
    cells = [
        title,
        share(sum(a.excess <= SAME for a in proved), len(proved)),
        share(sum(a.kind == "equal split" for a in answers), len(answers)),
        " / ".join(f"{q:.3g}" for q in quantiles) + " %",
        f"{np.median(nodes):.0f} / {max(nodes)}",
        f"{np.median(seconds):.2f} / {max(seconds):.2f}",
        f"{len(proved)}/{len(answers)}",
    ]
    return "| " + " | ".join(cells) + " |"


def table(answers):
    """Return the table of the page `docs/many_neurons.md`."""
    head = (
        "| | equal split optimal | certified without search | excess of the equal split: median / "
        "90 % / worst | nodes where searched: median / max | seconds: median / max | proved |"
    )
    lines = [head, "|---" * 7 + "|"]
    for ratio in sorted({a.job.ratio for a in answers}):
        lines.append(row(f"d = {ratio:g}n", [a for a in answers if a.job.ratio == ratio]))
    for counts in SIGNS:
        lines.append(row(f"{counts}", [a for a in answers if a.job.counts == counts]))
    for n in sorted({a.job.n_samples for a in answers}):
        lines.append(row(f"n = {n}", [a for a in answers if a.job.n_samples == n]))
    lines.append(row("all", answers))
    return "\n".join(lines)


def line(a):
    """Return a line of the table of larger networks."""
    job = a.job
    cells = [
        f"{job.counts}",
        f"{job.n_samples}",
        f"{job.ratio:g}n",
        a.kind,
        f"{100 * max(a.excess, 0.0):.3g} %",
        f"{a.n_nodes}",
        f"{a.seconds:.1f}",
        "yes" if a.is_proved else f"no, gap {a.rel_gap:.1g}",
    ]
    return "| " + " | ".join(cells) + " |"


def larger_table(answers):
    """Return the second table of the page."""
    head = "| | n | d | certificate | excess of the equal split | nodes | seconds | proved |"
    return "\n".join([head, "|---" * 8 + "|", *map(line, answers)])


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, default=6, help="networks per cell of the grid")
    parser.add_argument("--samples", type=int, nargs="+", default=SAMPLES, help="values of n")
    parser.add_argument("--ratios", type=float, nargs="+", default=RATIOS, help="values of d/n")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds per network")
    parser.add_argument("--seed", type=int, default=0, help="first part of every seed")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--larger", action="store_true", help="a few larger networks instead")
    options = parser.parse_args()
    grid = itertools.product(SIGNS, options.samples, options.ratios, range(options.instances))
    jobs = [Job(*cell, options.seed, options.limit) for cell in grid]
    if options.larger:
        jobs = [Job(*cell, 0, options.seed, options.limit) for cell in LARGER]
    with ProcessPoolExecutor(options.workers) as pool:
        answers = list(pool.map(run, jobs, chunksize=1 if options.larger else 4))
    print(larger_table(answers) if options.larger else table(answers))
    unproved = [a for a in answers if not a.is_proved]
    for a in unproved:
        print(f"not proved: {a.job.name}: gap {a.rel_gap:.2g}, {a.n_nodes} nodes")
    failed = [a for a in answers if a.failure]
    for a in failed:
        print(f"FAILED: {a.job.name}: {a.failure}")
    print(f"{len(answers)} networks, {len(unproved)} not proved, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
