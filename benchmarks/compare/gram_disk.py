"""The Gram matrix of 4 GB on disk, beside the bare block loop: time and resident memory.

Every run is a process of its own; the files lie in the page cache (set GRAM_DISK_GB for another
size, TMPDIR for another place). zarr and h5py are measured where they are installed.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from _measure import Row, Timing, available, main

N_SAMPLES = 500
GIGABYTES = float(os.environ.get("GRAM_DISK_GB", "4"))
N_FEATURES = int(GIGABYTES * 1e9) // (8 * N_SAMPLES)
WIDTHS = (8000, 64_000)

WRITE = {
    "memmap": """
X = np.lib.format.open_memmap(path, mode="w+", dtype=np.float64, shape=(n, d))
""",
    "h5py": """
import h5py
X = h5py.File(path, "w").create_dataset("X", (n, d), dtype=np.float64)
""",
    "h5py, chunks 100 x 4000": """
import h5py
X = h5py.File(path, "w").create_dataset("X", (n, d), dtype=np.float64, chunks=(100, 4000))
""",
    "zarr, chunks 500 x 4000": """
import zarr
X = zarr.create_array(path, shape=(n, d), chunks=(n, 4000), dtype=np.float64, compressors=None)
""",
    "zarr, chunks 100 x 3000, zstd": """
import zarr
X = zarr.create_array(path, shape=(n, d), chunks=(100, 3000), dtype=np.float64)
""",
}
FILL = """
import sys
import numpy as np
path, n, d = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
{create}
rng = np.random.default_rng(0)
for row in range(0, n, 100):
    X[row : row + 100] = rng.integers(-999, 1000, size=(100, d))
"""
OPEN = {
    "memmap": "X = np.load(path, mmap_mode='r')",
    "h5py": "import h5py; X = h5py.File(path)['X']",
    "zarr": "import zarr; X = zarr.open_array(path, mode='r')",
}
RUN = """
import json, resource, sys, time
import numpy as np
import relubias as rb
path, d, width = sys.argv[1], int(sys.argv[3]), int(sys.argv[4])
{open}
began, before = time.perf_counter(), time.process_time()
if width:
    G = 0.0
    for start in range(0, d, width):
        block = np.ascontiguousarray(X[:, start : start + width], dtype=np.float64)
        G += block @ block.T
else:
    G = rb.gram_matrix(X)
cpu, wall = time.process_time() - before, time.perf_counter() - began
rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps(dict(cpu=cpu, wall=wall, rss=rss * 1024, sum=float(G.sum()))))
"""


def child(code, *arguments):
    """Run code in a fresh process; return what it prints."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def measured(kind, path, runs):
    """Return the timing of ours and of the loops, and the resident bytes of each."""
    code = RUN.format(open=next(text for name, text in OPEN.items() if kind.startswith(name)))
    names = {0: "relubias.gram_matrix"} | {w: f"bare loop, blocks of {w}" for w in WIDTHS}
    found = {width: [] for width in names}
    for _ in range(runs):
        for width in names:
            found[width].append(json.loads(child(code, path, N_SAMPLES, N_FEATURES, width)))
    if len({answer["sum"] for answers in found.values() for answer in answers}) != 1:
        raise RuntimeError("refusing to time sums of whole numbers that differ")
    timings = {
        width: Timing(
            name=names[width],
            cpu=statistics.median(answer["cpu"] for answer in answers),
            wall=statistics.median(answer["wall"] for answer in answers),
            runs=runs,
            note=f"{max(answer['rss'] for answer in answers) / 1e6:.0f} MB resident",
        )
        for width, answers in found.items()
    }
    return timings, max(answer["rss"] for answer in found[0])


def row(kind, runs):
    """Write the file, measure, and remove it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("X.npy" if kind == "memmap" else "X")
        child(FILL.format(create=WRITE[kind]), path, N_SAMPLES, N_FEATURES)
        timings, rss = measured(kind, path, runs)
    mine = timings.pop(0)
    fastest = min(timing.cpu for timing in timings.values())
    waited = min(timing.wall for timing in timings.values())
    return Row(
        subject=f"Gram matrix of {GIGABYTES:g} GB on disk, n={N_SAMPLES}, d={N_FEATURES:,}: {kind}",
        ours=mine,
        peers=list(timings.values()),
        figure="within 1.3 of the bare block loop, under 500 MB of memory",
        reached=mine.cpu <= 1.3 * fastest and rss < 500e6,
        measured=f"{mine.cpu / fastest:.2f} of the faster loop's CPU ({mine.wall / waited:.2f} of "
        f"its wall time), {rss / 1e6:.0f} MB",
    )


def rows(runs):
    kinds = [kind for kind in WRITE if kind == "memmap" or available(kind.split(",")[0])]
    return [row(kind, min(runs, 3)) for kind in kinds]


if __name__ == "__main__":
    main(rows)
