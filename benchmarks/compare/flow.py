"""Gradient flow, event by event with sliding, against ODE solvers and descent with small steps.

Labels of both signs and Gaussian starts, so that samples slide along their hyperplanes; one
instance has positive labels and slides nowhere, where the solvers must be right. All go to the
time at which the flow is within 1e-9 of its limit, the solvers with rtol 1e-10. *Error* is the
largest difference of a primal value from the exact flow then, over the largest label; for descent
it is that of the limits.
"""

from __future__ import annotations

import time

import numpy as np
from _flow_peers import DIFFRAX, SCIPY, run_peer
from _measure import (
    Row,
    Timing,
    available,
    interleaved,
    load_kernels,
    main,
    require_certified,
    seconds,
    times,
)

import relubias as rb

LIMIT = 10  # CPU seconds of a solver
WRONG = 1e-6  # relative error above which an answer is called wrong
SIZES = (  # n, d, m, labels, figure in seconds
    (50, 500, 1, "positive", None),
    (10, 50, 1, "mixed", None),
    (10, 2000, 2, "mixed", None),
    (30, 1500, 2, "mixed", None),
    (100, 5000, 1, "mixed", None),
    (100, 5000, 2, "mixed", 0.5),
    (1000, 20000, 1, "mixed", 600.0),
)


def instance(n, d, m, labels):
    """Return the problem and its start, everything from one seed."""
    rng = np.random.default_rng([n, d, m])
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    signs = (1, -1)[:m]
    if labels == "positive":
        problem = rb.Problem.from_features(X, 0.3 + np.abs(y), signs)
        primal = np.where(rng.random(n) < 0.2, -0.02, 0.3) * np.abs(rng.standard_normal(n))
        return problem, np.linalg.solve(problem.gram, primal)[None]
    problem = rb.Problem.from_features(X, y, signs)
    return problem, rb.starts.gaussian(problem, 0.3 / np.sqrt(d), 0)


def time_to_limit(flow, size):
    """Return a time at which the flow is within 1e-9 of its limit, found by doubling."""
    t = max(flow.end_time, 1e-3 / flow.problem.scale)
    while np.abs(flow.at(t).primal - flow.limit.primal).max() > 1e-9 * size:
        t *= 1.2
    return t


def solver_timings(problem, flow, size, peers):
    """Return what each solver needs, says, and gets wrong."""
    end = time_to_limit(flow, size)
    exact = flow.at(end).primal
    arrays = {
        "gram": problem.gram, "labels": problem.labels, "signs": np.asarray(problem.signs, float),
        "primal": flow.at(0.0).primal, "end": end,
    }  # fmt: skip
    found = []
    for peer in peers:
        name = f"{'scipy' if peer in SCIPY else 'diffrax'} {peer}"
        answer = run_peer(peer, arrays, LIMIT)
        timing = Timing(name=name, cpu=answer["cpu"], wall=answer["wall"], runs=1)
        if "primal" in answer:
            timing.error = float(np.abs(np.array(answer["primal"]) - exact).max() / size)
        verdict = answer["verdict"]
        if not verdict and timing.error > WRONG:
            verdict = "**wrong**: "
        timing.note = verdict + answer["said"]
        found.append(timing)
    return found


def descent_timings(problem, start, flow, size, parts):
    """Return descent with steps that are parts of the largest stable one."""
    stable = 2.0 / (problem.n_neurons * float(np.linalg.eigvalsh(problem.gram)[-1]))
    found = []
    for part in parts:
        cpu, wall = time.process_time(), time.perf_counter()
        run = rb.gradient_descent(problem, start, step_size=part * stable, max_iter=20_000_000)
        timing = Timing(
            name=f"descent, {part:g} of the largest stable step",
            cpu=time.process_time() - cpu, wall=time.perf_counter() - wall, runs=1,
            note=f"{run.n_steps:,} steps, {run.n_switches:,} switches, {run.status}",
        )  # fmt: skip
        timing.error = float(np.abs(run.limit.primal - flow.limit.primal).max() / size)
        found.append(timing)
    return found


def one_row(runs, n, d, m, labels, figure):
    """Measure one size."""
    problem, start = instance(n, d, m, labels)
    size = float(np.abs(problem.labels).max())

    def ours():
        return rb.gradient_flow(problem, start)

    large = n >= 1000
    timings, answers = interleaved({"relubias": ours}, runs=1 if large else runs, warm=not large)
    flow = answers["relubias"]
    require_certified(flow)
    mine = timings["relubias"]
    slid = len({(int(r["neuron"]), int(r["sample"])) for r in flow.switches if r["mode"] == 0})
    mine.note = (
        f"{flow.n_events} events ({flow.n_events / flow.modes.size:.2f} a pair), {slid} pairs "
        f"slid, {len(flow.sliding)} for ever; {flow.status}"
    )
    peers = []
    if n <= 100:
        chosen = [*SCIPY, *(DIFFRAX if available("diffrax") else ())]
        peers = solver_timings(problem, flow, size, chosen)
    peers += descent_timings(problem, start, flow, size, (1e-3,) if large else (1e-2, 1e-4))
    solvers = [p for p in peers if not p.name.startswith("descent")]
    right = [p for p in solvers if p.error is not None and p.error <= WRONG and "**" not in p.note]
    if right:
        best = min(right, key=lambda p: p.cpu)
        against = (
            f"; the fastest right solver, {best.name}, takes {times(best.cpu / mine.cpu)} that"
        )
    else:
        against = f"; none of {len(solvers)} ODE solvers right" if solvers else ""
    note = "" if available("diffrax") or large else "diffrax is not installed."
    return Row(
        subject=f"Gradient flow, n={n}, d={d:,}, m={m}, {labels} labels",
        ours=mine,
        peers=peers,
        figure="" if figure is None else f"under {seconds(figure)}",
        reached=None if figure is None else mine.cpu <= figure,
        measured=f"{seconds(mine.cpu)}{against}",
        note=note,
    )


def rows(runs):
    load_kernels()
    return [one_row(runs, *size) for size in SIZES]


if __name__ == "__main__":
    main(rows)
