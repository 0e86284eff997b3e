"""Beyond the paper: what the limit is: a linear interpolator of shrunken labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import relubias as rb
from relubias.experiments import _style as style
from relubias.experiments._statistics import bands, median, slope
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
from relubias.sweep import Case, Plan, columns

if TYPE_CHECKING:
    from matplotlib.figure import Figure

N, N_NEGATIVE, LOW, HIGH = 20, 10, 0.5, 1.0
START = 1e-6 * LOW


@dataclass(frozen=True, slots=True)
class _Settings:
    dimensions: tuple[int, ...]
    kappas: tuple[float, ...]
    n_replicates: int


_SETTINGS = {
    Scale.QUICK: _Settings((10_000, 1_000_000), (1.0, 0.5), 5),
    Scale.DEFAULT: _Settings(
        (1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000),
        (1.0, 0.9, 0.7, 0.5, 0.3, 0.1), 40
    ),
    Scale.FULL: _Settings(
        tuple(10**k for k in range(3, 13)),
        (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05), 200
    ),
}  # fmt: skip
_TARGETS = {
    "to_shortest": r"$w^\star$",
    "to_shrunken": r"the linear interpolator of $(y_+, \kappa y_-)$",
    "to_linear": r"the linear interpolator of $y$",
}


def compute(scale: Scale, seed: int) -> DataFrame:
    """Return one row per run: distances of the limit to three candidates, relative to w*."""
    settings = _SETTINGS[scale]
    in_full = {10_000, settings.dimensions[-1]}
    others = [d for d in settings.dimensions if d not in in_full]
    plans = {"all steps": _plan(sorted(in_full), settings.kappas, settings, seed)}
    if others:
        plans["one step"] = _plan(others, (0.5,), settings, seed)
    return joined({name: table_of(plan) for name, plan in plans.items()}, "part")


def _plan(d: Sequence[int], kappas: Sequence[float], settings: _Settings, seed: int) -> Plan:
    return Plan(
        name="limit",
        n=N,
        d=d,
        labels={"name": "uniform_magnitude", "low": LOW, "high": HIGH, "n_negative": N_NEGATIVE},
        start={"name": "all_positive", "scale": START},
        kappa=kappas,
        replicates=settings.n_replicates,
        seed=seed,
        shared=["d", "kappa"],
        measure=distances,
    )


@columns(to_shortest=float, to_shrunken=float, to_linear=float, cosine=float, cosine_law=float)
def distances(case: Case) -> dict[str, float]:
    """Return distances of the limit to three candidates, and its angle to the shortest one."""
    problem, y, dual = case.problem, case.labels, case.end.limit.dual
    kappa, gap = float(case.cell.kappa or 0.0), case.gap

    def to_linear(labels: Any) -> float:
        linear = rb.linear_minimum_norm(problem, labels=labels)
        return rb.bias_gap(problem, dual, linear.dual[None, :]).distance / gap.second_norm

    positive, negative = np.linalg.norm(y[y > 0]), np.linalg.norm(y[y < 0])
    inner = (gap.first_norm**2 + gap.second_norm**2 - gap.distance**2) / 2
    return {
        "to_shortest": gap.distance / gap.second_norm,
        "to_shrunken": to_linear(np.where(y > 0, y, kappa * y)),
        "to_linear": to_linear(y),
        "cosine": inner / (gap.first_norm * gap.second_norm),
        "cosine_law": float(1 / np.sqrt(1 + (kappa * negative / positive) ** 2)),
    }


@style.styled
def draw(table: DataFrame) -> Figure:
    """Draw distances against step size and dimension, and the angle to w*."""
    figure = style.new_figure(2.9)
    left, middle, right = figure.subplots(1, 3)
    highest = select(table, d=values(table, "d").max())
    handles: list[Any] = []
    for (name, label), look in zip(_TARGETS.items(), style.LOOKS, strict=False):
        style.curve(
            left, *bands(values(highest, "kappa"), values(highest, name)), look, f"to {label}"
        )
        handles.append(left.lines[-1])
    half = select(table, kappa=0.5)
    for (name, _), look in zip(_TARGETS.items(), style.LOOKS, strict=False):
        style.curve(middle, *bands(values(half, "d"), values(half, name)), look)
    kappa = values(highest, "kappa")
    style.curve(right, *bands(kappa, values(highest, "cosine")), style.LOOKS[0])
    grid, law, *_ = bands(kappa, values(highest, "cosine_law"))
    right.plot(grid, law, color=style.BLACK, linewidth=0.9, linestyle=(0, (4, 2)), zorder=4)
    right.text(
        0.04, 0.06, r"$(1+\kappa^2\|y_-\|^2/\|y_+\|^2)^{-1/2}$" + "\n(dashed)",
        transform=right.transAxes, va="bottom",
    )  # fmt: skip
    most = style.power_of_ten(values(table, "d").max())
    y = r"distance / $\|w^\star\|$"
    style.panel(left, "a", f"distances, $d = {most}$", x=r"step size $\kappa$", y=y)
    style.panel(middle, "b", r"distances, $\kappa = 0.5$", x="dimension $d$", y=y, log="xy")
    style.panel(right, "c", r"angle to $w^\star$", x=r"step size $\kappa$", y="cosine")
    right.set_ylim(0.5, 1.02)
    style.plain_decades(middle.xaxis, *middle.get_xlim())
    style.legend_above(figure, handles, 3)
    return figure


def measure(table: DataFrame) -> dict[str, Measured]:
    """Return distances and angles for every setting, and the slope of the smallest distance."""
    half = select(table, kappa=0.5)
    result = {
        "slope_d_to_shrunken": Measured.of(
            "slope in d of the log distance to the linear interpolator of (y_+, kappa y_-), "
            "kappa 0.5",
            slope(half, "d", "to_shrunken"),
            "-1/2",
        )
    }
    names = {
        "to_shortest": "distance to w*",
        "to_shrunken": "distance to the linear interpolator of (y_+, kappa y_-)",
        "to_linear": "distance to the linear interpolator of y",
        "cosine": "cosine of the angle to w*",
    }
    for d in (max(distinct(table, "d")), 10_000):
        for kappa in distinct(table, "kappa"):
            part = select(table, d=d, kappa=kappa)
            for column, label in names.items():
                expected = {"to_shrunken": "0 as d grows"}.get(column, "")
                result[f"{column}_d{style.key(d)}_kappa{style.key(kappa)}"] = Measured.of(
                    f"{label}, d = {style.plain(d)}, kappa {kappa:g}",
                    median(values(part, column)),
                    expected,
                )
    return result


def verdict(measured: Mapping[str, Measured]) -> tuple[Finding, ...]:
    """Say what the limit is."""
    largest = max(int(float(k.split("_d")[1].split("_")[0])) for k in measured if "_kappa" in k)
    at = f"d{style.key(largest)}_kappa"
    shrunken = measured[f"to_shrunken_{at}5e-1"].value
    return (
        Finding(
            agreement=Agreement.BEYOND,
            sentence=(
                "The limit is, to leading order, the linear minimum-norm interpolator of the "
                f"labels (y_+, kappa y_-): at kappa = 0.5 and d = {style.plain(largest)} it is "
                f"{100 * shrunken:.2g}% of the norm of w* away from it, and "
                f"{measured[f'to_shortest_{at}5e-1'].value:.0%} away from w* itself. At kappa = 1 "
                "it is the linear interpolator of the labels, as if there were no ReLU (distance "
                f"{100 * measured[f'to_linear_{at}1e0'].value:.2g}%)."
            ),
        ),
    )


EXPERIMENT = Experiment(
    key="limit",
    title="Beyond the paper: what the limit is",
    claim=(
        "Theorem 1 gives the limit as the point nearest to w(1) that fits the positive examples, "
        "and Theorem 2 its distance to w*."
    ),
    settings=(
        "One neuron, n = 20, n_- = 10, |y| ~ U(0.5, 1), initial predictions 5e-7. Distances are "
        "relative to the norm of w*."
    ),
    provenance=Provenance.NEW,
    caption=(
        "Distance of the limit to the shortest solution and to two linear minimum-norm "
        "interpolators, against the step size (a) and the dimension (b), and the cosine of its "
        "angle to the shortest solution (c); medians with 90% bands."
    ),
    compute=compute,
    draw=draw,
    measure=measure,
    verdict=verdict,
)
