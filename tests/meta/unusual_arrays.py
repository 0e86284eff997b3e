"""Unusual but right ways to pass an array."""

from __future__ import annotations

import numpy as np
import pandas as pd


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
