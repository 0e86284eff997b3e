"""Beyond the paper: where sharing two neurons equally stops being the smallest network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import relubias as rb
from relubias._validate import Float
from relubias.experiments import _style as style
from relubias.experiments._law import seed_for
from relubias.experiments._statistics import median, proportion, shares
from relubias.experiments._table import DataFrame, distinct, frame, select, values, where
from relubias.experiments.registry import (
    Agreement,
    Experiment,
    Finding,
    Measured,
    Provenance,
    Scale,
)
from relubias.minnorm.scaling import in_unit_scale
from relubias.minnorm.two_neurons import solve_two_neurons

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SAME = 1e-9  # excess of the squared norm, relative, up to which the equal split is optimal
SECONDS = 600.0  # of wall time for one proof, which takes seconds: no table depends on the machine
COUNTS = ((2, 1), (2, 2), (3, 3), (5, 5), (3, 0), (6, 0))


@dataclass(frozen=True, slots=True)
class _Settings:
    sizes: tuple[int, ...]
    ratios: tuple[float, ...]  # d / n
    counts: tuple[tuple[int, int], ...]
    n_replicates: int


_SETTINGS = {
    Scale.QUICK: _Settings((4,), (1.2, 5.0, 500.0), ((2, 1), (3, 0), (2, 2)), 6),
    Scale.DEFAULT: _Settings((4, 8, 12), (1.2, 2.0, 5.0, 20.0, 50.0, 500.0), COUNTS, 8),
    Scale.FULL: _Settings((4, 8, 12), (1.2, 2.0, 5.0, 20.0, 50.0, 500.0), COUNTS, 24),
}


def compute(scale: Scale, seed: int) -> DataFrame:
    """Return one row per data set: the squared norms of the equal split and of the optimum."""
    settings = _SETTINGS[scale]
    rows: list[dict[str, Any]] = []
    for plus, minus in settings.counts:
        signs = np.repeat([1.0, -1.0], (plus, minus))
        for n in settings.sizes:
            for ratio in settings.ratios:
                d = round(ratio * n)
                law = rb.ensembles.Gaussian(rb.ensembles.isotropic(d))
                for replicate in range(settings.n_replicates):
                    path = seed_for(seed, "equal_split", n, d, replicate)
                    gram = law.sample_gram(n, path)
                    labels = rb.ensembles.labels.gaussian()(n, path)
                    about = {"plus": plus, "minus": minus, "n": n, "ratio": ratio, "d": d}
                    row = _row(rb.Problem(gram, labels, signs))
                    rows.append(about | {"replicate": replicate} | row)
    return frame(rows)


def _row(problem: rb.Problem) -> dict[str, Any]:
    solution = rb.minimum_norm(problem, time_limit=SECONDS)
    dual = equal_split(problem)
    square = float(np.einsum("ki,ij,kj->", dual, problem.gram, dual))
    least = solution.norm**2
    excess = square / least - 1.0 if least > 0 else 0.0
    proved = solution.status == "OPTIMAL"
    return {
        "certificate": solution.certificate.kind,
        "proved": proved,
        "decided": proved or excess > SAME,
        "split_optimal": proved and excess <= SAME,
        "certified": solution.certificate.kind == "equal split" and excess <= SAME,
        "excess": excess if excess > SAME else 0.0,
        "rel_gap": solution.rel_gap,
        "n_nodes": solution.n_nodes,
    }


def equal_split(problem: rb.Problem) -> Float:
    """Return the duals of the best network whose neurons of one sign are all equal."""
    counts = int((problem.signs > 0).sum()), int((problem.signs < 0).sum())
    if 0 in counts:
        alone = rb.minimum_norm(problem.with_signs(problem.signs[:1]))
        return np.repeat(alone.dual, problem.n_neurons, axis=0) / problem.n_neurons
    gram, labels, units = in_unit_scale(problem.gram, problem.labels)
    pair = solve_two_neurons(gram, labels, (1.0 / counts[0], 1.0 / counts[1]))
    assert pair.dual is not None  # noqa: S101 - the samples are independent
    dual = np.array([units.dual(row / c) for row, c in zip(pair.dual, counts, strict=True)])
    return dual[(problem.signs < 0).astype(np.intp)]


@style.styled
def draw(table: DataFrame) -> Figure:
    """Draw shares against the aspect ratio, and by how much the equal split is too large."""
    figure = style.new_figure(3.0)
    left, middle, right = figure.subplots(1, 3)
    handles: list[Any] = []
    most = 1e-4
    decided = where(table, np.asarray(table["decided"], dtype=bool))
    pairs = list(table[["plus", "minus"]].drop_duplicates().itertuples(index=False, name=None))
    for k, ((plus, minus), look) in enumerate(zip(pairs, style.LOOKS, strict=False)):
        part = select(decided, plus=plus, minus=minus)
        ratio = values(part, "ratio")
        label = f"$({plus}, {minus})$"
        style.curve(left, *shares(ratio, values(part, "split_optimal")), look, label)
        handles.append(left.lines[-1])
        style.curve(middle, *shares(ratio, values(part, "certified")), look)
        worse = values(part, "excess") > 0
        most = max(most, float(values(part, "excess").max(initial=0.0)))
        shift = 1.05 ** (k - (len(pairs) - 1) / 2)
        right.plot(
            ratio[worse] * shift, 100 * values(part, "excess")[worse], linestyle="none",
            color=look["color"], marker=look["marker"], markersize=2.6, alpha=0.7,
        )  # fmt: skip
    style.panel(left, "a", "the equal split is optimal", x="$d/n$", y="share of data sets", log="x")
    style.panel(middle, "b", "and certified, no search", x="$d/n$", log="x")
    style.panel(
        right, "c", "where it is not", x="$d/n$", y="excess of the squared norm, %", log="xy"
    )
    right.set_ylim(1e-3, 300 * most)
    ticks = [1, 10, 100]
    low, high = values(table, "ratio").min(), values(table, "ratio").max()
    for ax in (left, middle, right):
        ax.set_xticks(ticks, labels=[str(t) for t in ticks])
        ax.set_xlim(low / 1.4, high * 1.4)
    for ax in (left, middle):
        ax.set_ylim(-0.03, 1.05)
    style.legend_above(figure, handles, len(handles))
    return figure


def measure(table: DataFrame) -> dict[str, Measured]:
    """Return shares and excesses by aspect ratio, then by the numbers of neurons."""
    result: dict[str, Measured] = {}
    for ratio in distinct(table, "ratio"):
        part = select(table, ratio=ratio)
        result |= _measure_cell(part, f"d = {ratio:g} n", f"ratio{style.key(ratio)}")
    for plus, minus in table[["plus", "minus"]].drop_duplicates().itertuples(index=False):
        for ratio in distinct(table, "ratio"):
            part = select(table, plus=plus, minus=minus, ratio=ratio)
            decided = where(part, np.asarray(part["decided"], dtype=bool))
            result[f"fraction_optimal_{plus}_{minus}_ratio{style.key(ratio)}"] = Measured.of(
                f"the equal split is optimal, {plus} + {minus} neurons, d = {ratio:g} n",
                proportion(float(values(decided, "split_optimal").sum()), len(decided)),
            )
    return result


def _measure_cell(part: DataFrame, about: str, at: str) -> dict[str, Measured]:
    decided = where(part, np.asarray(part["decided"], dtype=bool))
    excess = values(decided, "excess")
    return {
        f"fraction_optimal_{at}": Measured.of(
            f"the equal split is optimal, {about}",
            proportion(float(values(decided, "split_optimal").sum()), len(decided)),
        ),
        f"fraction_certified_{at}": Measured.of(
            f"and certified without a search, {about}",
            proportion(float(values(part, "certified").sum()), len(part)),
        ),
        f"excess_median_{at}": Measured.of(
            f"excess of the squared norm of the equal split, median, {about}", median(excess)
        ),
        f"excess_90_{at}": Measured(
            label=f"the same, 90th percentile, {about}", value=float(np.quantile(excess, 0.9))
        ),
        f"excess_worst_{at}": Measured(
            label=f"the same, worst, {about}", value=float(excess.max())
        ),
        f"nodes_median_{at}": Measured.of(
            f"nodes of the search, {about}", median(values(part, "n_nodes"))
        ),
        f"nodes_most_{at}": Measured(
            label=f"nodes of the search, most, {about}", value=float(values(part, "n_nodes").max())
        ),
        f"fraction_proved_{at}": Measured.of(
            f"optima that were proved, {about}",
            proportion(float(values(part, "proved").sum()), len(part)),
        ),
    }


def verdict(measured: Mapping[str, Measured]) -> tuple[Finding, ...]:
    """Say where the equal split is optimal."""
    ratios = [k.split("ratio")[1] for k in measured if k.startswith("fraction_optimal_ratio")]
    low, high = ratios[0], ratios[-1]

    def at(name: str, ratio: str) -> float:
        return measured[f"{name}_ratio{ratio}"].value

    where_low, where_high = (
        measured[f"fraction_optimal_ratio{r}"].label.split(", ", 1)[1] for r in (low, high)
    )
    worst = at("excess_worst", high)
    rest = f" (up to {100 * worst:.2g}% too large)" if worst > 0 else ""
    return (
        Finding(
            agreement=Agreement.BEYOND,
            sentence=(
                "Sharing one neuron of each sign equally is not always the smallest network: it "
                f"is in {at('fraction_optimal', low):.0%} of the data sets at {where_low} "
                f"(squared norm up to {1 + at('excess_worst', low):.3g} times the least) and in "
                f"{at('fraction_optimal', high):.0%} at {where_high}{rest}. One eigenvalue per "
                f"sign proves it without a search in {at('fraction_certified', low):.0%} and "
                f"{at('fraction_certified', high):.0%}."
            ),
        ),
    )


EXPERIMENT = Experiment(
    key="equal_split",
    title="Beyond the paper: where the equal split stops being optimal",
    claim=(
        "Theorem 6 compares with the smallest network of m neurons, which the paper does not "
        "describe; in high dimension all neurons of a sign are equal."
    ),
    settings=(
        "Numbers (positive, negative) of neurons as shown, n = 4, 8 and 12, "
        "isotropic Gaussian features, Gaussian labels; every optimum proved or said not to be."
    ),
    provenance=Provenance.NEW,
    caption=(
        "Share of data sets in which equal neurons of each sign are optimal (a), share in which "
        "an eigenvalue certifies it without a search (b), with 90% intervals, and the excess of "
        "their squared norm over the least in the other data sets (c), against d/n; by the numbers "
        "of positive and negative neurons."
    ),
    compute=compute,
    draw=draw,
    measure=measure,
    verdict=verdict,
)
