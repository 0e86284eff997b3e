"""Phase maps: a share or a median over two parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from relubias._palette import BLACK
from relubias._style import number, own_axes, title
from relubias._validate import Float
from relubias.sweep._axes import Axis, axis_of, is_wide, plain_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_map", "half_lines"]

_MOST_NUMBERS = 120
"""In maps of at most so many cells, each says its number."""

_HALF = 0.5
_WHITE = "#ffffff"


def draw_map(
    columns: NDArray[Any],
    lines: NDArray[Any],
    cells: Float,
    *,
    x: str,
    y: str,
    value: str,
    is_share: bool,
    log: str | None,
    ax: Axes | None,
) -> Axes:
    """Draw cells of shape (n_y, n_x) with a scale beside them."""
    from matplotlib.colors import LogNorm, Normalize

    axes: Any = own_axes(ax)
    axes.grid(False)
    across = axis_of(columns, None if log is None else "x" in log)
    up = axis_of(lines, None if log is None else "y" in log)
    if is_share:
        norm: Any = Normalize(0.0, 1.0)
    else:
        known = cells[np.isfinite(cells)]
        low, high = float(known.min()), float(known.max())
        norm = LogNorm(low, high) if is_wide(known) else Normalize(low, high)
    axes.set_facecolor(_WHITE)
    axes.patch.set_hatch("////")
    axes.patch.set_edgecolor("#bbbbbb")
    mesh = axes.pcolormesh(
        across.edges(), up.edges(), np.ma.masked_invalid(cells), norm=norm, cmap="cividis",
        edgecolors=_WHITE, linewidth=0.3 if cells.size <= _MOST_NUMBERS else 0.0,
    )  # fmt: skip
    across.apply(axes.xaxis, axes.set_xscale)
    up.apply(axes.yaxis, axes.set_yscale)
    bar = axes.figure.colorbar(mesh, ax=axes, pad=0.02)
    bar.set_label(f"share with {value}" if is_share else f"median of {value}")
    if is_share:
        for line in half_lines(across, up, cells):
            axes.plot(*line, color=_WHITE, lw=3.2, zorder=3)
            axes.plot(*line, color=BLACK, lw=1.4, zorder=4)
        bar.ax.axhline(_HALF, color=BLACK, lw=1.4)
    if cells.size <= _MOST_NUMBERS:
        _write_numbers(axes, across, up, cells, mesh, is_share)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    title(axes, _finding(cells, value, is_share))
    return axes


def _finding(cells: Float, value: str, is_share: bool) -> str:
    """Say in how many cells a share is above a half, or between what the medians are."""
    known = cells[np.isfinite(cells)]
    if is_share:
        likely = int((known > _HALF).sum())
        return f"{value} is more likely than not in {likely} of {known.size} cells"
    return f"median of {value}: from {number(float(known.min()))} to {number(float(known.max()))}"


def half_lines(across: Axis, up: Axis, cells: Float) -> list[tuple[Float, Float]]:
    """Return where the share is 1/2, as lines through (x, y), interpolated between the cells."""
    if min(cells.shape) < 2:
        return []
    from contourpy import contour_generator

    u = np.log(across.places) if across.is_log else across.places
    v = np.log(up.places) if up.is_log else up.places
    found: Any = contour_generator(u, v, np.ma.masked_invalid(cells)).lines(_HALF)
    lines: list[tuple[Float, Float]] = []
    for line in found:
        a, b = np.asarray(line, dtype=np.float64).T
        lines.append((np.exp(a) if across.is_log else a, np.exp(b) if up.is_log else b))
    return lines


def _write_numbers(
    axes: Any, across: Axis, up: Axis, cells: Float, mesh: Any, is_share: bool
) -> None:
    from matplotlib.patheffects import withStroke

    for j, place in enumerate(up.places):
        for i, at in enumerate(across.places):
            if np.isfinite(cells[j, i]):
                shade = mesh.cmap(mesh.norm(cells[j, i]))
                is_dark = 0.299 * shade[0] + 0.587 * shade[1] + 0.114 * shade[2] < 0.5
                number = f"{cells[j, i]:.2f}" if is_share else plain_number(float(cells[j, i]))
                axes.text(
                    at, place, number, ha="center", va="center", fontsize=7, zorder=5,
                    color=_WHITE if is_dark else BLACK,
                    path_effects=[withStroke(linewidth=2.5, foreground=shade)],
                )  # fmt: skip
