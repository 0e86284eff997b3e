"""Trained models, diagnosed."""

from __future__ import annotations

import functools

import relubias as rb
from tests.meta.entries._base import Argument, Entry, features, labels
from tests.meta.entries.reading import ARRAYS, STATE


@functools.wraps(rb.diagnose)
def told(**arguments):
    """Return what people read: arrays of a diagnosis hold NaN where nothing is known."""
    found = rb.diagnose(**arguments)
    return str(found), repr(found), found.findings


FIXED = {"time_limit": 0.0}
DATA = {"X": features.good, "y": labels.good}

ENTRIES: dict[str, Entry] = {
    "diagnose": Entry(
        told,
        {
            "X": features,
            "y": labels,
            "step_size": Argument(0.01, "optional positive"),
            "tol": Argument(1e-6, "optional positive"),
            "time_limit": Argument(0.0, "non-negative"),
        },
        {"model": ARRAYS},
    ),
    "diagnose (model)": Entry(told, {"model": Argument(ARRAYS, "model")}, FIXED | DATA),
    "diagnose (kappa)": Entry(
        told, {"kappa": Argument(0.5, "optional positive")}, FIXED | DATA | {"model": ARRAYS}
    ),
    "diagnose (layers)": Entry(
        told,
        {"hidden": Argument("inner", "layer"), "output": Argument("outer", "layer")},
        FIXED | DATA | {"model": STATE},
    ),
}
