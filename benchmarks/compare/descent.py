"""Gradient descent to its limit, against the loops people write: one neuron, float64.

Both sides get the data and the start, in weight space or as dual. A loop computes its loss in every
step and stops where half the squared residual on positive labels falls below 1e-20; where it lost a
positive label for good, and could not stop, it is told the number of steps after which it is within
1e-10 of the limit. Ours finds the exact limit with a certificate, Gram matrix included.
"""

from __future__ import annotations

import numpy as np
from _loops import jax_loop, numpy_loop, steps_needed, torch_autograd_loop, torch_loop
from _measure import Row, available, interleaved, load_kernels, main, require_certified, times

import relubias as rb

AUTOGRAD = "PyTorch, autograd and SGD"
BY_HAND = "PyTorch, by hand"
JAX = "JAX, jitted while_loop"
NUMPY = "NumPy"
LOOPS = {AUTOGRAD: torch_autograd_loop, BY_HAND: torch_loop, JAX: jax_loop, NUMPY: numpy_loop}


def ours(X, y, start, step_size):
    return rb.gradient_descent(rb.Problem.from_features(X, y), start, step_size=step_size)


def instance(seed, n, d, step_size):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    problem = rb.Problem.from_features(X, y)
    start = rb.starts.all_positive(problem, 1e-3)
    run = rb.gradient_descent(problem, start, step_size=step_size)
    require_certified(run)
    steps = steps_needed(problem.gram, y, start[0], step_size, run.limit.primal[0])
    return X, y, start, run, steps


def fitted_instance(n, d, step_size, lowest, highest):
    """Return the first instance that fits its positive labels in a given number of steps."""
    for seed in range(1000):
        X, y, start, run, steps = instance(seed, n, d, step_size)
        if lowest <= steps <= highest and (run.limit.primal[0][y > 0] > 0).all():
            return X, y, start, run, 10**6
    raise RuntimeError("no instance found")


def compare(X, y, start, run, max_steps, step_size, names, runs):
    """Time ours and the named loops on one instance, with the errors of their predictions."""
    calls = {"relubias": lambda: ours(X, y, start, step_size)}
    for name in names:
        if available("torch" if "Torch" in name else name.split(",")[0].lower()):
            calls[name] = LOOPS[name](X, y, X.T @ start[0], step_size, max_steps)
    timings, answers = interleaved(calls, runs=runs)
    exact = run.limit.primal[0]
    size = np.abs(y).max()
    timings["relubias"].note = f"{run.n_steps} steps to the certificate, {run.n_switches} switches"
    on = exact > 0
    timings["relubias"].error = float(np.abs(exact[on] - y[on]).max() / size)
    for name in list(calls)[1:]:
        v, steps = answers[name]
        timings[name].error = float(np.abs(X @ v - exact).max() / size)
        timings[name].note = f"{steps} steps"
    return timings


def rows(runs):
    load_kernels()
    found = []

    step_size = 1e-4
    case = fitted_instance(10, 50, step_size, 7000, 9000)
    timings = compare(*case, step_size, [AUTOGRAD, BY_HAND, JAX, NUMPY], runs)
    mine = timings.pop("relubias")
    ratios = {name: timing.cpu / mine.cpu for name, timing in timings.items()}
    known = [ratios[AUTOGRAD] >= 1000] if AUTOGRAD in ratios else []
    known += [ratios[JAX] >= 3] if JAX in ratios else []
    found.append(
        Row(
            subject="Gradient descent to its limit, n=10, d=50, step 1e-4, Gram matrix included",
            ours=mine,
            peers=list(timings.values()),
            figure="1,000 times faster than PyTorch, 3 times than the JAX loop",
            reached=all(known) if known else None,
            measured=", ".join(f"{times(r)} faster than {name}" for name, r in ratios.items()),
        )
    )

    step_size = 1 / (4 * 20_000)
    case = instance(0, 100, 20_000, step_size)
    timings = compare(*case, step_size, [BY_HAND, JAX, NUMPY], runs)
    mine = timings.pop("relubias")
    best = min(timings.values(), key=lambda timing: timing.cpu, default=None)
    ratio = None if best is None else best.cpu / mine.cpu
    found.append(
        Row(
            subject="The same, n=100, d=20,000, step 1/(4d)",
            ours=mine,
            peers=list(timings.values()),
            figure="a tenth of the best weight-space loop",
            reached=None if ratio is None else ratio >= 10,
            measured="" if best is None else f"{times(ratio)} faster than {best.name}",
        )
    )

    for kappa in (0.25, 0.005):
        step_size = kappa / 20_000
        X, y, start, run, steps = instance(0, 1000, 20_000, step_size)
        few = min(steps, 50)
        case = (X, y, start, run, few)
        timings = compare(*case, step_size, [AUTOGRAD, BY_HAND], runs)
        mine = timings.pop("relubias")
        for timing in timings.values():
            timing.cpu, timing.wall = timing.cpu * steps / few, timing.wall * steps / few
            timing.note, timing.error = f"{steps} steps, from the time of {few}", None
        ratio = timings[AUTOGRAD].cpu / mine.cpu if AUTOGRAD in timings else None
        found.append(
            Row(
                subject=f"The same, n=1000, d=20,000, step {kappa:g}/d",
                ours=mine,
                peers=list(timings.values()),
                figure="50 times faster than PyTorch",
                reached=None if ratio is None else ratio >= 50,
                measured="" if ratio is None else f"{times(ratio)} faster than {AUTOGRAD}",
            )
        )
    return found


if __name__ == "__main__":
    main(rows)
