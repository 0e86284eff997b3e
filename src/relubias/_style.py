"""One look for every picture, without touching the settings of whoever draws.

A result's `plot` is a function of the result and of axes, decorated with `picture`: it draws on
axes that are given, in the fonts of their owner, or on a new figure in the package's. Colours are
Okabe and Ito's; markers, fills and line styles say the same again, for print in grey.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from relubias._palette import CYCLE, GREY
from relubias._validate import fail

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "GRID",
    "LOOKS",
    "MARKERS",
    "NARROW",
    "N_LOOKS",
    "WIDE",
    "as_axes",
    "counted",
    "dress",
    "legend_beside",
    "look",
    "minus",
    "new_figure",
    "number",
    "own_axes",
    "own_style",
    "picture",
    "print_style",
    "screen_style",
    "title",
    "zero_line",
]

NARROW, WIDE = 3.25, 6.75  # inches: one and two columns
GRID = "#e4e4e4"
MARKERS = "os^DvP"
_LINES = ("-", "--", "-.", ":")
N_LOOKS = 12
"""How many series can be told apart without their colours."""

_PRINT: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 7.5,
    "axes.titlesize": 8,
    "axes.labelsize": 7.5,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.title_fontsize": 7.5,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlepad": 5,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
    "legend.frameon": False,
    "legend.handlelength": 2.2,
    "legend.columnspacing": 1.4,
    "figure.dpi": 100,
    "savefig.dpi": 200,
    "savefig.facecolor": "white",
    "figure.facecolor": "white",
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "mathtext.fontset": "dejavusans",
}

_SCREEN: dict[str, Any] = _PRINT | {
    "font.size": 9.5,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9.5,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "legend.title_fontsize": 9,
    "axes.titlepad": 8,
    "lines.linewidth": 1.4,
    "lines.markersize": 5,
}
"""The same for a figure that is looked at by itself."""

_THEIRS = ("figure.dpi", "savefig.dpi")
"""Settings that belong to the screen, not to the look."""

Result = TypeVar("Result")


def look(k: int) -> dict[str, Any]:
    """Return colour, marker and line of series `k`; no two of 12 are alike, in grey neither."""
    return {
        "color": CYCLE[k % len(CYCLE)],
        "marker": MARKERS[k % len(MARKERS)],
        "linestyle": _LINES[k % len(_LINES)],
    }


LOOKS = tuple(look(k) for k in range(6))


@contextmanager
def print_style() -> Generator[None]:
    """Draw for a page of print: small type, lines and margins."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        cast("Any", mpl.rcParams).update(_PRINT)
        yield


@contextmanager
def screen_style() -> Generator[None]:
    """Draw for a screen: type of ordinary size, the resolution that the user has chosen."""
    import matplotlib as mpl

    theirs = {name: mpl.rcParams[name] for name in _THEIRS}
    with mpl.rc_context():
        mpl.rcdefaults()
        cast("Any", mpl.rcParams).update(_SCREEN | theirs)
        yield


def own_style(ax: Any) -> AbstractContextManager[None]:
    """Return the style to draw in: that of a screen, or on given axes that of their owner."""
    return screen_style() if ax is None else nullcontext()


def as_axes(ax: Any) -> Axes:
    """Return `ax` if one can draw on it; name the mistake otherwise."""
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

    if isinstance(ax, Axes) and ax.name == "rectilinear" and ax.get_figure() is not None:
        return ax
    kind = f"{ax.name} axes" if isinstance(ax, Axes) else f"a {type(ax).__name__}"
    remedy = "pass one rectangular matplotlib Axes, such as figure.subplots() returns"
    if isinstance(ax, FigureBase):
        remedy = "pass figure.subplots(), or leave it out for a new figure"
    raise fail("ax", f"is {kind}", remedy)


def new_figure(width: float, height: float) -> Figure:
    """Return a figure of pyplot that arranges its panels by itself; sizes in inches."""
    import matplotlib.pyplot as plt

    return plt.figure(figsize=(width, height), layout="constrained")


def picture(
    width: float = 7.0, height: float | Callable[[Any], float] = 4.0
) -> Callable[[Callable[[Result, Any], None]], Callable[[Result, Any], Axes]]:
    """Make `draw(result, axes)` a function that also makes the axes, and returns them.

    Parameters
    ----------
    width : float, default=7.0
        Of the new figure, in inches.
    height : float or callable, default=4.0
        The same, or a function of the result.

    Returns
    -------
    callable
        A decorator.
    """

    def decorate(draw: Callable[[Result, Any], None]) -> Callable[[Result, Any], Axes]:
        @wraps(draw)
        def wrapper(result: Result, ax: Any = None) -> Axes:
            with own_style(ax):
                size = height(result) if callable(height) else height
                axes = own_axes(ax, width, size)
                draw(result, axes)
            return axes

        return wrapper

    return decorate


def dress(ax: Axes) -> None:
    """Give one axes the frame and the grid of the package, whatever else its figure holds."""
    axes = cast("Any", ax)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(True, color=GRID, linewidth=0.5)
    axes.set_axisbelow(True)


def own_axes(ax: Any, width: float = 7.0, height: float = 4.0) -> Axes:
    """Return the axes to draw on, dressed: those given, or new ones; call within a style."""
    if ax is not None:
        axes = as_axes(ax)
    else:
        axes = cast("Any", new_figure(width, height).subplots())
        _keep_type(axes)
    dress(axes)
    return axes


def _keep_type(ax: Any) -> None:
    """Fix the type of tick labels: ticks are made late, when other settings hold."""
    import matplotlib as mpl

    family = mpl.rcParams["font.sans-serif"][0]
    for name in ("x", "y"):
        size = cast("Any", mpl.rcParams)[f"{name}tick.labelsize"]
        ax.tick_params(axis=name, which="both", labelsize=size, labelfontfamily=family)


def title(ax: Axes, text: str) -> None:
    """Say the finding above the axes, on the left, broken where the axes end."""
    import matplotlib as mpl

    size = float(cast("Any", mpl.rcParams)["font.size"])
    inches = ax.get_position().width * cast("Any", ax.figure).get_figwidth()
    room = max(16, int(inches * 72 / (0.5 * size)))
    words = "\n".join(textwrap.wrap(text, room, break_long_words=False))
    ax.set_title(words, loc="left", fontsize="medium")


def legend_beside(ax: Axes, handles: Sequence[Any], heading: str | None = None) -> None:
    """Put the legend on the right, outside the data."""
    if handles:
        cast("Any", ax).legend(
            handles=list(handles), title=heading, loc="center left", bbox_to_anchor=(1.01, 0.5),
            frameon=False, alignment="left",
        )  # fmt: skip


def zero_line(ax: Axes, *, vertical: bool = False) -> None:
    """Draw the line where a quantity changes its sign."""
    axes = cast("Any", ax)
    draw = axes.axvline if vertical else axes.axhline
    draw(0.0, color=GREY, linewidth=0.9, zorder=1)


def minus(text: str) -> str:
    """Return a text whose negative numbers have a true minus sign."""
    return re.sub(r"(?<![\w)])-(?=[\d.]|inf)", "\N{MINUS SIGN}", text)


def number(value: float, digits: int = 3) -> str:
    """Return a number for a title or a legend, such as 0.28, -3.1e-7 as a power of ten, 12,000."""
    if math.isnan(value):
        return "unknown"
    if math.isinf(value):
        return "\N{INFINITY}" if value > 0 else "\N{MINUS SIGN}\N{INFINITY}"
    text = f"{value:.{digits}g}"
    mantissa, mark, exponent = text.partition("e")
    if not mark:
        return minus(text)
    if 0 < int(exponent) <= 6:
        return minus(f"{float(text):,.0f}")
    power = f"10^{{{int(exponent)}}}"
    return f"${power}$" if mantissa == "1" else f"${mantissa}\\times{power}$"


def counted(count: int, thing: str, things: str = "") -> str:
    """Return ``1 sample`` or ``12,000 samples``."""
    return f"{count:,} {thing if count == 1 else things or thing + 's'}"
