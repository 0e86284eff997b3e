"""Figure 5: two neurons from a random start; examples leave their regions, no global minimum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from relubias.experiments import _style as style
from relubias.experiments._checkpoints import checkpoint_rows, draw_checkpoints, region_handles
from relubias.experiments._one_neuron import shown_case
from relubias.experiments._statistics import pooled_shares, proportion, shares
from relubias.experiments._sweeps import first_task, table_of
from relubias.experiments._table import DataFrame, distinct, frame, joined, select, values, where
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

D, KAPPA = 2000, 0.5
VARIANCE = 2e-6  # of the initial weights in the run that is drawn
_VARIANCES = {
    Scale.QUICK: (2e-10, 2e-6),
    Scale.DEFAULT: (2e-10, 2e-9, 2e-8, 2e-7, 2e-6, 2e-5, 2e-4),
    Scale.FULL: tuple(2.0 * 10.0 ** (k / 2) for k in range(-20, -6)),
}
_RUNS = {Scale.QUICK: 20, Scale.DEFAULT: 300, Scale.FULL: 2000}


def compute(scale: Scale, seed: int) -> DataFrame:
    """Return the checkpoints of one run, and one row per run for every initial variance."""
    variances = {float(np.sqrt(variance)): variance for variance in _VARIANCES[scale]}
    plan = plan_of_pairs(
        "fig5", d=D, kappa=KAPPA, replicates=_RUNS[scale], seed=seed,
        start={"name": "gaussian", "scale": list(variances)},  # the same directions at every size
    )  # fmt: skip
    runs = table_of(plan, start_scale="variance")
    runs["variance"] = runs["variance"].map(variances)
    at_size = np.isclose(values(runs, "variance"), VARIANCE, atol=0)
    typical = runs["n_positive"].between(4, 6) & ~runs["zero_loss"]  # some stay off
    shown = shown_case(plan, first_task(at_size & typical), by_label=True, variance=VARIANCE)
    return joined({"run": runs, "path": frame(checkpoint_rows(shown, float(D)))}, "part")


@style.styled
def draw(table: DataFrame) -> Figure:
    """Draw the checkpoints of one run, and what the limits fit against the initial variance."""
    figure = style.new_figure(4.9)
    grid = cast("Any", figure).add_gridspec(2, 1, height_ratios=(2, 1.2))
    draw_checkpoints(figure, grid[0].subgridspec(2, 5), select(table, part="path"))
    below = grid[1].subgridspec(1, 2)
    runs = select(table, part="run")
    left, right = figure.add_subplot(below[0]), figure.add_subplot(below[1])
    off, fitted = (values(runs, name) for name in ("starts_off", "off_fitted"))
    style.curve(left, *pooled_shares(values(runs, "variance"), fitted, off), style.LOOKS[2])
    style.panel(
        left, "b", "examples that start off and are fitted in the end",
        x="variance of the initial weights", y="share of examples", log="x",
    )  # fmt: skip
    style.curve(right, *shares(values(runs, "variance"), values(runs, "zero_loss")), style.LOOKS[3])
    style.panel(
        right, "c", "runs that reach zero loss",
        x="variance of the initial weights", y="share of runs", log="x",
    )  # fmt: skip
    for ax in (left, right):
        ax.set_ylim(-0.03, 1.05)
        style.plain_decades(ax.xaxis, *ax.get_xlim())
    style.legend_above(figure, region_handles(), 5)
    return figure


def measure(table: DataFrame) -> dict[str, Measured]:
    """Return how many examples start off, are rescued, and how often the loss vanishes."""
    runs, path = select(table, part="run"), select(table, part="path")
    result: dict[str, Measured] = {}
    for variance in distinct(runs, "variance"):
        part = select(runs, variance=variance)
        name = style.key(variance)
        result[f"fraction_rescued_variance{name}"] = Measured.of(
            f"examples that start off and end fitted, variance {variance:g}",
            proportion(values(part, "off_fitted").sum(), values(part, "starts_off").sum()),
            "0",
        )
        result[f"fraction_zero_loss_variance{name}"] = Measured.of(
            f"runs that reach zero loss, variance {variance:g}",
            proportion(values(part, "zero_loss").sum(), len(part)),
            "0",
        )
    first = select(path, time=1)
    outside = where(first, values(first, "inside") == 0)
    agrees = values(outside, "agrees").sum()
    return result | {
        "outside_blue_after_one_step": Measured(
            label="examples outside blue after one step, run drawn", value=float(agrees)
        ),
        "outside_red_after_one_step": Measured(
            label="examples outside red after one step, run drawn",
            value=float(len(outside) - agrees),
        ),
    }


def verdict(measured: Mapping[str, Measured]) -> tuple[Finding, ...]:
    """Judge whether the random start fails, and how that depends on its size."""
    zero = [m.value for k, m in measured.items() if k.startswith("fraction_zero_loss")]
    at = style.key(VARIANCE)
    rescued = [m.value for k, m in measured.items() if k.startswith("fraction_rescued")]
    here = measured[f"fraction_rescued_variance{at}"].value
    return (
        Finding(
            agreement=Agreement.AGREES if max(zero) < 0.3 else Agreement.DIFFERS,
            sentence=(
                "From a random start the global minimum is missed: zero loss in "
                f"{measured[f'fraction_zero_loss_variance{at}'].value:.1%} of the runs at "
                f"variance {VARIANCE:g}, and in at most {max(zero):.0%} at any size. In the run "
                f"drawn {measured['outside_blue_after_one_step'].value:.0f} examples are outside "
                f"blue and {measured['outside_red_after_one_step'].value:.0f} outside red after "
                "one step."
            ),
        ),
        Finding(
            agreement=Agreement.BEYOND,
            sentence=(
                f"An example whose neuron starts off is not always lost: {here:.0%} are fitted in "
                f"the end at variance {VARIANCE:g}, but {max(rescued):.0%} at the smallest starts."
            ),
        ),
    )


EXPERIMENT = Experiment(
    key="fig5",
    title="Figure 5: two neurons, random start: no global minimum",
    claim=(
        "From a random start the conditions of Theorem 3 fail after one step: some examples "
        "leave the blue region, others miss the red one, and no global minimum is reached."
    ),
    settings=(
        "The data of Figure 4, kappa = 0.5. The size of the start is not known; panel a has "
        "initial weights N(0, 2e-6 I), predictions of size 0.06."
    ),
    provenance=Provenance.RECOVERED,
    caption=(
        "One run at five checkpoints (a; a row per neuron), the share of examples fitted in the "
        "end though the neuron of their sign starts inactive on them (b), and the share of runs "
        "that reach zero loss (c), against the variance of the initial weights, with 90% "
        "intervals."
    ),
    compute=compute,
    draw=draw,
    measure=measure,
    verdict=verdict,
)
