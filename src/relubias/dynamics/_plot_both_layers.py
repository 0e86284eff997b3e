"""How a run on both layers looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from relubias._palette import BLUE, VERMILLION

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from relubias.dynamics.both_layers_trajectory import BothLayersTrajectory

__all__ = ["draw_both_layers"]

_GREY = "#888888"


def draw_both_layers(trajectory: BothLayersTrajectory, ax: Axes | None) -> Axes:
    """Draw outputs, and where there is no axis given output weights, against steps."""
    import matplotlib.pyplot as plt

    axes: Any = ax
    below: Any = None
    if ax is None:
        axes, below = plt.subplots(2, sharex=True, layout="constrained", figsize=(7, 6))[1]
    records, labels = trajectory.records, trajectory.problem.labels
    time, primal, outer = records.time, records.primal, records.outer
    if len(records) < 2:
        first, last = trajectory.initial, trajectory.limit
        time = np.array([0, max(trajectory.n_steps, 1)])
        primal = np.stack([first.primal, last.primal])
        outer = np.stack([first.outer, last.outer])
    outputs = np.einsum("tk,tki->ti", outer, np.maximum(primal, 0.0))
    for i, label in enumerate(labels):
        positive = bool(label > 0)
        colour = BLUE if positive else VERMILLION
        axes.plot(time, outputs[:, i], "-" if positive else "--", color=colour, lw=1.2)
        axes.plot(time[-1], label, "o", color=colour, ms=4, clip_on=False, zorder=3)
    handles = [
        axes.plot([], [], "-", color=BLUE, label="label > 0")[0],
        axes.plot([], [], "--", color=VERMILLION, label="label \N{LESS-THAN OR EQUAL TO} 0")[0],
        axes.plot([], [], "o", color=_GREY, ms=4, label="label")[0],
    ]
    axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    axes.axhline(0.0, color=_GREY, lw=0.8, zorder=0)
    axes.set_xlim(0, float(time[-1]))
    axes.set_ylabel("output $f(x_i)$")
    axes.set_title(f"both layers, {trajectory.status}")
    if below is None:
        axes.set_xlabel("step")
        return axes
    for k in range(outer.shape[1]):
        rises = outer[-1, k] > 0
        below.plot(time, outer[:, k], "-" if rises else "--", lw=1,
                   color=BLUE if rises else VERMILLION)  # fmt: skip
    below.axhline(0.0, color=_GREY, lw=0.8, zorder=0)
    below.set_ylabel("output weight $a_k$")
    below.set_xlabel("step")
    return axes
