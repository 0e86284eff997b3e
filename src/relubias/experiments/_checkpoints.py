"""Where every example of two neurons is after some steps: blue and red regions, as in the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

import relubias as rb
from relubias.experiments import _style as style
from relubias.experiments._one_neuron import Case
from relubias.experiments._table import DataFrame, distinct, select, values

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["STEPS", "checkpoint_rows", "draw_checkpoints", "region_handles"]

STEPS = (0, 1, 2, 5, 50)
RED_FROM = 0.25
"""The red region is ``||lambda||_1 beta <= -RED_FROM * kappa * y_min``."""


def checkpoint_rows(case: Case, trace: float) -> list[dict[str, Any]]:
    """Run one case and return one row per checkpoint, neuron and example."""
    problem = case.problem
    run = rb.gradient_descent(problem, case.start, step_size=case.step_size, record=np.array(STEPS))
    red = -RED_FROM * case.step_size * trace * float(np.abs(problem.labels).min())
    rows: list[dict[str, Any]] = []
    for r, k, i in np.ndindex(run.records.primal.shape):
        primal, dual = float(run.records.primal[r, k, i]), trace * float(run.records.dual[r, k, i])
        agrees = bool(problem.signs[k] * problem.labels[i] > 0)
        rows.append(
            case.about
            | {
                "time": int(run.records.time[r]),
                "neuron": k,
                "sample": i,
                "label": float(problem.labels[i]),
                "agrees": agrees,
                "primal": primal,
                "dual": dual,
                "inside": primal > 0 if agrees else dual <= red and primal <= 0,
            }
        )
    return rows


def draw_checkpoints(figure: Figure, cells: Any, table: DataFrame) -> None:
    """Fill a grid of cells: a row per neuron, a column per checkpoint."""
    steps = [int(t) for t in distinct(table, "time")]
    first: Axes | None = None
    bound = 1.12 * max(np.abs(values(table, name)).max() for name in ("primal", "dual"))
    for k, name in enumerate(("positive neuron", "negative neuron")):
        for column, step in enumerate(steps):
            ax = cast("Any", figure).add_subplot(cells[k, column], sharex=first, sharey=first)
            first = first or ax
            part = select(table, time=step, neuron=k)
            _draw_cell(ax, part, 1.0 if step else 0.45)
            ax.set_ylim(-bound, bound)
            if k == 0:
                ax.set_title(f"$t = {step}$", loc="center")
                ax.set_title("$\\bf{a}$" if column == 0 else "", loc="left")
                ax.tick_params(labelbottom=False)
            else:
                ax.set_xlabel("example")
            if column == 0:
                ax.set_ylabel(name)
            else:
                ax.tick_params(labelleft=False)


def _draw_cell(ax: Axes, part: DataFrame, strength: float) -> None:
    sample = values(part, "sample") + 1
    agrees, inside = values(part, "agrees") > 0, values(part, "inside") > 0
    height = np.where(agrees, values(part, "primal"), values(part, "dual"))
    for x, agree in zip(sample, agrees, strict=True):
        low, high = (0, 10) if agree else (-10, 0)
        color = style.BLUE if agree else style.VERMILLION
        ax.fill_between([x - 0.5, x + 0.5], low, high, color=color, alpha=0.16 * strength, lw=0)
    ax.axhline(0, color=style.BLACK, linewidth=0.6)
    for chosen, marker, color in (
        (agrees & inside, "o", style.BLUE),
        (~agrees & inside, "s", style.VERMILLION),
        (~inside, "X", style.BLACK),
    ):
        ax.plot(sample[chosen], height[chosen], marker, color=color, zorder=3, markersize=3.4)
    ax.set_xlim(0.5, sample.max() + 0.5)
    ax.set_xticks([1, 5, 10])
    ax.grid(visible=False)


def region_handles() -> list[Any]:
    """Return the legend of the markers and regions."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    def dot(marker: str, color: str, label: str) -> Line2D:
        return Line2D([], [], marker=marker, color=color, linestyle="none", label=label)

    return [
        dot("o", style.BLUE, r"agrees: primal $\alpha_{k,i}$"),
        Patch(color=style.BLUE, alpha=0.16, linewidth=0, label="active"),
        dot("s", style.VERMILLION, r"disagrees: dual $\|\lambda\|_1\beta_{k,i}$"),
        Patch(color=style.VERMILLION, alpha=0.16, linewidth=0, label="frozen"),
        dot("X", style.BLACK, "outside its region"),
    ]
