"""How long a store of a million rows takes to open, to read and to compact.

python benchmarks/compare/sweep_results.py --rows 1000000

The rows are made up, so that only the store is timed; times of the second of two rounds.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time

import numpy as np
import pyarrow as pa

from relubias.sweep import Plan, compact, load
from relubias.sweep._compute import parameters
from relubias.sweep.store import Store


def fill(root, plan):
    """Write parts whose parameters are those of the first chunk; return the folder."""
    rng = np.random.default_rng(0)
    known = parameters(plan, plan.chunks[0])
    with Store.open(root, plan) as store:
        for chunk in store.missing():
            tasks = np.asarray(plan.chunks[chunk])
            made = {"gap": rng.random(tasks.size), "n_switches": rng.integers(0, 9, tasks.size)}
            ends = {"status": ["done"] * tasks.size, "error": [""] * tasks.size}
            begins = {name: values[: tasks.size] for name, values in known.items()}
            store.write(chunk, pa.table(begins | {"task": tasks} | made | ends), 1.0)
        return store.folder


def timed(label, call):
    """Print the time of a call and return what it returns."""
    begin = time.perf_counter()
    found = call()
    print(f"{label:<34} {time.perf_counter() - begin:8.3f} s")
    return found


def main():
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    n_rows = parser.parse_args().rows
    plan = Plan(
        n=8, d=32, kappa=0.5, measure=["gap", "n_switches"], replicates=n_rows, chunk_size=2000
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as root:
        folder = timed(f"write {len(plan.chunks)} parts", lambda: fill(root, plan))
        for what in ("parts", "compacted"):
            load(folder)
            result = timed(f"open {what}", lambda: load(folder))
            timed("verify all, count", lambda r=result: len(r))
            timed("two columns to pandas", lambda r=result: r.to_pandas(["gap", "n"]))
            timed("everything to Arrow", lambda r=result: r.to_arrow())
            timed("scan of a resumption", lambda: Store.open(root, plan).close())
            if what == "parts":
                timed("compact", lambda: compact(folder))
        size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{size / 1e6:.1f} MB on disk compacted, peak memory {peak:.0f} MB")


if __name__ == "__main__":
    main()
