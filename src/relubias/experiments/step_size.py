"""Beyond the paper: the gap is proportional to the step size, on orthogonal data too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from relubias.experiments import _style as style
from relubias.experiments._statistics import bands, median, proportion, slope
from relubias.experiments._sweeps import table_of
from relubias.experiments._table import DataFrame, distinct, joined, select, values
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

N, N_NEGATIVE, LOW, HIGH = 20, 10, 0.5, 1.0
START = 1e-6 * LOW
D_ORTHOGONAL = 200_000


@dataclass(frozen=True, slots=True)
class _Settings:
    kappas: tuple[float, ...]
    n_replicates: int


_SETTINGS = {
    Scale.QUICK: _Settings((0.9, 0.1, 0.01), 4),
    Scale.DEFAULT: _Settings((1.8, 1.4, 1, 0.9, 0.5, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 1e-4), 30),
    Scale.FULL: _Settings(
        (1.8, 1.6, 1.4, 1.2, 1, 0.9, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.003,
         0.002, 0.001, 5e-4, 2e-4, 1e-4, 5e-5, 2e-5, 1e-5), 100
    ),
}  # fmt: skip
_DATA = {
    "d = 2,000": (2000, "2e3"),
    "d = 200,000": (200_000, "2e5"),
    "orthogonal": (D_ORTHOGONAL, "orthogonal"),
}


def compute(scale: Scale, seed: int) -> DataFrame:
    """Return one row per run: data, step size, gap, law and the last change of the pattern."""
    tables = {data: table_of(_plan(data, _SETTINGS[scale], seed)) for data in _DATA}
    table = joined(tables, "data")
    table["unit_gap"] = table["gap"] * np.sqrt(table["trace"]) / table["norm_negative"]
    return table


def _plan(data: str, settings: _Settings, seed: int) -> Plan:
    d, name = _DATA[data]
    orthogonal = data == "orthogonal"
    largest = 2.0 if orthogonal else 2.0 / (1 + np.sqrt(N / d)) ** 2  # beyond, nothing converges
    return Plan(
        name=f"stepsize-{name}",
        n=N,
        d=d,
        features="orthogonal" if orthogonal else "gaussian",
        labels={"name": "uniform_magnitude", "low": LOW, "high": HIGH, "n_negative": N_NEGATIVE},
        start={"name": "all_positive", "scale": START},
        algorithm={"name": "descent", "max_iter": 10_000_000},
        kappa=[kappa for kappa in settings.kappas if kappa < largest],
        replicates=settings.n_replicates,
        seed=seed,
        shared=["d", "features", "kappa"],  # the same labels on all data
        measure=["gap", "relative_gap", "gap_law", "norm", "minimum_norm", "norm_negative",
                 "run_status", "last_switch", "n_steps", "trace"],
    )  # fmt: skip


@style.styled
def draw(table: DataFrame) -> Figure:
    """Draw the gap, the gap per step size, and the last change of the pattern."""
    figure = style.new_figure(2.8)
    left, middle, right = figure.subplots(1, 3)
    handles: list[Any] = []
    for data, look in zip(_DATA, style.LOOKS, strict=False):
        part = select(table, data=data)
        kappa, gap = values(part, "kappa"), values(part, "unit_gap")
        style.curve(left, *bands(kappa, gap), look, data)
        handles.append(left.lines[-1])
        style.curve(middle, *bands(kappa, gap / kappa), look)
        style.curve(right, *bands(kappa, np.maximum(values(part, "last_switch"), 1)), look)
    span = np.array([values(table, "kappa").min(), values(table, "kappa").max()])
    (law,) = left.plot(
        span, span, color=style.BLACK, linewidth=0.9, linestyle=(0, (4, 2)), label="law: $\\kappa$"
    )
    middle.axhline(1, color=style.BLACK, linewidth=0.9, linestyle=(0, (4, 2)))
    middle.axhline(np.sqrt(2 / 3), color=style.GREY, linewidth=0.9, linestyle=":")
    middle.text(span[0], np.sqrt(2 / 3) - 0.015, r"$\sqrt{2/3}$", va="top", color=style.GREY)
    unit = r"$\sqrt{\|\lambda\|_1}"
    style.panel(
        left, "a", "gap", x=r"step size $\kappa$", y=rf"gap $\times$ {unit}\,/\,\|y_-\|$", log="xy"
    )
    style.panel(
        middle,
        "b",
        "gap per step size",
        x=r"step size $\kappa$",
        y=rf"gap $\times$ {unit}\,/\,(\kappa\,\|y_-\|)$",
        log="x",
    )
    style.panel(
        right, "c", "last change of the pattern", x=r"step size $\kappa$", y="step", log="xy"
    )
    middle.set_ylim(0.55, 1.35)
    for ax in (left, middle, right):
        style.plain_decades(ax.xaxis, *span)
    style.legend_above(figure, [*handles, law], 4)
    return figure


def measure(table: DataFrame) -> dict[str, Measured]:
    """Return the slope in the step size, and the gap at every step size."""
    result: dict[str, Measured] = {}
    for data, (_, name) in _DATA.items():
        part = select(table, data=data)
        result[f"slope_kappa_{name}"] = Measured.of(
            f"slope of log gap in log kappa, {data}", slope(part, "kappa", "gap"), "1"
        )
    smallest = values(table, "kappa").min()
    for data, (_, name) in _DATA.items():
        part = select(table, data=data, kappa=smallest)
        above = int((values(part, "unit_gap") > 1.05 * smallest).sum())
        result[f"fraction_above_line_{name}"] = Measured.of(
            f"runs more than 5% above the line, {data}, kappa {smallest:g}",
            proportion(above, len(part)),
        )
    for data, (_, name) in _DATA.items():
        for kappa in distinct(select(table, data=data), "kappa"):
            part = select(table, data=data, kappa=kappa)
            result[f"unit_gap_{name}_kappa{style.key(kappa)}"] = Measured.of(
                f"gap sqrt(||lambda||_1)/||y_-||, {data}, kappa {kappa:g}",
                median(values(part, "unit_gap")),
                f"{kappa:g}",
            )
    for kappa in distinct(select(table, data="d = 2,000"), "kappa"):
        part = select(table, data="d = 2,000", kappa=kappa)
        result[f"last_switch_2e3_kappa{style.key(kappa)}"] = Measured.of(
            f"last change of the pattern, d = 2,000, kappa {kappa:g}",
            median(values(part, "last_switch")),
        )
    return result


def verdict(measured: Mapping[str, Measured]) -> tuple[Finding, ...]:
    """Say what causes the gap."""
    gaps = {k: m.value for k, m in measured.items() if k.startswith("unit_gap_orthogonal")}
    first, last = measured["slope_kappa_2e5"], measured["slope_kappa_orthogonal"]
    return (
        Finding(
            agreement=Agreement.DIFFERS,
            sentence=(
                "The gap is caused by the finite step, not by the angles between examples: it is "
                f"proportional to the step size (slope {first.value:.3f} at d = 200,000), and "
                f"exactly orthogonal examples show the same gap (slope {last.value:.3f}). The "
                "lower bound of Theorem 2 holds for steps of order 1/||lambda||_1; it does not "
                "survive small steps: on orthogonal examples the scaled gap falls from "
                f"{max(gaps.values()):.2g} to {min(gaps.values()):.2g}."
            ),
        ),
        Finding(
            agreement=Agreement.BEYOND,
            sentence=(
                "For large steps the gap is kappa ||y_-||/sqrt(||lambda||_1); for small ones "
                "negative examples become active again and are pushed down again, and about "
                "sqrt(2/3) of it is left. At moderate dimension some data sets keep a small "
                f"path-dependent residual ({measured['fraction_above_line_2e3'].value:.0%} of the "
                "runs at d = 2,000 and the smallest step, "
                f"{measured['fraction_above_line_2e5'].value:.0%} at d = 200,000)."
            ),
        ),
    )


EXPERIMENT = Experiment(
    key="stepsize",
    title="Beyond the paper: the gap against the step size",
    claim=(
        "Theorem 2 states a gap of order sqrt(n_-/||lambda||_1) for steps between 1/(C C_g "
        "||lambda||_1) and 1/(C_g ||lambda||_1). Table 1 sets it beside gradient flow on "
        "orthogonal examples, which ends exactly at minimum norm, so that the gap reads as the "
        "price of examples that are only nearly orthogonal."
    ),
    settings=(
        "One neuron, n = 20, n_- = 10, |y| ~ U(0.5, 1), initial predictions 5e-7; Gaussian data "
        "with d = 2,000 and d = 200,000, and exactly orthogonal examples. kappa is the step size "
        "times ||lambda||_1."
    ),
    provenance=Provenance.NEW,
    caption=(
        "The scaled gap (a), the same divided by the step size (b), and the step at which the "
        "activation pattern last changes (c), against the step size; medians with 90% bands. "
        "Where the band of d = 2,000 leaves (b), some data sets keep a path-dependent residual."
    ),
    compute=compute,
    draw=draw,
    measure=measure,
    verdict=verdict,
)
