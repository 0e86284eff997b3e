"""How a trajectory looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from relubias.dynamics.descent_trajectory import DescentTrajectory

__all__ = ["draw_trajectory"]

_OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


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
        colour = _OKABE_ITO[k % len(_OKABE_ITO)]
        for i in range(n):
            style = "-" if trajectory.problem.labels[i] > 0 else "--"
            axes.plot(time, primal[:, k, i], style, color=colour, lw=1, alpha=0.8)
    switches = trajectory.switches[trajectory.switches["time"] <= time[-1]]
    if switches.size:
        axes.plot(switches["time"], np.zeros(switches.size), "x", color="#000000", ms=4, zorder=3)
    axes.axhline(0.0, color="#888888", lw=0.8, zorder=0)
    handles = [
        axes.plot([], [], color=_OKABE_ITO[k % len(_OKABE_ITO)], label=f"neuron {k}")[0]
        for k in range(min(m, len(_OKABE_ITO)))
    ]
    handles += [
        axes.plot([], [], "-", color="#888888", label="label > 0")[0],
        axes.plot([], [], "--", color="#888888", label="label \N{LESS-THAN OR EQUAL TO} 0")[0],
    ]
    if switches.size:
        handles.append(axes.plot([], [], "x", color="#000000", label="switch")[0])
    axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xlim(0, float(time[-1]))
    axes.set_xlabel("step")
    axes.set_ylabel("primal value $w_k \\cdot x_i$")
    axes.set_title(f"{trajectory.status}, \N{GREEK SMALL LETTER KAPPA} = {trajectory.kappa:.3g}")
    return axes
