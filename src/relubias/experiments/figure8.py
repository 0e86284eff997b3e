"""Figure 8(c): a positive example that starts inactive; Remark 1 and its scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from relubias.experiments import _style as style
from relubias.experiments._one_neuron import shown_case
from relubias.experiments._paths import draw_paths, path_rows
from relubias.experiments._statistics import pooled_shares, proportion
from relubias.experiments._sweeps import first_task, table_of
from relubias.experiments._table import DataFrame, distinct, frame, joined, select, values
from relubias.experiments.registry import (
    Agreement,
    Experiment,
    Finding,
    Measured,
    Provenance,
    Scale,
)
from relubias.sweep import Case, Plan, columns

if TYPE_CHECKING:
    from matplotlib.figure import Figure

N, D, KAPPA, VARIANCE = 10, 2000, 0.5, 2e-5  # panel a
N_SCALE, LOW, HIGH = 20, 0.5, 1.0  # panel b
N_STEPS = 200


@dataclass(frozen=True, slots=True)
class _Settings:
    ratios: tuple[float, ...]
    series: tuple[tuple[int, float], ...]  # dimension and kappa
    n_replicates: int


_RATIOS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
_SETTINGS = {
    Scale.QUICK: _Settings((0.01, 10.0), ((2000, 0.9),), 20),
    Scale.DEFAULT: _Settings(_RATIOS, ((2000, 0.9), (200_000, 0.9), (2000, 0.1)), 60),
    Scale.FULL: _Settings(
        tuple(10.0 ** (k / 4) for k in range(-8, 7)),
        ((2000, 0.9), (200_000, 0.9), (2000, 0.1), (2000, 0.01)),
        400,
    ),
}


def compute(scale: Scale, seed: int) -> DataFrame:
    """Return one path, runs at the paper's size of the start, and runs at every size."""
    settings = _SETTINGS[scale]
    paper = Plan(
        name="fig8-paper",
        n=N,
        d=D,
        labels={"name": "uniform_magnitude", "low": 0.1, "high": 1.0},
        start={"name": "gaussian", "scale": float(np.sqrt(VARIANCE))},
        kappa=KAPPA,
        replicates=2 * settings.n_replicates,
        seed=seed,
        measure=rescued,
    )
    # Initial predictions of `ratio` times the interaction, norm_positive / sqrt(2 d).
    ratios = {f"{ratio!r}*norm_positive/(sqrt(2)*d)": ratio for ratio in settings.ratios}
    scaled = Plan(
        name="fig8-scale",
        n=N_SCALE,
        d=[d for d, _ in settings.series],
        labels={"name": "uniform_magnitude", "low": LOW, "high": HIGH, "n_negative": N_SCALE // 2},
        start={"name": "gaussian", "scale": list(ratios)},
        kappa=[kappa for _, kappa in settings.series],
        together=["d", "kappa"],
        replicates=settings.n_replicates,
        seed=seed,
        shared=["d", "kappa", "start"],
        measure=rescued,
    )
    table, runs = table_of(scaled, start_scale="ratio"), table_of(paper)
    table["ratio"] = table["ratio"].map(ratios)
    telling = (runs["positives"] >= 4) & runs["late_positives"].isin([1, 2])
    shown = shown_case(paper, first_task(telling & (runs["late_fitted"] == 0)))
    path = frame(path_rows(shown, N_STEPS))
    return joined({"paper": runs, "path": path, "scale": table}, "part")


@columns(positives=int, late_positives=int, late_fitted=int, fits_positives=bool)
def rescued(case: Case) -> dict[str, Any]:
    """Count positive examples that start inactive, and those of them fitted in the end."""
    positive = case.labels > 0
    late = positive & ((case.start @ case.gram)[0] <= 0)
    fitted = np.abs(case.end.limit.primal[0] - case.labels) <= 1e-6
    return {
        "positives": int(positive.sum()),
        "late_positives": int(late.sum()),
        "late_fitted": int((late & fitted).sum()),
        "fits_positives": bool(fitted[positive].all()),
    }


@style.styled
def draw(table: DataFrame) -> Figure:
    """Draw one path, and the share of rescued examples against the size of the start."""
    figure = style.new_figure(2.9)
    left, right = figure.subplots(1, 2)
    handles = draw_paths(left, select(table, part="path"))
    style.panel(left, "a", "one run", x="step $t$", y=r"$w^{(t)}\cdot x_i$")
    scaled = select(table, part="scale")
    pairs = scaled[["d", "kappa"]].drop_duplicates().to_numpy(dtype=np.float64)
    for (d, kappa), look in zip(pairs, style.LOOKS, strict=False):
        part = select(scaled, d=d, kappa=kappa)
        label = rf"$d = {style.power_of_ten(d)}$, $\kappa = {kappa:g}$"
        late, fitted = values(part, "late_positives"), values(part, "late_fitted")
        series = pooled_shares(values(part, "ratio"), fitted, late)
        style.curve(right, *series, look, label)
    style.panel(
        right, "b", "positives that start inactive and are fitted",
        x=r"size of the initial predictions / ($\|y_+\|/\sqrt{2d}$)", y="share of examples",
        log="x",
    )  # fmt: skip
    right.set_ylim(-0.03, 0.83)
    right.axhline(0, color=style.BLACK, linewidth=0.6, linestyle=":")
    right.text(0.011, 0.015, "Remark 1", va="bottom")
    right.legend(loc="upper right")
    style.plain_decades(right.xaxis, *right.get_xlim())
    style.legend_above(figure, handles, 4)
    return figure


def measure(table: DataFrame) -> dict[str, Measured]:
    """Return how many initially inactive positives stay inactive or are rescued."""
    paper, scaled = select(table, part="paper"), select(table, part="scale")
    smallest = select(scaled, ratio=values(scaled, "ratio").min())
    late, fitted = values(paper, "late_positives").sum(), values(paper, "late_fitted").sum()
    result = {
        "fraction_stays_inactive": Measured.of(
            f"positives that start inactive and stay so, variance {VARIANCE:g}",
            proportion(late - fitted, late),
            "1 (Remark 1)",
        ),
        "fraction_full_fit_small_start": Measured.of(
            "runs from the smallest start that fit every positive example",
            proportion(values(smallest, "fits_positives").sum(), len(smallest)),
        ),
    }
    for d in distinct(scaled, "d"):
        for kappa in distinct(select(scaled, d=d), "kappa"):
            for ratio in distinct(scaled, "ratio"):
                part = select(scaled, d=d, kappa=kappa, ratio=ratio)
                name = (
                    f"fraction_rescued_d{style.key(d)}_kappa{style.key(kappa)}_r{style.key(ratio)}"
                )
                rescued = values(part, "late_fitted").sum(), values(part, "late_positives").sum()
                result[name] = Measured.of(
                    f"rescued positives, d = {int(d):,}, kappa {kappa:g}, relative start "
                    f"{ratio:.2g}",
                    proportion(*rescued),
                    "0 (Remark 1)",
                )
    return result


def verdict(measured: Mapping[str, Measured]) -> tuple[Finding, ...]:
    """Judge Remark 1 at the paper's scale and at smaller ones."""
    stays = measured["fraction_stays_inactive"]
    rescued = [m.value for k, m in measured.items() if k.startswith("fraction_rescued")]
    full = measured["fraction_full_fit_small_start"]
    return (
        Finding(
            agreement=Agreement.AGREES if stays.value > 0.9 else Agreement.DIFFERS,
            sentence=(
                "With initial predictions of label size Remark 1 holds: "
                f"{stays.value:.1%} of the positive examples that start inactive stay inactive."
            ),
        ),
        Finding(
            agreement=Agreement.DIFFERS,
            sentence=(
                "Remark 1 depends on the scale of the start. For starts as small as the rest of "
                f"the theory asks for, {max(rescued):.0%} of the initially inactive positive "
                f"examples are fitted in the end (against {min(rescued):.0%} at the largest "
                f"start), though all of them at once only in {full.value:.0%} of the runs."
            ),
        ),
    )


EXPERIMENT = Experiment(
    key="fig8",
    title="Figure 8(c): a positive example that starts inactive",
    claim=(
        "Remark 1: from a random start, a positive example on which the neuron starts inactive "
        "stays inactive, so that only a local minimum is reached; hence the assumption of "
        "positive initial predictions."
    ),
    settings=(
        "One neuron. Panel a: n = 10, d = 2000, |y| ~ U(0.1, 1), kappa = 0.5, initial weights "
        "N(0, 2e-5 I). Panel b: n = 20, n_- = 10, |y| ~ U(0.5, 1); the start is measured in "
        "units of the interaction between examples, ||y_+||/sqrt(2d)."
    ),
    provenance=Provenance.RECONSTRUCTED,
    caption=(
        "Predictions before the ReLU against the step in one run (a; circles mark positive "
        "labels), and the share of initially inactive positive examples that are fitted in the "
        "end, against the size of the start, with 90% intervals (b)."
    ),
    compute=compute,
    draw=draw,
    measure=measure,
    verdict=verdict,
)
