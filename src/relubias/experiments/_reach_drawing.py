"""Draws the dimensions that each version of the theory asks for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from relubias._validate import Float
from relubias.experiments import _style as style
from relubias.experiments._reach_laws import LAWS, assumption_law, conclusion_law
from relubias.experiments._reach_runs import START
from relubias.experiments._statistics import bands, median
from relubias.experiments._table import DataFrame, distinct, select, values

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw"]

_NAMES = {
    "assumption": r"Assumption 2, $C_0 = 48$", "explicit": "explicit constants",
    "certificate": "run-time certificate", "conclusion": "conclusion of Theorem 1",
}  # fmt: skip


@style.styled
def draw(table: DataFrame) -> Figure:
    """Draw the dimensions against n for two steps, and that of the conclusion against the step."""
    figure = style.new_figure(3.0)
    axes = figure.subplots(1, 3)
    found = select(table, part="smallest")
    kappas = distinct(found, "kappa")
    shown = (max(kappas), 0.3 if 0.3 in kappas else min(kappas))
    handles: list[Any] = []
    for ax, kappa, letter in zip(axes, shown, "ab", strict=False):
        handles = _conditions_panel(ax, select(found, kappa=kappa), kappa)
        style.panel(ax, letter, rf"$\kappa = {kappa:g}$", x="samples $n$", log="xy")
        _plain_numbers(ax.xaxis, distinct(found, "n"))
    axes[0].set_ylabel("smallest dimension $d$")
    bottom, top = (f(ax.get_ylim()[k] for ax in axes[:2]) for k, f in enumerate((min, max)))
    for ax in axes[:2]:
        ax.set_ylim(bottom, top)
        style.plain_decades(ax.yaxis, bottom, top)
        ax.yaxis.minorticks_off()
    _step_panel(axes[2], select(found, condition="conclusion"))
    (law,) = axes[0].plot(
        [],
        [],
        color=style.BLACK,
        linewidth=0.8,
        linestyle=(0, (4, 2)),
        label="from first principles",
    )
    style.legend_above(figure, [*handles, law], 3)
    return figure


def _conditions_panel(ax: Axes, part: DataFrame, kappa: float) -> list[Any]:
    sizes = np.array(distinct(part, "n"), dtype=np.float64)
    grid = _decades(sizes)
    handles: list[Any] = []
    for name, look in zip(_NAMES, style.LOOKS, strict=False):
        law = [LAWS[name](float(n), kappa, START) for n in grid]
        if name == "assumption":
            handles += ax.plot(
                sizes, [assumption_law(float(n), kappa, START) for n in sizes], **look,
                label=_NAMES[name],
            )  # fmt: skip
            continue
        own = select(part, condition=name)
        style.curve(ax, *bands(values(own, "n"), values(own, "d")), look, _NAMES[name])
        handles.append(ax.lines[-1])
        ax.lines[-1].set_linestyle("none")
        ax.plot(grid, law, color=style.BLACK, linewidth=0.8, linestyle=(0, (4, 2)), zorder=4)
    return handles


def _decades(entries: Float) -> Float:
    """Return numbers between the least and the largest, evenly spread in their logarithm."""
    low, high = np.log(entries.min()), np.log(entries.max())
    return np.exp(low + (high - low) * np.arange(61) / 60)


def _step_panel(ax: Axes, part: DataFrame) -> None:
    kappas = values(part, "kappa")
    grid = _decades(kappas)
    for n, look in zip(distinct(part, "n"), style.LOOKS, strict=False):
        own = select(part, n=n)
        unit = n * math.log(n)
        at = np.unique(values(own, "kappa"))
        middle = [median(values(select(own, kappa=k), "d")).value / unit for k in at]
        color = style.LOOKS[3]["color"]
        ax.plot(at, middle, look["marker"], color=color, label=f"$n = {n}$", zorder=3)
        law = [conclusion_law(n, float(k), START) / unit for k in grid]
        ax.plot(grid, law, color=style.BLACK, linewidth=0.8, linestyle=(0, (4, 2)), zorder=4)
    style.panel(
        ax, "c", "the conclusion", x=r"step size $\kappa$", y=r"$d\,/\,(n \ln n)$", log="xy"
    )
    _plain_numbers(ax.xaxis, [k for k in (0.05, 0.1, 0.3, 0.9) if k >= kappas.min()])
    _plain_numbers(ax.yaxis, [y for y in (1, 2, 5, 10, 20, 50, 100, 200) if _inside(ax, y)])
    ax.legend(loc="upper right")


def _inside(ax: Axes, y: float) -> bool:
    low, high = ax.get_ylim()
    return low <= y <= high


def _plain_numbers(axis: Any, ticks: Sequence[float]) -> None:
    axis.set_ticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    axis.set_ticks([], minor=True)
