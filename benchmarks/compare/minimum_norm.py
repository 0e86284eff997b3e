"""Minimum norm of one neuron, against quadratic-programming codes: time and error side by side.

The peers get the Gram matrix with unit mean diagonal; where said, also our reduction to the samples
without a positive label, which favours them. Ours includes the certificate, which no peer gives.
Errors are relative distances of weights from the certified answer; ours is the certified bound.
"""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
from _measure import (
    Row,
    available,
    interleaved,
    load_kernels,
    main,
    require_certified,
    seconds,
    times,
)
from _peers import by_cvxpy, by_nnls, by_quadprog_whole, installed

import relubias as rb
from relubias.minnorm.one_neuron import solve_one_neuron

N_BATCH = 2000
SIZES = (10, 50, 200, 1000)
COMPILED_UP_TO = 128
MODELLED_UP_TO = 130_000  # entries of X that cvxpy gets
WANTED = {"scipy nnls, reduced": 2.0, "ProxQP 1e-10": 5.0, "Clarabel 1e-10": 25.0}


def distance(gram, dual, exact, norm):
    """Return the relative distance in weight space."""
    step = dual - exact
    return float(np.sqrt(max(step @ gram @ step, 0.0)) / norm)


def unit_problem(seed, n, d):
    """Return Gram matrix of unit mean diagonal, labels, and features if not too many."""
    rng = np.random.default_rng(seed)
    X = None
    if d <= 20 * n:
        X = rng.standard_normal((n, d))
        gram = X @ X.T
    else:
        gram = rb.ensembles.Gaussian(rb.ensembles.isotropic(d)).sample_gram(n, seed)
    y = rng.standard_normal(n)
    y[0], y[-1] = np.abs(y[0]), -np.abs(y[-1])  # some codes refuse problems without constraints
    size = np.diagonal(gram).mean()
    return gram / size, y, None if X is None else X / np.sqrt(size)


def small(runs):
    grams, labels = map(
        np.array, zip(*(unit_problem(s, 10, 50)[:2] for s in range(N_BATCH)), strict=True)
    )
    peers = {"quadprog, whole dual": by_quadprog_whole} if available("quadprog") else {}
    calls = {"relubias, batch": lambda: rb.minimum_norm_batch(grams, labels)}
    few = slice(0, 200)

    def loop(solve):
        return lambda: [solve(G, y) for G, y in zip(grams[few], labels[few], strict=True)]

    for name, solve in {**peers, "scipy nnls, reduced": by_nnls}.items():
        calls[name] = loop(solve)
    timings, answers = interleaved(calls, runs=runs)
    batch = answers["relubias, batch"]
    if not (batch.status == "OPTIMAL").all():
        raise RuntimeError("refusing to time an uncertified answer")
    for name, timing in timings.items():
        size = N_BATCH if "batch" in name else 200
        timing.cpu, timing.wall = timing.cpu / size, timing.wall / size
        if "batch" not in name:
            timing.error = max(
                distance(grams[i], x, batch.dual[i], batch.norm[i])
                for i, x in enumerate(answers[name])
                if batch.norm[i] > 0
            )
    mine = timings.pop("relubias, batch")
    mine.error = float((batch.error_bound / np.maximum(batch.norm, 1e-300)).max())
    mine.note = "the error is the certified bound"
    return Row(
        subject=f"Minimum norm of one neuron, n=10, d=50, each of a batch of {N_BATCH:,}",
        ours=mine,
        peers=list(timings.values()),
        figure="below 10 \u00b5s",
        reached=mine.cpu < 10e-6,
        measured=seconds(mine.cpu),
    )


def cell(n, d, runs):
    gram, y, X = unit_problem(0, n, d)
    problem = rb.Problem(gram, y)
    peers, missing = installed()
    ours, bare, batch = "relubias", "relubias, no certificate", "relubias, batch of 20"
    calls = {
        ours: lambda: rb.minimum_norm(problem),
        bare: lambda: solve_one_neuron(gram, y).dual,
    }
    if n <= COMPILED_UP_TO:
        grams, labels = np.tile(gram, (20, 1, 1)), np.tile(y, (20, 1))
        calls[batch] = lambda: rb.minimum_norm_batch(grams, labels).dual[0]
    calls |= {name: lambda solve=solve: solve(gram, y) for name, solve in peers.items()}
    model = "cvxpy, Clarabel, weights"
    if find_spec("cvxpy") is None:
        missing.append("cvxpy")
    elif X is not None and X.size <= MODELLED_UP_TO:
        calls[model] = lambda: by_cvxpy(X, y)
    timings, answers = interleaved(calls, runs=runs)
    result = answers[ours]
    require_certified(result)
    for name, timing in timings.items():
        if name == ours:
            timing.error = result.certificate.error_bound / result.norm
            timing.note = "the error is the certified bound"
        elif name == model:
            timing.error = float(np.linalg.norm(answers[name] - X.T @ result.dual[0]) / result.norm)
        else:
            timing.error = distance(gram, answers[name], result.dual[0], result.norm)
    if batch in timings:
        timings[batch].cpu, timings[batch].wall = timings[batch].cpu / 20, timings[batch].wall / 20
    mine = timings.pop(ours)
    ratios = {name: timings[name].cpu / mine.cpu for name in WANTED if name in timings}
    is_judged = n == 1000 and len(ratios) == len(WANTED)
    is_fast = all(ratios[name] >= WANTED[name] for name in ratios)
    return Row(
        subject=f"Minimum norm of one neuron, n={n}, d={d:,}",
        ours=mine,
        peers=list(timings.values()),
        figure="2 times faster than scipy's nnls, 5 than ProxQP, 25 than Clarabel, error < 1e-14"
        if n == 1000
        else "",
        reached=is_fast and mine.error < 1e-14 if is_judged else None,
        measured=", ".join(f"{times(r)} faster than {name}" for name, r in ratios.items())
        if n == 1000
        else "",
        note=f"Not installed: {', '.join(missing)}." if missing else "",
        cell=f"{n}, {d:,}",
    )


def rows(runs):
    load_kernels()
    cells = [(n, d) for n in SIZES for d in (int(1.2 * n), 2 * n, 10 * n, n * n)]
    return [small(runs), *(cell(n, d, runs) for n, d in dict.fromkeys(cells))]


if __name__ == "__main__":
    main(rows)
