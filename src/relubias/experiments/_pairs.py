"""Theorem 4: the gap of each neuron of a pair of opposite signs, against the dimension."""

from __future__ import annotations

import numpy as np

from relubias.experiments._statistics import median, slope
from relubias.experiments._table import DataFrame, select, values
from relubias.experiments.registry import Measured
from relubias.sweep import Case, columns

__all__ = ["measure_pairs", "pair_gaps"]

_NEURONS = ("positive", "negative")


@columns(gap_positive=float, gap_negative=float, law_positive=float, law_negative=float)
def pair_gaps(case: Case) -> dict[str, float]:
    """Return the gap and the law of both neurons."""
    row: dict[str, float] = {}
    for k, name in enumerate(_NEURONS):
        row[f"gap_{name}"] = float(case.gap.per_neuron[k])
        row[f"law_{name}"] = float(case.gap.predictions[k])
    return row


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
