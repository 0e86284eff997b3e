"""Unusable values by kind of argument, and unusual but right ways to pass an array."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy.sparse


def _with(array, value):
    spoiled = np.array(array, dtype=float)
    spoiled.flat[0] = value
    return spoiled


def _masked(array):
    mask = np.zeros(np.shape(array), dtype=bool)
    mask.flat[0] = True
    return np.ma.MaskedArray(array, mask=mask)


def _with_na(array):
    frame = pd.DataFrame(np.reshape(array, (len(array), -1))).astype("Float64")
    frame.iloc[0, 0] = pd.NA
    return frame[0] if np.ndim(array) == 1 else frame


def _of_objects(array):
    return np.array([[{}]] if np.ndim(array) == 2 else [{}] * np.size(array), dtype=object)


ANY_ARRAY = {
    "NaN": lambda a: _with(a, np.nan),
    "infinity": lambda a: _with(a, np.inf),
    "minus infinity": lambda a: _with(a, -np.inf),
    "longdouble beyond float64": lambda a: (
        np.array(a, dtype=np.longdouble) * np.longdouble("1e4000")
    ),
    "strings": lambda a: np.full(np.shape(a), "1.0"),
    "bytes": lambda a: np.full(np.shape(a), b"1.0"),
    "objects": _of_objects,
    "numbers as objects": lambda a: np.array(a, dtype=object),
    "complex": lambda a: np.array(a, dtype=complex),
    "dates": lambda a: np.zeros(np.shape(a), dtype="M8[s]"),
    "records": lambda a: np.zeros(np.shape(a), dtype=[("x", float)]),
    "None": lambda _: None,
    "a word": lambda _: "features",
    "a dict": lambda _: {"a": 1.0},
    "a set": lambda _: {1.0, 2.0},
    "a function": lambda _: np.sum,
    "ragged": lambda _: [[1.0, 2.0], [3.0]],
    "masked": _masked,
    "sparse": lambda a: scipy.sparse.csr_array(np.reshape(a, (len(a), -1))),
    "frame with NA": _with_na,
    "a number": lambda _: 1.0,
    "too many axes": lambda a: np.array(a, dtype=float)[None, None],
    "empty": lambda a: np.zeros((0,) * np.ndim(a)),
}

MATRIX = {
    **ANY_ARRAY,
    "one axis": lambda a: np.ravel(a),
    "three axes": lambda a: np.array(a)[..., None],
    "no rows": lambda a: np.zeros((0, np.shape(a)[1])),
    "no columns": lambda a: np.zeros((np.shape(a)[0], 0)),
    "huge entries": lambda a: np.array(a) * 1e301,
}

BAD = {
    "features": {
        **MATRIX,
        "squares overflow": lambda a: np.array(a) * 1e200,
        "squares underflow": lambda a: np.array(a) * 1e-200,
        "subnormal": lambda a: np.full(np.shape(a), 5e-324),
    },
    "gram": {
        **MATRIX,
        "not square": lambda a: np.array(a)[:, :-1],
        "not symmetric": lambda a: np.array(a) + np.triu(np.ones(np.shape(a)), 1),
        "indefinite": lambda a: np.array(a) - 1e3 * np.ones(np.shape(a)),
        "barely indefinite": lambda a: (
            np.array(a) - (np.linalg.eigvalsh(a)[0] + 1e-6) * np.eye(len(a))
        ),
        "negative diagonal": lambda a: -np.array(a),
        "zero diagonal": lambda a: np.array(a) - np.diag(np.diagonal(a)),
    },
    "labels": {
        **ANY_ARRAY,
        "a column": lambda a: np.array(a)[:, None],
        "two columns": lambda a: np.stack([a, a], axis=1),
        "too long": lambda a: np.append(a, 1.0),
        "too short": lambda a: np.array(a)[:-1],
        "huge": lambda a: np.array(a) * 1e200,
    },
    "signs": {
        **ANY_ARRAY,
        "a zero": lambda a: _with(a, 0),
        "a two": lambda a: _with(a, 2),
        "a half": lambda a: _with(a, 0.5),
        "two axes": lambda a: np.array(a)[None],
        "none": lambda _: (),
    },
    "weights": {**MATRIX, "another feature": lambda a: np.array(a)[:, :-1]},
    "dual": {
        **{name: spoil for name, spoil in MATRIX.items() if name != "huge entries"},
        "another neuron": lambda a: np.concatenate([a, a[:1]]),
        "another sample": lambda a: np.concatenate([a, a[:, :1]], axis=1),
        "transposed": lambda a: np.array(a).T,
    },
    "vector": {
        **{name: spoil for name, spoil in ANY_ARRAY.items() if name != "a number"},
        "two axes": lambda a: np.array(a)[None],
        "too long": lambda a: np.append(a, a[:1]),
    },
    "values": {name: spoil for name, spoil in ANY_ARRAY.items() if name != "a number"},
    "stack": {**ANY_ARRAY, "one problem": lambda a: np.array(a)[0]},
    "spectrum": {
        **ANY_ARRAY,
        "a zero": lambda a: _with(a, 0.0),
        "a negative entry": lambda a: _with(a, -1.0),
        "a fractional multiplicity": lambda _: [(1.0, 1.5)],
        "triples": lambda _: [(1.0, 2, 3)],
    },
}

BAD["optional dual"] = {name: spoil for name, spoil in BAD["dual"].items() if name != "None"}
BAD["optional labels"] = {name: spoil for name, spoil in BAD["labels"].items() if name != "None"}
BAD["optional vector"] = {name: spoil for name, spoil in BAD["vector"].items() if name != "None"}
BAD["optional features"] = {
    name: spoil for name, spoil in BAD["features"].items() if name != "None"
}

_NO_WHOLE_NUMBERS = {
    "NaN": [np.nan],
    "fractions": [0.5, 1.5],
    "text": ["0"],
    "a word": "all",
    "negative": [-1, 0],
    "objects": [{}],
    "complex": [1j],
    "a dict": {"a": 1},
    "a function": np.sum,
    "ragged": [[0], [1, 2]],
    "astronomic": [10**30],
}

_NO_NUMBER = {
    "NaN": np.nan,
    "infinity": np.inf,
    "minus infinity": -np.inf,
    "text": "0.1",
    "a word": "fast",
    "bytes": b"1",
    "None": None,
    "complex": 1j,
    "a list": [],
    "a matrix": np.ones((2, 2)),
    "a dict": {},
    "a function": np.sum,
    "True": True,
}

_POSITIVE = {
    **_NO_NUMBER,
    "zero": 0.0,
    "minus zero": -0.0,
    "negative": -1.0,
    "huge": 10**400,
}

_COUNT = {
    **_NO_NUMBER,
    "negative": -1,
    "a fraction": 1.5,
    "a whole float": 3.0,
    "astronomic": 10**30,
}

BAD_SCALARS = {
    "positive": _POSITIVE,
    "non-negative": {**_NO_NUMBER, "negative": -1e-300, "huge": 10**400},
    "non-negative or infinite": {
        **{name: value for name, value in _NO_NUMBER.items() if name != "infinity"},
        "negative": -1e-300,
        "huge": 10**400,
    },
    "real": {**_NO_NUMBER, "huge": 10**400},
    "count": _COUNT,
    "optional positive": {name: value for name, value in _POSITIVE.items() if value is not None},
    "optional count": {name: value for name, value in _COUNT.items() if value is not None},
    "optional non-negative": {**_NO_NUMBER, "None": False, "negative": -1.0, "infinity": np.nan},
    "sign": {**_NO_NUMBER, "True": None, "zero": 0, "two": 2, "a half": 0.5, "two signs": [1, -1]},
    "momentum": {**_NO_NUMBER, "negative": -0.1, "one": 1.0, "above one": 1.5, "huge": 10**400},
    "batches": {
        **{name: value for name, value in _NO_WHOLE_NUMBERS.items() if name != "ragged"},
        "zero": 0,
        "True": True,
        "a whole float": 3.0,
        "overlapping": [[0, 1], [1, 2]],
        "twice in one": [[0, 0, 1], [2]],
        "a sample left out": [[0], [1]],
        "an empty one": [[0, 1, 2], []],
        "none": [],
        "too large": [[0, 1], [3]],
        "negative index": [[0, 1], [-1]],
        "fractional": [[0.0, 1.0], [2.0]],
        "a word inside": ["all", [0, 1, 2]],
        "not in lists": [0, 1, 2],
        "a set": {0, 1, 2},
    },
    "steps": _NO_WHOLE_NUMBERS,
    "times": {
        **{
            name: value
            for name, value in _NO_WHOLE_NUMBERS.items()
            if name not in ("fractions", "astronomic")
        },
        "infinity": [np.inf],
    },
    "convention": {"another word": "ajar", "None": None, "a number": 1.0, "an array": np.ones(2)},
    "modes": {
        "two": [[2, 0, 1], [1, 1, 1]],
        "too few": [[1, 0, 1]],
        "text": "closed",
        "NaN": np.nan,
    },
    "indices": {**_NO_WHOLE_NUMBERS, "too large": [3], "twice": [0, 0], "two axes": [[0, 1]]},
    "owners": {
        **_NO_WHOLE_NUMBERS,
        "None": None,
        "too few": [0, 1],
        "of the wrong sign": [1, 0, 1],
        "no such neuron": [0, 1, 2],
        "two axes": [[0, 1, 0]],
    },
    "multiplicities": {
        **_NO_WHOLE_NUMBERS,
        "zero": [1, 0, 1],
        "too few": [1, 2],
        "too many features": [10**15, 1, 1],
    },
    "progress": {"a word": "yes", "a number": 2, "None": None, "a list": []},
    "seed": {
        **{name: value for name, value in _NO_NUMBER.items() if name != "a matrix"},
        "negative": -1,
        "a fraction": 0.5,
        "negative inside": [1, -1],
    },
    "solution": {
        "None": None,
        "an array": np.eye(2),
        "a word": "solution",
        "a dict": {"dual": np.eye(2)},
        "a class": dict,
    },
    "path": {
        "None": None,
        "a number": 3,
        "a fraction": 1.5,
        "a list": ["found.npz"],
        "a dict": {},
        "a function": np.sum,
    },
    "yes or no": {
        "None": None,
        "a number": 1,
        "a word": "yes",
        "a list": [True],
        "an array": np.ones(2, dtype=bool),
    },
    "problem": {
        "None": None,
        "an array": np.eye(2),
        "a word": "problem",
        "a tuple": (np.eye(2), np.ones(2)),
        "a class": dict,
    },
}

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

BAD_SCALARS |= {
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

BAD_SCALARS["optional path"] = {
    name: value for name, value in BAD_SCALARS["path"].items() if value is not None
}


_NO_COLUMN = {
    "a number": 3,
    "unknown": "colour",
    "a list": ["d"],
    "an array": np.ones(2),
    "a function": np.sum,
    "empty": "",
}

BAD_SCALARS |= {
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
    "confidence": {**_NO_NUMBER, "zero": 0.0, "one": 1.0, "above one": 1.5, "negative": -0.5},
    "folder": {
        "None": None,
        "a number": 3,
        "a list": ["sweeps"],
        "a function": np.sum,
        "nowhere": "no/such/folder",
        "impossible": "a\0b",
    },
}


def bad_values(kind, good):
    """Yield names and unusable values for an argument of this kind."""
    if kind in BAD_SCALARS:
        yield from BAD_SCALARS[kind].items()
    else:
        for name, spoil in BAD[kind].items():
            with np.errstate(all="ignore"):
                yield name, spoil(np.asarray(good))


def _spread(array):
    wide = np.full(tuple(2 * length for length in array.shape), 7.0)
    wide[tuple(slice(None, None, 2) for _ in array.shape)] = array
    return wide[tuple(slice(None, None, 2) for _ in array.shape)]


def _backwards(array):
    every = tuple(slice(None, None, -1) for _ in array.shape)
    return array[every].copy()[every]


def _read_only(array):
    copy = array.copy()
    copy.flags.writeable = False
    return copy


class Lazy:
    """An array known only through its protocol."""

    def __init__(self, array):
        self._array = array

    def __array__(self, dtype=None, copy=None):
        return np.array(self._array, dtype=dtype, copy=copy)


UNUSUAL = {
    "lists": lambda a: a.tolist(),
    "tuples": lambda a: tuple(map(tuple, a.tolist())) if a.ndim == 2 else tuple(a.tolist()),
    "int64": lambda a: a.astype(np.int64),
    "int8": lambda a: a.astype(np.int8),
    "float32": lambda a: a.astype(np.float32),
    "float16": lambda a: a.astype(np.float16),
    "longdouble": lambda a: a.astype(np.longdouble),
    "big-endian": lambda a: a.astype(">f8"),
    "Fortran order": np.asfortranarray,
    "non-contiguous": _spread,
    "negative strides": _backwards,
    "read-only": _read_only,
    "masked nowhere": np.ma.MaskedArray,
    "pandas": lambda a: (pd.DataFrame if a.ndim == 2 else pd.Series)(a),
    "pandas integers": lambda a: (pd.DataFrame if a.ndim == 2 else pd.Series)(a.astype(int)),
    "array protocol": Lazy,
}
"""Ways to pass an array of small whole numbers that mean the same as float64."""
