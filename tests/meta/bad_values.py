"""Unusable values by kind of argument."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy.sparse

from tests.meta.bad_sweep_values import SWEEP_VALUES


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

BAD_SCALARS |= SWEEP_VALUES | {
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
BAD_SCALARS["optional path"] = {
    name: value for name, value in BAD_SCALARS["path"].items() if value is not None
}


def bad_values(kind, good):
    """Yield names and unusable values for an argument of this kind."""
    if kind in BAD_SCALARS:
        yield from BAD_SCALARS[kind].items()
    else:
        for name, spoil in BAD[kind].items():
            with np.errstate(all="ignore"):
                yield name, spoil(np.asarray(good))


BAD_SCALARS["model"] = {
    "None": None,
    "a number": 1.0,
    "a word": "model.pt",
    "a function": np.sum,
    "a class": dict,
    "an empty dict": {},
    "an empty tuple": (),
    "too many arrays": ([[1.0]], [0.0], [1.0], 0.0, 2.0),
    "no weights": {"a": [1.0]},
    "one axis": ([1.0, 2.0],),
    "another number of biases": (np.ones((2, 4)), [1.0]),
    "another number of outer weights": (np.ones((2, 4)), None, [1.0, 2.0, 3.0]),
    "outer weights of zero": (np.ones((2, 4)), None, [0.0, 0.0]),
    "NaN": (np.full((2, 4), np.nan),),
    "NaN in the output bias": (np.ones((2, 4)), None, None, np.nan),
    "text": (np.full((2, 4), "a"),),
    "complex": (np.full((2, 4), 1j),),
    "too large together": (np.full((2, 4), 1e300), None, [1e300, 1.0]),
    "names without arrays": {"first.weight": 1.0},
    "one layer": {"first.weight": np.ones((2, 4))},
    "three layers": {f"{k}.weight": np.ones((4, 4)) for k in range(3)},
}
BAD_SCALARS["network"] = {"None": None, "a number": 1.0, "arrays": (np.ones((2, 4)),)}
BAD_SCALARS["layer"] = {"a number": 3, "a list": ["inner"], "another name": "middle", "empty": ""}
