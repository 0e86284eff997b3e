"""Unusable values of the fields of a plan, and of what is asked of a sweep's results."""

from __future__ import annotations

import numpy as np

_NO_FIELD = {
    "a dict": {"a": 1},
    "a set": {1, 2},
    "a function": np.sum,
    "bytes": b"1",
    "complex": 1j,
    "an empty list": [],
    "a list of lists": [[[]]],
    "an object": object(),
    "NaN": float("nan"),
}

_NO_CHOICE = {
    **_NO_FIELD,
    "a number": 3,
    "another word": "gausian",
    "no name": {"scale": 1.0},
    "an unknown option": {"name": "gaussian", "colour": "red"},
    "a word in a list": ["gausian"],
}

SWEEP_VALUES = {
    "plan counts": {
        **_NO_FIELD, "None": None, "zero": 0, "a fraction": 1.5, "text": "4", "in a list": [4, -1],
    },
    "plan dimensions": {
        **_NO_FIELD, "None": None, "zero": 0, "a fraction": 1.5, "a word": "large",
        "code": "__import__('os')", "of a later field": "5*kappa", "no whole number": "n/3",
    },
    "plan choices": {**_NO_CHOICE, "None": None},
    "optional plan choices": _NO_CHOICE,
    "plan signs": {**_NO_FIELD, "None": None, "a word": "plus", "a zero": [0], "empty": ""},
    "plan steps": {
        **_NO_FIELD, "zero": 0.0, "negative": -1.0, "a word": "small", "infinity": np.inf,
        "True": True, "without a value": "1/(n - 4)",
    },
    "plan names": {**_NO_FIELD, "an empty list": ["colour"], "a word": "colour", "a number": 3},
    "plan measures": {
        **_NO_FIELD, "a function": lambda case: case, "None": None, "a word": "gapp", "twice":
        ["loss", "loss"], "no statement": "verdict:lai2026.theorem99",
    },
    "plan": {"None": None, "text": "n = 4", "a dict": {"n": 4}, "a number": 3, "a class": dict},
    "shard": {
        **_NO_FIELD, "a number": 1, "a word": "first", "zero": "0/3", "beyond": "4/3", "none":
        "1/0", "negative": (-1, 3), "fractions": (0.5, 2), "three": (1, 2, 3), "one": "1",
        "spaces": "1 / 2",
    },
    "engine": {**_NO_FIELD, "a number": 3, "a word": "dask", "a port": "tcp://nowhere"},
    "plan name": {**_NO_FIELD, "None": None, "a path": "a/b", "empty": "", "long": "x" * 100},
}  # fmt: skip

_NO_COLUMN = {
    "a number": 3,
    "unknown": "colour",
    "a list": ["d"],
    "an array": np.ones(2),
    "a function": np.sum,
    "empty": "",
}

SWEEP_VALUES |= {
    "column": {**_NO_COLUMN, "None": None},
    "optional column": _NO_COLUMN,
    "columns": {
        "a word": "trace",
        "a number": 3,
        "unknown": ["colour"],
        "numbers": [1, 2],
        "a dict": {"d": 1},
    },
    "conditions": {
        "a number": 3,
        "a word": "n",
        "a list": ["n"],
        "unknown": {"colour": 1},
        "a number as a name": {3: 1},
        "no such row": {"n": 17},
        "nothing": {"n": []},
    },
    "middle": {"another word": "mode", "None": None, "a number": 0.5, "a list": ["mean"]},
    "log": {"another word": "log", "a number": 2, "True": True, "a list": ["x"]},
}
