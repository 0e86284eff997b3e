"""Figure 1: how one step of gradient descent moves an example between regions, counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

import relubias as rb
from relubias.experiments import _style as style
from relubias.experiments._law import seed_for
from relubias.experiments._statistics import proportion
from relubias.experiments._table import DataFrame, frame, select, values
from relubias.experiments.registry import (
    Agreement,
    Experiment,
    Finding,
    Measured,
    Provenance,
    Scale,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

N, D, KAPPA, LOW, HIGH = 10, 2000, 0.5, 0.5, 1.0
START = (0.01, 0.1)  # initial predictions where all are positive
WEIGHT = 0.05 / np.sqrt(D)  # standard deviation of random initial weights
N_STEPS = 10
FROZEN_AT = 0.5 * KAPPA * LOW  # duals below minus this count as frozen
_RUNS = {Scale.QUICK: 4, Scale.DEFAULT: 60, Scale.FULL: 400}

SHOWN = 8  # runs drawn in the plane

STATES = ("active, agreeing", "active, disagreeing", "frozen", "inactive, small dual")
AGREEING, DISAGREEING, FROZEN, SMALL = range(4)
_SHORT = ("agreeing", "disagreeing", "frozen", "small")


def compute(scale: Scale, seed: int) -> DataFrame:
    """Return one row per run, neuron, example and step: primal and dual variable."""
    law = rb.ensembles.Gaussian(rb.ensembles.isotropic(D))
    draw_labels = rb.ensembles.labels.uniform_magnitude(LOW, HIGH)
    rows: list[dict[str, Any]] = []
    for run in range(_RUNS[scale]):
        gram = law.sample_gram(N, seed_for(seed, "fig1", run, 0))
        labels = draw_labels(N, seed_for(seed, "fig1", run, 1))
        problem = rb.Problem(gram, labels, (1, -1))
        start_seed = seed_for(seed, "fig1", run, 2)
        start = (
            rb.starts.all_positive(problem, np.random.default_rng(start_seed).uniform(*START, N))
            if run % 2 == 0
            else rb.starts.gaussian(problem, WEIGHT, start_seed)
        )
        records = rb.gradient_descent(
            problem, start, step_size=KAPPA / D, record=np.arange(N_STEPS + 1)
        ).records
        for r, k, i in np.ndindex(records.primal.shape):
            rows.append(
                {
                    "run": run,
                    "start": "random" if run % 2 else "all positive",
                    "neuron": k,
                    "sample": i,
                    "agrees": bool(problem.signs[k] * labels[i] > 0),
                    "time": int(records.time[r]),
                    "dual": D * float(records.dual[r, k, i]),
                    "primal": float(records.primal[r, k, i]),
                }
            )
    ordered = frame(rows).sort_values(["run", "neuron", "sample", "time"], kind="stable")
    return ordered.reset_index(drop=True)


def classify(table: DataFrame) -> NDArray[np.int64]:
    """Return the region of every row, an index into `STATES`."""
    active = np.where(values(table, "agrees") > 0, AGREEING, DISAGREEING)
    inactive = np.where(values(table, "dual") <= -FROZEN_AT, FROZEN, SMALL)
    return np.where(values(table, "primal") > 0, active, inactive)


def count(table: DataFrame) -> NDArray[np.int64]:
    """Return the number of one-step moves between regions, (from, to)."""
    state, time = classify(table), values(table, "time")
    follows = np.flatnonzero(np.diff(time) == 1)
    counts = np.zeros((4, 4), dtype=np.int64)
    np.add.at(counts, (state[follows], state[follows + 1]), 1)
    return counts


_PLACES = {
    DISAGREEING: (0.19, 0.78),
    FROZEN: (0.81, 0.78),
    SMALL: (0.19, 0.16),
    AGREEING: (0.81, 0.16),
}
_COLOURS = {
    AGREEING: style.BLUE,
    DISAGREEING: style.ORANGE,
    FROZEN: style.VERMILLION,
    SMALL: style.GREY,
}
_LESSONS = {
    AGREEING: "absorbing (Lemma 5)",
    FROZEN: "absorbing (Lemma 6)",
    DISAGREEING: "leaves in one step",
    SMALL: "undetermined",
}


def _machine(ax: Axes, counts: NDArray[np.int64]) -> None:
    """Draw the four regions as a state machine with the counted moves."""
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
                x, y, f"{STATES[state]}\n{_LESSONS[state]}\nstays in {share:.1%} of {totals[state]:,} steps",
                ha="center", va="center", color=style.BLACK, linespacing=1.35, zorder=3,
                bbox={"boxstyle": f"round,pad={pad}", "facecolor": "white" if pad < 0.6 else "none",
                      "edgecolor": _COLOURS[state], "linewidth": 1.4},
            )  # fmt: skip
            frames[state] = box.get_bbox_patch()
    for a, b in zip(*(map(int, part) for part in np.nonzero(counts)), strict=True):
        if a != b:
            label = f"{counts[a, b] / totals[a]:.1%}  ({counts[a, b]:,})"
            _move(ax, a, b, label, (frames[a], frames[b]))


def _move(ax: Axes, a: int, b: int, label: str, frames: tuple[Any, Any]) -> None:
    """Draw one arrow between two frames; the two vertical ones bend apart."""
    (x0, y0), (x1, y1) = _PLACES[a], _PLACES[b]
    vertical = x0 == x1
    cast("Any", ax).annotate(
        "", xy=(x1, y1), xytext=(x0, y0), zorder=2,
        arrowprops={
            "arrowstyle": "-|>", "color": style.BLACK, "lw": 0.9, "shrinkA": 3, "shrinkB": 3,
            "patchA": frames[0], "patchB": frames[1],
            "connectionstyle": "arc3,rad=0.35" if vertical else "arc3,rad=0",
        },
    )  # fmt: skip
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    if vertical:
        side = np.sign(y1 - y0)
        ax.text(x + 0.058 * side, y, label, ha="left" if side > 0 else "right", va="center")
    elif y0 == y1:
        ax.text(x, y + 0.04, label, ha="center", va="bottom")
    else:
        ax.text(x + 0.1, y, label, ha="left", va="center")


def _plane(ax: Axes, part: DataFrame, regions: Mapping[str, str]) -> None:
    """Draw one-step arrows in the plane of dual and primal variable."""
    dual, primal, time = (values(part, name) for name in ("dual", "primal", "time"))
    shown = np.flatnonzero((np.diff(time) == 1) & (values(part, "run")[:-1] < SHOWN))
    low, high = -0.8, 1.15
    if "active" in regions:
        ax.fill_between([low, high], 0, high, color=regions["active"], alpha=0.13, lw=0)
    if "frozen" in regions:
        ax.fill_between([low, -FROZEN_AT], low, 0, color=regions["frozen"], alpha=0.16, lw=0)
    ax.axhline(0, color=style.BLACK, linewidth=0.6)
    ax.axvline(-FROZEN_AT, color=style.VERMILLION, linewidth=0.8, linestyle=":")
    cast("Any", ax).quiver(
        dual[shown], primal[shown], np.diff(dual)[shown], np.diff(primal)[shown],
        angles="xy", scale_units="xy", scale=1, width=0.0035, headwidth=4.5, headlength=5.5,
        color=regions["arrow"], alpha=0.75, zorder=3,
    )  # fmt: skip
    resting = classify(part)
    last = np.flatnonzero(np.append(np.diff(time) != 1, True))
    for state, marker in ((AGREEING, "o"), (FROZEN, "s"), (SMALL, "x"), (DISAGREEING, "^")):
        at = last[(resting[last] == state) & (values(part, "run")[last] < SHOWN)]
        ax.plot(
            dual[at], primal[at], marker, color=_COLOURS[state], markersize=3.2, zorder=4, alpha=0.9
        )
    ax.set_xlim(low, high)
    ax.set_ylim(low, high)


@style.styled
def draw(table: DataFrame) -> Figure:
    """Draw the counted state machine and the moves in the plane."""
    figure = style.new_figure(5.2)
    grid = cast("Any", figure).add_gridspec(2, 2, height_ratios=(1, 1.15))
    machine = figure.add_subplot(grid[0, :])
    style.panel(machine, "a", "one step of gradient descent, counted")
    _machine(machine, count(table))
    for column, (letter, agrees, title, regions) in enumerate(
        (
            ("b", True, "examples that agree with the neuron",
             {"active": style.BLUE, "frozen": style.VERMILLION, "arrow": style.BLUE}),
            ("c", False, "examples that disagree",
             {"active": style.ORANGE, "frozen": style.VERMILLION, "arrow": style.VERMILLION}),
        )
    ):  # fmt: skip
        ax = figure.add_subplot(grid[1, column])
        style.panel(
            ax, letter, title, x=r"dual variable  $\|\lambda\|_1\,\beta_{k,i}$",
            y=r"primal variable  $\alpha_{k,i}$",
        )  # fmt: skip
        _plane(ax, select(table, agrees=agrees), regions)
        ax.text(-0.76, 1.1, "active", va="top", color=style.BLUE if agrees else "#8a5f00")
        ax.text(-0.76, -0.75, "frozen", va="bottom", color="#a34700")
        ax.text(1.1, -0.75, "inactive, small dual", va="bottom", ha="right", color=style.GREY)
    return figure


def measure(table: DataFrame) -> dict[str, Measured]:
    """Return the frequencies of one-step moves."""
    counts = count(table)
    result: dict[str, Measured] = {}
    for a, b, expected in (
        (AGREEING, AGREEING, "1 (Lemma 5)"),
        (FROZEN, FROZEN, "1 (Lemma 6)"),
        (DISAGREEING, FROZEN, "1 for kappa bounded below"),
        (SMALL, SMALL, "undetermined"),
        (SMALL, AGREEING, "undetermined"),
    ):
        estimate = proportion(int(counts[a, b]), int(counts[a].sum()))
        label = f"{STATES[a]} -> {STATES[b]}, share of {counts[a].sum():,} steps"
        result[f"{_SHORT[a]}_to_{_SHORT[b]}"] = Measured.of(label, estimate, expected)
    result["steps"] = Measured(label="steps counted", value=float(counts.sum()))
    return result


def verdict(measured: Mapping[str, Measured]) -> tuple[Finding, ...]:
    """Judge whether both absorbing regions are absorbing."""
    stay = [measured[key].value for key in ("agreeing_to_agreeing", "frozen_to_frozen")]
    return (
        Finding(
            agreement=Agreement.AGREES if min(stay) > 0.999 else Agreement.DIFFERS,
            sentence=(
                f"Agreeing active examples stay active in {stay[0]:.2%} of their steps, frozen ones "
                f"stay frozen in {stay[1]:.2%}; disagreeing active examples are frozen one step "
                f"later in {measured['disagreeing_to_frozen'].value:.1%}."
            ),
        ),
    )


EXPERIMENT = Experiment(
    key="fig1",
    title="Figure 1: where one step moves an example",
    claim=(
        "Two regions are absorbing: an active example whose label agrees with the neuron's sign stays "
        "active (Lemma 5), and an example with a sufficiently negative dual variable stays frozen "
        "(Lemma 6). An active example that disagrees is frozen one step later. For inactive examples "
        "with a small dual variable nothing is said."
    ),
    settings=(
        "Two neurons, n = 10, d = 2000, isotropic Gaussian features, |y| ~ U(0.5, 1) with random signs, "
        "kappa = 0.5; every other run starts from predictions U(0.01, 0.1), the rest from random weights "
        "that give predictions of size 0.05. Frozen means inactive with ||lambda||_1 beta <= -0.5 kappa y_min. The first 10 steps."
    ),
    provenance=Provenance.DERIVED,
    caption=(
        "State machine of the four regions with the counted share of one-step moves (a; double frames "
        "are absorbing), and real one-step moves in the plane of dual and primal variable, for examples "
        "that agree with the neuron (b) and that disagree (c); markers are resting places."
    ),
    compute=compute,
    draw=draw,
    measure=measure,
    verdict=verdict,
)
