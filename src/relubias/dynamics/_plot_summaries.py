"""How batches of runs and ranges of step sizes look."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from relubias._palette import BLUE, GREEN, GREY, VERMILLION
from relubias._style import counted, legend_beside, number, picture, title

if TYPE_CHECKING:
    from relubias.dynamics.batch import DescentBatch
    from relubias.dynamics.step_size import StepSizeBounds

__all__ = ["draw_batch", "draw_bounds"]


@picture(height=3.6)
def draw_batch(batch: DescentBatch, axes: Any) -> None:
    """Draw the share of problems that are done by each step, and that switch no more."""
    n = max(len(batch), 1)
    certified = batch.status == "CERTIFIED"
    last = max(int(batch.n_steps.max(initial=1)), 2)
    handles: list[Any] = []
    for steps, style, colour, name in (
        (batch.last_switch[certified], "--", VERMILLION, "switch no more"),
        (batch.n_steps[certified], "-", BLUE, "known to be settled"),
    ):
        at = np.sort(steps)
        places = np.concatenate([[0], at, [last]])
        shares = np.concatenate([[0], np.arange(1, at.size + 1), [at.size]]) / n
        handles += axes.step(places, shares, style, where="post", color=colour, lw=1.6, label=name)
    others = [str(name) for name in np.unique(batch.status) if name != "CERTIFIED"]
    for name, marker in zip(others, "sD^v", strict=False):
        steps = batch.n_steps[batch.status == name]
        height = np.full(steps.size, -0.04)
        look = {"ls": "none", "color": GREY, "mfc": "white", "clip_on": False, "zorder": 4}
        label = f"{name}: {steps.size:,}"
        handles += axes.plot(steps, height, marker=marker, label=label, **look)
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xlim(0, last * 1.05)
    axes.set_ylim(-0.08, 1.04)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], labels=["0%", "25%", "50%", "75%", "100%"])
    axes.set_xlabel("step")
    axes.set_ylabel("share of problems")
    legend_beside(axes, handles)
    found = f"{int(certified.sum()):,} of {counted(len(batch), 'problem')} certified"
    if certified.any():
        half = ", half of them" if len(batch) > 1 else ""
        found += f"{half} within {np.median(batch.n_steps[certified]):,.0f} steps"
    title(axes, found)


@picture(height=2.1)
def draw_bounds(bounds: StepSizeBounds, axes: Any) -> None:
    """Draw the step sizes of the theory and the stable ones on a line, in units of 1 / trace."""
    kappas = [bounds.trace * b for b in (bounds.lower, bounds.upper, bounds.stable)]
    lower, upper, stable = kappas
    is_stable_known, has_range = math.isfinite(stable) and stable > 0, upper > 0
    known = [k for k in kappas if 0 < k < math.inf] or [1.0]
    low, high = min(known) / 4, max(known) * 3
    handles: list[Any] = []
    end = stable if is_stable_known else high
    look = {"color": GREEN, "alpha": 0.25, "lw": 0}
    handles.append(axes.fill_between([low, end], 0.2, 0.8, label="no pattern is unstable", **look))
    if has_range:
        look = {"color": BLUE, "alpha": 0.6, "lw": 0}
        name = f"range of the theory, C = {number(bounds.constant)}"
        handles.append(axes.fill_between([lower, upper], 0.3, 0.7, label=name, **look))
    if is_stable_known:
        handles += axes.plot([stable] * 2, [0.2, 0.8], "--", color=VERMILLION, lw=1.8,
                             label="some pattern is unstable beyond")  # fmt: skip
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(0, 1)
    axes.set_yticks([])
    axes.grid(False, axis="y")
    axes.spines["left"].set_visible(False)
    ticks = [k for k in kappas if 0 < k < math.inf]
    if len(ticks) == 3 and ticks[2] < 1.5 * ticks[1]:
        del ticks[2]  # no room; the title says it
    axes.set_xticks(ticks, labels=[number(k) for k in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlabel(f"$\\kappa$ = step size times {number(bounds.trace)}, dimensionless")
    legend_beside(axes, handles)
    if has_range:
        found = f"the theory speaks about $\\kappa$ from {number(lower)} to {number(upper)}"
    else:
        found = "the Gram matrix is singular: the theory allows no step size"
    if is_stable_known:
        found += f"; no pattern is unstable below {number(stable)}"
    title(axes, found)
