"""How the shortest networks look: their predictions against the labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from relubias._palette import BLACK, BLUE, CYCLE, GREY, ORANGE, VERMILLION
from relubias._style import (
    MARKERS,
    counted,
    legend_beside,
    number,
    picture,
    title,
    zero_line,
)
from relubias._validate import Float
from relubias.minnorm.solution import MinimumNormStatus

if TYPE_CHECKING:
    from relubias.minnorm.batch import MinimumNormBatch
    from relubias.minnorm.closest_fit import ClosestFit
    from relubias.minnorm.linear import LinearMinimumNorm
    from relubias.minnorm.solution import MinimumNorm

__all__ = ["draw_batch", "draw_closest_fit", "draw_linear", "draw_minimum_norm"]

_MOST_NAMED = 8
_MOST_NUMBERED = 12


@picture(height=4.2)
def draw_minimum_norm(solution: MinimumNorm, axes: Any) -> None:
    """Draw every neuron's prediction against the label; samples that it ignores are hollow."""
    problem = solution.problem
    has_network = solution.status in (MinimumNormStatus.OPTIMAL, MinimumNormStatus.FEASIBLE)
    if not has_network:
        _draw_conflict(solution, axes)
        return
    handles = _diagonals(axes, problem.labels, problem.signs)
    for k, sign in enumerate(problem.signs):
        look: dict[str, Any] = {"color": CYCLE[k % len(CYCLE)], "marker": MARKERS[k % len(MARKERS)]}
        n_hidden = int((problem.signs[k + 1 :] == sign).sum())  # those drawn on top, if equal
        look["markersize"] = (5 if problem.n_samples <= 200 else 3) + 2.5 * min(n_hidden, 5)
        _draw_neuron(axes, problem.labels, solution.primal[k], solution.pattern[k], look)
        if k < _MOST_NAMED:
            name = f"neuron {k} ({'+' if sign > 0 else chr(0x2212)})"
            if k == _MOST_NAMED - 1 < problem.n_neurons - 1:
                name += " ..."
            handles += axes.plot([], [], ls="none", label=name, **(look | {"markersize": 5}))
    if not solution.pattern.all():
        handles += axes.plot([], [], "o", color=GREY, mfc="white", label="ignored (hollow)")
    axes.set_xlabel("label")
    axes.set_ylabel("prediction before the ReLU, $w_k\\cdot x_i$")
    legend_beside(axes, handles)
    title(axes, _finding(solution))


def _finding(solution: MinimumNorm) -> str:
    n_pairs, n_active = solution.pattern.size, int(solution.pattern.sum())
    pairs = "samples" if solution.pattern.shape[0] == 1 else "pairs"
    ignored = f"{n_pairs - n_active:,} of {n_pairs:,} {pairs} ignored"
    if n_active == n_pairs:
        ignored = "no sample ignored"
    if solution.status is MinimumNormStatus.OPTIMAL:
        return f"the shortest network has norm {number(solution.norm, 4)}; {ignored}"
    return (
        f"a network of norm {number(solution.norm, 4)}, at most {solution.rel_gap:.2%} above the "
        f"shortest; {ignored}"
    )


def _draw_neuron(
    axes: Any, labels: Float, primal: Float, active: NDArray[np.bool_], look: dict[str, Any]
) -> None:
    style = {"markersize": 5} | look | {"linestyle": "none", "zorder": 3, "alpha": 0.85}
    axes.plot(labels[active], primal[active], **style)
    axes.plot(labels[~active], primal[~active], **style, markerfacecolor="white")


def _diagonals(axes: Any, labels: Float, signs: Float) -> list[Any]:
    """Draw where a neuron that fits a sample alone would be, and zero."""
    zero_line(axes)
    handles: list[Any] = []
    style = {"color": BLACK, "lw": 0.9, "ls": "--", "zorder": 2}
    for sign in (1.0, -1.0):
        end = float((sign * labels).max(initial=0.0))
        if end > 0 and (signs == sign).any():
            handles = axes.plot([0, sign * end], [0, end], label="fits the label alone", **style)
    return handles


def _draw_conflict(solution: MinimumNorm, axes: Any) -> None:
    """Draw the labels, and mark the samples that contradict each other."""
    labels = solution.problem.labels
    samples = np.arange(labels.size)
    in_conflict = np.isin(samples, solution.conflict)
    zero_line(axes)
    axes.vlines(samples, 0.0, labels, color=GREY, lw=0.8, zorder=1)
    handles = axes.plot(
        samples[~in_conflict], labels[~in_conflict], "o", color=BLUE, label="label", zorder=3
    )
    if in_conflict.any():
        look = {"color": VERMILLION, "markersize": 7, "zorder": 4, "linestyle": "none"}
        handles += axes.plot(
            samples[in_conflict], labels[in_conflict], marker="X", label="in conflict", **look
        )
    axes.set_xlabel("sample")
    axes.set_ylabel("label")
    axes.xaxis.get_major_locator().set_params(integer=True)
    legend_beside(axes, handles)
    if solution.status is MinimumNormStatus.UNDECIDED:
        title(axes, "undecided: no network was found that fits, and none was excluded")
        return
    named = ", ".join(str(i) for i in solution.conflict[:_MOST_NUMBERED])
    more = f" and {solution.conflict.size - _MOST_NUMBERED:,} more"
    named += more if solution.conflict.size > _MOST_NUMBERED else ""
    title(axes, f"no network with these signs fits: samples {named} contradict each other")


@picture()
def draw_linear(solution: LinearMinimumNorm, axes: Any) -> None:
    """Draw predictions in increasing order; samples outside the subset are hollow."""
    order = np.argsort(solution.primal, kind="stable")
    chosen = np.isin(order, solution.subset)
    place, value = np.arange(order.size), solution.primal[order]
    zero_line(axes)
    size = 5 if order.size <= 200 else 3
    handles: list[Any] = []
    for part, color, fill, name in (
        (chosen, BLUE, BLUE, "in the subset: interpolated"),
        (~chosen, ORANGE, "white", "others: nothing asked"),
    ):
        if part.any():
            handles += axes.plot(
                place[part], value[part], "o" if fill != "white" else "s", color=color, mfc=fill,
                ms=size, label=name, zorder=3,
            )  # fmt: skip
    if order.size <= 40:
        axes.set_xticks(place, labels=[str(i) for i in order])
    axes.tick_params(axis="x", labelsize="small" if order.size > 20 else None)
    axes.set_xlabel("sample, by prediction" if order.size <= 40 else "rank of the sample")
    axes.set_ylabel("prediction $w\\cdot x_i$")
    legend_beside(axes, handles)
    n_fitted = f"{solution.subset.size:,} of {counted(order.size, 'sample')}"
    if solution.subset.size == order.size:
        n_fitted = f"all {order.size:,} samples" if order.size > 1 else "the only sample"
    if solution.status.name == "INTERPOLATES":
        title(axes, f"the shortest linear fit of {n_fitted} has norm {number(solution.norm, 4)}")
    else:
        title(axes, f"labels of dependent samples contradict each other: the closest linear fit of "
              f"{n_fitted} misses by up to {number(solution.residual)}")  # fmt: skip


@picture(height=4.2)
def draw_closest_fit(fit: ClosestFit, axes: Any) -> None:
    """Draw predictions against labels, with the residuals as lines between the two."""
    labels, sign = fit.problem.labels, float(fit.problem.signs[0])
    asked = np.maximum(sign * labels, 0.0)
    handles = _diagonals(axes, labels, fit.problem.signs)
    missed = np.abs(fit.residual) > 0
    miss = axes.vlines(
        labels[missed], asked[missed], asked[missed] + fit.residual[missed], color=VERMILLION,
        lw=1.2, zorder=2, label="residual",
    )  # fmt: skip
    if not fit.is_exact and missed.any():
        handles.append(miss)
    active = fit.primal > 0
    _draw_neuron(axes, labels, fit.primal, active, {"color": BLUE, "marker": "o"})
    handles += axes.plot([], [], "o", color=BLUE, label="prediction")
    if not active.all():
        handles += axes.plot([], [], "o", color=GREY, mfc="white", label="ignored (hollow)")
    axes.set_xlabel("label")
    axes.set_ylabel("prediction before the ReLU, $w\\cdot x_i$")
    legend_beside(axes, handles)
    how = "fits exactly" if fit.is_exact else f"comes within loss {number(fit.loss)}"
    title(axes, f"one neuron of norm {number(fit.norm, 4)} {how}")


@picture(height=3.6)
def draw_batch(batch: MinimumNormBatch, axes: Any) -> None:
    """Draw the share of problems whose shortest neuron is shorter than each norm."""
    norms = np.sort(batch.norm[np.isfinite(batch.norm)])
    n = batch.norm.size
    if norms.size:
        places = np.concatenate([[norms[0]], norms, [norms[-1]]])
        shares = np.concatenate([[0], np.arange(1, norms.size + 1), [norms.size]]) / max(n, 1)
        axes.step(places, shares, where="post", color=BLUE, lw=1.6)
        axes.plot(np.median(norms), 0.5 * norms.size / n, "o", color=BLUE, mfc="white", zorder=3)
        if norms[0] > 0 and norms[-1] > 30 * norms[0]:
            axes.set_xscale("log")
    else:
        axes.text(0.5, 0.5, "no neuron fits any of them", transform=axes.transAxes, ha="center")
    axes.set_ylim(-0.03, 1.04)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], labels=["0%", "25%", "50%", "75%", "100%"])
    axes.set_xlabel("norm of the shortest neuron")
    axes.set_ylabel("share of problems")
    found = f"{norms.size:,} of {counted(n, 'problem')} solved"
    if norms.size:
        worst = float(batch.error_bound[np.isfinite(batch.norm)].max())
        found += f": half of the norms are below {number(float(np.median(norms)))}, each known "
        found += f"to {number(worst, 2)}"
    title(axes, found)
