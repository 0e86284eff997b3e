"""Any number of steps with few switches: one neuron, n=10, step sizes down to 1e-18."""

from __future__ import annotations

import numpy as np
from _measure import Row, interleaved, load_kernels, main, require_certified, seconds

import relubias as rb

STEP_SIZES = (1e-10, 1e-13, 1e-16, 1e-18)
N_INSTANCES = 5
STEP_OF_JAX = 0.3e-6  # seconds; measured in `descent.py`


def instance(seed):
    """Return positive labels, d=2000, and a start with three samples just below zero."""
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((10, 2000)), 0.3 + np.abs(rng.standard_normal(10))
    problem = rb.Problem.from_features(X, y)
    primal = 0.1 * np.abs(rng.standard_normal(10))
    primal[:3] = -0.01 * np.abs(rng.standard_normal(3))
    return problem, np.linalg.solve(problem.gram, primal)[None]


def rows(runs):
    load_kernels()
    calls, facts = {}, {}
    for seed in range(N_INSTANCES):
        problem, start = instance(seed)
        for step_size in STEP_SIZES:
            name = f"seed {seed}, step {step_size:g}"

            def call(problem=problem, start=start, step_size=step_size):
                return rb.gradient_descent(problem, start, step_size=step_size)

            run = call()
            require_certified(run)
            calls[name], facts[name] = call, run
    timings, _ = interleaved(calls, runs=runs)
    latest = max(facts, key=lambda name: facts[name].last_switch)
    slowest = max(timings, key=lambda name: timings[name].cpu)
    for name, timing in timings.items():
        run = facts[name]
        timing.note = (
            f"{run.n_switches} switches, the last after {run.last_switch:.3g} steps; "
            f"{run.n_steps:.3g} steps to the certificate, {run.n_iter} computed"
        )
    if not facts[latest].last_switch > 1e13:
        raise RuntimeError("no instance switches after 1e13 steps")
    mine = timings[slowest]
    years = facts[latest].last_switch * STEP_OF_JAX / 3.15e7
    note = f"At 0.3 \u00b5s a step, a compiled loop needs {years:.2g} years to the latest switch."
    return [
        Row(
            subject="Any number of steps with few switches, n=10, last switch after up to "
            f"{facts[latest].last_switch:.1e} steps",
            ours=timings[latest],
            peers=[],
            figure="10 ms",
            reached=mine.cpu <= 0.010,
            measured=f"{seconds(timings[latest].cpu)}; the slowest of {len(timings)} instances "
            f"({slowest}) {seconds(mine.cpu)}",
            note=note,
        )
    ]


if __name__ == "__main__":
    main(rows)
