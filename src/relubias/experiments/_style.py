"""How the figures of the paper are built: panels, curves with bands, ticks and saving."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from relubias._palette import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION
from relubias._style import LOOKS, NARROW, WIDE, print_style
from relubias._validate import Float

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame

__all__ = [
    "BLACK",
    "BLUE",
    "GREEN",
    "GREY",
    "LOOKS",
    "NARROW",
    "ORANGE",
    "PURPLE",
    "SKY",
    "VERMILLION",
    "WIDE",
    "curve",
    "key",
    "legend_above",
    "new_figure",
    "panel",
    "plain",
    "plain_decades",
    "power_of_ten",
    "save",
    "styled",
]


def styled(draw: Callable[[DataFrame], Figure]) -> Callable[[DataFrame], Figure]:
    """Run a drawing function under the package's style; the user's settings stay as they are."""

    @wraps(draw)
    def wrapper(table: DataFrame) -> Figure:
        with print_style():
            return draw(table)

    return wrapper


def new_figure(height: float, width: float = WIDE) -> Figure:
    """Return an empty figure that arranges its panels by itself; sizes in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    cast("Any", figure.get_layout_engine()).set(w_pad=0.06, h_pad=0.06, wspace=0.03, hspace=0.04)
    return figure


def panel(
    ax: Axes, letter: str, title: str, *, x: str = "", y: str = "", log: Sequence[str] = ()
) -> Axes:
    """Title one panel with a bold letter, label its axes, and make the named axes logarithmic."""
    if letter:
        ax.set_title(f"$\\bf{{{letter}}}$  {title}")
    elif title:
        ax.set_title(title)
    if x:
        ax.set_xlabel(x)
    if y:
        ax.set_ylabel(y)
    if "x" in log:
        ax.set_xscale("log")
    if "y" in log:
        ax.set_yscale("log")
    return ax


def curve(
    ax: Axes,
    x: Float,
    middle: Float,
    low: Float,
    high: Float,
    look: dict[str, Any],
    label: str = "",
) -> None:
    """Draw a line with markers inside a shaded band."""
    cast("Any", ax).plot(x, middle, **look, label=label or None, zorder=3)
    cast("Any", ax).fill_between(
        x, low, high, color=look["color"], alpha=0.22, linewidth=0, zorder=2
    )


def legend_above(figure: Figure, handles: Sequence[Any], n_columns: int) -> None:
    """Put one legend above all panels, outside the data."""
    cast("Any", figure).legend(
        handles=handles, labels=[h.get_label() for h in handles],
        loc="outside upper center", ncols=n_columns,
    )  # fmt: skip


def power_of_ten(value: float) -> str:
    """Return ``10^6`` for 1e6 and ``2e3`` as ``2 x 10^3``, in matplotlib's mathematics."""
    exponent = int(np.floor(np.log10(value) + 1e-9))
    mantissa = value / 10.0**exponent
    if abs(mantissa - 1) < 1e-9:
        return f"10^{{{exponent}}}"
    return f"{mantissa:g}\\times 10^{{{exponent}}}"


def key(value: float) -> str:
    """Return ``5e-1`` for 0.5: a number as a part of a stable key."""
    mantissa, exponent = f"{value:.12e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}".replace(".", "p")


def plain(number: float) -> str:
    """Return ``2,000`` for two thousand and ``10^12`` for large powers of ten, as plain text."""
    exponent = round(float(np.log10(number)))
    return f"10^{exponent}" if number == 10.0**exponent and exponent > 6 else f"{number:,.0f}"


def plain_decades(axis: Any, lowest: float, highest: float) -> None:
    """Label a logarithmic axis at whole decades, every second or third where they are many."""
    first, last = int(np.ceil(np.log10(lowest) - 1e-9)), int(np.floor(np.log10(highest) + 1e-9))
    stride = max(1, (last - first + 4) // 5)
    exponents = range(last, first - 1, -stride)
    axis.set_ticks([10.0**e for e in exponents], labels=[f"$10^{{{e}}}$" for e in exponents])


def save(figure: Figure, png: Path, pdf: Path) -> None:
    """Write a figure as PNG and PDF, without dates, so that equal figures are equal files."""
    with print_style():
        figure.savefig(png, metadata={"Software": None})
        figure.savefig(pdf, metadata={"CreationDate": None})
