"""How a trajectory looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from relubias._palette import CYCLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from relubias._validate import Float
    from relubias.dynamics.descent_trajectory import DescentTrajectory
    from relubias.dynamics.flow_trajectory import FlowTrajectory

__all__ = ["draw_flow", "draw_trajectory"]


def draw_trajectory(trajectory: DescentTrajectory, ax: Axes | None) -> Axes:
    """Draw primal values against steps, one colour per neuron."""
    import matplotlib.pyplot as plt

    axes: Any = ax if ax is not None else plt.subplots(layout="constrained")[1]
    records = trajectory.records
    time, primal = records.time, records.primal
    if len(records) < 2:
        time = np.array([0, max(trajectory.n_steps, 1)])
        primal = np.stack([trajectory.at(0).primal, trajectory.limit.primal])
    m, n = trajectory.start.shape
    for k in range(m):
        colour = CYCLE[k % len(CYCLE)]
        for i in range(n):
            style = "-" if trajectory.problem.labels[i] > 0 else "--"
            axes.plot(time, primal[:, k, i], style, color=colour, lw=1, alpha=0.8)
    switches = trajectory.switches[trajectory.switches["time"] <= time[-1]]
    if switches.size:
        axes.plot(switches["time"], np.zeros(switches.size), "x", color="#000000", ms=4, zorder=3)
    marks = [axes.plot([], [], "x", color="#000000", label="switch")[0]] if switches.size else []
    _legend(axes, m, marks)
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xlim(0, float(time[-1]))
    axes.set_xlabel("step")
    axes.set_ylabel("primal value $w_k \\cdot x_i$")
    axes.set_title(f"{trajectory.status}, \N{GREEK SMALL LETTER KAPPA} = {trajectory.kappa:.3g}")
    return axes


def draw_flow(trajectory: FlowTrajectory, ax: Axes | None) -> Axes:
    """Draw primal values against time: thick on zero where a sample slides, marks at events."""
    import matplotlib.pyplot as plt

    axes: Any = ax if ax is not None else plt.subplots(layout="constrained")[1]
    labels, switches = trajectory.problem.labels, trajectory.switches
    first, last = _time_range(trajectory)
    time = _flow_times(trajectory, first, last)
    primal = np.stack([trajectory.at(float(t)).primal for t in time])
    m, n = trajectory.start.shape
    ends = np.append(trajectory.path.times[1:], last)
    for k in range(m):
        colour = CYCLE[k % len(CYCLE)]
        for i in range(n):
            style = "-" if labels[i] > 0 else "--"
            axes.plot(time, primal[:, k, i], style, color=colour, lw=1, alpha=0.8)
            for begin, end in _slides(trajectory.path.modes[:, k, i], trajectory.path.times, ends):
                axes.plot(
                    [begin, end], [0.0, 0.0], "-", color=colour, lw=4.5, alpha=0.45, zorder=2,
                    solid_capstyle="butt",
                )  # fmt: skip
    marks: list[Any] = []
    for mode, marker, label in ((0, "o", "begins to slide"), (1, "^", "on"), (-1, "v", "off")):
        at = switches["time"][(switches["mode"] == mode) & (switches["time"] <= last)]
        look = {"color": "#000000", "ms": 4.5, "mfc": "#FFFFFF", "mew": 0.8, "ls": "none"}
        if at.size:
            axes.plot(at, np.zeros(at.size), marker, zorder=4, **look)
            marks.append(axes.plot([], [], marker, label=label, **look)[0])
    if (trajectory.path.modes == 0).any():
        bar = {"color": "#888888", "lw": 4.5, "alpha": 0.6, "solid_capstyle": "butt"}
        marks.append(axes.plot([], [], "-", label="sliding: on zero", **bar)[0])
    _legend(axes, m, marks)
    axes.set_xscale("symlog", linthresh=first, linscale=0.6)
    axes.set_xlim(0, last)
    axes.set_xlabel("time")
    axes.set_ylabel("primal value $w_k \\cdot x_i$")
    n_sliding = len(trajectory.sliding)
    pairs = "1 pair slides" if n_sliding == 1 else f"{n_sliding} pairs slide"
    forever = f", {pairs} for ever" if n_sliding else ""
    events = "1 event" if trajectory.n_events == 1 else f"{trajectory.n_events} events"
    axes.set_title(f"{trajectory.status}, {events}{forever}")
    return axes


def _time_range(trajectory: FlowTrajectory) -> tuple[float, float]:
    """Return where the axis stops being linear, and where the path is near its limit."""
    limit, start = trajectory.limit.primal, trajectory.at(0.0).primal
    near = 1e-3 * max(float(np.abs(limit - start).max()), 1e-300)
    unit = 1.0 / (trajectory.problem.scale or 1.0)
    positive = trajectory.path.times[trajectory.path.times > 0]
    first = min(0.1 * unit, float(positive[0]) if positive.size else unit)
    last = max(unit, 1.3 * float(trajectory.end_time))
    while trajectory.certificate is not None and last < 1e6 * unit:
        if np.abs(trajectory.at(last).primal - limit).max() <= near:
            break
        last *= 1.3
    first = 10.0 ** np.floor(np.log10(first))  # a tick of the axis
    return first, last if trajectory.certificate is not None else float(trajectory.end_time or unit)


def _flow_times(trajectory: FlowTrajectory, first: float, last: float) -> Float:
    """Return times that look evenly spaced on the axis, and all events."""
    events = trajectory.path.times
    spaced = np.concatenate(
        [np.linspace(0.0, first, 30), np.geomspace(first, max(first, last), 300)]
    )
    return np.unique(np.concatenate([spaced[spaced <= last], events[events <= last]]))


def _slides(modes: Any, begins: Any, ends: Any) -> list[tuple[float, float]]:
    """Return (begin, end) of the stretches in which one pair slides, neighbours joined."""
    found: list[tuple[float, float]] = []
    for begin, end in zip(begins[modes == 0], ends[modes == 0], strict=True):
        if found and found[-1][1] == begin:
            found[-1] = (found[-1][0], float(end))
        elif end > begin:
            found.append((float(begin), float(end)))
    return found


def _legend(axes: Any, n_neurons: int, marks: list[Any]) -> None:
    """Draw the zero line, and say what colours, lines and marks mean, beside the panel."""
    axes.axhline(0.0, color="#888888", lw=0.8, zorder=0)
    handles = [
        axes.plot([], [], color=CYCLE[k % len(CYCLE)], label=f"neuron {k}")[0]
        for k in range(min(n_neurons, len(CYCLE)))
    ]
    handles += [
        axes.plot([], [], "-", color="#888888", label="label > 0")[0],
        axes.plot([], [], "--", color="#888888", label="label \N{LESS-THAN OR EQUAL TO} 0")[0],
        *marks,
    ]
    axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
