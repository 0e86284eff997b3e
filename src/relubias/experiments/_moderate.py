"""Two neurons at moderate dimension: the pattern keeps moving (Figures 6 and 7 share this)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

import relubias as rb
from relubias._validate import Float
from relubias.experiments import _style as style
from relubias.experiments._one_neuron import Case, shown_case
from relubias.experiments._statistics import Estimate, proportion, shares
from relubias.experiments._sweeps import first_task, table_of
from relubias.experiments._table import DataFrame, distinct, frame, joined, select, values, where
from relubias.experiments._two_neurons import N, plan_of_pairs
from relubias.experiments.registry import Measured, Scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["compute_moderate", "draw_moderate", "measure_moderate"]

SHOWN = (15, 20, 30, 50)
_DIMENSIONS = {
    Scale.QUICK: (15, 50),
    Scale.DEFAULT: (15, 20, 30, 50, 100, 300),
    Scale.FULL: (12, 15, 20, 30, 50, 70, 100, 200, 300, 1000),
}
_RUNS = {Scale.QUICK: 8, Scale.DEFAULT: 100, Scale.FULL: 500}
_MAX_STEPS = 1_000_000
_MAX_SWITCHES_SHOWN = 4000


def compute_moderate(scale: Scale, seed: int, key: str, start: Mapping[str, Any]) -> DataFrame:
    """Return one row per run, and the switches of one run per dimension shown."""
    plan = plan_of_pairs(
        key,
        d=_DIMENSIONS[scale],
        start=start,
        eta="min(0.5/d, 1/lambda_max)",
        algorithm={"name": "descent", "max_iter": _MAX_STEPS},
        replicates=_RUNS[scale],
        seed=seed,
    )
    runs = table_of(plan)
    rows: list[dict[str, Any]] = []
    for d in sorted(set(SHOWN) & set(_DIMENSIONS[scale])):
        unbalance = np.abs(values(runs, "n_positive") - N // 2)
        least = unbalance[values(runs, "d") == d].min()
        task = first_task((values(runs, "d") == d) & (unbalance == least))
        rows += _switch_rows(shown_case(plan, task, by_label=True, d=d))
    return joined({"run": runs, "switch": frame(rows)}, "part")


def _switch_rows(case: Case) -> list[dict[str, Any]]:
    """Return the activation at the start and every change of it, one row each."""
    run = rb.gradient_descent(
        case.problem, case.start, step_size=case.step_size, max_iter=_MAX_STEPS
    )
    initial = case.start @ case.problem.gram > 0
    about = case.about | {"n_steps": int(run.n_steps)}
    rows = [
        about | {"time": 0, "neuron": k, "sample": i, "mode": 1 if initial[k, i] else -1,
                 "agrees": bool(case.problem.signs[k] * case.problem.labels[i] > 0)}
        for k, i in np.ndindex(initial.shape)
    ]  # fmt: skip
    for switch in run.switches[:_MAX_SWITCHES_SHOWN]:
        named = {name: int(switch[name]) for name in ("time", "neuron", "sample", "mode")}
        rows.append(about | named)
    return rows


@style.styled
def draw_moderate(table: DataFrame) -> Figure:
    """Draw when each example is active, for some dimensions, and outcomes against d."""
    figure = style.new_figure(5.0)
    grid = cast("Any", figure).add_gridspec(2, 1, height_ratios=(1.7, 1.2))
    switches, runs = select(table, part="switch"), select(table, part="run")
    shown = distinct(switches, "d")
    cells = grid[0].subgridspec(1, len(shown))
    first: Axes | None = None
    for column, d in enumerate(shown):
        ax = cast("Any", figure).add_subplot(cells[column], sharey=first)
        first = first or ax
        _draw_raster(ax, select(switches, d=d))
        letter = "a" if column == 0 else ""
        style.panel(ax, letter, f"$d = {int(d)}$", x="step $t$")
        if column == 0:
            ax.set_ylabel("neuron and example")
        else:
            ax.tick_params(labelleft=False)
    below = grid[1].subgridspec(1, 2)
    moving = (values(runs, "last_switch") > 1).astype(np.float64)
    for cell, letter, truth, title, look in (
        (below[0], "b", moving, "pattern still moves after step 1", style.LOOKS[1]),
        (below[1], "c", values(runs, "zero_loss"), "reaches zero loss", style.LOOKS[0]),
    ):
        ax = figure.add_subplot(cell)
        style.curve(ax, *shares(values(runs, "d"), truth), look)
        style.panel(ax, letter, title, x="dimension $d$", y="share of runs", log="x")
        ax.set_ylim(-0.03, 1.05)
        ticks = [int(d) for d in distinct(runs, "d")]
        ax.set_xticks(ticks, labels=[str(t) for t in ticks])
        ax.set_xticks([], minor=True)
    style.legend_above(figure, _handles(), 3)
    return figure


def _draw_raster(ax: Axes, part: DataFrame) -> None:
    """Draw a bar wherever an example is active; a row per neuron and example."""
    last = max(values(part, "time").max() * 3, 30.0)
    neuron, sample = values(part, "neuron"), values(part, "sample")
    for k, i in np.ndindex(2, N):
        rows = where(part, (neuron == k) & (sample == i))
        agrees = values(rows, "agrees")[0] > 0
        time = np.append(values(rows, "time"), last)
        on = values(rows, "mode") > 0
        spans = _spans(time, on)
        color = style.BLUE if agrees else style.VERMILLION
        cast("Any", ax).broken_barh(
            spans, (_height(k, i) - 0.36, 0.72), facecolors=color, linewidth=0,
            hatch=None if agrees else "////", edgecolor="white",
        )  # fmt: skip
    ax.axhline(N, color=style.BLACK, linewidth=0.6)
    ax.set_xscale("log")
    ax.set_xlim(0.7, last)
    ax.set_ylim(2 * N + 0.6, -0.6)
    ax.set_yticks(
        [_height(0, 0), _height(0, 9), _height(1, 0), _height(1, 9)],
        labels=["+ 1", "+ 10", "$-$ 1", "$-$ 10"],
    )
    style.plain_decades(ax.xaxis, 1, last)
    ax.minorticks_off()
    ax.grid(visible=False)


def _height(neuron: int, sample: int) -> float:
    return sample + neuron * (N + 1)


def _spans(time: Float, on: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """Return start and length of every stretch of activity; step 0 is drawn at 0.7."""
    begin = np.maximum(time[:-1], 0.7)
    return [
        (float(a), float(b - a))
        for a, b, active in zip(begin, time[1:], on, strict=True)
        if active and b > a
    ]


def _handles() -> list[Any]:
    from matplotlib.patches import Patch

    return [
        Patch(facecolor=style.BLUE, label="active, agrees with the neuron's sign"),
        Patch(
            facecolor=style.VERMILLION, hatch="////", edgecolor="white", label="active, disagrees"
        ),
    ]


def _share(truth: Float | NDArray[np.bool_]) -> Estimate:
    return proportion(float(truth.sum()), truth.size)


def measure_moderate(table: DataFrame) -> dict[str, Measured]:
    """Return shares against the dimension."""
    runs = select(table, part="run")
    result: dict[str, Measured] = {}
    for d in distinct(runs, "d"):
        part = select(runs, d=d)
        result[f"fraction_zero_loss_d{int(d)}"] = Measured.of(
            f"runs that reach zero loss, d = {int(d)}", _share(values(part, "zero_loss"))
        )
        result[f"fraction_moving_d{int(d)}"] = Measured.of(
            f"pattern still moves after step 1, d = {int(d)}",
            _share(values(part, "last_switch") > 1),
        )
    return result
