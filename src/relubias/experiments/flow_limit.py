"""Beyond the paper: descent goes to the flow as the step goes to zero, and where it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import relubias as rb
from relubias._validate import Float
from relubias.experiments import _style as style
from relubias.experiments._law import seed_for
from relubias.experiments._one_neuron import Case, descend
from relubias.experiments._statistics import bands, proportion, shares, slope
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

N = 10
SIZE = 0.3  # of the initial predictions
SMALL = 0.1  # largest step of the fit of the order
BASIN = 0.05  # difference of the outputs, relative to the labels, that makes another basin
_FINISHED = ("CERTIFIED", "TOLERANCE")


@dataclass(frozen=True, slots=True)
class _Settings:
    parts: tuple[float, ...]
    n_replicates: int
    max_iter: int


_SETTINGS = {
    Scale.QUICK: _Settings((0.1, 0.01, 0.001), 5, 300_000),
    Scale.DEFAULT: _Settings((0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 5e-3, 2e-3, 1e-3), 30, 1_000_000),
    Scale.FULL: _Settings(
        (0.5, 0.3, 0.2, 0.1, 0.05, 0.03, 0.02, 0.01, 5e-3, 2e-3, 1e-3, 5e-4, 2e-4, 1e-4),
        100, 10_000_000,
    ),
}  # fmt: skip
_DATA = {
    "m = 1, d = 50": (1, 50, "m1"),
    "m = 2, d = 50": (2, 50, "m2"),
    "m = 2, d = 500": (2, 500, "m2_wide"),
}


def compute(scale: Scale, seed: int) -> DataFrame:
    """Return one row per run of descent: step, distance from the flow's limit, same basin or not.

    The step is given as a part of the largest stable one, ``2 / (m mu_1)``.
    """
    settings = _SETTINGS[scale]
    rows: list[dict[str, Any]] = []
    for data, (m, d, _) in _DATA.items():
        law = rb.ensembles.Gaussian(rb.ensembles.isotropic(d))
        cases: list[Case] = []
        limits: dict[int, Any] = {}
        for replicate in range(settings.n_replicates):
            gram = law.sample_gram(N, seed_for(seed, "flow_limit", replicate, m, d))
            labels = np.random.default_rng(seed_for(seed, "flow_limit", replicate)).standard_normal(
                N
            )
            problem = rb.Problem(gram, labels, np.array([1.0, -1.0][:m]))
            start = rb.starts.gaussian(
                problem, SIZE / np.sqrt(d), seed_for(seed, "flow_limit", replicate, m, d, 1)
            )
            limits[replicate] = rb.gradient_flow(problem, start)
            stable = 2.0 / (m * float(np.linalg.eigvalsh(gram)[-1]))
            cases += [
                Case(
                    problem=problem,
                    start=start,
                    step_size=part * stable,
                    about={"data": data, "replicate": replicate, "part": part},
                )
                for part in settings.parts
            ]
        batch = descend(cases, max_iter=settings.max_iter)
        rows += [
            _row(case, limits[case.about["replicate"]], batch.primal[b], str(batch.status[b]))
            for b, case in enumerate(cases)
        ]
    return frame(rows)


def _row(case: Case, flow: Any, primal: Float, status: str) -> dict[str, Any]:
    """Compare the limit of one run with that of the flow, on the scale of the labels."""
    size = float(np.abs(case.problem.labels).max())
    exact = flow.limit.primal
    output = np.abs(np.maximum(primal, 0) - np.maximum(exact, 0)).max() / size
    return case.about | {
        "status_flow": str(flow.status),
        "status": status,
        "is_finished": status in _FINISHED,
        "distance": float(np.abs(primal - exact).max()) / size,
        "output_distance": float(output),
        "other_basin": bool(output > BASIN),
        "n_sliding_at_limit": int((flow.modes == 0).sum()),
    }


@style.styled
def draw(table: DataFrame) -> Figure:
    """Draw the distances of all runs, the medians, and the share in another basin."""
    figure = style.new_figure(2.8)
    left, middle, right = figure.subplots(1, 3)
    table = where(table, np.asarray(table["is_finished"], dtype=bool))
    part, distance = values(table, "part"), values(table, "distance")
    span = np.array([part.min(), part.max()])
    handles: list[Any] = []
    for data, look in zip(_DATA, style.LOOKS, strict=False):
        own = select(table, data=data)
        for replicate in distinct(own, "replicate"):
            run = select(own, replicate=replicate)
            left.plot(
                values(run, "part"), values(run, "distance"), color=look["color"],
                linewidth=0.5, alpha=0.35,
            )  # fmt: skip
        same = select(own, other_basin=False)
        style.curve(middle, *bands(values(same, "part"), values(same, "distance")), look, data)
        handles.append(middle.lines[-1])
        style.curve(right, *shares(values(own, "part"), values(own, "other_basin")), look)
    (law,) = middle.plot(
        span, span, color=style.BLACK, linewidth=0.9, linestyle=(0, (4, 2)), label="first order"
    )
    left.plot(span, span, color=style.BLACK, linewidth=0.9, linestyle=(0, (4, 2)))
    x, y = "step / largest stable step", r"distance from flow $/\ \max|y|$"
    style.panel(left, "a", "every data set", x=x, y=y, log="xy")
    style.panel(middle, "b", "runs in the flow's basin", x=x, y=y, log="xy")
    style.panel(right, "c", "runs in another basin", x=x, y="share", log="x")
    low = max(float(distance[distance > 0].min()), 1e-7)
    for ax in (left, middle):
        ax.set_ylim(low / 2, 2 * float(distance.max()))
        style.plain_decades(ax.yaxis, low, float(distance.max()))
    right.set_ylim(-0.015, 0.55)
    for ax in (left, middle, right):
        style.plain_decades(ax.xaxis, *span)
    style.legend_above(figure, [*handles, law], 4)
    return figure


def measure(table: DataFrame) -> dict[str, Measured]:
    """Return the order of convergence, the share in another basin, and runs out of budget."""
    result: dict[str, Measured] = {}
    finished = where(table, np.asarray(table["is_finished"], dtype=bool))
    smallest, largest = values(table, "part").min(), values(table, "part").max()
    for data, (_, _, name) in _DATA.items():
        own = select(finished, data=data, other_basin=False)
        own = where(own, values(own, "part") <= SMALL)
        result[f"order_{name}"] = Measured.of(
            f"order of convergence over steps up to {SMALL:g}, {data}",
            slope(own, "part", "distance"),
            "1",
        )
    for data, (_, _, name) in _DATA.items():
        own = select(finished, data=data)
        for text, part in (("largest", largest), ("smallest", smallest)):
            run = select(own, part=part)
            result[f"fraction_other_basin_{name}_{text}"] = Measured.of(
                f"runs in another basin at the {text} step, {data}",
                proportion(int(values(run, "other_basin").sum()), len(run)),
            )
    result["fraction_unfinished"] = Measured.of(
        "runs of descent out of budget", proportion(len(table) - len(finished), len(table))
    )
    slid = values(table, "n_sliding_at_limit") > 0
    result["fraction_sliding_at_limit"] = Measured.of(
        "flows that end with an example on its hyperplane", proportion(int(slid.sum()), slid.size)
    )
    return result


def verdict(measured: Mapping[str, Measured]) -> tuple[Finding, ...]:
    """Say how descent relates to the flow."""
    orders = [m.value for k, m in measured.items() if k.startswith("order_")]
    far = [m.value for k, m in measured.items() if k.endswith("_largest")]
    near = [m.value for k, m in measured.items() if k.endswith("_smallest")]
    return (
        Finding(
            agreement=Agreement.BEYOND,
            sentence=(
                "As the step goes to zero the limit of descent goes to that of the exact flow at "
                f"first order (fitted orders {min(orders):.2f} to {max(orders):.2f}), sliding "
                "included: "
                f"{measured['fraction_sliding_at_limit'].value:.0%} of the flows end with an "
                "example on its hyperplane, where descent chatters."
            ),
        ),
        Finding(
            agreement=Agreement.BEYOND,
            sentence=(
                "Large steps jump over borders between basins: in the three settings "
                f"{_range(far)} of the runs with the largest step end "
                f"elsewhere than the flow, {_range(near)} of those with the "
                "smallest. Flow is a model of small steps, not a substitute for large ones."
            ),
        ),
    )


def _range(shares_: list[float]) -> str:
    low, high = (f"{share:.0%}" for share in (min(shares_), max(shares_)))
    return low if low == high else f"{low} to {high}"


EXPERIMENT = Experiment(
    key="flow_limit",
    title="Beyond the paper: descent against the flow",
    claim=(
        "Related work studies gradient flow, the paper descent with a step of order "
        "1/||lambda||_1; what one says about the other is left open."
    ),
    settings=(
        "n = 10, standard normal labels, isotropic Gaussian features, Gaussian starts with "
        f"predictions of size {SIZE:g}; one neuron (d = 50) and two of opposite signs (d = 50 and "
        "d = 500). Steps are parts of the largest that is stable for every pattern, 2/(m mu_1). "
        "A run is in another basin where an output max(w_k . x_i, 0) in the limit differs from "
        f"the flow's by more than {BASIN:.0%} of the largest label."
    ),
    provenance=Provenance.NEW,
    caption=(
        "The largest difference of predictions between the limits of descent and of exact flow, "
        "against the step: every data set (a), medians with 90% bands over the runs in the flow's "
        "basin (b), and the share of runs in another basin, with 90% intervals (c). The broken "
        "line has slope one."
    ),
    compute=compute,
    draw=draw,
    measure=measure,
    verdict=verdict,
)
