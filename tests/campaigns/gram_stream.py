"""Gram matrices of generated features, killed at random moments and taken up again.

    python tests/campaigns/gram_stream.py --instances 50 --workers 2
    python tests/campaigns/gram_stream.py --features 1000000000 --samples 64 --kills 5

The first kills (SIGKILL, SIGTERM or Ctrl-C) small sums at random moments, takes them up again and
asks for the bits of an undisturbed run. The second is one large sum with kills in between; then
the features are made once more, trace and quadratic forms ``|X^T v|^2`` are added up from them,
and compared with the matrix within the bound on rounding that `gram_matrix` states. Exit status 1
on any failure.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "src")]

import numpy as np  # noqa: E402

import relubias as rb  # noqa: E402
from relubias.gram import checkpoint as saving  # noqa: E402
from relubias.gram.tiles import Tiling  # noqa: E402
from tests.campaigns._report import Outcome, campaign  # noqa: E402

LAWS = ("Gaussian", "Rademacher", "Sphere", "Uniform")
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
U = 2.0**-53
CHECKED_AT_A_TIME = 1 << 12


def child(options: argparse.Namespace) -> int:
    """Compute the matrix, or go on with it, and save it."""
    saving._SAVE_EVERY = options.save_every
    signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it
    gram = rb.gram_matrix(features(options), checkpoint=options.file)
    np.save(f"{options.file}.npy", gram)
    return 0


def features(options: argparse.Namespace) -> rb.ensembles.GeneratedFeatures:
    law = getattr(rb.ensembles, options.law)(options.features)
    return law.features(options.samples, options.seed)


def killed_and_resumed(
    options: argparse.Namespace, file: Path, waits: list[float], kinds: list[signal.Signals]
) -> tuple[np.ndarray, int]:
    """Run the child, kill it after each of the waits, run it to the end; return what it found."""
    command = [sys.executable, __file__, "--child", str(file)]
    for name in ("features", "samples", "law", "seed", "save_every"):
        command += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
    killed = 0
    for wait, kind in zip(waits, kinds, strict=True):
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            try:
                process.wait(timeout=wait)
            except subprocess.TimeoutExpired:
                process.send_signal(kind)
                killed += 1
    subprocess.run(command, check=True)
    return np.load(f"{file}.npy"), killed


def small(seed: int) -> Outcome:
    """Kill one small sum up to three times and compare bits."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 80))
    width = Tiling.of(n, 10**9).width
    options = argparse.Namespace(
        samples=n,
        features=int(rng.integers(1, 200 * (1 << 20) // n)),
        law=str(rng.choice(LAWS)),
        seed=seed,
        save_every=float(rng.choice([0.0, 0.05, 1e9])),
    )
    waits = (0.3 + rng.exponential(0.8, size=rng.integers(1, 4))).tolist()
    kinds = [SIGNALS[i] for i in rng.integers(0, len(SIGNALS), size=len(waits))]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sums.npz"
        gram, killed = killed_and_resumed(options, file, waits, kinds)
        left = {path.name for path in Path(folder).iterdir()} - {"sums.npz", "sums.npz.npy"}
    undisturbed = rb.gram_matrix(features(options))
    failures = [] if np.array_equal(gram, undisturbed) else ["other bits than undisturbed"]
    aside = [name for name in left if not name.startswith(".sums.npz.")]
    failures += [f"left {name}" for name in aside]
    counts = {"kills": killed, "tiles": -(-options.features // width)}
    return Outcome(f"{vars(options)} {waits} {kinds}", counts, failures)


def large(options: argparse.Namespace) -> int:
    """Run one large sum with kills; check it against the features made once more."""
    rng = np.random.default_rng(options.seed)
    file = options.file or Path(tempfile.mkdtemp()) / "sums.npz"
    waits = rng.uniform(0.5, 1.5, size=options.kills) * options.every
    kinds = [SIGNALS[i] for i in rng.integers(0, len(SIGNALS), size=options.kills)]
    began = time.perf_counter()
    gram, killed = killed_and_resumed(options, file, waits.tolist(), kinds)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
    print(f"{features(options)}: {killed} kills, {cpu:.0f} CPU s (what was lost included),")
    print(f"{time.perf_counter() - began:.0f} s wall, {peak:.0f} MB resident at most", flush=True)
    return int(not agrees(gram, options, rng))


def agrees(gram: np.ndarray, options: argparse.Namespace, rng: np.random.Generator) -> bool:
    """Compare trace and quadratic forms with sums over the features."""
    X = features(options)
    vectors = rng.standard_normal((4, options.samples))
    exact = sums_over(X, vectors, 0, options.features)
    return within_bound(gram, vectors, exact, Tiling.of(*X.shape).width)


def sums_over(
    X: rb.ensembles.GeneratedFeatures, vectors: np.ndarray, first: int, stop: int
) -> np.ndarray:
    """Return ``|x_i|^2`` of every sample and ``|X^T v|^2`` of every vector, over some columns.

    Columns are added up pairwise, and these sums in long double; no features are multiplied by
    features of another sample.
    """
    n = X.shape[0]
    exact = np.zeros(n + len(vectors), dtype=np.longdouble)
    for start in range(first, stop, X.chunks[1]):
        block = X[:, start : min(start + X.chunks[1], stop)]
        for part in np.array_split(block, -(-block.shape[1] // CHECKED_AT_A_TIME), axis=1):
            exact[:n] += (part * part).sum(axis=1)
            along = vectors @ part
            exact[n:] += (along * along).sum(axis=1)
    return exact


def within_bound(gram: np.ndarray, vectors: np.ndarray, exact: np.ndarray, width: int) -> bool:
    """Print how far trace and quadratic forms are from the sums; return whether all is rounding."""
    n = len(gram)
    every = np.vstack([np.eye(n), vectors]).astype(np.longdouble)
    form = np.einsum("vi,ij,vj->v", every, gram.astype(np.longdouble), every)
    error = np.abs(form - exact).astype(float)
    trace = exact[:n].sum()
    # sum_j (|v| |x_j|)^2, with |v| and |x_j| of Euclid, bounds |v|^T |X| |X|^T |v|; the last term
    # is for the sums themselves.
    size = (every**2).sum(axis=1).astype(float) * float(trace)
    size[:n] = exact[:n].astype(float)
    bound = (width + 10 + 2 * n + 40) * U * size
    trace_error = abs(np.trace(gram.astype(np.longdouble)) - trace) / trace
    print(f"trace {float(trace):.17g}: relative error {float(trace_error):.1e}")
    print(f"diagonal: largest relative error {(error[:n] / size[:n]).max():.1e}")
    relative = (error[n:] / exact[n:]).astype(float)
    print(f"v^T G v, {len(vectors)} random v: largest error {relative.max():.1e} of |X^T v|^2")
    print(f"largest share of the bound on rounding: {(error / bound).max():.1e}")
    return bool((error <= bound).all())


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--instances", type=int, default=20, help="small sums, killed at random")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--features", type=int, help="one sum over so many features instead")
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--law", choices=LAWS, default="Uniform")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--every", type=float, default=60.0, help="mean seconds between kills")
    parser.add_argument("--save-every", type=float, default=20.0)
    parser.add_argument("--child", type=Path, dest="file", help="compute and save, in this process")
    options = parser.parse_args()
    if options.file is not None:
        return child(options)
    if options.features is not None:
        return large(options)
    seeds = range(options.seed, options.seed + options.instances)
    return campaign("interrupted Gram matrices", small, seeds, options.workers)


if __name__ == "__main__":
    raise SystemExit(main())
