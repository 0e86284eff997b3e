"""Both layers on weakly correlated data: zero loss as soon as every example is covered."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from relubias._validate import Float
from relubias.experiments import _style as style
from relubias.experiments._both_layers_runs import run_dominated
from relubias.experiments._law import seed_for
from relubias.experiments._statistics import proportion, shares
from relubias.experiments._table import DataFrame, distinct, frame, select, values, where
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

N = 50
RATE = 1.0
"""Step size for ``1/(2n) ||f - y||**2``, gradients multiplied by the number of neurons."""
TOL = 1e-10
ZERO = 1e-8
"""Mean risk below which the loss counts as zero."""
MAX_STEPS = 20_000
SUFFICIENT = math.floor(math.log(N / 0.05) / math.log(4 / 3)) + 1
"""Neurons that cover all examples with probability 0.95, by the union bound."""


@dataclass(frozen=True, slots=True)
class _Settings:
    dimensions: tuple[int, ...]
    n_neurons: tuple[int, ...]
    n_replicates: int


_SETTINGS = {
    Scale.QUICK: _Settings((50, 2000), (8, SUFFICIENT), 4),
    Scale.DEFAULT: _Settings((50, 200, 2000), (2, 4, 6, 8, 10, 12, 14, 16, 20, SUFFICIENT), 120),
    Scale.FULL: _Settings((50, 200, 2000, 20_000), (*range(2, 17), 20, SUFFICIENT, 30), 300),
}


def compute(scale: Scale, seed: int) -> DataFrame:
    """Return one row per run: covered, zero loss, and correct active pairs lost on the way."""
    settings = _SETTINGS[scale]
    rows: list[dict[str, Any]] = []
    for d in settings.dimensions:
        for replicate in range(settings.n_replicates):
            rng = np.random.default_rng(seed_for(seed, "dana", d, replicate))
            features, labels = draw_data(d, rng)
            for m in settings.n_neurons:
                about = {"d": d, "n_neurons": m, "replicate": replicate}
                rows.append(about | _run(features, labels, m, rng))
    return frame(rows)


def draw_data(d: int, rng: np.random.Generator) -> tuple[Float, Float]:
    """Return samples in directions uniform on the sphere, and their labels."""
    directions = rng.standard_normal((N, d))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    features = directions * rng.uniform(1.0, 2.0, N)[:, None]
    return features, rng.uniform(1.0, 2.0, N) * rng.choice([-1.0, 1.0], N)


def _run(features: Float, labels: Float, m: int, rng: np.random.Generator) -> dict[str, Any]:
    done = run_dominated(features, labels, m, rng, rate=RATE, max_iter=MAX_STEPS, tol=TOL)
    run = done.run
    return {
        "covered": done.is_covered,
        "zero_loss": bool(run.loss < N * ZERO),
        "loss": run.loss / N,
        "lost": bool(done.lost.any()),
        "fraction_lost": float(done.lost.sum() / max(int(done.correct.sum()), 1)),
        "status": str(run.status),
        "n_steps": run.n_steps,
    }


def covered_law(m: Float) -> Float:
    """Return ``(1 - (3/4)**m)**n``: each neuron covers each example with probability 1/4."""
    return (1.0 - 0.75**m) ** N


@style.styled
def draw(table: DataFrame) -> Figure:
    """Draw the share of zero losses, the same among covered starts, and of lost pairs."""
    figure = style.new_figure(2.9)
    left, middle, right = figure.subplots(1, 3, sharey=True)
    handles: list[Any] = []
    for d, look in zip(distinct(table, "d"), style.LOOKS, strict=False):
        part = select(table, d=d)
        m = values(part, "n_neurons")
        style.curve(
            left,
            *shares(m, values(part, "zero_loss")),
            look,
            f"$d = {int(d):,}$".replace(",", "{,}"),
        )
        handles.append(left.lines[-1])
        covered = where(part, values(part, "covered") > 0)
        if len(covered):
            m_covered = values(covered, "n_neurons")
            style.curve(middle, *shares(m_covered, values(covered, "zero_loss")), look)
        style.curve(right, *shares(m, values(part, "lost")), look)
    grid: Float = np.linspace(1.0, float(values(table, "n_neurons").max()), 200)
    (law,) = left.plot(
        grid, covered_law(grid), color=style.BLACK, linewidth=0.9, linestyle=(0, (4, 2)),
        label=r"all covered: $(1 - (3/4)^m)^n$",
    )  # fmt: skip
    style.panel(left, "a", "zero loss", x="neurons $m$", y="share of runs")
    style.panel(middle, "b", "zero loss if all are covered", x="neurons $m$")
    style.panel(right, "c", "a correct active pair lost", x="neurons $m$")
    for ax in (left, middle, right):
        ax.set_xlim(0, grid[-1] + 1)
    left.set_ylim(-0.03, 1.05)
    style.legend_above(figure, [*handles, law], 5)
    return figure


def measure(table: DataFrame) -> dict[str, Measured]:
    """Return the probabilities of covering, zero loss and lost pairs for every setting."""
    expected = {
        ("zero_loss", 2000): {2: "0", 4: "0", 8: "0.50", 16: "1", 25: "1"},
        ("lost", 2000): dict.fromkeys((2, 4, 8, 16, 25), "0"),
        ("lost", 200): {16: "0.67", 25: "0.67"},
        ("lost", 50): dict.fromkeys((2, 4, 8, 16, 25), "1"),
    }
    result: dict[str, Measured] = {}
    for d in distinct(table, "d"):
        part = select(table, d=d)
        covered = where(part, values(part, "covered") > 0)
        result[f"fraction_zero_loss_if_covered_d{int(d)}"] = Measured.of(
            f"zero loss if every example is covered, d = {int(d):,}",
            proportion(values(covered, "zero_loss").sum(), len(covered)),
            "1" if d >= 200 else "",
        )
        result[f"fraction_pairs_lost_d{int(d)}"] = Measured(
            label=f"correct active pairs that are ever lost, d = {int(d):,}",
            value=float(values(part, "fraction_lost").mean()),
        )
        result[f"fraction_certified_d{int(d)}"] = Measured.of(
            f"runs proved to switch no more, d = {int(d):,}",
            proportion(sum(s == "CERTIFIED" for s in part["status"]), len(part)),
        )
    names = {
        "zero_loss": "zero loss", "covered": "every example covered",
        "lost": "a correct active pair is lost",
    }  # fmt: skip
    for column, what in names.items():
        for d in distinct(table, "d"):
            for m in distinct(table, "n_neurons"):
                part = select(table, d=d, n_neurons=m)
                result[f"fraction_{column}_d{int(d)}_m{int(m)}"] = Measured.of(
                    f"{what}, d = {int(d):,}, {int(m)} neurons",
                    proportion(values(part, column).sum(), len(part)),
                    expected.get((column, d), {}).get(m, ""),
                )
    return result


def _near(measured: Mapping[str, Measured], d: int, wanted: int) -> int:
    """Return the number of neurons that was computed nearest to the one wanted."""
    prefix = f"fraction_covered_d{d}_m"
    present = [int(k.removeprefix(prefix)) for k in measured if k.startswith(prefix)]
    return min(present, key=lambda m: abs(m - wanted))


def _elsewhere(zero: Mapping[int, float], high: int) -> str:
    """Say how often covered starts reach zero loss where samples are more correlated."""
    others = [f"{zero[d]:.1%} at d = {d:,}" for d in sorted(zero, reverse=True) if d != high]
    return f" Of the covered starts {' and '.join(others)} reach zero loss." if others else ""


def verdict(measured: Mapping[str, Measured]) -> tuple[Finding, ...]:
    """Say whether covered starts reach zero loss, and whether their pairs survive."""
    prefix = "fraction_zero_loss_if_covered_d"
    zero = {int(k.removeprefix(prefix)): v.value for k, v in measured.items() if prefix in k}
    high, low = max(zero), min(zero)
    uncovered = f"d{high}_m{_near(measured, high, 12)}"
    more = measured[f"fraction_zero_loss_{uncovered}"].value
    covered = measured[f"fraction_covered_{uncovered}"].value
    enough = measured[f"fraction_zero_loss_d{high}_m{SUFFICIENT}"].value
    lost = {d: measured[f"fraction_lost_d{d}_m{SUFFICIENT}"].value for d in zero}
    return (
        Finding(
            agreement=Agreement.AGREES if zero[high] == 1 and enough > 0.9 else Agreement.DIFFERS,
            sentence=(
                f"At d = {high:,} the loss tends to zero in {zero[high]:.0%} of the runs where "
                f"every example is covered, no correct active pair is lost in {1 - lost[high]:.0%} "
                f"of the runs with {SUFFICIENT} neurons, and these suffice in {enough:.0%} of them."
                + _elsewhere(zero, high)
            ),
        ),
        Finding(
            agreement=Agreement.BEYOND,
            sentence=(
                "Covering every example at the start is not needed: with "
                f"{uncovered.rpartition('m')[2]} neurons at d = {high:,} it happens in "
                f"{covered:.0%} of the runs, and the loss tends to zero in {more:.0%}, because "
                "neurons turn towards examples that were inactive."
            ),
        ),
        Finding(
            agreement=Agreement.BEYOND,
            sentence=(
                f"Losing pairs is not what decides: at d = {low:,}, outside the theorem, some "
                f"correct active pair is lost in {lost[low]:.0%} of the runs with {SUFFICIENT} "
                f"neurons, and still the loss tends to zero in {zero[low]:.0%} of the covered ones."
            ),
        ),
    )


EXPERIMENT = Experiment(
    key="dana",
    title="Beyond the paper: both layers on weakly correlated data",
    claim=(
        "Dana, Bach and Pillaud-Vivien (2025): with weakly correlated samples, if every example "
        "has an active neuron of the right sign at the start, these pairs stay active and the loss "
        "of gradient flow on both layers tends to zero; of order log n neurons suffice."
    ),
    settings=(
        "n = 50, directions uniform on the sphere, norms and |y| uniform on (1, 2), random signs; "
        "weights uniform on (-1, 1)/sqrt(d), |a| = |w| + Exp(1); network (1/m) sum a relu(w x), "
        "risk 1/(2n), gradients times m, step size 1. Zero loss: risk below 1e-8."
    ),
    provenance=Provenance.NEW,
    caption=(
        "Share of runs that reach zero loss against the number of neurons, with the probability "
        "that every example is covered (a), the same share among starts that cover every example "
        "(b), and share of runs in which some example leaves a neuron that was active on it with "
        "the right sign (c); with 90% intervals."
    ),
    compute=compute,
    draw=draw,
    measure=measure,
    verdict=verdict,
)
