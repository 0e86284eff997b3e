"""What pictures of descent and of flow have in common: one path per neuron and sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from relubias._palette import CYCLE, GREY
from relubias._style import MARKERS, legend_beside, zero_line
from relubias._validate import Float

if TYPE_CHECKING:
    from relubias.problem import Problem

__all__ = ["draw_legend", "draw_paths", "neuron_look"]

_MOST_PATHS = 300
"""More paths than that are drawn as bands."""

_MOST_TARGETS = 60
_MOST_NAMED = 8
_QUANTILES = (0.0, 0.1, 0.5, 0.9, 1.0)
_CARET = 4  # matplotlib's marker that points to the left


def neuron_look(k: int) -> dict[str, Any]:
    """Return colour and marker of a neuron."""
    return {"color": CYCLE[k % len(CYCLE)], "marker": MARKERS[k % len(MARKERS)]}


def draw_paths(axes: Any, problem: Problem, time: Any, primal: Float) -> None:
    """Draw the paths of all neurons and samples, and the labels that they should reach."""
    zero_line(axes)
    if primal[0].size > _MOST_PATHS:
        _draw_bands(axes, problem, time, primal)
        return
    for k, i in np.ndindex(primal.shape[1:]):
        style = "-" if problem.labels[i] > 0 else "--"
        axes.plot(time, primal[:, k, i], style, color=neuron_look(k)["color"], lw=1, alpha=0.8)
    if problem.n_neurons > 1:
        _mark_ends(axes, time[-1], primal[-1])
    if _have_targets(problem):
        for k, sign in enumerate(problem.signs):
            own = sign * problem.labels
            axes.plot(
                np.ones((own > 0).sum()), own[own > 0], marker=_CARET, linestyle="none",
                color=neuron_look(k)["color"], markersize=6, clip_on=False, zorder=5,
                transform=axes.get_yaxis_transform(),
            )  # fmt: skip


def _mark_ends(axes: Any, last: float, ends: Float) -> None:
    """Put the marker of each neuron where its paths end: a cue besides the colour."""
    for k, end in enumerate(ends):
        axes.plot(
            np.full(end.size, last), end, linestyle="none", markersize=4, markerfacecolor="white",
            markeredgewidth=0.9, clip_on=False, zorder=4, **neuron_look(k),
        )  # fmt: skip


def _draw_bands(axes: Any, problem: Problem, time: Any, primal: Float) -> None:
    """Draw the range, the middle 80% and the median of each neuron, by the sign of the label."""
    for k in range(problem.n_neurons):
        color = neuron_look(k)["color"]
        for is_positive, style in ((True, "-"), (False, "--")):
            part = primal[:, k, (problem.labels > 0) == is_positive]
            if part.size:
                least, low, middle, high, most = np.quantile(part, _QUANTILES, axis=1)
                if problem.n_neurons == 1:
                    axes.fill_between(time, least, most, color=color, alpha=0.1, lw=0)
                axes.fill_between(time, low, high, color=color, alpha=0.25, lw=0)
                axes.plot(time, middle, style, color=color, lw=1.6)


def _have_targets(problem: Problem) -> bool:
    """Return whether each label belongs to one neuron, and there is room to show it."""
    is_told_apart = problem.n_neurons == 1 or sorted(problem.signs.tolist()) == [-1.0, 1.0]
    n_targets = problem.n_neurons * problem.n_samples
    return is_told_apart and n_targets <= _MOST_TARGETS and bool((problem.labels != 0).any())


def draw_legend(axes: Any, problem: Problem, marks: list[Any]) -> None:
    """Say beside the panel what colours, lines and marks mean."""
    m = problem.n_neurons
    are_bands = m * problem.n_samples > _MOST_PATHS
    handles: list[Any] = []
    for k in range(min(m, _MOST_NAMED)):
        sign = "+" if problem.signs[k] > 0 else "\N{MINUS SIGN}"
        name = f"neuron {k} ({sign})" + (" ..." if k == _MOST_NAMED - 1 < m - 1 else "")
        look = neuron_look(k) if m > 1 and not are_bands else neuron_look(k) | {"marker": "none"}
        handles += axes.plot([], [], label=name, markerfacecolor="white", markersize=4, **look)
    kinds = [("-", "label > 0"), ("--", "label \N{LESS-THAN OR EQUAL TO} 0")]
    present = [(problem.labels > 0).any(), (problem.labels <= 0).any()]
    for (style, name), is_there in zip(kinds, present, strict=True):
        if is_there:
            handles += axes.plot([], [], style, color=GREY, label=name)
    if are_bands:
        handles.append(axes.fill_between([], [], color=GREY, alpha=0.35, lw=0, label="80% of them"))
        if m == 1:
            widest = axes.fill_between([], [], color=GREY, alpha=0.12, lw=0, label="all of them")
            handles.append(widest)
    elif _have_targets(problem):
        handles += axes.plot([], [], marker=_CARET, color=GREY, ls="none", label="the label")
    legend_beside(axes, [*handles, *marks])
