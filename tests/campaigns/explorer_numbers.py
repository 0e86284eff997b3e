"""What the explorer shows for random states, against plain NumPy written here.

``python -m tests.campaigns.explorer_numbers --cases 300``

Checked are: frames against descent computed step by step, regions by their definition, losses,
distances by expanding the square, the shortest network's own conditions, flow by its loss and its
end, and, for some states, the Python lines by running them.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import io
import sys
import time

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

from relubias.errors import InvalidInputError
from relubias.explorer.compute import compute

STEPS = 3000
"""Steps that are followed one by one."""


def decoded(array):
    """Return an array of an answer."""
    return np.frombuffer(base64.b64decode(array["b64"]), array["dtype"]).reshape(array["shape"])


def random_state(rng):
    """Return a state, most often an ordinary one, at times at the end of a range."""
    n = int(rng.choice([1, 2, 5, 10, 20, 50]))
    m = int(rng.integers(1, 5 if n <= 10 else 3))
    state = {
        "n": n,
        "d": round(10 ** rng.uniform(np.log10(n + 1), rng.choice([2.0, 4.0, 12.0]))),
        "law": str(rng.choice(["gaussian", "gaussian", "rademacher", "sphere", "orthogonal"])),
        "spectrum": str(rng.choice(["isotropic", "isotropic", "spiked", "power_law"])),
        "spike": float(10 ** rng.uniform(0, 4)),
        "exponent": float(rng.choice([0.0, 0.5, 1.0])),
        "signs": "".join(rng.choice(["+", "-"], m)),
        "labels": str(rng.choice(["uniform", "gaussian", "planted"])),
        "low": float(rng.uniform(0.05, 1.0)),
        "high": 1.0,
        "negative": float(rng.choice([0.0, 0.3, 0.5, 1.0])),
        "start": str(rng.choice(["all_positive", "gaussian", "disjoint"])),
        "scale": float(10 ** rng.uniform(-6, 0.5)),
        "kappa": float(10 ** rng.uniform(-2, 0.1)),
        "seed": int(rng.integers(1000)),
        "method": str(rng.choice(["descent", "descent", "flow"])),
    }
    if rng.random() < 0.3:
        state["negative"] = None
    return state


def problem_of(answer):
    """Return problem, start and trace as the Python lines make them."""
    scope = {}
    lines = answer["script"].split("\n")
    last = next(k for k, line in enumerate(lines) if line.startswith("start = "))
    exec("\n".join(lines[: last + 1]), scope)
    return scope["problem"], scope["start"], scope["trace"]


def follow(answer, problem, start, trace):
    """Return the largest difference of frames from descent, its switches, and its steps."""
    times = decoded(answer["times"])
    primal, dual = decoded(answer["primal"]), decoded(answer["dual"])
    wanted = {int(t): k for k, t in enumerate(times[:-1])}
    eta = answer["state"]["kappa"] / trace
    y, s, G = problem.labels, problem.signs, problem.gram
    size = max(np.abs(y).max(), np.abs(start @ G).max(), 1e-300)
    beta, alpha, worst, flips = start.copy(), start @ G, 0.0, 0
    for step in range(min(STEPS, int(times[-2]) if times.size > 1 else 0) + 1):
        if step in wanted:
            k = wanted[step]
            here = max(np.abs(primal[k] - alpha).max(), np.abs(dual[k] @ G / trace - alpha).max())
            grown = max(size, np.abs(alpha).max())
            worst = max(worst, here / grown)
        residual = s @ np.maximum(alpha, 0) - y
        beta = beta - eta * s[:, None] * (alpha > 0) * residual
        before, alpha = alpha > 0, beta @ G
        flips += int((before != (alpha > 0)).sum())
        if not np.isfinite(alpha).all() or np.abs(alpha).max() > 1e8 * size:
            break
    return worst, flips, step


def complaints(state):
    """Return what is wrong with the answer to a state, and the answer."""
    found = []

    def check(name, holds, *what):
        if not holds:
            found.append((name, *what))

    answer = compute(state)
    problem, start, trace = problem_of(answer)
    check_frames(check, answer, problem)
    if state["method"] == "descent":
        check_descent(check, answer, problem, start, trace)
    else:
        check_flow(check, answer, problem)
    if answer["shortest"]["norm"] is not None:
        check_shortest(check, answer, problem, trace)
    return found, answer


def check_frames(check, answer, problem):
    """Labels, times, losses and regions by their definitions."""
    y, s = problem.labels, problem.signs
    times, loss = decoded(answer["times"]), decoded(answer["loss"])
    primal, dual = decoded(answer["primal"]), decoded(answer["dual"])
    check("labels", np.array_equal(decoded(answer["labels"]), y))
    check("frames", times.size <= 140, times.size)
    check("times never fall", (np.diff(times) >= 0).all())
    finite = np.isfinite(primal).all(axis=(1, 2))
    mine = losses(primal, problem)
    off = np.abs(loss - mine)[finite] / np.maximum(mine[finite], max((y**2).sum(), 1e-300))
    check("loss", off.max(initial=0) < 1e-12, off.max(initial=0))
    if not isinstance(answer["threshold"], float):
        return
    cut, agrees = answer["threshold"], s[:, None] * y > 0
    expected = np.where(primal > 0, np.where(agrees, 0, 1), np.where(dual <= -cut, 2, 3))
    check("region", np.array_equal(decoded(answer["region"])[finite], expected[finite]))
    least = np.abs(y[y != 0]).min() if (y != 0).any() else 1.0
    check("threshold", np.isclose(cut, 0.5 * answer["state"]["kappa"] * least, rtol=1e-12))


def losses(primal, problem):
    """Return the loss of every frame."""
    predictions = np.einsum("k,tki->ti", problem.signs, np.maximum(primal, 0))
    return 0.5 * ((predictions - problem.labels) ** 2).sum(axis=1)


def check_descent(check, answer, problem, start, trace):
    """Frames and switches against descent, step by step."""
    worst, flips, followed = follow(answer, problem, start, trace)
    run, largest = answer["run"], np.linalg.eigvalsh(problem.gram)[-1] / trace
    many = max((problem.signs > 0).sum(), (problem.signs < 0).sum())
    if many * answer["state"]["kappa"] * largest > 1.9 or run["n_switches"] > 500:
        check("steps of an unstable run", worst < 1e-2 or run["n_switches"] > 500, worst)
        return  # rounding grows from step to step
    check("steps", worst < 1e-8, worst)
    if run["tail"] != "CHATTER" and run["last_switch"] < followed:
        check("switches", flips == run["n_switches"], flips, run["n_switches"])


def check_flow(check, answer, problem):
    """The loss falls, and where the flow has ended nothing moves."""
    size = max((problem.labels**2).sum(), 1e-300)
    rise = np.diff(decoded(answer["loss"])).max(initial=0)
    check("loss falls", rise <= 1e-9 * size, rise)
    if answer["run"]["status"] == "CERTIFIED":
        on = decoded(answer["mode"])[-1] == 1
        values = np.maximum(decoded(answer["limit"]["primal"]), 0)
        left = np.abs(on * (problem.signs @ values - problem.labels)).max()
        check("flow is at rest", left < 1e-7 * np.sqrt(size), left)


def check_shortest(check, answer, problem, trace):
    """The shortest network fits; norms and distances from its values and the Gram matrix."""
    shortest, y, s, G = answer["shortest"], problem.labels, problem.signs, problem.gram
    size = max(np.abs(y).max(), 1e-300)
    U = decoded(shortest["primal"])
    target = np.clip(y, 0 if (s > 0).all() else None, 0 if (s < 0).all() else None)
    misfit = np.abs(s @ np.maximum(U, 0) - target).max()
    check("shortest fits", misfit < 1e-6 * size, misfit)
    check("lower bound", shortest["lower_bound"] <= shortest["norm"] * (1 + 1e-12))
    if np.linalg.cond(G) > 1e6:
        return
    V = np.linalg.solve(G, U.T).T
    check("norm", np.isclose(np.sqrt((V * U).sum()), shortest["norm"], rtol=1e-6))
    primal = decoded(answer["primal"])
    if is_unique(s) and np.isfinite(primal).all():
        delta = decoded(answer["dual"]) / trace - V
        expected = np.sqrt(np.maximum(((delta @ G) * delta).sum(axis=(1, 2)), 0))
        error = np.abs(expected - decoded(answer["distance"]))
        check("distance", (error <= 1e-6 * np.maximum(expected, shortest["norm"])).all())
    fits = losses(primal, problem)[-1] < 1e-20 * size**2 and answer["run"]["is_limit"]
    if fits and shortest["status"] == "OPTIMAL":
        norm = answer["limit"]["norm"]
        check("shortest is shortest", norm >= shortest["norm"] * (1 - 1e-9))


def is_unique(signs):
    """Whether at most one neuron has each sign: then the shortest network is one."""
    return (signs > 0).sum() <= 1 and (signs < 0).sum() <= 1


def run_lines(answer):
    """Run the Python lines; return the largest difference from the frames."""
    scope = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(answer["script"], scope)
    plt.close("all")
    same = all(
        np.array_equal(np.asarray(scope[name]), decoded(answer[name]), equal_nan=True)
        for name in ("times", "primal")
    )
    return same and np.array_equal(scope["trace"] * scope["dual"], decoded(answer["dual"]))


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lines", type=int, default=10, help="every such state runs its lines")
    options = parser.parse_args()
    mpl.use("Agg")
    rng, begun = np.random.default_rng(options.seed), time.monotonic()
    n_wrong = n_refused = 0
    statuses: dict[str, int] = {}
    for case in range(options.cases):
        state = random_state(rng)
        try:
            found, answer = complaints(state)
        except InvalidInputError:
            n_refused += 1
            continue
        statuses[answer["run"]["status"]] = statuses.get(answer["run"]["status"], 0) + 1
        if case % options.lines == 0 and not run_lines(answer):
            found.append(("lines",))
        if found:
            n_wrong += 1
            print(state, *found, sep="\n    ")
    print(
        f"{options.cases} states, {n_refused} refused, {n_wrong} wrong; {statuses}; "
        f"{time.monotonic() - begun:.0f} s"
    )
    return 1 if n_wrong else 0


if __name__ == "__main__":
    sys.exit(main())
