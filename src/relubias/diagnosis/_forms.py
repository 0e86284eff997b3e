"""The forms in which a model can arrive, and who reads which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from relubias._validate import fail, shown
from relubias.diagnosis._module import is_module, read_module
from relubias.diagnosis._plain import is_plain, read_plain
from relubias.diagnosis._sklearn import is_perceptron, read_perceptron
from relubias.diagnosis._state_dict import is_state_dict, read_state_dict
from relubias.diagnosis.network import Network

__all__ = ["read"]

_FORMS = (
    "pass a torch.nn.Module with one hidden relu layer, a state dict, a fitted MLPRegressor, or "
    "plain arrays (W, b, a, c)"
)
_WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "network", "weights")


def read(name: str, model: Any, hidden: Any, output: Any) -> Network:
    """Return the network of a model in any form; `name` is the argument that it arrived in."""
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
