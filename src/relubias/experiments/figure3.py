"""Figure 3: one neuron where d is comparable to n; the limit depends on the random start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import relubias as rb
from relubias._validate import Float
from relubias.experiments import _style as style
from relubias.experiments._law import seed_for
from relubias.experiments._one_neuron import Case, descend
from relubias.experiments._paths import draw_paths, path_rows
from relubias.experiments._statistics import mean, median, proportion
from relubias.experiments._table import DataFrame, distinct, frame, groups, select, values
from relubias.experiments.registry import (
    Agreement,
    Experiment,
    Finding,
    Measured,
    Provenance,
    Scale,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

N, D, STEP, WEIGHT = 10, 50, 1e-4, np.sqrt(2e-6)
N_STEPS = 400_000


@dataclass(frozen=True, slots=True)
class _Settings:
    n_data: int
    n_starts: int


_SETTINGS = {
    Scale.QUICK: _Settings(4, 3),
    Scale.DEFAULT: _Settings(40, 10),
    Scale.FULL: _Settings(200, 20),
}


def compute(scale: Scale, seed: int) -> DataFrame:
    """Return one row per run, and the recorded predictions of two runs on the same data."""
    settings = _SETTINGS[scale]
    cases: list[Case] = []
    for data in range(settings.n_data):
        features = rb.ensembles.Gaussian(rb.ensembles.isotropic(D))
        gram = features.sample_gram(N, seed_for(seed, "fig3", data, 0))
        labels = rb.ensembles.labels.gaussian()(N, seed_for(seed, "fig3", data, 1))
        problem = rb.Problem(gram, labels)
        for start in range(settings.n_starts):
            dual = rb.starts.gaussian(problem, WEIGHT, seed_for(seed, "fig3", data, 2, start))
            about = {"part": "run", "data": data, "start": start}
            cases.append(Case(problem=problem, start=dual, step_size=STEP, about=about))
    batch = descend(cases)
    rows = [_run_row(case, batch.dual[b], batch.primal[b, 0]) for b, case in enumerate(cases)]
    for case in _two_that_differ(cases, rows):
        rows += path_rows(case, N_STEPS)
    return frame(rows)


def _run_row(case: Case, dual: Float, primal: Float) -> dict[str, Any]:
    """Say what the limit fits, and which linear interpolator it is nearest to."""
    problem, y = case.problem, case.problem.labels
    initial = (case.start @ problem.gram)[0]
    active, positive = primal > 0, y > 0
    fitted = active & (np.abs(primal - y) <= 1e-6)
    subset, distance, norm = _nearest_interpolator(problem, dual, active)
    late = positive & (initial <= 0)
    return case.about | {
        "subset": "S" + "".join("1" if chosen else "0" for chosen in subset),
        "fits_positives": bool(fitted[positive].all()),
        "late_positives": int(late.sum()),
        "late_fitted": int((late & fitted).sum()),
        "distance_to_linear": distance,
        "norm_limit": norm,
    }


def _nearest_interpolator(
    problem: rb.Problem, dual: Float, active: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], float, float]:
    """Return the subset whose linear interpolator of ``max(y, 0)`` is nearest, and the distance.

    The subset holds the active examples and those inactive negative ones that gradient descent
    pushed hardest, any number of them.
    """
    clipped = np.maximum(problem.labels, 0.0)
    pushed = np.where(~active & (problem.labels < 0), dual[0], 0.0)
    order = np.argsort(pushed, kind="stable")[: int((pushed < 0).sum())]
    best = (active, np.inf, 0.0)
    for n_pushed in range(order.size + 1):
        subset = active.copy()
        subset[order[:n_pushed]] = True
        linear = rb.linear_minimum_norm(problem, subset, labels=clipped)
        gap = rb.bias_gap(problem, dual, linear.dual[None, :])
        if gap.distance < best[1]:
            best = (subset, gap.distance, gap.first_norm)
    return best


def _two_that_differ(cases: list[Case], rows: list[dict[str, Any]]) -> list[Case]:
    """Return the first two runs on the same data whose limits fit different examples."""
    for b, row in enumerate(rows):
        for a in range(b):
            same = rows[a]["data"] == row["data"]
            if same and rows[a]["subset"] != row["subset"]:
                return [cases[a], cases[b]]
    return cases[:2]


@style.styled
def draw(table: DataFrame) -> Figure:
    """Draw both paths and the number of different limits per data set."""
    figure = style.new_figure(2.9)
    left, middle, right = figure.subplots(1, 3, width_ratios=(1.15, 1.15, 0.85))
    paths, runs = select(table, part="path"), select(table, part="run")
    handles: list[Any] = []
    runs_shown = select(runs, data=paths["data"].iloc[0])
    for ax, letter, start in zip((left, middle), "ab", distinct(paths, "start"), strict=True):
        handles = draw_paths(ax, select(paths, start=start), numbered=True)
        marks = str(select(runs_shown, start=start)["subset"].iloc[0])[1:]
        subset = ", ".join(str(i + 1) for i, mark in enumerate(marks) if mark == "1")
        style.panel(ax, letter, f"$S = \\{{{subset}\\}}$", x="step $t$", y=r"$w^{(t)}\cdot x_i$")
    limits = [*left.get_ylim(), *middle.get_ylim()]
    for ax in (left, middle):
        ax.set_ylim(min(limits), max(limits))
    counts = np.array([len(distinct(part, "subset")) for _, part in groups(runs, "data")])
    most = int(counts.max())
    heights = np.bincount(counts, minlength=most + 1)[1:]
    right.bar(np.arange(1, most + 1), heights, color=style.SKY, edgecolor=style.BLUE, linewidth=0.6)
    n_starts = len(distinct(runs, "start"))
    style.panel(right, "c", "different limits", x=f"sets $S$ over {n_starts} starts", y="data sets")
    right.set_xticks(range(1, most + 1))
    style.legend_above(figure, handles, 4)
    return figure


def measure(table: DataFrame) -> dict[str, Measured]:
    """Return how often positives are fitted, and the distance to the linear interpolator on S."""
    runs = select(table, part="run")
    late, rescued = values(runs, "late_positives").sum(), values(runs, "late_fitted").sum()
    sets = [len(distinct(part, "subset")) for _, part in groups(runs, "data")]
    ratio = values(runs, "distance_to_linear") / np.maximum(values(runs, "norm_limit"), 1e-300)
    return {
        "fraction_fits_positives": Measured.of(
            "runs that fit every positive example",
            proportion(values(runs, "fits_positives").sum(), len(runs)),
        ),
        "fraction_late_fitted": Measured.of(
            "initially inactive positive examples that are fitted in the end",
            proportion(rescued, late),
        ),
        "sets_per_data": Measured.of("different sets S per data set", mean(sets), "more than 1"),
        "fraction_data_with_many_sets": Measured.of(
            "data sets whose limit depends on the start",
            proportion(sum(s > 1 for s in sets), len(sets)),
            "1",
        ),
        "relative_distance_to_linear": Measured.of(
            "distance to the linear interpolator on S, relative to the norm", median(ratio), "0"
        ),
    }


def verdict(measured: Mapping[str, Measured]) -> tuple[Finding, ...]:
    """Judge the dependence on the start and the nature of the limit."""
    many, distance = (
        measured["fraction_data_with_many_sets"],
        measured["relative_distance_to_linear"],
    )
    return (
        Finding(
            agreement=Agreement.AGREES
            if many.value > 0.75 and distance.value < 0.05
            else Agreement.DIFFERS,
            sentence=(
                f"The set S depends on the start in {many.value:.0%} of the data sets, and the "
                f"limit is the linear interpolator on S up to {distance.value:.1%} of its norm; "
                "all positive examples are fitted in "
                f"{measured['fraction_fits_positives'].value:.0%} of the runs."
            ),
        ),
    )


EXPERIMENT = Experiment(
    key="fig3",
    title="Figure 3: at moderate dimension the limit depends on the start",
    claim=(
        "Where d is comparable to n, gradient descent from a small random start ends at the linear "
        "minimum-norm interpolator of a subset S of the examples, and S depends on the start."
    ),
    settings=(
        "One neuron, n = 10, d = 50, x ~ N(0, I), y ~ N(0, 1), initial weights N(0, 2e-6 I), "
        "step size 1e-4 (kappa = 0.005)."
    ),
    provenance=Provenance.RECOVERED,
    caption=(
        "Predictions before the ReLU against the step, for two random starts on the same data "
        "(a, b; circles mark positive labels), and how many different sets S a data set has (c)."
    ),
    compute=compute,
    draw=draw,
    measure=measure,
    verdict=verdict,
)
