"""How a run of gradient descent looks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from relubias._palette import BLACK
from relubias._style import counted, number, picture, title
from relubias._validate import Float
from relubias.dynamics._plot_paths import draw_legend, draw_paths
from relubias.dynamics.trajectory import Status, Tail

if TYPE_CHECKING:
    from relubias.dynamics.descent_trajectory import DescentTrajectory

__all__ = ["draw_trajectory"]

_NEAR = 0.01
"""The path is drawn until it is so near its limit, for the way that it has come."""

_MOST_WORK = 3e8
"""Iterations times entries of G that are computed again for a picture."""

_N_TIMES = 240
_MOST_MARKS = 5000
_MAX_DOUBLINGS = 30


@picture()
def draw_trajectory(run: DescentTrajectory, axes: Any) -> None:
    """Draw primal values against steps, one colour per neuron, and the switches."""
    time, primal = _path(run)
    draw_paths(axes, run.problem, time, primal)
    switches = run.switches[run.switches["time"] <= time[-1]]
    marks: list[Any] = []
    if switches.size:
        at = np.unique(switches["time"])
        look = {"color": BLACK, "markersize": 4, "linestyle": "none", "marker": "x"}
        pairs = switches["time"]
        if pairs.size > _MOST_MARKS:
            pairs = pairs[np.linspace(0, pairs.size - 1, _MOST_MARKS).astype(int)]
        axes.plot(pairs, np.zeros(pairs.size), zorder=4, **look)
        marks = [axes.plot([], [], label=f"switches, at {counted(at.size, 'step')}", **look)[0]]
    draw_legend(axes, run.problem, marks)
    axes.set_xscale("symlog", linthresh=1)
    if run.status is Status.DIVERGED:
        _stretch(axes, float(np.abs(run.problem.labels).max()) or 1.0, float(np.abs(primal).max()))
    axes.set_xlim(0, float(time[-1]))
    axes.set_xlabel("step")
    axes.set_ylabel("prediction before the ReLU, $w_k\\cdot x_i$")
    title(axes, _finding(run))


def _stretch(axes: Any, unit: float, most: float) -> None:
    """Show both the labels and what is larger by many powers of ten."""
    axes.set_yscale("symlog", linthresh=unit)
    exponent = math.floor(math.log10(most))
    if most > 1e3 * unit:
        ends = [f"$-10^{{{exponent}}}$", "0", f"$10^{{{exponent}}}$"]
        axes.set_yticks([-(10.0**exponent), 0, 10.0**exponent], labels=ends)


def _finding(run: DescentTrajectory) -> str:
    """Say how the run ended, and with what steps."""
    if run.status is Status.CERTIFIED and run.tail is Tail.CHATTER:
        end = f"certified limit, {counted(len(run.chattering), 'pair')} may switch for ever"
    elif run.status is Status.CERTIFIED:
        last = f"the last after step {run.last_switch:,}" if run.n_switches else ""
        switches = counted(run.n_switches, "switch", "switches") if run.n_switches else "no switch"
        end = f"certified limit after {switches}" + (f", {last}" if last else "")
    else:
        end = f"{run.status} at step {run.n_steps:,}"
        if run.tail is Tail.LIMIT_CYCLE:
            end += f", repeats itself every {counted(run.period, 'step')}"
        elif run.tail is Tail.CHATTER:
            end += f", {counted(len(run.chattering), 'pair keeps', 'pairs keep')} switching"
    steps = f"$\\kappa={number(run.kappa).strip('$')}$"
    if run.momentum:
        steps += f", momentum {number(run.momentum)}"
    if run.batches is not None:
        steps += f", {counted(len(run.batches), 'mini-batch', 'mini-batches')}"
    return f"{end}; {steps}"


def _path(run: DescentTrajectory) -> tuple[NDArray[Any], Float]:
    """Return steps, and primal values of shape (n_times, n_neurons, n_samples)."""
    records = run.records
    if len(records) >= 2:
        return records.time, records.primal
    last = max(run.n_steps, 1)
    if run.n_iter * run.problem.gram.size <= _MOST_WORK:
        last = _last_step(run, last)
        steps = np.unique(np.geomspace(1, last, _N_TIMES).round().astype(np.int64))
        records = _run_again(run, np.append(0, steps)).records
        return records.time, records.primal
    ends = np.stack([run.at(0).primal, run.limit.primal])
    return np.array([0, last]), ends


def _last_step(run: DescentTrajectory, last: int) -> int:
    """Return a step at which the run is near its limit, if it has one."""
    if run.status is not Status.CERTIFIED:
        return last
    limit = run.limit.primal
    near = _NEAR * float(np.abs(limit - run.at(0).primal).max())
    step = max(run.last_switch + 1, 1)
    for _ in range(_MAX_DOUBLINGS):
        ahead = [step, step + 1, round(1.05 * step) + 2]  # a swing may pass the limit
        if max(np.abs(run.at(t).primal - limit).max() for t in ahead) <= near:
            break
        step = round(1.5 * step) + 1
    return max(step, round(1.3 * run.last_switch), 2)


def _run_again(run: DescentTrajectory, steps: NDArray[np.int64]) -> DescentTrajectory:
    """Repeat a run and record the given steps."""
    from relubias.dynamics.descent import gradient_descent

    return gradient_descent(
        run.problem,
        run.start,
        step_size=run.step_size,
        momentum=run.momentum,
        batches=None if run.batches is None else list(run.batches),
        max_iter=run.max_iter,
        tol=run.tol,
        record=steps,
    )
