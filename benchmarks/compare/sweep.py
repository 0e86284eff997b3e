"""A million problems (n=8, d=32, 200 steps), from the rate of 20,000."""

from __future__ import annotations

import numpy as np
from _measure import Row, interleaved, main, seconds

import relubias as rb

N_PROBLEMS, N_SAMPLES, N_FEATURES, N_STEPS = 20_000, 8, 32, 200


def chunk(seed):
    """Sample, solve and measure 20,000 problems; at most 200 steps are computed for each."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((N_PROBLEMS, N_SAMPLES, N_FEATURES))
    labels = rng.standard_normal((N_PROBLEMS, N_SAMPLES))
    grams = X @ X.transpose(0, 2, 1)
    starts = np.full((N_PROBLEMS, 1, N_SAMPLES), 1e-3 / N_FEATURES)
    return rb.gradient_descent_batch(
        grams, labels, [1], starts, step_size=0.3 / N_FEATURES, max_iter=N_STEPS
    )


def rows(runs):
    timings, answers = interleaved({"relubias": lambda: chunk(0)}, runs=runs)
    mine, batch = timings["relubias"], answers["relubias"]
    million = mine.cpu * 1e6 / N_PROBLEMS
    names, counts = np.unique(batch.status, return_counts=True)
    shares = [f"{n} {c / N_PROBLEMS:.1%}" for n, c in zip(names, counts, strict=True)]
    mine.note = f"median {np.median(batch.n_steps):.0f} steps; {', '.join(shares)}"
    return [
        Row(
            subject=f"A million problems, n={N_SAMPLES}, d={N_FEATURES}, {N_STEPS} steps",
            ours=mine,
            figure="under 5 CPU minutes",
            reached=million < 300,
            measured=f"{seconds(million)} CPU, from {seconds(mine.cpu)} for {N_PROBLEMS:,}",
        )
    ]


if __name__ == "__main__":
    main(rows)
