"""Layers by name: a state dict, or what a file held, of which names and shapes are all we know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from relubias._validate import Float, as_float_array, fail, shown
from relubias.diagnosis._tensors import as_plain, dtype_name, is_tensor
from relubias.diagnosis.network import Network, folded

__all__ = ["is_state_dict", "read_state_dict"]

_HARMLESS = ("num_batches_tracked", "_metadata")
_TELLING = {
    "running_mean": "a normalisation layer",
    "running_var": "a normalisation layer",
    "_packed_params": "a quantized layer",
}
_ASSUMED = "names and shapes don't say what lies between the layers: relu was assumed"


class _Layer(NamedTuple):
    """Where a layer's numbers are: keys of the state dict."""

    name: str
    weight: str
    bias: str | None


def is_state_dict(model: Any) -> bool:
    """Whether this maps names to tensors or arrays."""
    if not isinstance(model, Mapping) or not model:
        return False
    items: list[tuple[Any, Any]] = list(model.items())  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    has_names = all(isinstance(key, str) for key, _ in items)
    return has_names and any(is_tensor(v) or isinstance(v, np.ndarray) for _, v in items)


def read_state_dict(
    name: str, state: Mapping[str, Any], hidden: str | None, output: str | None, source: str
) -> Network:
    """Return the network of two named layers; they are guessed where there is one way only."""
    arrays = {key: value for key, value in state.items() if not key.endswith(_HARMLESS)}
    _refuse_other_layers(name, arrays)
    if hidden is None and output is None:
        first, last = _guess(name, arrays)
    else:
        first = _named(name, "hidden", arrays, hidden, _others(arrays, output))
        last = None
        if output is not None or _others(arrays, first.name):
            last = _named(name, "output", arrays, output, _others(arrays, first.name))
    _refuse_leftovers(name, arrays, first, last)
    weights = _array(name, arrays, first.weight, 2, "(n_neurons, n_features)")
    m = weights.shape[0]
    biases = None if first.bias is None else _array(name, arrays, first.bias, 1, f"({m},)")
    if biases is not None and biases.shape != (m,):
        raise fail(name, f"has {first.bias!r} of shape {biases.shape}", f"expected ({m},)")
    outer, offset = (None, 0.0) if last is None else _output(name, arrays, last, m)
    told = f"layer {first.name!r}" + ("" if last is None else f", then layer {last.name!r}")
    notes = (_ASSUMED,)
    dtype = dtype_name(arrays[first.weight])
    return folded(
        name, weights, biases, outer, offset, dtype=dtype, source=f"{source}: {told}", notes=notes
    )


def _refuse_other_layers(name: str, arrays: Mapping[str, Any]) -> None:
    for key, value in arrays.items():
        layer, _, last = key.rpartition(".")
        if last in _TELLING:
            got = f"holds {key!r}: layer {layer!r} is {_TELLING[last]}"
            raise fail(name, got, "only linear layers and relu can be diagnosed")
        if "parametrizations." in key or last in ("weight_g", "weight_v", "weight_orig"):
            got = f"holds {key!r}: layer {layer!r} computes its weights from others"
            raise fail(name, got, "pass the module itself, or make its weights plain first")
        if last == "weight" and np.ndim(value) > 2:
            got = f"holds {key!r} of shape {tuple(np.shape(value))}: layer {layer!r} is not linear"
            raise fail(name, got, "only linear layers and relu can be diagnosed")


def _layers(arrays: Mapping[str, Any]) -> list[_Layer]:
    """Return what can be a layer: `x.weight` with `x.bias`, or a matrix or vector of its own."""
    found: list[_Layer] = []
    biases = {key for key in arrays if key == "bias" or key.endswith(".bias")}
    for key in arrays:
        if key in biases:
            continue
        prefix = key.removesuffix("weight")
        is_weight = prefix != key and (not prefix or prefix.endswith("."))
        bias = f"{prefix}bias" if is_weight and f"{prefix}bias" in arrays else None
        found.append(_Layer(prefix.rstrip(".") if is_weight else key, key, bias))
    return found


def _others(arrays: Mapping[str, Any], taken: str | None) -> list[_Layer]:
    return [layer for layer in _layers(arrays) if layer.name != taken]


def _guess(name: str, arrays: Mapping[str, Any]) -> tuple[_Layer, _Layer]:
    layers = _layers(arrays)
    matrices = [layer for layer in layers if np.ndim(arrays[layer.weight]) == 2]
    if len(matrices) > 2:
        listed = _listed(arrays, matrices)
        got = f"holds {len(matrices)} linear layers: {listed}"
        raise fail(name, got, "only one hidden layer can be diagnosed; hidden= and output= name it")
    if len(matrices) == 2:
        for first, last in (matrices, matrices[::-1]):
            m = np.shape(arrays[first.weight])[0]
            if np.shape(arrays[last.weight]) == (1, m):
                return first, last
        n_outputs = np.shape(arrays[matrices[1].weight])[0]
        if np.shape(arrays[matrices[1].weight])[1] == np.shape(arrays[matrices[0].weight])[0]:
            got = f"layer {matrices[1].name!r} has {n_outputs} outputs"
            raise fail(name, got, "diagnose one at a time: keep one row of its weight and bias")
    got = f"does not say which layers to take; it holds {_listed(arrays, layers)}"
    raise fail(name, got, "name them with hidden= and output=")


def _named(
    name: str, argument: str, arrays: Mapping[str, Any], wanted: Any, others: list[_Layer]
) -> _Layer:
    if wanted is None:
        if len(others) == 1:
            return others[0]
        got = f"does not say which layer is {argument}; it holds {_listed(arrays, others)}"
        raise fail(name, got, f"name it with {argument}=")
    for layer in _layers(arrays):
        if wanted in (layer.name, layer.weight):
            return layer
    raise fail(argument, f"is {shown(wanted)}", f"choose from {_listed(arrays, _layers(arrays))}")


def _refuse_leftovers(
    name: str, arrays: Mapping[str, Any], first: _Layer, last: _Layer | None
) -> None:
    used = {first.weight, first.bias}
    if last is not None:
        if last.weight == first.weight:
            raise fail("output", f"is {last.name!r}, as hidden is", "name two different layers")
        used |= {last.weight, last.bias}
    left = [key for key in arrays if key not in used]
    if left:
        got = f"holds {left[0]!r}, which is part of neither layer"
        raise fail(name, got, "leave it out if it does not change the output")


def _output(
    name: str, arrays: Mapping[str, Any], layer: _Layer, n_neurons: int
) -> tuple[Float, float]:
    shape = np.shape(arrays[layer.weight])
    if len(shape) == 2 and shape[0] != 1 and shape != (n_neurons, 1):
        got = f"layer {layer.name!r} has {shape[0]} outputs"
        raise fail(name, got, "diagnose one at a time: keep one row of its weight and bias")
    outer = _array(name, arrays, layer.weight, len(shape), f"(1, {n_neurons})").ravel()
    if outer.shape != (n_neurons,):
        got = f"layer {layer.name!r} takes {outer.size} neurons, the hidden one has {n_neurons}"
        raise fail(name, got, "name layers that follow one another")
    if layer.bias is None:
        return outer, 0.0
    bias = _array(name, arrays, layer.bias, np.ndim(arrays[layer.bias]), "(1,)").ravel()
    if bias.size != 1:
        raise fail(name, f"has {layer.bias!r} with {bias.size} entries", "expected one")
    return outer, float(bias[0])


def _array(name: str, arrays: Mapping[str, Any], key: str, ndim: int, shape: str) -> Float:
    plain = as_plain(name, arrays[key], f"the entry {key!r}")
    try:
        array = as_float_array(name, plain, ndim=ndim, shape=f"{key!r} of shape {shape}")
    except ValueError as error:
        text = str(error).removeprefix(f"{name}: ")
        raise fail(
            name, f"entry {key!r}: {text.partition('; ')[0]}", text.partition("; ")[2]
        ) from error
    if array.size == 0:
        raise fail(name, f"has an empty {key!r} (shape {array.shape})", f"expected {shape}")
    return array


def _listed(arrays: Mapping[str, Any], layers: list[_Layer]) -> str:
    shown_ones = [f"{layer.name!r} {tuple(np.shape(arrays[layer.weight]))}" for layer in layers]
    more = len(shown_ones) - 6
    return ", ".join(shown_ones[:6]) + (f" and {more} more" if more > 0 else "")
