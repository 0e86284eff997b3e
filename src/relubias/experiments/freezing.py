"""Beyond the paper: how large the dimension must be for the pattern to be fixed after one step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from relubias._validate import Float
from relubias.experiments import _style as style
from relubias.experiments._statistics import proportion, shares
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
from relubias.sweep import Case, Plan

if TYPE_CHECKING:
    from matplotlib.figure import Figure

START = 0.01
MAX_STEPS = 300  # runs that converge take far fewer; beyond the largest stable step some never do
_RATIOS = (2, 4, 8, 16, 32, 64, 128)


@dataclass(frozen=True, slots=True)
class _Settings:
    ratios: tuple[int, ...]  # d / n
    sizes: tuple[int, ...]
    kappas: tuple[float, ...]
    n_replicates: int


_SETTINGS = {
    Scale.QUICK: _Settings((4, 64), (10,), (0.9,), 8),
    Scale.DEFAULT: _Settings(_RATIOS, (10, 40), (0.9, 0.3), 60),
    Scale.FULL: _Settings((*_RATIOS, 256), (10, 40, 160), (0.9, 0.3), 2100),
}


def compute(scale: Scale, seed: int) -> DataFrame:
    """Return one row per run: n, d, kappa, settled after one step, global minimum."""
    settings = _SETTINGS[scale]
    plan = Plan(
        name="freezing",
        n=settings.sizes,
        d=[f"{ratio}*n" for ratio in settings.ratios],
        labels={"name": "uniform_magnitude", "low": 1.0, "high": 1.0, "n_negative": "n // 2"},
        start={"name": "all_positive", "scale": START},
        kappa=settings.kappas,
        algorithm={"name": "descent", "max_iter": MAX_STEPS},
        replicates=settings.n_replicates,
        seed=seed,
        measure=["run_status", "last_switch", "one_step", global_minimum],
    )
    table = table_of(plan)
    table["ratio"] = table["d"] // table["n"]
    return table


def global_minimum(case: Case) -> bool:
    """Return whether the limit fits the positive labels, with no other sample active."""
    primal, y = case.end.limit.primal[0], case.labels
    positive = y > 0
    right = bool(((primal > 0) == positive).all())
    return right and bool((np.abs(primal - y)[positive] <= 1e-6).all())


def scaled_dimension(n: Float, d: Float, kappa: Float) -> Float:
    """Return ``d kappa^2 / (n ln n)``."""
    return d * kappa**2 / (n * np.log(n))


@style.styled
def draw(table: DataFrame) -> Figure:
    """Draw both probabilities against d/n, and the first against the scaled dimension."""
    figure = style.new_figure(2.9)
    left, middle, right = figure.subplots(1, 3, sharey=True)
    handles: list[Any] = []
    pairs = table[["n", "kappa"]].drop_duplicates().to_numpy(dtype=np.float64)
    for (n, kappa), look in zip(pairs, style.LOOKS, strict=False):
        part = select(table, n=n, kappa=kappa)
        ratio, settled = values(part, "ratio"), values(part, "one_step")
        style.curve(left, *shares(ratio, settled), look, rf"$n = {int(n)}$, $\kappa = {kappa:g}$")
        handles.append(left.lines[-1])
        scaled = scaled_dimension(values(part, "n"), values(part, "d"), values(part, "kappa"))
        style.curve(middle, *shares(scaled, settled), look)
        style.curve(right, *shares(ratio, values(part, "global_minimum")), look)
    style.panel(left, "a", "settled after one step", x="$d/n$", y="share of runs", log="x")
    style.panel(middle, "b", "the same, rescaled", x=r"$d\,\kappa^2/(n\,\ln n)$", log="x")
    style.panel(right, "c", "global minimum", x="$d/n$", log="x")
    for ax in (left, right):
        ticks = [2, 8, 32, 128]
        ax.set_xticks(ticks, labels=[str(t) for t in ticks])
        ax.set_xticks([], minor=True)
    style.plain_decades(middle.xaxis, *middle.get_xlim())
    left.set_ylim(-0.03, 1.05)
    style.legend_above(figure, handles, 4 if len(handles) == 4 else 3)
    return figure


def _crossing(part: DataFrame) -> float:
    """Return d where the share of settled runs crosses one half, interpolated in log d."""
    d, share, *_ = shares(values(part, "d"), values(part, "one_step"))
    above = np.flatnonzero(share >= 0.5)
    if above.size == 0 or above[0] == 0:
        return math.nan
    k = int(above[0])
    weight = (0.5 - share[k - 1]) / (share[k] - share[k - 1])
    return float(np.exp((1 - weight) * np.log(d[k - 1]) + weight * np.log(d[k])))


def measure(table: DataFrame) -> dict[str, Measured]:
    """Return both probabilities for every setting, and where the first crosses one half."""
    result: dict[str, Measured] = {}
    for n in distinct(table, "n"):
        for kappa in distinct(table, "kappa"):
            part = select(table, n=n, kappa=kappa)
            name = f"n{int(n)}_kappa{style.key(kappa)}"
            crossing = _crossing(part)
            result[f"half_point_{name}"] = Measured(
                label=f"d where half of the runs settle in one step, n = {n}, kappa {kappa:g}",
                value=crossing,
                expected=f"order n ln n/kappa^2 = {n * math.log(n) / kappa**2:.0f}",
            )
            result[f"half_point_over_nlogn_{name}"] = Measured(
                label=f"the same over n ln n, n = {n}, kappa {kappa:g}",
                value=crossing / (n * math.log(n)),
            )
    for n in distinct(table, "n"):
        for kappa in distinct(table, "kappa"):
            for ratio in distinct(table, "ratio"):
                part = select(table, n=n, kappa=kappa, ratio=ratio)
                name = f"n{int(n)}_kappa{style.key(kappa)}_ratio{int(ratio)}"
                for column, what in (
                    ("one_step", "settled after one step"), ("global_minimum", "global minimum")
                ):  # fmt: skip
                    result[f"fraction_{column}_{name}"] = Measured.of(
                        f"{what}, n = {n}, kappa {kappa:g}, d = {int(ratio)} n",
                        proportion(values(part, column).sum(), len(part)),
                    )
    return result


def verdict(measured: Mapping[str, Measured]) -> tuple[Finding, ...]:
    """Say which dimension suffices."""
    points = [m for k, m in measured.items() if k.startswith("half_point_over")]
    known = [m for m in points if not math.isnan(m.value)]
    text = "; ".join(f"{m.value:.1f} n ln n ({m.label.split(', ', 1)[1]})" for m in known)
    return (
        Finding(
            agreement=Agreement.BEYOND,
            sentence=(
                "A dimension of order n ln n/kappa^2 suffices, far below n^2: half of the runs "
                f"are settled after one step at d = {text or 'a dimension outside the range'}. A "
                "global minimum needs even less, about d = 8 n: examples that become active "
                "again do no harm."
            ),
        ),
    )


EXPERIMENT = Experiment(
    key="freezing",
    title="Beyond the paper: how large must the dimension be?",
    claim=(
        "Assumption 2 asks for a dimension of order n^2 (y_max/y_min)^2, so that the activation "
        "pattern is fixed after one step."
    ),
    settings=(
        "One neuron, |y| = 1, n_- = n/2, initial predictions 0.01, isotropic Gaussian features. "
        "Global minimum: the positive examples are fitted and the negative ones inactive."
    ),
    provenance=Provenance.NEW,
    caption=(
        "Share of runs whose activation pattern equals the signs of the labels from the first "
        "step on, against d/n (a) and against the rescaled dimension (b), and share of runs that "
        "reach a global minimum (c); with 90% intervals."
    ),
    compute=compute,
    draw=draw,
    measure=measure,
    verdict=verdict,
)
