"""From a model, in whatever form it arrives, to a plain network."""

from __future__ import annotations

from typing import Any

from relubias._validate import fail, shown
from relubias.diagnosis._plain import is_plain, read_plain
from relubias.diagnosis.network import Network

__all__ = ["read_network"]


def read_network(
    model: Any, *, hidden: str | None = None, output: str | None = None, name: str = "model"
) -> Network:
    """Read a network with one hidden relu layer.

    Parameters
    ----------
    model : torch.nn.Module, mapping, tuple or ndarray of shape (n_neurons, n_features)
        The model; plain arrays are ``(W, b, a, c)`` or a dictionary with these keys.
    hidden, output : str, optional
        Names of the layers, where they cannot be guessed.
    name : str, default="model"
        Name of the argument, for error messages.

    Returns
    -------
    Network
        Its layers in float64, outer weights folded.

    Raises
    ------
    InvalidInputError
        If the model cannot be read.
    """
    if isinstance(model, Network):
        return model
    if is_plain(model):
        return read_plain(name, model)
    raise fail(name, f"is {shown(model)}", "pass a model with one hidden relu layer")
