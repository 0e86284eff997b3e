"""Figure 7: two neurons at moderate dimension, random start: the pattern keeps moving."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

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

WEIGHT = np.sqrt(2e-6)  # standard deviation of the initial weights


def compute(scale: Scale, seed: int) -> DataFrame:
    """Return one row per run, and the switches of one run per dimension shown."""
    return compute_moderate(scale, seed, "fig7", {"name": "gaussian", "scale": WEIGHT})


def verdict(measured: Mapping[str, Measured]) -> tuple[Finding, ...]:
    """Judge whether the random start fails at every dimension."""
    zero = [m for k, m in measured.items() if k.startswith("fraction_zero")]
    largest = max(m.value for m in zero)
    return (
        Finding(
            agreement=Agreement.AGREES if largest < 0.3 else Agreement.DIFFERS,
            sentence=(
                "From a random start the loss rarely reaches zero in any dimension: in "
                f"{min(m.value for m in zero):.0%} to {largest:.0%} of the runs."
            ),
        ),
    )


EXPERIMENT = Experiment(
    key="fig7",
    title="Figure 7: moderate dimension, random start",
    claim=(
        "Without high dimension and from a random start, examples keep entering and leaving the "
        "activation regions and no global minimum is reached. (The paper's own figure is not "
        "known; this is our reading of its place in the text.)"
    ),
    settings=("As Figure 6, with initial weights N(0, 2e-6 I)."),
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
