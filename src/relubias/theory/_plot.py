"""How a report looks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from relubias._palette import BLUE, GREY, ORANGE, VERMILLION
from relubias.theory._machine import draw_machine

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from relubias.theory.report import Report

__all__ = ["draw_margins", "draw_transitions"]

_LOOKS = {
    "holds": ("o", BLUE),
    "fails": ("X", VERMILLION),
    "not met": ("D", ORANGE),
    "undecided": ("s", GREY),
}
_WIDEST = 100.0  # margins beyond are drawn at the edge


def draw_margins(report: Report, ax: Axes | None) -> Axes:
    """Draw every margin on a line of its own."""
    import matplotlib.pyplot as plt

    shown = [v for v in report.sorted_verdicts if not math.isnan(v.margin)]
    axes: Any = ax
    if axes is None:
        size = (7.0, 1.4 + 0.19 * max(len(shown), 4))
        axes = plt.subplots(layout="constrained", figsize=size)[1]
    for row, v in enumerate(shown):
        marker, colour = _LOOKS[v.outcome]
        x = min(max(v.margin, -_WIDEST), _WIDEST)
        if 0 < v.rounding_error < math.inf:
            axes.plot(
                [max(x - v.rounding_error, -_WIDEST), min(x + v.rounding_error, _WIDEST)],
                [row, row], "-", color=colour, lw=1,
            )  # fmt: skip
        axes.plot(x, row, marker, color=colour, ms=5, mfc=colour if v.holds else "white", zorder=3)
        beyond = math.copysign(math.inf, v.margin) if abs(v.margin) > _WIDEST else 0.0
        if beyond:
            axes.annotate(
                f"{v.margin:.3g}", (x, row), xytext=(-9 * np.sign(beyond), 0), fontsize=6.5,
                textcoords="offset points", va="center", ha="right" if beyond > 0 else "left",
            )  # fmt: skip
    axes.axvline(0.0, color=GREY, lw=0.8, zorder=0)
    axes.set_yticks(range(len(shown)), [v.condition.partition(".")[2] for v in shown], fontsize=7)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_xscale("symlog", linthresh=0.1, linscale=0.7)
    axes.set_xlim(-1.6 * _WIDEST, 1.6 * _WIDEST)
    axes.set_xlabel("margin, in the natural unit of each condition")
    axes.grid(axis="x", color="#e4e4e4", lw=0.5)
    axes.set_axisbelow(True)
    handles = [
        axes.plot([], [], m, color=c, mfc=c if word == "holds" else "white", label=word)[0]
        for word, (m, c) in _LOOKS.items()
        if any(v.outcome == word for v in shown)
    ]
    axes.legend(
        handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, frameon=False
    )
    return axes


def draw_transitions(report: Report, ax: Axes | None) -> Axes:
    """Draw the counted state machine."""
    import matplotlib.pyplot as plt

    axes: Any = ax
    if axes is None:
        axes = plt.subplots(layout="constrained", figsize=(7.0, 2.8))[1]
    with plt.rc_context({"font.size": 7.5}):
        draw_machine(axes, report.transitions)
    return axes
