"""The shortest network, and its proofs."""

from __future__ import annotations

import os
import tempfile

import numpy as np

import relubias as rb
from tests.meta.entries._base import (
    GRAM,
    ONE,
    SOLUTION,
    Argument,
    Entry,
    X,
    Y,
    gram,
    labels,
    problem,
)

FOUND = os.path.join(tempfile.mkdtemp(), "found.npz")  # noqa: PTH118 - read by many workers
SOLUTION.save(FOUND)


ENTRIES: dict[str, Entry] = {
    "minimum_norm": Entry(
        rb.minimum_norm,
        {
            "problem": problem,
            "time_limit": Argument(60.0, "optional non-negative"),
            "rel_gap": Argument(0.0, "non-negative"),
            "progress": Argument(False, "progress"),
        },
    ),
    "minimum_norm (one neuron)": Entry(
        rb.minimum_norm, {"rel_gap": Argument(0.0, "non-negative")}, {"problem": ONE}
    ),
    "minimum_norm_batch": Entry(
        rb.minimum_norm_batch,
        {
            "grams": Argument(np.stack([GRAM, 2 * GRAM]), "stack"),
            "labels": Argument(np.stack([Y, Y]), "stack"),
            "sign": Argument(1, "sign"),
        },
    ),
    "linear_minimum_norm": Entry(
        rb.linear_minimum_norm,
        {
            "problem": problem,
            "subset": Argument([0, 2], "indices"),
            "labels": Argument(Y, "optional labels"),
        },
    ),
    "certify_one_neuron": Entry(
        rb.minnorm.certify_one_neuron,
        {
            "gram": gram,
            "labels": labels,
            "dual": Argument(np.array([1.0, -2.0, 1.0]), "vector"),
            "sign": Argument(1, "sign"),
            "features": Argument(X, "optional features"),
        },
    ),
    "closest_fit": Entry(rb.minnorm.closest_fit, {"problem": Argument(ONE, "problem")}),
    "verify": Entry(
        rb.minnorm.verify,
        {
            "problem": problem,
            "solution": Argument(SOLUTION, "solution"),
            "leaves": Argument(False, "yes or no"),
            "rtol": Argument(1e-8, "non-negative"),
            "time_limit": Argument(60.0, "optional non-negative"),
        },
    ),
    "save": Entry(
        rb.minnorm.save,
        {"solution": Argument(SOLUTION, "solution"), "path": Argument(FOUND, "path")},
    ),
    "MinimumNorm.save": Entry(SOLUTION.save, {"path": Argument(FOUND, "path")}),
    "load": Entry(rb.minnorm.load, {"path": Argument(FOUND, "path")}),
}
