"""A million problems (n=8, d=32, about 200 steps), from the rate of 20,000."""

from __future__ import annotations

import numpy as np
from _measure import Row, interleaved, main, seconds

import relubias as rb

N_PROBLEMS, N_SAMPLES, N_FEATURES, N_STEPS = 20_000, 8, 32, 200


def problems(seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((N_PROBLEMS, N_SAMPLES, N_FEATURES))
    return X @ X.transpose(0, 2, 1), rng.standard_normal((N_PROBLEMS, N_SAMPLES))


def chunk(**options):
    """Sample 20,000 problems and run gradient descent on each."""
    grams, labels = problems(0)
    starts = np.full((N_PROBLEMS, 1, N_SAMPLES), 1e-3 / N_FEATURES)
    return rb.gradient_descent_batch(
        grams, labels, [1], starts, step_size=0.03 / N_FEATURES, **options
    )


def facts(batch):
    """Return steps and statuses as text."""
    names, counts = np.unique(batch.status, return_counts=True)
    shares = [f"{n} {c / N_PROBLEMS:.0%}" for n, c in zip(names, counts, strict=True)]
    return f"median {np.median(batch.n_steps):.0f} steps; {', '.join(shares)}"


def rows(runs):
    limit, capped = "relubias, to the limit", f"relubias, max_iter={N_STEPS}"
    calls = {limit: chunk, capped: lambda: chunk(max_iter=N_STEPS)}
    timings, answers = interleaved(calls, runs=runs)
    for name, timing in timings.items():
        timing.note = facts(answers[name])
    if not (answers[limit].status == "CERTIFIED").all():
        raise RuntimeError("refusing to time uncertified answers")
    million = {name: timing.cpu * 1e6 / N_PROBLEMS for name, timing in timings.items()}
    return [
        Row(
            subject=f"A million problems, n={N_SAMPLES}, d={N_FEATURES}, {N_STEPS} steps",
            ours=timings[limit],
            peers=[timings[capped]],
            figure="under 5 CPU minutes",
            reached=max(million.values()) < 300,
            measured=f"{seconds(million[limit])} CPU to the limit, {seconds(million[capped])} "
            f"stopped after {N_STEPS} steps; from {N_PROBLEMS:,} problems",
        )
    ]


if __name__ == "__main__":
    main(rows)
