"""The Gram matrix of a CUDA tensor, beside the card's own float64 matrix product.

    python benchmarks/compare/gram_gpu.py [--gigabytes 4] [--json gram_gpu.json]

Needs PyTorch with CUDA. Prints the date, the card, the seconds of `gram_matrix` (without moving
features to the card), its rate as a share of the rate of one large float64 product with TF32 off,
and the difference from NumPy's sums of a few columns. Says so where there is no card.
"""

from __future__ import annotations

import argparse
import datetime
import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np

import relubias as rb

PEAK_ORDER = 8192
RUNS = 5


def seconds(torch, call):
    """Return the median wall seconds of a call, the card's queue emptied before and after."""
    call()
    found = []
    for _ in range(RUNS):
        torch.cuda.synchronize()
        began = time.perf_counter()
        call()
        torch.cuda.synchronize()
        found.append(time.perf_counter() - began)
    return statistics.median(found)


def peak_rate(torch):
    """Return the operations per second of one large float64 product."""
    square = torch.randn((PEAK_ORDER, PEAK_ORDER), dtype=torch.float64, device="cuda")
    return 2 * PEAK_ORDER**3 / seconds(torch, lambda: square @ square.T)


def check(torch, dtype):
    """Compare with NumPy, and float32 features with their float64 copy, bit for bit."""
    X = torch.randn((200, 300_000), dtype=dtype, device="cuda")
    gram, expected = rb.gram_matrix(X), rb.gram_matrix(X.cpu())
    scale = np.sqrt(np.outer(expected.diagonal(), expected.diagonal()))
    if not np.array_equal(gram, gram.T) or np.abs(gram - expected).max() > 1e-13 * scale.max():
        raise RuntimeError("refusing to time a wrong Gram matrix")
    if not np.array_equal(gram, rb.gram_matrix(X.double())):
        raise RuntimeError("float32 features differ from their float64 copy")
    return float((np.abs(gram - expected) / scale).max())


def measure(torch, n, dtype, gigabytes, peak):
    """Return one row: seconds and share of the peak."""
    d = int(gigabytes * 1e9) // (8 * n)
    X = torch.randn((n, d), dtype=dtype, device="cuda")
    wall = seconds(torch, lambda: rb.gram_matrix(X))
    rate = 2 * n * n * d / wall
    return {
        "n_samples": n,
        "n_features": d,
        "dtype": str(dtype).removeprefix("torch."),
        "seconds": wall,
        "teraflops": rate / 1e12,
        "share_of_peak": rate / peak,
        "largest_difference_from_numpy": check(torch, dtype),
    }


def main():
    """Measure where there is a card."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--gigabytes", type=float, default=4.0, help="of the features, as float64")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed here: nothing was measured")
        return 0
    if not torch.cuda.is_available():
        print("no CUDA device here: nothing was measured")
        return 0
    torch.backends.cuda.matmul.allow_tf32 = False
    card = torch.cuda.get_device_name()
    about = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "card": card,
        "torch": torch.__version__,
        "peak_teraflops": peak_rate(torch) / 1e12,
    }
    print(f"{about['date']}, {card}, PyTorch {about['torch']}")
    print(f"float64 product of order {PEAK_ORDER}, TF32 off: {about['peak_teraflops']:.3g} TFLOP/s")
    rows = []
    for n in (64, 1000, 4000):
        for dtype in (torch.float64, torch.float32):
            row = measure(torch, n, dtype, options.gigabytes, about["peak_teraflops"] * 1e12)
            rows.append(row)
            print(
                f"n={n}, d={row['n_features']:,}, {row['dtype']}: {row['seconds']:.3g} s, "
                f"{row['teraflops']:.3g} TFLOP/s, {row['share_of_peak']:.0%} of the peak, "
                f"{row['largest_difference_from_numpy']:.1e} from NumPy",
                flush=True,
            )
    if options.json:
        options.json.write_text(json.dumps({"environment": about, "rows": rows}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
