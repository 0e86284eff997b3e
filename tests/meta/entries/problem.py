"""Problems, starts, step sizes, Gram matrices, and the gap."""

from __future__ import annotations

import numpy as np

import relubias as rb
from tests.meta.entries._base import (
    PROBLEM,
    START,
    WEIGHTS,
    Argument,
    Entry,
    Y,
    features,
    gram,
    labels,
    problem,
    seed,
    signs,
    start,
)

ENTRIES: dict[str, Entry] = {
    "Problem": Entry(rb.Problem, {"gram": gram, "labels": labels, "signs": signs}),
    "Problem.from_features": Entry(
        rb.Problem.from_features,
        {
            "features": features,
            "labels": labels,
            "signs": signs,
            "memory": Argument(10**9, "optional positive"),
            "checkpoint": Argument(None, "optional path"),
            "progress": Argument(False, "progress"),
        },
    ),
    "Problem.with_signs": Entry(PROBLEM.with_signs, {"signs": signs}),
    "starts.all_positive": Entry(
        rb.starts.all_positive, {"problem": problem, "scale": Argument(0.5, "positive")}
    ),
    "starts.all_positive (vector)": Entry(
        rb.starts.all_positive, {"scale": Argument(np.abs(Y), "vector")}, {"problem": PROBLEM}
    ),
    "starts.gaussian": Entry(
        rb.starts.gaussian,
        {"problem": problem, "scale": Argument(0.5, "positive"), "seed": seed},
    ),
    "starts.disjoint": Entry(
        rb.starts.disjoint,
        {
            "problem": problem,
            "assignment": Argument([0, 1, 0], "owners"),
            "scale": Argument(0.5, "positive"),
            "parked": Argument(0.25, "optional positive"),
        },
    ),
    "starts.from_weights": Entry(
        rb.starts.from_weights, {"features": features, "weights": Argument(WEIGHTS, "weights")}
    ),
    "step_size_bounds": Entry(
        rb.step_size_bounds,
        {
            "problem": problem,
            "trace": Argument(20.0, "optional positive"),
            "constant": Argument(2.0, "positive"),
        },
    ),
    "gram_matrix": Entry(
        rb.gram_matrix,
        {
            "features": features,
            "memory": Argument(10**9, "optional positive"),
            "checkpoint": Argument(None, "optional path"),
            "progress": Argument(False, "progress"),
        },
    ),
    "bias_gap": Entry(
        rb.bias_gap,
        {
            "problem": problem,
            "first": start,
            "second": Argument(2 * START, "dual"),
            "trace": Argument(20.0, "optional positive"),
            "match_neurons": Argument(True, "yes or no"),
        },
    ),
}
