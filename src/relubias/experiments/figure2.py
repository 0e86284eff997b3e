"""Figure 2: the gap against the dimension and against the number of negative examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from relubias.experiments import _style as style
from relubias.experiments._pairs import measure_pairs, pair_gaps
from relubias.experiments._statistics import bands, median, slope
from relubias.experiments._sweeps import table_of
from relubias.experiments._table import DataFrame, groups, joined, select, values, where
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
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KAPPA, LOW, HIGH = 0.9, 0.5, 1.0
START = 0.01 * LOW
ENVELOPE = (0.6 * KAPPA * LOW, 1.35 * KAPPA * HIGH)
_PANELS = ("dimension", "negatives", "pair")
_MEASURES = (
    "gap", "gap_law", "norm", "minimum_norm", "run_status", "last_switch", "n_steps", "one_step",
    "trace",
)  # fmt: skip
FIT_FROM = 2000.0  # slopes in d are fitted from here on


@dataclass(frozen=True, slots=True)
class _Settings:
    dimensions: tuple[int, ...]
    counts: tuple[int, ...]
    pair_dimensions: tuple[int, ...]
    n_replicates: int


_DIMENSIONS = (200, 500, 1000, 2000, 5000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
_SETTINGS = {
    Scale.QUICK: _Settings((2000, 30_000, 1_000_000), (1, 8, 64), (30_000, 1_000_000), 8),
    Scale.DEFAULT: _Settings(
        _DIMENSIONS, (1, 2, 4, 8, 16, 32, 64), (2000, 10_000, 100_000, 1_000_000), 60
    ),
    Scale.FULL: _Settings(
        (*_DIMENSIONS, *(10**k for k in range(7, 13))),
        (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64),
        (2000, *(10**k for k in range(4, 13))),
        200,
    ),
}


def compute(scale: Scale, seed: int) -> DataFrame:
    """Return one row per run: panel, dimension, number of negatives, gap and law."""
    settings = _SETTINGS[scale]
    common: dict[str, Any] = {
        "kappa": KAPPA,
        "start": {"name": "all_positive", "scale": START},
        "replicates": settings.n_replicates,
        "seed": seed,
        # A replicate keeps its labels in every dimension, so slopes are compared like with like.
        "shared": ["d", "kappa", "start"],
    }
    by_dimension = Plan(
        name="fig2-dimension", n=20, d=settings.dimensions, labels=_labels(10),
        measure=_MEASURES, **common,
    )  # fmt: skip
    by_count = Plan(
        name="fig2-negatives", n=[20 + count for count in settings.counts], d=200_000,
        labels=_labels("n - 20"), measure=_MEASURES, **common,
    )  # fmt: skip
    pairs = Plan(
        name="fig2-pairs", n=20, d=settings.pair_dimensions, labels=_labels(8), signs="+-",
        measure=pair_gaps, **common,
    )  # fmt: skip
    plans = (by_dimension, by_count, pairs)
    return joined(
        {name: table_of(plan) for name, plan in zip(_PANELS, plans, strict=True)},
        "panel",
    )


def _labels(n_negative: int | str) -> dict[str, Any]:
    return {"name": "uniform_magnitude", "low": LOW, "high": HIGH, "n_negative": n_negative}


def _gap_panel(ax: Axes, part: DataFrame, x: str) -> list[Any]:
    size = np.sqrt(values(part, "n_negative") / values(part, "trace"))
    at = values(part, x)
    grid, middle, *_ = bands(at, size)
    band = ax.fill_between(
        grid, ENVELOPE[0] * middle, ENVELOPE[1] * middle, color="#ececec", linewidth=0, zorder=0,
        label=r"between $c\,y_{\min}$ and $C\,y_{\max}$ times $\sqrt{n_-/\|\lambda\|_1}$",
    )  # fmt: skip
    style.curve(ax, *bands(at, values(part, "gap")), style.LOOKS[0], "measured: median, 90% band")
    _, middle, *_ = bands(at, values(part, "law"))
    (line,) = ax.plot(
        grid, middle, color=style.BLACK, linestyle=(0, (4, 2)), linewidth=0.9, zorder=4,
        label="sharp law",
    )  # fmt: skip
    return [ax.lines[0], line, band]


@style.styled
def draw(table: DataFrame) -> Figure:
    """Draw both panels, and the gap relative to the law and to the shortest solution."""
    figure = style.new_figure(2.75)
    left, middle, right = figure.subplots(1, 3)
    part = select(table, panel="dimension")
    handles = _gap_panel(left, part, "d")
    gap_label = r"gap  $\|w^{(\infty)}-w^\star\|$"
    style.panel(left, "a", "against dimension", x="dimension $d$", y=gap_label, log="xy")
    _gap_panel(middle, select(table, panel="negatives"), "n_negative")
    style.panel(
        middle, "b", "against negatives", x="negative examples $n_-$", y=gap_label, log="xy"
    )
    ticks = [1, 4, 16, 64]
    middle.set_xticks(ticks, labels=[str(t) for t in ticks])
    middle.set_xticks([], minor=True)
    for k, (denominator, name) in enumerate(
        (("law", "gap / law"), ("norm_shortest", r"gap / $\|w^\star\|$"))
    ):
        ratio = values(part, "gap") / values(part, denominator)
        style.curve(right, *bands(values(part, "d"), ratio), style.LOOKS[k + 1], name)
    style.panel(right, "c", "relative gap", x="dimension $d$", y="ratio", log="x")
    right.set_ylim(0, 1.5)
    right.legend(loc="lower right")
    for ax in (left, right):
        style.plain_decades(ax.xaxis, *ax.get_xlim())
    style.legend_above(figure, handles, 3)
    return figure


def measure(table: DataFrame) -> dict[str, Measured]:
    """Read slopes and ratios off the table; what matters most comes first."""
    by_d, by_count = select(table, panel="dimension"), select(table, panel="negatives")
    fitted = where(by_d, values(by_d, "d") >= FIT_FROM)
    one = where(table, values(table, "gap") > 0)
    size = np.sqrt(values(one, "n_negative") / values(one, "trace"))
    gap = values(one, "gap")
    inside = (gap >= ENVELOPE[0] * size) & (gap <= ENVELOPE[1] * size)
    result = {
        "slope_d": Measured.of("slope of log gap in log d", slope(fitted, "d", "gap"), "-1/2"),
        "slope_n_negative": Measured.of(
            "slope of log gap in log n_-", slope(by_count, "n_negative", "gap"), "+1/2"
        ),
        "fraction_between_bounds": Measured(
            label="runs between the two bounds", value=float(inside.mean()), expected="1"
        ),
    } | measure_pairs(select(table, panel="pair"))
    parts = dict(groups(by_d, "d"))
    for d in sorted(parts, reverse=True):
        ratio = values(parts[d], "gap") / values(parts[d], "law")
        relative = values(parts[d], "gap") / values(parts[d], "norm_shortest")
        result[f"ratio_to_law_d{_key(d)}"] = Measured.of(
            f"gap / law, d = {style.plain(d)}", median(ratio), "1 as d grows"
        )
        result[f"relative_gap_d{_key(d)}"] = Measured.of(
            f"gap / norm of w*, d = {style.plain(d)}",
            median(relative),
            "kappa ||y_-|| / ||y_+||, any d",
        )
    return result


def _key(d: float) -> str:
    """Return ``1e6`` for a million and ``2000`` for two thousand."""
    return style.key(d) if d >= 1e4 else str(int(d))


def verdict(measured: Mapping[str, Measured]) -> tuple[Finding, ...]:
    """Judge rate, constant and relative size."""
    down, up = measured["slope_d"], measured["slope_n_negative"]
    pair = [measured[f"slope_d_{name}_neuron"].value for name in ("positive", "negative")]
    falls = all(abs(value + 0.5) <= 0.02 for value in (down.value, *pair))
    rate = falls and abs(up.value - 0.5) <= 0.03
    relative = [m for k, m in measured.items() if k.startswith("relative_gap_d")]
    last = next(m for k, m in measured.items() if k.startswith("ratio_to_law_d"))
    return (
        Finding(
            agreement=Agreement.AGREES if rate else Agreement.DIFFERS,
            sentence=(
                f"The gap scales like sqrt(n_-/||lambda||_1): slope {down.value:.3f} in d and "
                f"{up.value:.3f} in n_-, and {measured['fraction_between_bounds'].value:.0%} of "
                "the runs lie between the bounds. Each of two neurons of opposite signs does the "
                f"same (slopes in d {pair[0]:.3f} and {pair[1]:.3f}; Theorem 4)."
            ),
        ),
        Finding(
            agreement=Agreement.BEYOND,
            sentence=f"The constant is known, too: {last.label} is {last.value:.4f}.",
        ),
        Finding(
            agreement=Agreement.DIFFERS,
            sentence=(
                "The gap vanishes only in absolute terms. Relative to the norm of w* it does not "
                f"shrink with the dimension: {relative[-1].value:.2f} at the smallest d, "
                f"{relative[0].value:.2f} at the largest."
            ),
        ),
    )


EXPERIMENT = Experiment(
    key="fig2",
    title="Figure 2: the gap scales like sqrt(n_-/||lambda||_1)",
    claim=(
        "Theorem 2: from positive predictions and with a step of order 1/||lambda||_1, the limit "
        "of gradient descent lies at a distance between c y_min and C y_max times "
        "sqrt(n_-/||lambda||_1) from the shortest solution w*. Theorem 4: the same for each "
        "neuron of a pair of opposite signs, with n_+ for the negative one."
    ),
    settings=(
        "One neuron, isotropic Gaussian features, |y| ~ U(0.5, 1), kappa = 0.9, initial "
        "predictions 0.005. Panel a: n = 20, n_- = 10. Panel b: n_+ = 20, d = 200,000. The grey "
        "region has c = 0.6 kappa and C = 1.35 kappa. Slopes in d from d = 2000 on. Two neurons: "
        "n_+ = 12, n_- = 8."
    ),
    provenance=Provenance.RECONSTRUCTED,
    caption=(
        "Distance between the limit of gradient descent and the shortest solution, against the "
        "dimension (a) and the number of negative examples (b), with the sharp law; and the same "
        "distance relative to the law and to the norm of the shortest solution (c)."
    ),
    compute=compute,
    draw=draw,
    measure=measure,
    verdict=verdict,
)
