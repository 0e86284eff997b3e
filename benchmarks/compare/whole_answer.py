"""The whole answer for one neuron against the bare product ``X @ X.T``: n=1000, d=100,000."""

from __future__ import annotations

import numpy as np
from _measure import Row, interleaved, load_kernels, main, require_certified

import relubias as rb

N_SAMPLES, N_FEATURES, KAPPA = 1000, 100_000, 0.9


def answer(X, y):
    """Return limit, minimum norm and their distance."""
    problem = rb.Problem.from_features(X, y)
    start = rb.starts.all_positive(problem, 0.005)
    run = rb.gradient_descent(problem, start, step_size=KAPPA / problem.scale)
    shortest = rb.minimum_norm(problem)
    return run, shortest, rb.bias_gap(problem, run, shortest)


def checked(X, y):
    """Return the same with every verdict of the paper."""
    problem = rb.Problem.from_features(X, y)
    start = rb.starts.all_positive(problem, 0.005)
    return rb.check(problem, start, step_size=KAPPA / problem.scale)


def rows(runs):
    load_kernels()
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N_SAMPLES, N_FEATURES))
    y = rng.uniform(0.5, 1.0, N_SAMPLES) * rng.choice([-1.0, 1.0], N_SAMPLES)
    calls = {
        "relubias": lambda: answer(X, y),
        "with every verdict (relubias.check)": lambda: checked(X, y),
        "bare X @ X.T": lambda: X @ X.T,
    }
    timings, answers = interleaved(calls, runs=runs)
    run, shortest, gap = answers["relubias"]
    note = ""
    try:
        require_certified(run, shortest)
    except RuntimeError as error:
        note = str(error)
    ours, verdicts, bare = timings.values()
    verdicts.note = f"{len(answers[verdicts.name].verdicts)} verdicts"
    ours.note = f"{run.status} after {run.n_steps} steps, {run.n_switches} switches; gap {gap!r}"
    ratio = ours.cpu / bare.cpu
    return [
        Row(
            subject="The whole answer for one neuron (Gram matrix, start, limit, minimum norm, "
            f"both certificates, distance), n={N_SAMPLES}, d={N_FEATURES:,}, kappa={KAPPA}",
            ours=ours,
            peers=[verdicts, bare],
            figure="at most 1.15 times the bare X @ X.T",
            reached=ratio <= 1.15 and not note,
            measured=f"{ratio:.3f} times; with verdicts {verdicts.cpu / bare.cpu:.3f}",
            note=note,
        )
    ]


if __name__ == "__main__":
    main(rows)
