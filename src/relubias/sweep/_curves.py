"""Pictures of a sweep: curves with bands, and the power laws through them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from relubias._palette import BLACK, GREY
from relubias._style import legend_beside, look, minus, number, own_axes, picture, title
from relubias._validate import Float
from relubias.sweep._axes import axis_of, is_wide
from relubias.sweep._bands import MIDDLES, Band

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from relubias.sweep.fits import PowerLawFit

__all__ = ["draw_bands", "draw_fit", "say_left_out"]

_REACH = 300.0
"""How far a logarithmic axis reaches beyond the curves, as a factor."""

_MARGIN = 1.4

_WIDE, _WIDE_BESIDE_LOG = 30.0, 5.0
"""From which ratio of heights on they are drawn logarithmically; beside a logarithmic axis."""


def draw_bands(
    bands: list[tuple[Any, Band]],
    *,
    x: str,
    y: str,
    by: str | None,
    is_share: bool,
    middle: str,
    log: str | None,
    fit: PowerLawFit | None,
    ax: Axes | None,
) -> Axes:
    """Draw one curve with its band per group, and the power laws if they are given."""
    axes: Any = own_axes(ax)
    if fit is not None and log is None:
        log = "xy"  # where power laws are lines
    places = np.unique(np.concatenate([band.x for _, band in bands]))
    axis = axis_of(places, None if log is None else "x" in log)
    for k, (group, band) in enumerate(bands):
        at = axis.places[np.searchsorted(places, band.x)]
        if places.dtype.kind in "iuf":
            _draw_curve(axes, at, band, k, _label(group, by, fit, k))
        else:
            shift = 0.12 * (k - (len(bands) - 1) / 2)
            _draw_bars(axes, at + shift, band, k, _label(group, by, fit, k))
    axis.apply(axes.xaxis, axes.set_xscale)
    axes.set_xlabel(x)
    if is_share:
        axes.set_ylim(-0.03, 1.03)
        axes.set_ylabel(f"share with {y}, 95% interval")
    else:
        axes.set_ylabel(f"{y} ({MIDDLES[middle]})")
        factor = _WIDE_BESIDE_LOG if axis.is_log else _WIDE
        _scale_heights(axes, [band for _, band in bands], log, factor)
    if fit is not None:
        _draw_lines(axes, fit, [""] * len(fit.groups))
    if by is not None or fit is not None:
        legend_beside(axes, axes.get_legend_handles_labels()[0], by)
    title(axes, _finding(bands, x, y, is_share, middle, fit))
    return axes


def _finding(
    bands: list[tuple[Any, Band]], x: str, y: str, is_share: bool, middle: str, fit: Any
) -> str:
    """Say what the curves do, where that is one thing."""
    if fit is not None:
        return _law(fit)
    band = bands[0][1]
    if len(bands) > 1 or band.x.size < 2 or band.x.dtype.kind not in "iuf":
        return ""
    first, last = (float(v) for v in band.middle[[0, -1]])
    ends = [f"{v:.0%}" if is_share else number(v) for v in (first, last)]
    what = f"share with {y}" if is_share else f"{middle} of {y}"
    places = [number(float(v)) for v in band.x[[0, -1]]]
    return f"{what}: {ends[0]} at {x} = {places[0]}, {ends[1]} at {x} = {places[1]}"


def _law(fit: PowerLawFit) -> str:
    """Say the exponents in one sentence."""
    low, high = float(fit.exponent.min()), float(fit.exponent.max())
    slopes = number(low, 2) if number(low, 2) == number(high, 2) else (
        f"{number(low, 2)} to {number(high, 2)}"
    )  # fmt: skip
    verb = "changes" if low < 0 < high else "falls" if high < 0 else "grows"
    return f"{fit.y} {verb} like {fit.x} to the power {slopes}"


def _label(group: Any, by: str | None, fit: PowerLawFit | None, k: int) -> str:
    slope = "" if fit is None else minus(fit.label(k))
    return slope if by is None else f"{group}{': ' if slope else ''}{slope}"


def _draw_curve(axes: Any, at: Float, band: Band, k: int, label: str) -> None:
    style = look(k)
    axes.plot(at, band.middle, **style, ms=4, lw=1.4, label=label, zorder=3)
    axes.fill_between(at, band.low, band.high, color=style["color"], alpha=0.18, lw=0, zorder=2)


def _draw_bars(axes: Any, at: Float, band: Band, k: int, label: str) -> None:
    """Draw unconnected points: nothing lies between words."""
    reach = np.abs(np.stack([band.middle - band.low, band.high - band.middle]))
    style = look(k) | {"linestyle": "none"}
    axes.errorbar(at, band.middle, yerr=reach, **style, ms=5, capsize=3, label=label, zorder=3)


def _scale_heights(axes: Any, bands: list[Band], log: str | None, factor: float) -> None:
    """Make the vertical axis logarithmic where that is asked for, or helps.

    Then a band that reaches down to rounding errors is cut off where the curves are still seen.
    """
    middle = np.concatenate([band.middle for band in bands])
    ends = np.concatenate([part for band in bands for part in (band.low, band.high)])
    everything = np.concatenate([middle, ends])
    if not (is_wide(everything, factor) if log is None else "y" in log):
        return
    axes.set_yscale("log")
    positive, known = middle[middle > 0], ends[np.isfinite(ends) & (ends > 0)]
    if positive.size and known.size:
        least, most = float(positive.min()), float(positive.max())
        low = max(float(known.min()), least / _REACH)
        high = min(float(known.max()), most * _REACH)
        axes.set_ylim(min(low, least) / _MARGIN, max(high, most) * _MARGIN)


@picture()
def draw_fit(fit: PowerLawFit, axes: Any) -> None:
    """Draw fitted lines over the range of their data."""
    is_empty = not axes.has_data()
    _draw_lines(axes, fit, [_label(g, fit.by, fit, k) for k, g in enumerate(fit.groups)])
    axes.set_xscale("log")
    axes.set_yscale("log")
    if is_empty:
        axes.set_xlabel(fit.x)
        axes.set_ylabel(fit.y)
        title(axes, _law(fit))
    legend_beside(axes, axes.get_legend_handles_labels()[0], fit.by)


def _draw_lines(axes: Any, fit: PowerLawFit, labels: list[str]) -> None:
    for k, label in enumerate(labels):
        first, last = (float(end) for end in fit.span[k])
        places: Any = np.geomspace(first, last)
        heights = fit.prefactor[k] * places ** fit.exponent[k]
        axes.plot(
            places, heights, color=BLACK, linestyle=look(k)["linestyle"], lw=0.8, zorder=4,
            label=label or None,
        )  # fmt: skip


def say_left_out(axes: Any, n_failed: int, n_undefined: int, what: str) -> None:
    """Say in the picture which rows it does not show."""
    parts = [f"{n_failed:,} failed" if n_failed else ""]
    parts += [f"{n_undefined:,} without a finite {what}" if n_undefined else ""]
    text = " and ".join(part for part in parts if part)
    if text:
        axes.set_title(f"left out: {text}", fontsize="small", color=GREY, loc="right")
        axes.set_title(axes.get_title(loc="left") + "\n", loc="left")  # a line higher
