"""Both layers on orthogonal data: the shortest network from small starts, at any step size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import relubias as rb
from relubias._validate import Float
from relubias.experiments import _style as style
from relubias.experiments._both_layers_runs import BalancedStart, train_balanced
from relubias.experiments._law import seed_for
from relubias.experiments._statistics import bands, median, proportion, slope
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

D, M = 8, 64
NORMS = np.array([1.0, 1.3, 0.8, 1.1, 0.9])
LABELS = np.array([1.0, 0.6, 0.8, -0.7, -0.9])
RATE = 0.02
"""Step size for the mean risk ``1/(2n) ||f - y||**2`` of the paper."""
FIXED_SIZE = 1e-10
"""Initialisation at which the step size is varied."""
POSITIVE = LABELS > 0


def shortest() -> float:
    """Return ``||u_+|| + ||u_-||``, half the squared norm of the shortest network.

    Its two directions are ``u_+ = sum of y_k x_k / ||x_k||**2`` over positive labels, and the
    same over negative ones.
    """
    parts = LABELS / NORMS
    return float(np.linalg.norm(parts[POSITIVE]) + np.linalg.norm(parts[~POSITIVE]))


@dataclass(frozen=True, slots=True)
class _Settings:
    sizes: tuple[float, ...]
    rates: tuple[float, ...]
    kappas: tuple[float, ...]  # of the first layer alone
    n_replicates: int


_SETTINGS = {
    Scale.QUICK: _Settings((1.0, 1e-5, 1e-20), (0.02, 0.1), (0.01, 0.1), 4),
    Scale.DEFAULT: _Settings(
        (1.0, 0.1, 0.01, 1e-3, 1e-5, 1e-10, 1e-15, 1e-20),
        (0.005, 0.01, 0.02, 0.05, 0.1, 0.2), (0.001, 0.003, 0.01, 0.03, 0.1, 0.3), 40,
    ),
    Scale.FULL: _Settings(
        (1.0, 0.3, 0.1, 0.03, 0.01, 1e-3, 1e-4, 1e-5, 1e-7, 1e-10, 1e-15, 1e-20, 1e-40, 1e-80),
        (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5),
        (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.6, 0.9), 200,
    ),
}  # fmt: skip


def features() -> Float:
    """Return the orthogonal samples, of shape (5, D): multiples of the first axes."""
    return np.eye(LABELS.size, D) * NORMS[:, None]


def draw_start(seed: tuple[int, ...]) -> BalancedStart:
    """Return the start of size 1."""
    return BalancedStart.draw(features(), LABELS, M, np.random.default_rng(seed))


def compute(scale: Scale, seed: int) -> DataFrame:
    """Return one row per run: start, step size, loss, and the excess of the squared norm."""
    settings = _SETTINGS[scale]
    rows: list[dict[str, Any]] = []
    for replicate in range(settings.n_replicates):
        start = draw_start(seed_for(seed, "boursier", replicate))
        runs = [("size", size, RATE) for size in settings.sizes]
        runs += [("rate", FIXED_SIZE, rate) for rate in settings.rates]
        for part, size, rate in runs:
            about = {"part": part, "replicate": replicate, "size": size, "rate": rate}
            rows.append(about | _both_layers(start, size, rate))
    rows += [_first_layer(kappa) for kappa in settings.kappas]
    return frame(rows)


def _both_layers(start: BalancedStart, size: float, rate: float) -> dict[str, Any]:
    run = train_balanced(start, size, rate)
    drift = run.limit.balancedness - run.initial.balancedness
    return {
        "kappa": run.step_size * start.problem.scale,
        "is_covered": start.is_covered,
        "status": str(run.status),
        "loss": run.loss,
        "excess": run.limit.half_squared_norm / shortest() - 1.0,
        "imbalance": float(np.abs(drift).max()),
        "n_steps": run.n_steps,
    }


def _first_layer(kappa: float) -> dict[str, Any]:
    """Train the first layer alone, all samples active, on the same data."""
    problem = rb.Problem(np.diag(NORMS**2), LABELS, np.array([1.0, -1.0]))
    start = rb.starts.all_positive(problem, 1e-9)
    run = rb.gradient_descent(problem, start, step_size=kappa / problem.scale)
    square = float((run.limit.dual * run.limit.primal).sum())
    return {
        "part": "first layer", "replicate": 0, "size": 1e-9, "rate": np.nan, "kappa": kappa,
        "is_covered": True, "status": str(run.status), "loss": run.loss,
        "excess": square / rb.minimum_norm(problem).norm ** 2 - 1.0, "imbalance": np.nan,
        "n_steps": run.n_steps,
    }  # fmt: skip


def _covered(table: DataFrame, part: str, *, truth: bool = True) -> DataFrame:
    """Return the runs of one part that start with the neurons of the theorem, or without."""
    chosen = select(table, part=part)
    return where(chosen, (values(chosen, "is_covered") > 0) == truth)


@style.styled
def draw(table: DataFrame) -> Figure:
    """Draw the excess against the initialisation, and against the step size."""
    figure = style.new_figure(2.9)
    left, right = figure.subplots(1, 2, sharey=True)
    both, alone = style.LOOKS[:2]
    part = _covered(table, "size")
    style.curve(left, *bands(values(part, "size"), values(part, "excess")), both, "both layers")
    handles = [left.lines[-1]]
    others = _covered(table, "size", truth=False)
    if len(others):
        handles += left.plot(
            values(others, "size"), values(others, "excess"), "x", color=style.GREY, zorder=3,
            label="no neuron sees all of a sign",
        )  # fmt: skip
    part = _covered(table, "rate")
    style.curve(right, *bands(values(part, "kappa"), values(part, "excess")), both)
    part = select(table, part="first layer")
    kappa, excess = values(part, "kappa"), values(part, "excess")
    style.curve(right, kappa, excess, excess, excess, alone, "first layer alone")
    for ax in (left, right):
        ax.set_yscale("log")
        ax.yaxis.minorticks_off()
    style.panel(
        left, "a", f"step size {RATE:g}", x=r"initialisation $\lambda$",
        y=r"relative excess of $\|\theta\|^2$", log="x",
    )  # fmt: skip
    style.panel(right, "b", r"$\lambda = 10^{-10}$", x=r"step size $\kappa$", log="x")
    sizes = values(table, "size")
    style.plain_decades(left.xaxis, sizes.min(), 1.0)
    left.invert_xaxis()
    style.plain_decades(left.yaxis, *left.get_ylim())
    style.legend_above(figure, [*handles, right.lines[-1]], 3)
    return figure


def measure(table: DataFrame) -> dict[str, Measured]:
    """Return the excess at every initialisation and step size, and how it scales with both."""
    expected = {
        1.0: "23", 0.1: "0.25 to 0.36", 1e-2: "0.04 to 0.15", 1e-3: "0.012 to 0.084",
        1e-5: "0.0018 to 0.035", 1e-10: "8e-5 to 3.5e-3", 1e-20: "below 4e-6",
    }  # fmt: skip
    result = {"shortest": Measured(label="||u_+|| + ||u_-||", value=shortest(), expected="2.67293")}
    sizes = _covered(table, "size")
    for size in distinct(sizes, "size"):
        excess = values(select(sizes, size=size), "excess")
        result[f"excess_lambda{style.key(size)}"] = Measured.of(
            f"relative excess of ||theta||^2, lambda = {size:g}, median",
            median(excess),
            expected.get(size, ""),
        )
    small = where(sizes, values(sizes, "size") < 1e-2)
    result["slope_lambda"] = Measured.of(
        "slope of log excess in log lambda, lambda <= 1e-3", slope(small, "size", "excess")
    )
    rates = _covered(table, "rate")
    result["spread_over_steps"] = Measured.of(
        f"largest over smallest excess of one start over all steps, lambda = {FIXED_SIZE:g}",
        median(_spreads(rates)),
        "1.12",
    )
    result["slope_kappa_first_layer"] = Measured.of(
        "slope of log excess in log kappa, first layer alone",
        slope(select(table, part="first layer"), "kappa", "excess"),
        "2: the gap is proportional to the step",
    )
    trained = where(table, ~np.isin(table["part"], ["first layer"]))
    result["fraction_covered"] = Measured.of(
        "starts with the neurons that the theorem needs",
        proportion(values(sizes, "is_covered").sum(), len(select(table, part="size"))),
    )
    others = _covered(table, "size", truth=False)
    if len(others):
        smallest = select(others, size=values(others, "size").min())
        result["excess_without"] = Measured.of(
            f"relative excess without them, lambda = {values(smallest, 'size')[0]:g}, median",
            median(values(smallest, "excess")),
        )
        result["fraction_zero_loss_without"] = Measured.of(
            "zero loss without them",
            proportion((values(others, "loss") < 1e-15).sum(), len(others)),
        )
    fitted = where(trained, values(trained, "is_covered") > 0)
    result["fraction_zero_loss"] = Measured.of(
        "zero loss with these neurons",
        proportion((values(fitted, "loss") < 1e-15).sum(), len(fitted)),
        "1",
    )
    result["fraction_certified"] = Measured.of(
        "of these, proved to switch no more",
        proportion(sum(s == "CERTIFIED" for s in fitted["status"]), len(fitted)),
    )
    return result


def _spreads(rates: DataFrame) -> list[float]:
    """Return the largest over the smallest excess over the step sizes, start by start."""
    spreads: list[float] = []
    for replicate in distinct(rates, "replicate"):
        excess = values(select(rates, replicate=replicate), "excess")
        spreads.append(float(excess.max() / excess.min()))
    return spreads


def verdict(measured: Mapping[str, Measured]) -> tuple[Finding, ...]:
    """Say whether small starts find the shortest network, and what the step size does."""
    large, small = measured["excess_lambda1e0"].value, measured["excess_lambda1e-20"].value
    spread, alone = measured["spread_over_steps"].value, measured["slope_kappa_first_layer"].value
    zero = measured["fraction_zero_loss"].value
    without: tuple[Finding, ...] = ()
    if "excess_without" in measured:
        without = (
            Finding(
                agreement=Agreement.BEYOND,
                sentence=(
                    "Starts without a neuron that sees all examples of a sign reach zero loss in "
                    f"{measured['fraction_zero_loss_without'].value:.0%} of the runs, too, but not "
                    "the shortest network: their excess stays at "
                    f"{measured['excess_without'].value:.2g} at the smallest initialisation."
                ),
            ),
        )
    return (
        Finding(
            agreement=Agreement.AGREES if zero == 1 and small < 1e-3 else Agreement.DIFFERS,
            sentence=(
                f"Both parts of the claim hold: the loss is zero in {zero:.0%} of the runs, and "
                f"the excess of the squared norm falls from {large:.3g} to {small:.2g} as the "
                f"initialisation falls from 1 to 1e-20, but slowly: like lambda to the power "
                f"{measured['slope_lambda'].value:.2f}."
            ),
        ),
        Finding(
            agreement=Agreement.BEYOND,
            sentence=(
                f"The step size hardly matters: over all steps the excess of one start varies by a "
                f"factor {spread:.3g} (median), because the escape from zero is slow. With the "
                f"first layer alone and all samples active the excess grows like the step to the "
                f"power {alone:.2f}."
            ),
        ),
        *without,
    )


EXPERIMENT = Experiment(
    key="boursier",
    title="Beyond the paper: both layers on orthogonal data",
    claim=(
        "Boursier, Pillaud-Vivien and Flammarion (2022): on orthogonal samples, gradient flow on "
        "both layers from a balanced start reaches zero loss if some positive neuron sees all "
        "positive samples and some negative one all negative samples, and as the start tends to "
        "zero the limit is the network of smallest norm."
    ),
    settings=(
        "d = 8, n = 5, labels 1, 0.6, 0.8, -0.7, -0.9, norms 1, 1.3, 0.8, 1.1, 0.9, 64 balanced "
        "Gaussian neurons of size lambda, step size 0.02 for the mean risk (kappa = 0.0043). First "
        "layer alone: two neurons of opposite signs, predictions 1e-9."
    ),
    provenance=Provenance.NEW,
    caption=(
        "Relative excess of the squared norm of all weights over the shortest network, against the "
        "size of the start (a) and against the step size (b), where the first layer alone, trained "
        "with all samples active, is drawn for contrast; medians and 90% bands. Crosses: starts "
        "where no positive neuron sees all positive samples, or no negative one all negative."
    ),
    compute=compute,
    draw=draw,
    measure=measure,
    verdict=verdict,
)
