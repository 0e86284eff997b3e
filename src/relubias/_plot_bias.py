"""How the distance of two networks looks, beside the law that predicts it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from relubias._palette import BLUE, GREY, ORANGE
from relubias._style import legend_beside, number, picture, title

if TYPE_CHECKING:
    from relubias.bias import BiasGap

__all__ = ["draw_gap"]

_MOST_NAMED = 40


@picture(height=lambda gap: 1.7 + 0.32 * min(_n_rows(gap), _MOST_NAMED))
def draw_gap(gap: BiasGap, axes: Any) -> None:
    """Draw the distance and the law as marks on a line per neuron, and the norm behind them."""
    rows = list(zip(gap.per_neuron, gap.predictions, strict=True))
    names = [f"neuron {k}" for k in range(len(rows))]
    if len(rows) > 1:
        rows, names = [(gap.distance, gap.prediction), *rows], ["all", *names]
    handles: list[Any] = []
    if gap.second_norm > 0:
        look = {"height": 0.7, "color": GREY, "alpha": 0.2, "lw": 0, "zorder": 1}
        handles.append(axes.barh(0, gap.second_norm, label="norm of the second network", **look))
    for row, (distance, law) in enumerate(rows):
        axes.plot([0, distance], [row, row], "-", color=BLUE, lw=1.6, zorder=2)
        axes.errorbar(
            distance, row, xerr=gap.rounding_error if row == 0 else None, fmt="o", color=BLUE,
            capsize=4, zorder=4, ms=6,
        )  # fmt: skip
        if not math.isnan(law):
            axes.plot(law, row, "D", color=ORANGE, mfc="none", mew=1.6, ms=11, zorder=3)
    handles += axes.plot([], [], "o-", color=BLUE, ms=6, label="distance")
    if not math.isnan(gap.prediction):
        look = {"color": ORANGE, "mfc": "none", "mew": 1.6, "ms": 9, "ls": "none"}
        handles += axes.plot([], [], "D", label="the law", **look)
    if len(rows) <= _MOST_NAMED:
        axes.set_yticks(range(len(rows)), names)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(False, axis="y")
    axes.set_xlim(left=0)
    axes.margins(x=0.08)
    axes.locator_params(axis="x", nbins=6)
    rounding = f" (rounding at most {number(gap.rounding_error, 1)})" if gap.rounding_error else ""
    axes.set_xlabel("distance in weight space" + rounding)
    legend_beside(axes, handles)
    if gap.second_norm > 0:
        found = f"{number(gap.relative)} of the norm away"
    else:
        found = f"{number(gap.distance)} away from zero"
    law = "" if math.isnan(gap.ratio) else f"; {number(gap.ratio, 4)} times the law"
    title(axes, found + law)


def _n_rows(gap: BiasGap) -> int:
    return gap.per_neuron.size + (gap.per_neuron.size > 1)
