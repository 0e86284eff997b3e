"""States of the page that between them use every choice."""

from __future__ import annotations

import itertools

import numpy as np

SMALL = {"n": 6, "d": 400}

STATES = {
    "default": {},
    "pair": {"n": 8, "signs": "+-", "d": 3000},
    "huge dimension": {"n": 12, "signs": "+-", "d": 1e12},
    "small steps": {**SMALL, "kappa": 0.01},
    "smallest steps": {"n": 4, "d": 10**9, "kappa": 1e-6},
    "large steps": {**SMALL, "kappa": 2.5, "signs": "+-"},
    "chatter": {"n": 8, "d": 12, "kappa": 0.1, "signs": "+-"},
    "gaussian start": {**SMALL, "start": "gaussian", "scale": 0.3, "signs": "++-"},
    "fewer features": {"n": 6, "d": 4, "start": "gaussian"},
    "disjoint": {**SMALL, "start": "disjoint", "signs": "++--", "scale": 0.005},
    "one sign": {**SMALL, "labels": "gaussian", "signs": "-"},
    "one sample": {"n": 1, "d": 1},
    "shares": {"n": 10, "d": 50, "negative": 0.3, "low": 0.2, "high": 2.0},
    "planted": {**SMALL, "labels": "planted", "signs": "+-"},
    "spiked": {"n": 8, "d": 10**6, "spectrum": "spiked", "spike": 1e5},
    "power law": {"n": 8, "d": 2000, "spectrum": "power_law", "exponent": 1.0},
    "rademacher": {"n": 8, "d": 10**12, "law": "rademacher"},
    "many signs": {"n": 20, "d": 1000, "law": "rademacher"},
    "uniform": {"n": 5, "d": 300, "law": "uniform"},
    "sphere": {"n": 5, "d": 300, "law": "sphere"},
    "orthogonal": {"n": 5, "d": 30, "law": "orthogonal", "signs": "+-"},
    "flow": {"n": 8, "d": 500, "method": "flow", "signs": "+-"},
    "flow of one": {"n": 6, "d": 10**6, "method": "flow"},
    "flow of many": {"n": 5, "d": 100, "method": "flow", "signs": "++-"},
    "other seed": {**SMALL, "seed": 2**53 - 1},
}


def corrupted(rng: np.random.Generator):
    """Return a state with one unusable field, and the field's name."""
    bad = {
        "n": [0, -3, 201, 2.5, "10", True, 1e308, 10**30, [], {}],
        "d": [0, 0.2, -1, 2e12, "big", False, [1], 10**400],
        "law": ["normal", 3, "", "GAUSSIAN", [], "__class__"],
        "spectrum": ["flat", 1.0, {}],
        "spike": [0, -1.0, 1e13, "1"],
        "exponent": [-0.1, 11, "x"],
        "signs": ["", "0", "+-x", 5, "+" * 9, ["+"], "\u2212"],
        "labels": ["binary", 0],
        "low": [0, -1, 2.0, "a"],
        "high": [0, 1e7, True],
        "negative": [-0.01, 1.01, "half"],
        "start": ["zero", 1],
        "scale": [0.0, -1.0, 1e7, "s"],
        "kappa": [0, 11, -1e-3, "k"],
        "seed": [-1, 0.5, 2**53, "s"],
        "method": ["adam", None],
        "data": ["../../etc/passwd", "a b", "x" * 65, 7, ""],
    }
    field = str(rng.choice(list(bad)))
    value = bad[field][int(rng.integers(len(bad[field])))]
    return {**SMALL, field: value}, field


def combinations():
    """Return states over all laws, labels, starts and methods."""
    laws = ("gaussian", "rademacher", "uniform", "sphere", "orthogonal")
    labels = ("uniform", "gaussian", "planted")
    starts = ("all_positive", "gaussian")
    methods = ("descent", "flow")
    for law, kind, start, method in itertools.product(laws, labels, starts, methods):
        yield {"n": 3, "d": 40, "law": law, "labels": kind, "start": start, "method": method}
