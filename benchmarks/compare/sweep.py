"""A million problems (n=8, d=32, 200 steps): a sweep beside joblib looping over the functions."""

from __future__ import annotations

import os
import resource
import statistics
import tempfile
import time
from pathlib import Path

from _measure import Row, Timing, main, seconds

import relubias as rb
from relubias.sweep import Plan

N_PROBLEMS, N_LOOPED = 1_000_000, 2_000
KAPPA, SCALE, N_STEPS = 0.03, 1e-3, 200


def plan(replicates):
    """Draw data, run 200 steps, and note how each run went."""
    return Plan(
        n=8,
        d=32,
        labels="gaussian",
        start={"name": "all_positive", "scale": SCALE},
        kappa=KAPPA,
        algorithm={"name": "descent", "max_iter": N_STEPS},
        replicates=replicates,
        measure=["run_status", "n_steps", "n_switches", "last_switch", "selected", "loss"],
    )


def one(seed):
    """Do the same with the public functions; say which process did it, and its CPU time."""
    begin = time.process_time()
    law = rb.ensembles.Gaussian(32)
    problem = rb.Problem(law.sample_gram(8, seed), rb.ensembles.labels.gaussian()(8, seed))
    start = rb.starts.all_positive(problem, SCALE)
    run = rb.gradient_descent(problem, start, step_size=KAPPA / law.trace, max_iter=N_STEPS)
    pattern = "".join(str(int(a)) for a in run.limit.active[0])
    row = (str(run.status), run.n_steps, run.n_switches, run.last_switch, pattern, run.loss)
    return row, (os.getpid(), begin, time.process_time())


def memory():
    """Return the largest memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def swept(replicates, read=None):
    """Run a sweep in this process, with its store; return timing, what `read` reads, and size."""
    with tempfile.TemporaryDirectory() as folder:
        before, started = time.process_time(), time.perf_counter()
        result = rb.sweep.run(plan(replicates), folder, workers=0, progress=False)
        cpu, wall = time.process_time() - before, time.perf_counter() - started
        if result.n_missing or len(result.failures):
            raise RuntimeError("refusing to time a sweep with failures")
        size = sum(path.stat().st_size for path in Path(folder).rglob("*.parquet"))
        rows = read(result) if read else None
    return Timing(name="relubias.sweep", cpu=cpu, wall=wall, runs=1), rows, size


def looped(seeds, workers):
    """Loop over the public functions with joblib; count the workers' CPU time, too."""
    from joblib import Parallel, delayed

    before, started = time.process_time(), time.perf_counter()
    answers = Parallel(n_jobs=workers)(delayed(one)(seed) for seed in seeds)
    cpu, wall = time.process_time() - before, time.perf_counter() - started
    spans = {}
    for _, (process, begin, end) in answers:
        first, last = spans.get(process, (begin, end))
        spans[process] = min(first, begin), max(last, end)
    spans.pop(os.getpid(), None)
    cpu += sum(last - first for first, last in spans.values())
    return cpu / len(seeds), wall / len(seeds), [row for row, _ in answers]


def rows(runs):
    small, table, _ = swept(20_000, lambda result: result.to_arrow().slice(0, N_LOOPED))
    seeds = table["seed"].to_pylist()
    names = ("run_status", "n_steps", "n_switches", "last_switch", "selected", "loss")
    ours = list(zip(*(table[name].to_pylist() for name in names), strict=True))
    peers = []
    for workers in (1, 2):
        looped(seeds[:100], workers)
        found = [looped(seeds, workers) for _ in range(min(runs, 3))]
        if any(answer != ours for _, _, answer in found):
            raise RuntimeError("refusing to time loops that answer differently")
        peers.append(
            Timing(
                name=f"joblib, {workers} worker{'s'[: workers - 1]}, over the public functions",
                cpu=statistics.median(cpu for cpu, _, _ in found) * N_PROBLEMS,
                wall=statistics.median(wall for _, wall, _ in found) * N_PROBLEMS,
                runs=len(found),
                note=f"from {len(seeds):,} problems, bit for bit the same answers",
            )
        )
    level = memory()  # kernels are loaded, and everything has been used
    timing, _, size = swept(N_PROBLEMS)
    timing.note = f"in one process, Parquet included, {size / 1e6:.3g} MB on disk"
    return [
        Row(
            subject=f"A million problems, n=8, d=32, {N_STEPS} steps: data, runs, store",
            ours=timing,
            peers=peers,
            figure="under 5 CPU minutes, memory flat",
            reached=timing.cpu < 300 and memory() < 1.25 * level,
            measured=f"{seconds(timing.cpu)} CPU for all of them; largest memory "
            f"{memory():.0f} MB, after 20,000 problems {level:.0f} MB; "
            f"{seconds(small.cpu / 20_000)} a problem in a sweep of 20,000",
        )
    ]


if __name__ == "__main__":
    main(rows)
