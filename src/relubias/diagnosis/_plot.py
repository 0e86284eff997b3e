"""How a diagnosis looks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from relubias._palette import BLACK, BLUE, GREY, ORANGE, VERMILLION
from relubias._style import GRID, counted, number, picture, title

if TYPE_CHECKING:
    from relubias.diagnosis.diagnosis import Diagnosis

__all__ = ["draw_activity", "draw_distances", "draw_errors"]

_MOST_MARKED = 600
"""Pairs up to which each has a mark besides its colour."""
_MOST_COLUMNS = 60
_MOST_NAMED = 24

_KINDS: tuple[tuple[str, str, str], ...] = (
    ("active", BLUE, ""),
    ("ignored for ever", "#d9dde1", "x"),
    ("ignored, may return", ORANGE, "o"),
    ("wakes in the next step", VERMILLION, "^"),
    ("on the hyperplane, to rounding", BLACK, "s"),
)


def _height(d: Diagnosis) -> float:
    return float(np.clip(1.6 + 0.16 * d.problem.n_neurons, 2.4, 6.0))


@picture(width=8.0, height=_height)
def draw_activity(d: Diagnosis, axes: Any) -> None:
    """Draw a cell per neuron and sample."""
    from matplotlib.colors import ListedColormap
    from matplotlib.lines import Line2D
    from matplotlib.ticker import MaxNLocator

    kinds = _kinds(d)
    m, n = kinds.shape
    columns = np.argsort(d.problem.labels, kind="stable")
    rows = np.argsort(-d.problem.signs, kind="stable")
    shown = kinds[np.ix_(rows, columns)]
    colours = ListedColormap([colour for _, colour, _ in _KINDS])
    axes.imshow(
        shown, cmap=colours, vmin=-0.5, vmax=len(_KINDS) - 0.5, aspect="auto",
        interpolation="nearest",
    )  # fmt: skip
    if m * n <= _MOST_MARKED and n <= _MOST_COLUMNS:
        for kind, (_, _, marker) in enumerate(_KINDS):
            where = np.argwhere(shown == kind)
            if marker and where.size:
                ink = GREY if kind == 1 else "white"
                axes.plot(where[:, 1], where[:, 0], marker, color=ink, ms=3, mfc="none", lw=0)
    axes.grid(False)
    first = int((d.problem.labels[columns] < 0).sum())
    if 0 < first < n:
        axes.axvline(first - 0.5, color=BLACK, lw=1.2, ls="--")
    plus = int((d.problem.signs > 0).sum())
    if 0 < plus < m:
        axes.axhline(plus - 0.5, color=BLACK, lw=1.2)
    names = [
        f"{int(d.network.kept[k])} ({'+' if d.problem.signs[k] > 0 else chr(0x2212)})" for k in rows
    ]
    step = max(1, -(-m // _MOST_NAMED))
    axes.set_yticks(range(0, m, step), names[::step])
    axes.set_ylabel("neuron (sign)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("samples in the order of their labels" + (
        "; left of the dashed line negative" if 0 < first < n else ""
    ))  # fmt: skip
    handles = [
        Line2D([], [], ls="none", marker="s", ms=9, mfc=colour, mec=GREY, label=name)
        for kind, (name, colour, _) in enumerate(_KINDS)
        if (kinds == kind).any()
    ]
    axes.legend(
        handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.18 * 4.0 / _height(d)),
        ncols=min(len(handles), 4), frameon=False,
    )  # fmt: skip
    title(axes, _headline(d))


def _kinds(d: Diagnosis) -> NDArray[np.intp]:
    """Return what each pair is, as a number of `_KINDS`."""
    a = d.activity
    kinds = np.zeros(a.sign.shape, dtype=np.intp)
    kinds[a.sign < 0] = 2
    kinds[(a.sign < 0) & (a.frozen > 0)] = 1
    kinds[(a.sign < 0) & (a.frozen < 0)] = 3
    kinds[a.sign == 0] = 4
    return kinds


def _headline(d: Diagnosis) -> str:
    a = d.activity
    ignored, total = int((a.sign < 0).sum()), a.sign.size
    text = f"{ignored:,} of {counted(total, 'pair')} ignored"
    if ignored:
        text += f", {int((a.frozen > 0).sum()):,} for ever"
    if a.uncovered.size:
        text += f"; {counted(a.uncovered.size, 'sample')} seen by no neuron"
    return text


@picture(width=7.0, height=lambda d: 1.5 + 0.42 * len(d.comparisons))
def draw_distances(d: Diagnosis, axes: Any) -> None:
    """Draw a bar per comparison."""
    names = [c.name for c in d.comparisons]
    values = np.array([c.distance for c in d.comparisons])
    shown = values[values > 0]
    is_wide = bool(shown.size) and shown.max() > 50 * shown.min()
    floor = float(shown.min()) / 3 if is_wide else 0.0
    for row, c in enumerate(d.comparisons):
        fill = BLUE if c.is_exact else "white"
        length = max(c.distance, floor)
        axes.barh(row, length, height=0.62, color=fill, edgecolor=BLUE, linewidth=1.2)
        share = "" if math.isnan(c.relative) else f" ({_percent(c.relative)})"
        axes.annotate(
            number(c.distance) + share, (length, row), xytext=(5, 0), va="center",
            textcoords="offset points", bbox={"fc": "white", "ec": "none", "pad": 1.0},
        )  # fmt: skip
    axes.axvline(d.norm, color=GREY, lw=1.0, ls="--", zorder=0.5)
    axes.annotate(
        "norm of the network", (d.norm, -0.5), xytext=(4, 2), textcoords="offset points",
        color=GREY, va="bottom",
    )  # fmt: skip
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.45, -0.95)
    if is_wide:
        axes.set_xscale("log")
        axes.set_xlim(floor / 1.5, 30 * max(values.max(), d.norm))
    else:
        axes.set_xlim(0, 1.45 * max(values.max(), d.norm, 1e-300))
    axes.set_xlabel("distance in weight space (share of the other network's norm)")
    axes.grid(axis="y", visible=False)
    hollow = "" if all(c.is_exact for c in d.comparisons) else "; hollow: best known"
    title(axes, "distance from the network" + hollow)


def _percent(share: float) -> str:
    from relubias.diagnosis._findings import percent

    return percent(share)


@picture(width=7.0, height=lambda d: 1.5 + 0.36 * len(d.test_errors))
def draw_errors(d: Diagnosis, axes: Any) -> None:
    """Draw held-out and training errors."""
    errors = d.test_errors
    rows = np.arange(len(errors))
    test = np.array([e.rmse for e in errors])
    train = np.array([e.train_rmse for e in errors])
    for row in rows:
        axes.plot([train[row], test[row]], [row, row], color=GRID, lw=3, zorder=1)
    axes.plot(train, rows, "o", color=BLUE, mfc="white", ms=6, label="training samples", zorder=3)
    axes.plot(test, rows, "D", color=VERMILLION, ms=6, label="held-out samples", zorder=3)
    axes.axvline(test[0], color=GREY, lw=1.0, ls="--", zorder=0)
    axes.set_yticks(rows, [e.name for e in errors])
    axes.set_ylim(len(errors) - 0.5, -0.5)
    widest = max(float(test.max()), float(train.max()))
    axes.set_xlim(-0.03 * widest, 1.06 * widest if widest > 0 else 1.0)
    axes.set_xlabel("root of the mean squared error, in units of the labels")
    axes.grid(axis="y", visible=False)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False)
    best = errors[int(np.argmin(test))]
    title(axes, f"smallest held-out error: {best.name}, {number(best.rmse)}")
