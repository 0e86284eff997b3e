"""scikit-learn's MLPRegressor with one hidden relu layer, by its attributes alone."""

from __future__ import annotations

from typing import Any

from relubias._validate import as_float_array, fail
from relubias.diagnosis.network import Network, folded

__all__ = ["is_perceptron", "read_perceptron"]


def is_perceptron(model: Any) -> bool:
    """Whether this looks like scikit-learn's multi-layer perceptron, fitted or not."""
    return hasattr(model, "hidden_layer_sizes") and hasattr(model, "activation")


def read_perceptron(name: str, model: Any) -> Network:
    """Return the network of a fitted regressor with one hidden relu layer and one output."""
    kind = type(model).__name__
    if not hasattr(model, "coefs_"):
        raise fail(name, f"is a {kind} that is not fitted", "call its fit first")
    layers, offsets = list(model.coefs_), list(model.intercepts_)
    if len(layers) != 2:
        got = f"is a {kind} with {len(layers) - 1} hidden layers"
        raise fail(name, got, "only one hidden layer can be diagnosed")
    if model.activation != "relu":
        raise fail(name, f"has the activation {model.activation!r}", "only relu can be diagnosed")
    if getattr(model, "out_activation_", "identity") != "identity":
        got = f"is a {kind} whose output passes through {model.out_activation_!r}"
        raise fail(name, got, "only a linear output can be diagnosed: use a regressor")
    if layers[1].shape[1] != 1:
        raise fail(name, f"has {layers[1].shape[1]} outputs", "diagnose one output at a time")
    weights = as_float_array(name, layers[0].T, ndim=2, shape="(n_neurons, n_features)")
    biases = as_float_array(name, offsets[0], ndim=1, shape="(n_neurons,)")
    outer = as_float_array(name, layers[1][:, 0], ndim=1, shape="(n_neurons,)")
    dtype = "float32" if str(layers[0].dtype) == "float32" else "float64"
    source = f"{kind}: coefs_ and intercepts_"
    return folded(name, weights, biases, outer, float(offsets[1][0]), dtype=dtype, source=source)
