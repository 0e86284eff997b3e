"""Beyond the paper: the gap against the size of the initial predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from relubias._validate import Float
from relubias.experiments import _style as style
from relubias.experiments._statistics import bands, median, shares
from relubias.experiments._sweeps import table_of
from relubias.experiments._table import DataFrame, distinct, select, values
from relubias.experiments.registry import (
    Agreement,
    Experiment,
    Finding,
    Measured,
    Provenance,
    Scale,
)
from relubias.sweep import Plan

if TYPE_CHECKING:
    from matplotlib.figure import Figure

N, N_NEGATIVE, LOW, HIGH, D = 20, 10, 0.5, 1.0, 200_000
KAPPA = 0.5  # of the headline figures
_KAPPAS = (0.5, 0.7)


@dataclass(frozen=True, slots=True)
class _Settings:
    sizes: tuple[float, ...]
    n_replicates: int


_SETTINGS = {
    Scale.QUICK: _Settings((0.01, 0.5, 1.05), 6),
    Scale.DEFAULT: _Settings(
        (1e-6, 0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0, 1.05, 1.2, 1.5, 2.0),
        40
    ),
    Scale.FULL: _Settings(
        (1e-6, 1e-4, 0.01, 0.05, *(round(0.1 * k, 1) for k in range(1, 10)), 0.95, 0.98, 1.0, 1.02,
         1.05, 1.1, 1.2, 1.3, 1.5, 1.75, 2.0, 2.5, 3.0), 200
    ),
}  # fmt: skip


def law(rho: float, kappa: float) -> float:
    """Return the scaled gap after one kick, ``|kappa - (1 - kappa) rho|``."""
    return abs(kappa - (1 - kappa) * rho)


def compute(scale: Scale, seed: int) -> DataFrame:
    """Return one row per run: relative size of the start, step size, gap."""
    settings = _SETTINGS[scale]
    plan = Plan(
        name="initialisation",
        n=N,
        d=D,
        labels={"name": "uniform_magnitude", "low": LOW, "high": HIGH, "n_negative": N_NEGATIVE},
        start={"name": "proportional", "scale": settings.sizes},
        kappa=_KAPPAS,
        replicates=settings.n_replicates,
        seed=seed,
        measure=["gap", "gap_law", "norm", "minimum_norm", "norm_negative", "run_status",
                 "last_switch", "n_steps", "one_step", "trace"],
    )  # fmt: skip
    table = table_of(plan, start_scale="rho")
    table["unit_gap"] = table["gap"] * np.sqrt(table["trace"]) / table["norm_negative"]
    return table


@style.styled
def draw(table: DataFrame) -> Figure:
    """Draw the gap and the share of runs settled after one step."""
    figure = style.new_figure(2.8)
    left, right = figure.subplots(1, 2)
    handles: list[Any] = []
    for kappa, look in zip(distinct(table, "kappa"), style.LOOKS, strict=False):
        part = select(table, kappa=kappa)
        rho = values(part, "rho")
        style.curve(
            left, *bands(rho, values(part, "unit_gap")), look, rf"measured, $\kappa = {kappa:g}$"
        )
        handles.append(left.lines[-1])
        most = min(float(values(table, "rho").max()), float(kappa / (1 - kappa)))
        sizes: Float = np.linspace(0, most, 100)
        left.plot(
            sizes, np.abs(kappa - (1 - kappa) * sizes), color=style.BLACK, linewidth=0.9,
            linestyle=(0, (4, 2)), label=r"law $|\kappa-(1-\kappa)\rho|$", zorder=4,
        )  # fmt: skip
        style.curve(right, *shares(rho, values(part, "one_step")), look)
        right.axvline(kappa / (1 - kappa), color=look["color"], linewidth=0.8, linestyle=":")
    x = r"initial predictions relative to the labels, $\rho$"
    style.panel(left, "a", "gap", x=x, y=r"gap $\times\ \sqrt{\|\lambda\|_1}\,/\,\|y_-\|$")
    style.panel(right, "b", "settled after one step", x=x, y="share of runs")
    right.set_ylim(-0.03, 1.05)
    left.set_ylim(bottom=0)
    style.legend_above(figure, [*handles, left.lines[-1]], 3)
    return figure


def measure(table: DataFrame) -> dict[str, Measured]:
    """Return the gap at every size of the start."""
    result: dict[str, Measured] = {}
    below: list[float] = []
    for kappa in distinct(table, "kappa"):
        for rho in distinct(table, "rho"):
            part = select(table, rho=rho, kappa=kappa)
            estimate, expected = median(values(part, "unit_gap")), law(rho, kappa)
            kicked_once = rho < 0.97 * kappa / (1 - kappa)
            result[f"unit_gap_kappa{style.key(kappa)}_rho{style.key(rho)}"] = Measured.of(
                f"gap sqrt(||lambda||_1)/||y_-||, kappa {kappa:g}, rho {rho:g}",
                estimate,
                f"{expected:.3f}" if kicked_once else "a second kick",
            )
            if kicked_once:
                below.append(abs(estimate.value - expected))
    return {
        "largest_deviation_from_law": Measured(
            label="largest deviation of a median from the law below the jump",
            value=max(below),
            expected="0",
        )
    } | result


def verdict(measured: Mapping[str, Measured]) -> tuple[Finding, ...]:
    """Judge the law below the jump, and name the jump."""
    name = f"unit_gap_kappa{style.key(KAPPA)}_rho"
    series = [m.value for k, m in measured.items() if k.startswith(name)]
    lowest = int(np.argmin(series))
    return (
        Finding(
            agreement=Agreement.BEYOND,
            sentence=(
                "The gap follows |kappa - (1 - kappa) rho| to within "
                f"{measured['largest_deviation_from_law'].value:.3f}: larger starts shrink it "
                f"(from {series[0]:.3f} to {series[lowest]:.3f} at kappa = {KAPPA:g}) until, at "
                "rho = kappa/(1 - kappa), negative examples survive the first step, are pushed "
                f"down a second time, and the gap jumps (to {max(series[lowest:]):.2f})."
            ),
        ),
    )


EXPERIMENT = Experiment(
    key="initialisation",
    title="Beyond the paper: the gap against the initialisation",
    claim=(
        "The paper asks for small positive initial predictions, at most y_min/C, and its bounds "
        "on the gap do not depend on them."
    ),
    settings=(
        "One neuron, n = 20, n_- = 10, d = 200,000, |y| ~ U(0.5, 1), initial predictions rho "
        "|y_i|. Dotted lines: rho = kappa/(1 - kappa)."
    ),
    provenance=Provenance.NEW,
    caption=(
        "The scaled gap, with its law (a; medians with 90% bands), and the share of runs whose "
        "activation pattern is final after one step (b; 90% intervals), against the relative "
        "size of the initial predictions."
    ),
    compute=compute,
    draw=draw,
    measure=measure,
    verdict=verdict,
)
