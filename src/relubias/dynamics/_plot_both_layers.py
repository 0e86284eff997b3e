"""How runs on both layers look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from relubias._palette import BLACK, BLUE, GREY, VERMILLION
from relubias._style import (
    counted,
    dress,
    legend_beside,
    new_figure,
    number,
    own_axes,
    own_style,
    picture,
    title,
    zero_line,
)
from relubias.dynamics.trajectory import Status

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from relubias.dynamics.both_layers_flow import BothLayersFlow
    from relubias.dynamics.both_layers_trajectory import BothLayersTrajectory

__all__ = ["draw_both_layers", "draw_halvings"]


def draw_both_layers(run: BothLayersTrajectory, ax: Axes | None) -> Axes:
    """Draw outputs, and where there is no axis given output weights, against steps."""
    with own_style(ax):
        if ax is not None:
            axes: Any = own_axes(ax)
            _draw_outputs(run, axes)
            axes.set_xlabel("step")
            return axes
        axes, below = new_figure(7.0, 6.0).subplots(2, sharex=True)
        for part in (axes, below):
            dress(part)
        _draw_outputs(run, axes)
        _draw_weights(run, below)
        return axes


def _draw_outputs(run: BothLayersTrajectory, axes: Any) -> None:
    labels = run.problem.labels
    time, primal, outer = _path(run)
    outputs = np.einsum("tk,tki->ti", outer, np.maximum(primal, 0.0))
    for i, label in enumerate(labels):
        positive = bool(label > 0)
        colour = BLUE if positive else VERMILLION
        axes.plot(time, outputs[:, i], "-" if positive else "--", color=colour, lw=1.2)
        axes.plot(time[-1], label, "o", color=colour, ms=4, clip_on=False, zorder=3)
    handles: list[Any] = []
    if (labels > 0).any():
        handles += axes.plot([], [], "-", color=BLUE, label="label > 0")
    if (labels <= 0).any():
        name = "label \N{LESS-THAN OR EQUAL TO} 0"
        handles += axes.plot([], [], "--", color=VERMILLION, label=name)
    handles += axes.plot([], [], "o", color=GREY, ms=4, label="the label")
    legend_beside(axes, handles)
    zero_line(axes)
    axes.set_xlim(0, float(time[-1]))
    axes.set_ylabel("output $f(x_i)$")
    how = "certified limit" if run.status is Status.CERTIFIED else str(run.status)
    title(axes, f"both layers: {how} after {counted(run.n_steps, 'step')}, loss "
          f"{number(run.loss)}")  # fmt: skip


def _draw_weights(run: BothLayersTrajectory, axes: Any) -> None:
    time, _, outer = _path(run)
    for k in range(outer.shape[1]):
        rises = outer[-1, k] > 0
        axes.plot(time, outer[:, k], "-" if rises else "--", lw=1,
                  color=BLUE if rises else VERMILLION)  # fmt: skip
    zero_line(axes)
    axes.set_ylabel("output weight $a_k$")
    axes.set_xlabel("step")
    final = outer[-1]
    handles: list[Any] = []
    if (final > 0).any():
        handles += axes.plot([], [], "-", color=BLUE, label="ends positive")
    if (final <= 0).any():
        handles += axes.plot([], [], "--", color=VERMILLION, label="ends negative")
    legend_beside(axes, handles)


def _path(run: BothLayersTrajectory) -> tuple[Any, Any, Any]:
    """Return steps, primal values and output weights: records, or start and limit."""
    records = run.records
    if len(records) >= 2:
        return records.time, records.primal, records.outer
    first, last = run.initial, run.limit
    time = np.array([0, max(run.n_steps, 1)])
    return time, np.stack([first.primal, last.primal]), np.stack([first.outer, last.outer])


@picture(height=3.6)
def draw_halvings(flow: BothLayersFlow, axes: Any) -> None:
    """Draw how far the ends of the runs are from each other, against the step size."""
    table = flow.to_frame().iloc[1:] if len(flow.runs) > 1 else None
    step, change = (
        (np.zeros(0) if table is None else table[name].to_numpy(dtype=np.float64))
        for name in ("step_size", "change")
    )
    shown = np.isfinite(change) & (change > 0)
    handles: list[Any] = []
    if shown.any():
        name = "distance to the end\nwith twice the step"
        handles += axes.plot(step[shown], change[shown], "o-", color=BLUE, label=name, zorder=3)
        last = change[shown][-1] / step[shown][-1]
        ends = np.array([step[shown].min() / 1.3, step[shown].max() * 1.3])
        style = {"color": GREY, "ls": "--", "lw": 1}
        handles += axes.plot(ends, last * ends, label="in proportion to the step", **style)
    if np.isfinite(flow.error) and flow.error > 0:
        style = {"color": BLACK, "ls": ":", "lw": 1.2}
        handles.append(axes.axhline(flow.error, label="estimated error of the limit", **style))
    axes.set_xscale("log")
    axes.set_yscale("log")
    if not handles:
        axes.text(0.5, 0.5, "no two runs reached their end", transform=axes.transAxes, ha="center")
    elif shown.any():
        _ticks_at(axes, step[shown])
    axes.set_xlabel("step size")
    axes.set_ylabel("distance in weight space")
    error = f", error about {number(flow.error, 2)}" if np.isfinite(flow.error) else ""
    title(axes, f"{flow.status} after {counted(len(flow.runs), 'run')} with halved steps{error}")
    legend_beside(axes, handles)


def _ticks_at(axes: Any, steps: Any) -> None:
    shown = steps[:: max(1, (steps.size + 4) // 5)]
    axes.set_xticks(shown, labels=[number(float(step), 2) for step in shown])
    axes.set_xticks([], minor=True)
