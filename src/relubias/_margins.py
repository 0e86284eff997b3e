"""Margins on lines of their own: how verdicts, claims and sufficient conditions look."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from relubias._palette import BLUE, GREY, ORANGE, VERMILLION
from relubias._style import minus, zero_line

__all__ = ["ROUNDING", "UNITS", "Reach", "draw_rows"]

_LOOKS = {
    "holds": ("o", BLUE),
    "fails": ("X", VERMILLION),
    "not met": ("D", ORANGE),
    "undecided": ("s", GREY),
    "verified": ("o", BLUE),
    "refuted": ("X", VERMILLION),
    "on trust": ("s", GREY),
}
_FILLED = ("holds", "verified", "fails", "refuted")


class Reach(NamedTuple):
    """How far the axis of margins goes, and below what size it is linear."""

    widest: float
    linear: float
    ticks: tuple[float, ...]


UNITS = Reach(100.0, 0.1, (0.1, 1, 10, 100))
"""For margins in natural units; those beyond are drawn at the edge, with their value."""

ROUNDING = Reach(1.0, 1e-15, (1e-12, 1e-8, 1e-4, 1))
"""For relative margins that may be as small as rounding."""


def draw_rows(
    axes: Any, rows: Sequence[tuple[str, float, float, str]], reach: Reach = UNITS
) -> None:
    """Draw rows of (name, margin, rounding error, outcome), the first on top, and a legend.

    A margin that is nan has a name and no mark.
    """
    zero_line(axes, vertical=True)
    for row, (_, margin, error, outcome) in enumerate(rows):
        if not math.isnan(margin):
            _draw_row(axes, row, margin, error, outcome, reach.widest)
    axes.set_yticks(range(len(rows)), [name for name, *_ in rows])
    axes.tick_params(axis="y", labelsize="small", length=0)
    axes.set_ylim(max(len(rows), 1) - 0.4, -0.6)
    axes.set_xscale("symlog", linthresh=reach.linear, linscale=0.7)
    axes.set_xlim(-1.6 * reach.widest, 1.6 * reach.widest)
    ticks = [-x for x in reversed(reach.ticks)] + [0, *reach.ticks]
    axes.set_xticks(ticks, labels=[_tick(x) for x in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("margin, in the natural unit of each condition: right of 0 it holds")
    axes.grid(False, axis="y")
    present = {row[3] for row in rows}
    handles = [
        axes.plot([], [], **_mark(word), linestyle="none", label=word)[0]
        for word in _LOOKS
        if word in present
    ]
    if handles:
        axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False)


def _tick(x: float) -> str:
    if 0 < abs(x) < 0.01:
        return f"${'-' if x < 0 else ''}10^{{{round(math.log10(abs(x)))}}}$"
    return minus(f"{x:g}")


def _draw_row(
    axes: Any, row: int, margin: float, error: float, outcome: str, widest: float
) -> None:
    x = min(max(margin, -widest), widest)
    look = _mark(outcome)
    if 0 < error < math.inf:
        ends = [max(x - error, -widest), min(x + error, widest)]
        axes.plot(ends, [row, row], "-", color=look["color"], lw=1)
    axes.plot(x, row, zorder=3, **look)
    if abs(margin) > widest:
        side = math.copysign(1.0, margin)
        axes.annotate(
            minus(f"{margin:.3g}").replace("inf", "\N{INFINITY}"), (x, row),
            xytext=(-9 * side, 0), fontsize="small", textcoords="offset points",
            va="center", ha="right" if side > 0 else "left",
        )  # fmt: skip


def _mark(outcome: str) -> dict[str, Any]:
    marker, colour = _LOOKS[outcome]
    fill = colour if outcome in _FILLED else "white"
    return {"marker": marker, "color": colour, "markersize": 5, "markerfacecolor": fill}
