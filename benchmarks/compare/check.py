"""`relubias.check` against the run that it monitors: n=100, d=5000."""

from __future__ import annotations

import numpy as np
from _measure import Row, interleaved, load_kernels, main, require_certified, seconds

import relubias as rb

N_SAMPLES, N_FEATURES = 100, 5000
CASES = (((1,), 0.9), ((1, -1), 0.9), ((1,), 0.1), ((1, -1), 0.1))


def rows(runs):
    load_kernels()
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N_SAMPLES, N_FEATURES))
    y = rng.uniform(0.5, 1.0, N_SAMPLES) * rng.choice([-1.0, 1.0], N_SAMPLES)
    return [row(X, y, signs, kappa, runs) for signs, kappa in CASES]


def row(X, y, signs, kappa, runs):
    """Compare one network and step size; both sides begin at the features."""
    shortest = rb.minimum_norm(rb.Problem.from_features(X, y, signs))

    def arguments():
        problem = rb.Problem.from_features(X, y, signs)
        start = rb.starts.all_positive(problem, 0.005)
        return problem, start, kappa / N_FEATURES

    def run():
        problem, start, step_size = arguments()
        return rb.gradient_descent(problem, start, step_size=step_size)

    def check():
        problem, start, step_size = arguments()
        return rb.check(
            problem, start, step_size=step_size, trace=float(N_FEATURES), shortest=shortest
        )

    timings, answers = interleaved({"relubias.check": check, "gradient_descent": run}, runs=runs)
    ours, bare = timings.values()
    report, alone = answers.values()
    require_certified(report.trajectory, alone)
    ours.note = f"{len(report.verdicts)} verdicts, {report.n_seen} steps looked at"
    bare.note = f"{alone.n_steps} steps, {alone.n_switches} switches"
    ratio = ours.cpu / bare.cpu
    network = "".join("+" if sign > 0 else "-" for sign in signs)
    return Row(
        subject=f"Every statement of the paper against the run alone, n={N_SAMPLES}, "
        f"d={N_FEATURES}, neurons {network}, kappa={kappa}",
        ours=ours,
        peers=[bare],
        figure="at most twice the run" if kappa == 0.9 else "none: a longer run",
        reached=ratio <= 2.0 if kappa == 0.9 else None,
        measured=f"{ratio:.2f} times ({seconds(ours.cpu - bare.cpu)} more)",
    )


if __name__ == "__main__":
    main(rows)
