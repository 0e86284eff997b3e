"""Theorem 4: the gap of each neuron of a pair of opposite signs, against the dimension."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import relubias as rb
from relubias.experiments._law import seed_for
from relubias.experiments._statistics import median, slope
from relubias.experiments._table import DataFrame, select, values
from relubias.experiments._two_neurons import SIGNS
from relubias.experiments.registry import Measured

__all__ = ["measure_pairs", "pair_rows"]

N, N_NEGATIVE = 20, 8
_NEURONS = ("positive", "negative")


def pair_rows(
    dimensions: Sequence[int], n_replicates: int, seed: int, *, kappa: float, start: float,
    low: float, high: float,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return one row per run: dimension, and the gap and the law of both neurons."""
    draw_labels = rb.ensembles.labels.uniform_magnitude(low, high, n_negative=N_NEGATIVE)
    rows: list[dict[str, Any]] = []
    for d in dimensions:
        features = rb.ensembles.Gaussian(rb.ensembles.isotropic(d))
        for replicate in range(n_replicates):
            labels = draw_labels(N, seed_for(seed, "pairs", replicate))
            gram = features.sample_gram(N, seed_for(seed, "pairs", replicate, d))
            problem = rb.Problem(gram, labels, SIGNS)
            run = rb.gradient_descent(
                problem, rb.starts.all_positive(problem, start), step_size=kappa / d
            )
            gap = rb.bias_gap(problem, run, rb.minimum_norm(problem), trace=float(d))
            row: dict[str, Any] = {"panel": "pair", "d": d, "n": N, "replicate": replicate}
            for k, name in enumerate(_NEURONS):
                row[f"gap_{name}"] = float(gap.per_neuron[k])
                row[f"law_{name}"] = float(gap.predictions[k])
            rows.append(row)
    return rows


def measure_pairs(table: DataFrame) -> dict[str, Measured]:
    """Return the slope in d for each neuron, and its ratio to the law at the largest d."""
    result: dict[str, Measured] = {}
    largest = select(table, d=float(np.max(values(table, "d"))))
    for name in _NEURONS:
        result[f"slope_d_{name}_neuron"] = Measured.of(
            f"two neurons: slope of log gap in log d, {name} neuron",
            slope(table, "d", f"gap_{name}"),
            "-1/2 (Theorem 4)",
        )
        ratio = values(largest, f"gap_{name}") / values(largest, f"law_{name}")
        result[f"ratio_to_law_{name}_neuron"] = Measured.of(
            f"two neurons: gap / law at the largest d, {name} neuron", median(ratio), "1 as d grows"
        )
    return result
