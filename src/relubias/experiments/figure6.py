"""Figure 6: two neurons at moderate dimension, positive start: the pattern keeps moving."""

from __future__ import annotations

from collections.abc import Mapping

from relubias.experiments._moderate import compute_moderate, draw_moderate, measure_moderate
from relubias.experiments._table import DataFrame
from relubias.experiments.registry import (
    Agreement,
    Experiment,
    Finding,
    Measured,
    Provenance,
    Scale,
)

START = 0.001


def compute(scale: Scale, seed: int) -> DataFrame:
    """Return one row per run, and the switches of one run per dimension shown."""
    return compute_moderate(scale, seed, "fig6", {"name": "all_positive", "scale": START})


def verdict(measured: Mapping[str, Measured]) -> tuple[Finding, ...]:
    """Judge whether the pattern keeps moving where d is comparable to n."""
    moving = [m for k, m in measured.items() if k.startswith("fraction_moving")]
    zero = [m for k, m in measured.items() if k.startswith("fraction_zero")]
    return (
        Finding(
            agreement=Agreement.AGREES if moving[0].value > 0.5 else Agreement.DIFFERS,
            sentence=(
                f"Where d is comparable to n the pattern keeps moving ({moving[0].label}: "
                f"{moving[0].value:.0%}; {moving[-1].label}: {moving[-1].value:.0%}), and the "
                f"global minimum is often missed ({zero[0].label}: {zero[0].value:.0%}; "
                f"{zero[-1].label}: {zero[-1].value:.0%})."
            ),
        ),
    )


EXPERIMENT = Experiment(
    key="fig6",
    title="Figure 6: moderate dimension, positive start",
    claim=(
        "Without high dimension the one-step picture breaks down even from positive predictions: "
        "examples keep entering and leaving the activation regions. (The paper's own figure is not "
        "known; this is our reading of its place in the text.)"
    ),
    settings=(
        "Two neurons, n = 10, d from 15, |y| ~ U(0.1, 1) with random signs, step size "
        "min(0.5 / d, 1 / mu_1) with mu_1 the largest eigenvalue of the Gram matrix, initial "
        "predictions 0.001."
    ),
    provenance=Provenance.RECONSTRUCTED,
    caption=(
        "When each example is active on the positive and on the negative neuron, for one run per "
        "dimension (a), and the share of runs whose pattern still moves after the first step (b) "
        "and that reach zero loss (c), with 90% intervals."
    ),
    compute=compute,
    draw=draw_moderate,
    measure=measure_moderate,
    verdict=verdict,
)
