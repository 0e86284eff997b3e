"""From a model, in whatever form it arrives, to a plain network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from relubias._validate import fail, shown
from relubias.diagnosis._module import is_module, read_module
from relubias.diagnosis._plain import is_plain, read_plain
from relubias.diagnosis._sklearn import is_perceptron, read_perceptron
from relubias.diagnosis._state_dict import is_state_dict, read_state_dict
from relubias.diagnosis.agreement import Agreement, agreement
from relubias.diagnosis.files import load_model
from relubias.diagnosis.network import Network

__all__ = ["Agreement", "agreement", "load_model", "read_network"]

_FORMS = (
    "pass a torch.nn.Module with one hidden relu layer, a state dict, a fitted MLPRegressor, or "
    "plain arrays (W, b, a, c)"
)
_WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "network", "weights")


def read_network(
    model: Any, *, hidden: str | None = None, output: str | None = None, name: str = "model"
) -> Network:
    r"""Read a network with one hidden relu layer and one output.

    The model is copied to float64 on the CPU before anything is done: its mode, device, type,
    gradients and the random state stay as they are. Outer weights are folded into the neurons
    (see `Network`).

    Parameters
    ----------
    model : torch.nn.Module, mapping, tuple, estimator or Network
        A module, whose forward pass is followed; a state dict, in which relu between the two
        layers is assumed; a fitted ``MLPRegressor`` of scikit-learn; or plain arrays
        ``(W, b, a, c)`` of shapes (m, d), (m,), (m,) and a number for
        :math:`f(x) = c + \sum_k a_k\,\mathrm{relu}(w_k^\top x + b_k)`, as a tuple or as a
        dictionary with these keys. What is absent is None: no biases, all outer weights +1, no
        output bias.
    hidden, output : str, optional
        Names of the two layers. Needed for a state dict with other things in it, and for a
        module whose forward cannot be followed; the layers are then compared with the module on
        random inputs.
    name : str, default="model"
        Name of the argument, for error messages.

    Returns
    -------
    Network
        Its layers in float64, folded, with `Network.notes` saying what was done.

    Raises
    ------
    InvalidInputError
        If the model cannot be read; the message names the layer that is the reason.

    See Also
    --------
    agreement : Compare what was read with the model's own output.

    Examples
    --------
    >>> from relubias.diagnosis import read_network
    >>> network = read_network(([[1.0, 0.0], [3.0, 4.0]], [0.0, 1.0], [2.0, -1.0], 0.5))
    >>> network.weights
    array([[2., 0.],
           [3., 4.]])
    >>> network.signs
    array([ 1., -1.])
    >>> network.predict([[1.0, 0.0]])
    array([-1.5])
    """
    for argument, value in (("hidden", hidden), ("output", output)):
        if value is not None and not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise fail(argument, f"is {shown(value)}", "pass the name of a layer, as text")
    if isinstance(model, Network):
        return model
    if is_module(model):
        return read_module(name, model, hidden, output)
    if isinstance(model, Mapping):
        return _read_mapping(name, cast("Mapping[Any, Any]", model), hidden, output)
    if is_perceptron(model):
        return read_perceptron(name, model)
    if is_plain(model):
        return read_plain(name, model)
    raise fail(name, f"is {shown(model)}", _FORMS)


def _read_mapping(
    name: str, model: Mapping[Any, Any], hidden: str | None, output: str | None
) -> Network:
    if is_plain(model) and hidden is None and output is None:
        return read_plain(name, model)
    if is_state_dict(model):
        return read_state_dict(name, model, hidden, output, "state dict")
    inner = [key for key in _WRAPPERS if is_state_dict(model.get(key))]
    if len(inner) == 1:
        return read_state_dict(name, model[inner[0]], hidden, output, f"state dict {inner[0]!r}")
    keys = ", ".join(shown(key) for key in list(model)[:5]) or "nothing"
    raise fail(name, f"is a mapping that holds {keys}", _FORMS)
