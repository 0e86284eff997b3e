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
from relubias.experiments._two_neurons import SIGNS
from relubias.experiments.registry import (
    Agreement,
    Experiment,
    Finding,
    Measured,
    Provenance,
    Scale,
)
from relubias.theory._machine import COLOURS, draw_machine
from relubias.theory.transitions import Region, regions

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

AGREEING, DISAGREEING, FROZEN, SMALL = Region

N, D, KAPPA, LOW, HIGH = 10, 2000, 0.5, 0.5, 1.0
START = (0.01, 0.1)  # initial predictions where all are positive
WEIGHT = 0.05 / np.sqrt(D)  # standard deviation of random initial weights
N_STEPS = 10
FROZEN_AT = 0.5 * KAPPA * LOW  # duals below minus this count as frozen
_RUNS = {Scale.QUICK: 4, Scale.DEFAULT: 60, Scale.FULL: 400}

SHOWN = 8  # runs drawn in the plane

_SHORT = ("agreeing", "disagreeing", "frozen", "small")


def compute(scale: Scale, seed: int) -> DataFrame:
    """Return one row per run, neuron, example and step: primal and dual variable."""
    law = rb.ensembles.Gaussian(rb.ensembles.isotropic(D))
    draw_labels = rb.ensembles.labels.uniform_magnitude(LOW, HIGH)
    rows: list[dict[str, Any]] = []
    for run in range(_RUNS[scale]):
        gram = law.sample_gram(N, seed_for(seed, "fig1", run, 0))
        labels = draw_labels(N, seed_for(seed, "fig1", run, 1))
        problem = rb.Problem(gram, labels, SIGNS)
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
    """Return the region of every row."""
    agrees = values(table, "agrees") > 0
    return regions(values(table, "primal"), values(table, "dual"), agrees, FROZEN_AT)


def count(table: DataFrame) -> NDArray[np.int64]:
    """Return the number of one-step moves between regions, (from, to)."""
    state, time = classify(table), values(table, "time")
    follows = np.flatnonzero(np.diff(time) == 1)
    counts = np.zeros((4, 4), dtype=np.int64)
    np.add.at(counts, (state[follows], state[follows + 1]), 1)
    return counts


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
            dual[at], primal[at], marker, color=COLOURS[state], markersize=3.2, zorder=4, alpha=0.9
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
    draw_machine(machine, count(table))
    for column, (letter, agrees, title, colours) in enumerate(
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
        _plane(ax, select(table, agrees=agrees), colours)
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
        label = f"{Region(a).words} -> {Region(b).words}, share of {counts[a].sum():,} steps"
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
                f"Agreeing active examples stay active in {stay[0]:.2%} of their steps, frozen "
                f"ones stay frozen in {stay[1]:.2%}; disagreeing active examples are frozen one "
                f"step later in {measured['disagreeing_to_frozen'].value:.1%}."
            ),
        ),
    )


EXPERIMENT = Experiment(
    key="fig1",
    title="Figure 1: where one step moves an example",
    claim=(
        "Two regions are absorbing: an active example whose label agrees with the neuron's sign "
        "stays active (Lemma 5), and an example with a sufficiently negative dual variable stays "
        "frozen (Lemma 6). An active example that disagrees is frozen one step later. For "
        "inactive examples with a small dual variable nothing is said."
    ),
    settings=(
        "Two neurons, n = 10, d = 2000, isotropic Gaussian features, |y| ~ U(0.5, 1) with random "
        "signs, kappa = 0.5; every other run starts from predictions U(0.01, 0.1), the rest from "
        "random weights that give predictions of size 0.05. Frozen means inactive with "
        "||lambda||_1 beta <= -0.5 kappa y_min. The first 10 steps."
    ),
    provenance=Provenance.DERIVED,
    caption=(
        "State machine of the four regions with the counted share of one-step moves (a; double "
        "frames are absorbing), and real one-step moves in the plane of dual and primal "
        "variable, for examples that agree with the neuron (b) and that disagree (c); markers "
        "are resting places."
    ),
    compute=compute,
    draw=draw,
    measure=measure,
    verdict=verdict,
)
