"""Trained models, read."""

from __future__ import annotations

import os
import tempfile

import numpy as np

from relubias.diagnosis import agreement, load_model, read_network
from tests.meta.entries._base import WEIGHTS, Argument, Entry, features

ARRAYS = {"W": WEIGHTS, "b": np.array([1.0, -2.0]), "a": np.array([3.0, -1.0]), "c": 0.5}
STATE = {
    "inner.weight": WEIGHTS,
    "inner.bias": ARRAYS["b"],
    "outer.weight": ARRAYS["a"][None],
    "outer.bias": np.array([0.5]),
}
SAVED = os.path.join(tempfile.mkdtemp(), "model.npz")  # noqa: PTH118 - read by many workers
np.savez(SAVED, **ARRAYS)
NETWORK = read_network(ARRAYS)

ENTRIES: dict[str, Entry] = {
    "read_network": Entry(read_network, {"model": Argument(ARRAYS, "model")}),
    "read_network (layers)": Entry(
        read_network,
        {"hidden": Argument("inner", "layer"), "output": Argument("outer", "layer")},
        {"model": STATE},
    ),
    "agreement": Entry(agreement, {"X": features}, {"network": NETWORK, "model": ARRAYS}),
    "agreement (model)": Entry(
        agreement,
        {"network": Argument(NETWORK, "network"), "model": Argument(ARRAYS, "model")},
        {"X": features.good},
    ),
    "agreement (layers)": Entry(
        agreement,
        {"hidden": Argument("inner", "layer"), "output": Argument("outer", "layer")},
        {"network": NETWORK, "model": STATE, "X": features.good},
    ),
    "load_model": Entry(load_model, {"path": Argument(SAVED, "path")}),
    "Network.features": Entry(NETWORK.features, {"X": features}),
    "Network.predict": Entry(NETWORK.predict, {"X": features}),
}
