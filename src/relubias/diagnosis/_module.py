"""A PyTorch module, copied before anything is done to it: the user's own is never touched."""

from __future__ import annotations

import copy
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

import numpy as np

from relubias._validate import Float, fail, shown
from relubias.diagnosis._state_dict import read_state_dict
from relubias.diagnosis._tensors import dtype_name, torch_if_loaded
from relubias.diagnosis._torch_graph import Layers, layers_of
from relubias.diagnosis._tracing import NotTraced
from relubias.diagnosis._values import Refused
from relubias.diagnosis.network import Network, folded

__all__ = ["is_module", "outputs_of", "private_copy", "read_module"]

_N_PROBES = 64
_CHUNK = 4096


def is_module(model: Any) -> bool:
    """Whether this is a PyTorch module."""
    torch = torch_if_loaded()
    return torch is not None and isinstance(model, torch.nn.Module)


def private_copy(name: str, model: Any) -> Any:
    """Return a deep copy in evaluation mode on the CPU, without gradients.

    Raises
    ------
    InvalidInputError
        If it is compiled, has no weights yet, or refuses to be copied.
    """
    torch: Any = torch_if_loaded()
    if isinstance(model, torch.jit.ScriptModule):
        got = f"is a TorchScript module ({type(model).__name__})"
        raise fail(name, got, "pass the module that it was made from, or its state dict")
    model = getattr(model, "_orig_mod", model)  # what torch.compile wraps
    if isinstance(model, (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)):
        model = model.module
    for key, value in (*model.named_parameters(), *model.named_buffers()):
        if torch.nn.parameter.is_lazy(value):
            layer = key.rpartition(".")[0]
            raise fail(name, f"layer {layer!r} has no weights yet", "call the model on a sample")
        if value.device.type == "meta":
            raise fail(name, f"has {key!r} on the meta device, without values", "load its weights")
    try:
        own = copy.deepcopy(model, _computed(model)).to("cpu")
        own.eval()
        return own.requires_grad_(False)
    except Exception as error:
        got = f"cannot be copied ({type(error).__name__}: {_short(error)})"
        raise fail(name, got, "pass its state dict, with the names of two layers") from error


def _computed(model: Any) -> dict[int, Any]:
    """Return copies of tensors that hooks compute from weights: they refuse to be copied."""
    torch: Any = torch_if_loaded()
    copies: dict[int, Any] = {}
    for layer in model.modules():
        for value in cast("dict[str, Any]", vars(layer)).values():
            if isinstance(value, torch.Tensor) and not value.is_leaf:
                copies[id(value)] = value.detach().clone()
    return copies


def read_module(name: str, model: Any, hidden: str | None, output: str | None) -> Network:
    """Return the network of a module: by its forward pass, or by two layers if they are named."""
    own = private_copy(name, model)
    kind = type(own).__name__
    dtype = _dtype_of(own)
    exact = own.double()
    if hidden is not None or output is not None:
        return _by_names(name, exact, hidden, output, kind, dtype, "as was asked")
    try:
        layers = layers_of(name, exact)
    except Refused as error:
        raise fail(name, error.got, error.remedy) from None
    except NotTraced as error:
        return _untraced(name, exact, kind, dtype, str(error))
    return _network(name, layers, kind, dtype)


def _network(name: str, layers: Layers, kind: str, dtype: str) -> Network:
    return folded(
        name,
        layers.weights,
        layers.biases,
        layers.outer,
        layers.output_bias,
        dtype=dtype,
        source=f"{kind}: {layers.where}",
        notes=tuple(dict.fromkeys(layers.notes)),
    )


def _untraced(name: str, exact: Any, kind: str, dtype: str, reason: str) -> Network:
    """Read a module whose forward takes turns by its two linear layers, if they agree with it."""
    torch: Any = torch_if_loaded()
    linear = [key for key, layer in exact.named_modules() if isinstance(layer, torch.nn.Linear)]
    got = f"the forward of {kind} cannot be followed ({reason})"
    if len(linear) != 2:
        raise fail(name, got, "name its two layers with hidden= and output=")
    try:
        return _by_names(
            name, exact, linear[0], linear[1], kind, dtype, "since its forward cannot be followed"
        )
    except ValueError as error:
        raise fail(name, got, f"its two linear layers alone are not it: {error}") from error


def _by_names(
    name: str, exact: Any, hidden: str | None, output: str | None, kind: str, dtype: str, why: str
) -> Network:
    network = read_state_dict(name, _named_tensors(exact, hidden, output), hidden, output, kind)
    rng = np.random.default_rng(0)
    probes = rng.standard_normal((_N_PROBES, network.n_features))
    expected = outputs_of(name, exact, probes, "float64")
    found = network.predict(probes)
    size = float(np.abs(expected).max())
    difference = float(np.abs(found - expected).max())
    if not difference <= 1e-6 * size:
        got = (
            f"its layers {network.source.partition(': ')[2]} give other outputs than its forward: "
            f"{difference:.3g} apart on random inputs, of size {size:.3g}"
        )
        raise fail(name, got, "something else acts on the output; name the right layers")
    note = (
        f"two layers were taken by name, {why}; with relu between them they agree with the "
        f"module's own output on {_N_PROBES} random inputs"
    )
    return _with_notes(network, (note, *network.notes[1:]), dtype)


def _with_notes(network: Network, notes: tuple[str, ...], dtype: str) -> Network:
    from dataclasses import replace

    return replace(network, notes=notes, dtype=dtype)


def _named_tensors(exact: Any, *names: str | None) -> dict[str, Any]:
    """Return the tensors of these layers, or all of the module where a name is missing."""
    if None in names:
        return dict(exact.state_dict())
    layers = dict(exact.named_modules())
    tensors: dict[str, Any] = {}
    loose = {**dict(exact.named_parameters()), **dict(exact.named_buffers())}
    for wanted in names:
        layer = layers.get(str(wanted)) if wanted else None
        if layer is not None and hasattr(layer, "weight"):
            tensors[f"{wanted}.weight"] = layer.weight
            if getattr(layer, "bias", None) is not None:
                tensors[f"{wanted}.bias"] = layer.bias
        elif wanted in loose:
            tensors[str(wanted)] = loose[wanted]
        else:
            raise fail("hidden or output", f"is {shown(wanted)}", f"choose from {_listed(layers)}")
    return tensors


def _listed(layers: dict[str, Any]) -> str:
    names = [repr(key) for key, layer in layers.items() if hasattr(layer, "weight")]
    return ", ".join(names[:8]) or "the names of its parameters"


def outputs_of(name: str, own: Any, X: Float, dtype: str) -> Float:
    """Evaluate a private copy at the samples, rounded to its type, and return float64 numbers."""
    torch: Any = torch_if_loaded()
    parts: list[Float] = []
    with _quietly(torch):
        for begin in range(0, X.shape[0], _CHUNK):
            chunk = X[begin : begin + _CHUNK]
            batch = torch.from_numpy(np.array(chunk)).to(getattr(torch, dtype))
            try:
                returned = own(batch)
            except Exception as error:
                why = f"{type(error).__name__}: {_short(error)}"
                got = f"failed on samples of shape {chunk.shape} ({why})"
                remedy = "it must take a matrix (n_samples, n_features) on the CPU"
                raise fail(name, got, remedy) from error
            if not isinstance(returned, torch.Tensor):
                got = f"returns a {type(returned).__name__}"
                raise fail(name, got, "wrap it in a module that returns the output alone")
            if returned.numel() != chunk.shape[0]:
                got = f"returns shape {tuple(returned.shape)} for {chunk.shape[0]} samples"
                raise fail(name, got, "a network with one output is needed")
            parts.append(returned.detach().to("cpu", torch.float64).reshape(-1).numpy().copy())
    return np.concatenate(parts)


@contextmanager
def _quietly(torch: Any) -> Generator[None]:
    """Leave no trace: no gradients, no mixed precision, and the random state as it was."""
    with (
        torch.random.fork_rng(devices=[]),
        torch.no_grad(),
        torch.autocast("cpu", enabled=False),
    ):
        yield


def _dtype_of(own: Any) -> str:
    for _, parameter in own.named_parameters():
        if parameter.ndim == 2 and parameter.is_floating_point():
            return dtype_name(parameter)
    torch: Any = torch_if_loaded()
    return dtype_name(torch.empty(0))


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
