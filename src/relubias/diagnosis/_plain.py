"""Networks handed over as plain arrays: W, b, a, c as a tuple or a dictionary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from relubias._validate import Float, as_float_array, as_real, fail, is_scalar, shown
from relubias.diagnosis._tensors import as_plain, dtype_name
from relubias.diagnosis.network import Network, folded

__all__ = ["PLAIN_NAMES", "is_plain", "read_plain"]

PLAIN_NAMES = {
    "W": "W",
    "weights": "W",
    "b": "b",
    "biases": "b",
    "bias": "b",
    "a": "a",
    "outer": "a",
    "signs": "a",
    "c": "c",
    "output_bias": "c",
}
"""Keys of a dictionary of plain arrays, and what they stand for."""

_FORMS = (
    "pass (W, b, a, c), of shapes (m, d), (m,), (m,) and a number, with None for what is not there"
)


def is_plain(model: Any) -> bool:
    """Whether this is a tuple, an array or a dictionary of plain arrays."""
    if isinstance(model, Mapping):
        keys = list(cast("Mapping[Any, Any]", model))
        return bool(keys) and all(key in PLAIN_NAMES for key in keys)
    return isinstance(model, (tuple, list, np.ndarray))


def read_plain(name: str, model: Any) -> Network:
    """Return the network of plain arrays; `name` is the argument that they arrived in."""
    parts = _parts(name, model)
    W, b, a, c = (as_plain(name, part, "a tensor") for part in parts)
    if W is None:
        raise fail(name, "has no first-layer weights W", _FORMS)
    dtype = dtype_name(parts[0])
    weights = as_float_array(name, W, ndim=2, shape="W of shape (n_neurons, n_features)")
    if weights.size == 0:
        raise fail(name, f"has an empty W (shape {weights.shape})", _FORMS)
    biases = None if b is None else _vector(name, "b", b, weights.shape[0])
    outer = None if a is None else _vector(name, "a", a, weights.shape[0])
    offset = 0.0 if c is None else _number(name, c)
    return folded(name, weights, biases, outer, offset, dtype=dtype, source="plain arrays")


def _parts(name: str, model: Any) -> tuple[Any, Any, Any, Any]:
    if isinstance(model, np.ndarray):
        return cast("Any", model), None, None, None
    if isinstance(model, Mapping):
        parts: dict[str, Any] = dict.fromkeys("Wbac")
        for key, value in cast("Mapping[str, Any]", model).items():
            letter = PLAIN_NAMES[key]
            if parts[letter] is not None and value is not None:
                raise fail(name, f"names {letter} twice", "keep one of the keys")
            parts[letter] = value
        return parts["W"], parts["b"], parts["a"], parts["c"]
    if not 1 <= len(model) <= 4:
        raise fail(name, f"has {len(model)} entries", _FORMS)
    filled = [*model, None, None, None]
    return filled[0], filled[1], filled[2], filled[3]


def _vector(name: str, letter: str, value: Any, n_neurons: int) -> Float:
    shape = f"{letter} of shape ({n_neurons},), an entry per neuron"
    array = np.asarray(value) if hasattr(value, "__array__") else value
    if letter == "a" and isinstance(array, np.ndarray) and array.shape == (1, n_neurons):
        value = array[0]
    vector = as_float_array(name, value, ndim=1, shape=shape)
    if vector.shape != (n_neurons,):
        raise fail(name, f"has {letter} with {vector.size} entries", f"expected {shape}")
    return vector


def _number(name: str, value: Any) -> float:
    if not is_scalar(value) and np.size(value) == 1:
        value = np.reshape(value, ())[()]
    if not is_scalar(value):
        got = f"has an output bias c of shape {np.shape(value)}"
        raise fail(name, got, "a network with one output has one number")
    try:
        return as_real("c", value)
    except ValueError as error:
        raise fail(name, f"has an output bias c that is {shown(value)}", "pass a number") from error
