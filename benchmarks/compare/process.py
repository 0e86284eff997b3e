"""What a fresh process pays: the import, and the first run of gradient descent."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _measure import Row, Timing, main, seconds

IMPORT = "import relubias"
LOADED = "import sys; print(' '.join(sorted({name.split('.')[0] for name in sys.modules})))"
HEAVY = ("scipy", "matplotlib", "numba", "pandas", "pyarrow", "torch", "sklearn")
SMALL = """
import numpy as np, relubias as rb
rng = np.random.default_rng(2)
problem = rb.Problem.from_features(rng.standard_normal((10, 50)), rng.standard_normal(10))
start = rb.starts.all_positive(problem, 1e-3)
run = rb.gradient_descent(problem, start, step_size={step_size})
assert run.status == "CERTIFIED", run
"""
BATCH = """
import numpy as np, relubias as rb
rb.gradient_descent_batch(np.eye(2)[None], [[1, -1]], [1], [[[0.1, 0.1]]], step_size=0.5)
"""


def cpu_and_wall(code, cache):
    """Return the seconds of a fresh interpreter that runs `code`."""
    variables = os.environ | {"NUMBA_CACHE_DIR": str(cache)}
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-c", code], env=variables, check=True)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, wall


def median(name, samples):
    cpu, wall = (statistics.median(values) for values in zip(*samples, strict=True))
    return Timing(name=name, cpu=cpu, wall=wall, runs=len(samples))


def rows(runs):
    kappa = SMALL.format(step_size="0.9 / problem.scale")
    many = SMALL.format(step_size=1e-4)
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "kept"
        for code in (IMPORT, many, BATCH):
            cpu_and_wall(code, cache)
        samples = {name: [] for name in ("nothing", "numpy", "import", "kappa", "many", "batch")}
        codes = ("", "import numpy", IMPORT, kappa, many, BATCH)
        for _ in range(runs):
            for name, code in zip(samples, codes, strict=True):
                samples[name].append(cpu_and_wall(code, cache))
        cold = [cpu_and_wall(BATCH, Path(folder) / f"cold{i}") for i in range(min(runs, 2))]
        cold_many = [cpu_and_wall(many, Path(folder) / f"many{i}") for i in range(min(runs, 2))]
    loaded = subprocess.run(
        [sys.executable, "-c", f"{IMPORT}; {LOADED}"], capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = [name for name in HEAVY if name in loaded]
    medians = {name: median(name, values) for name, values in samples.items()}
    nothing, base = medians["nothing"].cpu, medians["import"].cpu
    first = {name: medians[name].cpu - base for name in ("kappa", "many", "batch")}
    compiled = median("gradient_descent_batch, kernels never compiled", cold)
    compiled_many = median("n=10, d=50, step 1e-4, kernels never compiled", cold_many)
    medians["import"].note = f"loads {', '.join(heavy) or 'none of ' + ', '.join(HEAVY)}"
    return [
        Row(
            subject="import relubias, whole process",
            ours=medians["import"],
            peers=[medians["numpy"], medians["nothing"]],
            figure="under 0.5 CPU s; none of the heavy libraries",
            reached=base < 0.5 and not heavy,
            measured=f"{seconds(base)}, of which the bare interpreter takes {seconds(nothing)}",
        ),
        Row(
            subject="First gradient descent of a small problem in a fresh process, beyond import",
            ours=medians["many"],
            peers=[medians["kappa"], medians["batch"], compiled_many, compiled],
            figure="under 1 CPU s",
            reached=max(first["kappa"], first["many"]) < 1.0,
            measured=f"{seconds(first['many'])} for n=10, d=50, step 1e-4; "
            f"{seconds(first['kappa'])} at kappa=0.9; {seconds(first['batch'])} for the first "
            f"batch (kernels from disk); never compiled: {seconds(compiled_many.cpu - base)} and "
            f"{seconds(compiled.cpu - base)} for the batch",
        ),
    ]


if __name__ == "__main__":
    main(rows)
