"""Gram matrices of JAX arrays, with and without float64, in host memory and as if on a device.

    python tests/campaigns/gram_jax.py --instances 20

JAX is no dependency of the tests; without it this campaign says so. Sums on a device with float64
must stay within the bound that `gram_matrix` states; without float64 (the default of JAX), float32
arrays must give the bits of their float64 copy in NumPy. Exit status 1 on any failure.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "src")]

import numpy as np  # noqa: E402

import relubias as rb  # noqa: E402
from relubias.gram import devices  # noqa: E402
from tests.campaigns._report import Outcome, campaign  # noqa: E402

U = 2.0**-53


def compare(seed: int) -> Outcome:
    """Compare one random array in every way."""
    import jax
    import jax.numpy as jnp

    rng = np.random.default_rng(seed)
    shape = int(rng.integers(1, 40)), int(rng.integers(1, 50_000))
    failures = []
    for has_x64 in (False, True):
        jax.config.update("jax_enable_x64", has_x64)
        for dtype in ("bfloat16", "float32", "float64" if has_x64 else "float16", "int32"):
            value = jnp.asarray(100 * rng.standard_normal(shape)).astype(dtype)
            array = np.asarray(value).astype(np.float64)
            gram = rb.gram_matrix(array)
            if devices.has_float64(value) != has_x64:
                failures.append(f"float64 is misjudged with x64 {has_x64}")
            near = rb.gram_matrix(value)
            seen = devices.as_numpy_view
            devices.as_numpy_view = lambda *_: None
            far = rb.gram_matrix(value)
            devices.as_numpy_view = seen
            bound = 2 * ((1 << 20) + 10) * U * (np.abs(array) @ np.abs(array).T)
            for name, found in (("near", near), ("far", far)):
                if not np.array_equal(found, found.T) or (np.abs(found - gram) > bound).any():
                    failures.append(f"{name} {dtype} x64 {has_x64}: outside of the bound")
            if not has_x64 and not np.array_equal(far, gram):
                failures.append(f"far {dtype} without x64: other bits than NumPy")
    jax.config.update("jax_enable_x64", False)
    return Outcome(f"{seed} {shape}", {"arrays": 8}, failures)


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--instances", type=int, default=20)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if find_spec("jax") is None:
        print("JAX is not installed here: nothing was compared")
        return 0
    seeds = range(options.seed, options.seed + options.instances)
    return campaign("Gram matrices of JAX arrays", compare, seeds, options.workers)


if __name__ == "__main__":
    raise SystemExit(main())
