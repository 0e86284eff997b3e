"""Figure 4: two neurons from positive predictions; the picture is settled after one step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from relubias.experiments import _style as style
from relubias.experiments._checkpoints import checkpoint_rows, draw_checkpoints, region_handles
from relubias.experiments._one_neuron import shown_case
from relubias.experiments._statistics import proportion, shares
from relubias.experiments._sweeps import first_task, table_of
from relubias.experiments._table import DataFrame, distinct, frame, joined, select, values
from relubias.experiments._two_neurons import plan_of_pairs
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

D = 2000
KAPPA, START = 0.5, 0.001  # of the run that is drawn, and of the headline figures
STARTS = (0.001, 0.05)
_KAPPAS = {
    Scale.QUICK: (0.5,),
    Scale.DEFAULT: (0.1, 0.2, 0.3, 0.5, 0.7, 0.9),
    Scale.FULL: (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
}
_RUNS = {Scale.QUICK: 20, Scale.DEFAULT: 300, Scale.FULL: 4200}


def compute(scale: Scale, seed: int) -> DataFrame:
    """Return the checkpoints of one run, and one row per run for every step size and start."""
    plan = plan_of_pairs(
        "fig4", d=D, kappa=_KAPPAS[scale], replicates=_RUNS[scale], seed=seed,
        start={"name": "all_positive", "scale": STARTS},
    )  # fmt: skip
    runs = table_of(plan, start_scale="start")
    is_headline = (runs["kappa"] == KAPPA) & (runs["start"] == START)
    typical = first_task(is_headline & runs["n_positive"].between(4, 6))
    shown = shown_case(plan, typical, by_label=True, kappa=KAPPA, start=START)
    return joined({"run": runs, "path": frame(checkpoint_rows(shown, float(D)))}, "part")


@style.styled
def draw(table: DataFrame) -> Figure:
    """Draw the checkpoints of one run, and how often one step settles the picture."""
    figure = style.new_figure(4.9)
    grid = cast("Any", figure).add_gridspec(2, 1, height_ratios=(2, 1.2))
    draw_checkpoints(figure, grid[0].subgridspec(2, 5), select(table, part="path"))
    below = grid[1].subgridspec(1, 3, width_ratios=(1, 1, 0.4))
    runs = select(table, part="run")
    for cell, letter, name, title in (
        (below[0], "b", "one_step", "settled after one step"),
        (below[1], "c", "zero_loss", "reaches zero loss"),
    ):
        ax = figure.add_subplot(cell)
        handles: list[Any] = []
        for start, look in zip(distinct(runs, "start"), style.LOOKS, strict=False):
            part = select(runs, start=start)
            label = rf"$\varepsilon = {start:g}$"
            style.curve(ax, *shares(values(part, "kappa"), values(part, name)), look, label)
            handles.append(ax.lines[-1])
        style.panel(ax, letter, title, x=r"step size $\kappa$", y="share of runs")
        ax.set_ylim(-0.03, 1.05)
        ax.set_xlim(0, 1)
    legend = figure.add_subplot(below[2])
    legend.set_axis_off()
    cast("Any", legend).legend(handles=handles, loc="center left", title="initial predictions")
    style.legend_above(figure, region_handles(), 5)
    return figure


def measure(table: DataFrame) -> dict[str, Measured]:
    """Return the share of runs that are settled after one step, and that reach zero loss."""
    runs = select(table, part="run")
    result: dict[str, Measured] = {}
    for start in distinct(runs, "start"):
        for kappa in distinct(runs, "kappa"):
            part = select(runs, start=start, kappa=kappa)
            name = f"fraction_one_step_start{style.key(start)}_kappa{style.key(kappa)}"
            result[name] = Measured.of(
                f"settled after one step, start {start:g}, kappa {kappa:g}",
                proportion(values(part, "one_step").sum(), len(part)),
                "1 for small starts and kappa bounded below",
            )
    head = select(runs, start=START, kappa=KAPPA)
    settled = proportion(values(head, "one_step").sum(), len(head))
    fitted = proportion(values(runs, "zero_loss").sum(), len(runs))
    return {
        "fraction_one_step": Measured.of(
            f"settled after one step (start {START:g}, kappa {KAPPA:g})", settled, "1"
        ),
        "fraction_zero_loss": Measured.of("runs that reach zero loss, all settings", fitted, "1"),
    } | result


def verdict(measured: Mapping[str, Measured]) -> tuple[Finding, ...]:
    """Judge the one-step picture."""
    settled, fitted = measured["fraction_one_step"], measured["fraction_zero_loss"]
    agrees = settled.value >= 0.9 and fitted.value >= 0.99
    shares = [m.value for k, m in measured.items() if k.startswith("fraction_one_step_start5e-2")]
    return (
        Finding(
            agreement=Agreement.AGREES if agrees else Agreement.DIFFERS,
            sentence=(
                f"One step settles the picture in {settled.value:.1%} of the runs, and the loss "
                f"reaches zero in {fitted.value:.1%}."
            ),
        ),
        Finding(
            agreement=Agreement.BEYOND,
            sentence=(
                "Both the step and the start matter: with initial predictions of half the smallest "
                f"label the share is between {min(shares):.0%} at the smallest step and "
                f"{max(shares):.0%} at the largest."
            ),
        ),
    )


EXPERIMENT = Experiment(
    key="fig4",
    title="Figure 4: two neurons, positive start: settled after one step",
    claim=(
        "Theorem 3: from positive predictions, after one step every example that agrees with a "
        "neuron is active on it for good (blue region) and every other one is frozen for good "
        "(red region); the training loss goes to zero."
    ),
    settings=(
        "Two neurons, n = 10, d = 2000, x ~ N(0, I), |y| ~ U(0.1, 1) with random signs. Step "
        "size and start are not known; panel a has kappa = 0.5 and initial predictions 0.001. "
        "Positive examples come first. The red region is ||lambda||_1 beta <= -0.25 kappa y_min."
    ),
    provenance=Provenance.RECOVERED,
    caption=(
        "One run at five checkpoints (a; a row per neuron), and the share of runs whose activation "
        "pattern is final after one step (b) and that reach zero loss (c), with 90% intervals."
    ),
    compute=compute,
    draw=draw,
    measure=measure,
    verdict=verdict,
)
