"""How a run of gradient flow looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from relubias._palette import BLACK, GREY
from relubias._style import counted, picture, title
from relubias._validate import Float
from relubias.dynamics._plot_paths import draw_legend, draw_paths, neuron_look
from relubias.dynamics.trajectory import Status

if TYPE_CHECKING:
    from relubias.dynamics.flow_trajectory import FlowTrajectory

__all__ = ["draw_flow"]

_MARKS = ((0, "o", "begins to slide"), (1, "^", "on"), (-1, "v", "off"))
_BAR = {"linewidth": 4.5, "alpha": 0.45, "solid_capstyle": "butt"}


@picture()
def draw_flow(flow: FlowTrajectory, axes: Any) -> None:
    """Draw primal values against time: thick on zero where a sample slides, marks at events."""
    first, last = _time_range(flow)
    time = _flow_times(flow, first, last)
    draw_paths(axes, flow.problem, time, np.stack([flow.at(float(t)).primal for t in time]))
    ends = np.append(flow.path.times[1:], last)
    for k, i in np.argwhere((flow.path.modes == 0).any(axis=0)):
        for begin, end in _slides(flow.path.modes[:, k, i], flow.path.times, ends):
            colour = neuron_look(int(k))["color"]
            axes.plot([begin, end], [0.0, 0.0], "-", color=colour, zorder=2, **_BAR)
    marks: list[Any] = []
    for mode, marker, label in _MARKS:
        at = flow.switches["time"][(flow.switches["mode"] == mode)]
        at = at[at <= last]
        look = {"color": BLACK, "ms": 4.5, "mfc": "white", "mew": 0.8, "ls": "none"}
        if at.size:
            axes.plot(at, np.zeros(at.size), marker, zorder=4, **look)
            marks.append(axes.plot([], [], marker, label=label, **look)[0])
    if (flow.path.modes == 0).any():
        marks += axes.plot([], [], "-", color=GREY, label="sliding: on zero", **_BAR)
    draw_legend(axes, flow.problem, marks)
    axes.set_xscale("symlog", linthresh=first, linscale=0.6)
    axes.set_xlim(0, last)
    axes.set_xlabel("time")
    axes.set_ylabel("prediction before the ReLU, $w_k\\cdot x_i$")
    title(axes, _finding(flow))


def _finding(flow: FlowTrajectory) -> str:
    """Say how the flow ended, and what slides."""
    events = counted(flow.n_events, "event") if flow.n_events else "no event"
    if flow.status is Status.CERTIFIED:
        end = f"certified limit after {events}"
    else:
        end = f"{flow.status} after {events}"
    until = "for ever" if flow.status is not Status.MAX_EVENTS else "at its end"
    if (n_sliding := len(flow.sliding)) > 0:
        end += f"; {counted(n_sliding, 'pair slides', 'pairs slide')} {until}"
    return end


def _time_range(flow: FlowTrajectory) -> tuple[float, float]:
    """Return where the axis stops being linear, and where the path is near its limit."""
    limit, start = flow.limit.primal, flow.at(0.0).primal
    near = 1e-3 * max(float(np.abs(limit - start).max()), 1e-300)
    unit = 1.0 / (flow.problem.scale or 1.0)
    positive = flow.path.times[flow.path.times > 0]
    first = min(0.1 * unit, float(positive[0]) if positive.size else unit)
    last = max(unit, 1.3 * float(flow.end_time))
    while flow.certificate is not None and last < 1e6 * unit:
        if np.abs(flow.at(last).primal - limit).max() <= near:
            break
        last *= 1.3
    first = 10.0 ** np.floor(np.log10(first))  # a tick of the axis
    return first, last if flow.certificate is not None else float(flow.end_time or unit)


def _flow_times(flow: FlowTrajectory, first: float, last: float) -> Float:
    """Return times that look evenly spaced on the axis, and all events."""
    events = flow.path.times
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
