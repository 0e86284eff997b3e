"""The four regions of an example as a state machine with counted moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from relubias._palette import BLACK, BLUE, GREY, ORANGE, VERMILLION
from relubias.theory.transitions import Region

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["COLOURS", "draw_machine"]

_PLACES = {
    Region.DISAGREEING: (0.19, 0.78),
    Region.FROZEN: (0.81, 0.78),
    Region.SMALL: (0.19, 0.16),
    Region.AGREEING: (0.81, 0.16),
}
COLOURS = {
    Region.AGREEING: BLUE,
    Region.DISAGREEING: ORANGE,
    Region.FROZEN: VERMILLION,
    Region.SMALL: GREY,
}
_LESSONS = {
    Region.AGREEING: "absorbing (Lemma 5)",
    Region.FROZEN: "absorbing (Lemma 6)",
    Region.DISAGREEING: "leaves in one step",
    Region.SMALL: "undetermined",
}


def draw_machine(ax: Axes, counts: NDArray[np.int64], size: float | None = None) -> None:
    """Draw the four regions as a state machine with the counted moves, in type of `size`."""
    ax.set_axis_off()
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    totals = counts.sum(axis=1)
    frames: dict[int, Any] = {}
    for state, (x, y) in _PLACES.items():
        share = counts[state, state] / max(totals[state], 1)
        absorbing = totals[state] > 0 and counts[state, state] == totals[state]
        for pad in (0.55, 0.8) if absorbing else (0.55,):
            box = cast("Any", ax).text(
                x, y,
                f"{state.words}\n{_LESSONS[state]}\n"
                f"stays in {share:.1%} of {totals[state]:,} steps",
                ha="center", va="center", color=BLACK, linespacing=1.35, zorder=3, fontsize=size,
                bbox={"boxstyle": f"round,pad={pad}", "facecolor": "white" if pad < 0.6 else "none",
                      "edgecolor": COLOURS[state], "linewidth": 1.4},
            )  # fmt: skip
            frames[state] = box.get_bbox_patch()
    for a, b in zip(*(map(int, part) for part in np.nonzero(counts)), strict=True):
        if a != b:
            label = f"{counts[a, b] / totals[a]:.1%}  ({counts[a, b]:,})"
            _move(ax, a, b, label, (frames[a], frames[b]), size)


def _move(
    ax: Axes, a: int, b: int, label: str, frames: tuple[Any, Any], size: float | None
) -> None:
    """Draw one arrow between two frames; the two vertical ones bend apart."""
    (x0, y0), (x1, y1) = _PLACES[Region(a)], _PLACES[Region(b)]
    vertical = x0 == x1
    cast("Any", ax).annotate(
        "", xy=(x1, y1), xytext=(x0, y0), zorder=2,
        arrowprops={
            "arrowstyle": "-|>", "color": BLACK, "lw": 0.9, "shrinkA": 3, "shrinkB": 3,
            "patchA": frames[0], "patchB": frames[1],
            "connectionstyle": "arc3,rad=0.35" if vertical else "arc3,rad=0",
        },
    )  # fmt: skip
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    if vertical:
        side = np.sign(y1 - y0)
        place, aligned = (x + 0.058 * side, y), ("left" if side > 0 else "right", "center")
    elif y0 == y1:
        place, aligned = (x, y + 0.04), ("center", "bottom")
    else:
        place, aligned = (x + 0.1, y), ("left", "center")
    ax.text(*place, label, ha=aligned[0], va=aligned[1], fontsize=size)
