"""PyTorch modules, read by following a traced forward pass."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from relubias._validate import Float
from relubias.diagnosis._operations import (
    Call,
    apply_operation,
    is_value,
    only_reshapes,
    unreadable,
)
from relubias.diagnosis._tensors import as_plain, is_tensor, torch_if_loaded
from relubias.diagnosis._tracing import traced
from relubias.diagnosis._values import (
    Affine,
    Combination,
    Refused,
    Samples,
    Unknown,
    dense,
    linear,
    rectified,
)

__all__ = ["Layers", "layers_of"]

_SILENT = {"Identity": "", "Flatten": "", "Dropout": "drops", "AlphaDropout": "drops"}
_SILENT |= {f"Dropout{k}d": "drops" for k in (1, 2, 3)} | {"FeatureAlphaDropout": "drops"}
_NORMS = "only linear layers and relu can be diagnosed: fold it into the linear layer before it"
_ADVICE = {
    "BatchNorm": _NORMS,
    "LayerNorm": _NORMS,
    "GroupNorm": _NORMS,
    "InstanceNorm": _NORMS,
    "RMSNorm": _NORMS,
    "LocalResponseNorm": _NORMS,
    "Conv": "only linear layers can be diagnosed: write the convolution as a matrix, if it is one",
    "Sigmoid": "the output must be linear: leave this layer out, and pass labels on its scale",
    "Softmax": "the output must be linear: leave this layer out, and pass labels on its scale",
    "LogSoftmax": "the output must be linear: leave this layer out, and pass labels on its scale",
}


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """The layers of a module, before folding.

    Attributes
    ----------
    weights : ndarray of shape (n_neurons, n_features)
        First layer.
    biases : ndarray of shape (n_neurons,) or None
        Its biases.
    outer : ndarray of shape (n_neurons,)
        Outer weights.
    output_bias : float
        Bias of the output.
    where : str
        Names of the layers.
    notes : list of str
        What was left out.
    """

    weights: Float
    biases: Float | None
    outer: Float
    output_bias: float
    where: str
    notes: list[str] = field(default_factory=list[str])


def layers_of(name: str, module: Any) -> Layers:
    """Read a module in evaluation mode, on the CPU, that nobody else uses.

    `name` is the argument that it arrived in.

    Raises
    ------
    Refused
        If it is no network with one hidden relu layer and one output.
    NotTraced
        If its forward pass takes turns that depend on the data.
    """
    return _Walk(name, module).run()


class _Walk:
    """One pass over the graph of a forward pass."""

    def __init__(self, name: str, module: Any) -> None:
        self.name, self.module = name, module
        self.graph = traced(module)
        self.values: dict[Any, Any] = {}
        self.banks: list[Affine] = []
        self.notes: list[str] = []
        self.sources: dict[Any, set[int]] = defaultdict(set)  # parameters behind each constant
        self.names: dict[Any, list[str]] = defaultdict(list)  # and their names
        self.uses: dict[int, str] = {}

    def run(self) -> Layers:
        n_inputs = 0
        for node in self.graph.nodes:
            if node.op == "placeholder":
                self.values[node] = Unknown() if n_inputs else Samples()
                n_inputs += 1
            elif node.op == "get_attr":
                self.values[node] = self._attribute(node)
            elif node.op == "call_module":
                self.values[node] = self._layer(node)
            elif node.op == "output":
                return self._answer(node.args[0])
            else:
                self.values[node] = self._operation(node)
        raise Refused("its forward returns nothing", "return the output")

    def _attribute(self, node: Any) -> Any:
        torch: Any = torch_if_loaded()
        value: Any = self.module
        for part in node.target.split("."):
            value = getattr(value, part)
        if isinstance(value, torch.Tensor):
            self.names[node].append(node.target)
        if isinstance(value, torch.nn.Parameter):
            self.sources[node].add(_storage(value))
        return value

    def _layer(self, node: Any) -> Any:
        torch: Any = torch_if_loaded()
        layer = self.module.get_submodule(node.target)
        kind = type(layer).__name__.removeprefix("Parametrized")
        where = f"layer {node.target!r} ({kind})"
        inputs = [self.values[n] for n in node.all_input_nodes]
        if len(inputs) != 1 or not is_value(inputs[0]) or node.kwargs or len(node.args) != 1:
            raise unreadable(where)
        value = inputs[0]
        if isinstance(layer, torch.nn.Linear):
            return self._linear(value, layer, where)
        if type(layer) is torch.nn.ReLU:
            return rectified(value, self.banks, where)
        if kind in _SILENT:
            if _SILENT[kind]:
                self.notes.append(f"{where} does nothing in evaluation and was left out")
            return value
        advice = next((text for key, text in _ADVICE.items() if kind.startswith(key)), None)
        if advice is None:
            is_activation = type(layer).__module__ == "torch.nn.modules.activation"
            advice = (
                "only relu networks can be diagnosed"
                if is_activation
                else "only linear layers and relu can be diagnosed"
            )
        raise Refused(f"{where} is neither linear nor relu", advice)

    def _linear(self, value: Any, layer: Any, where: str) -> Any:
        for parameter in layer.parameters():
            self._use(_storage(parameter), where)
        if "weight" in vars(layer):  # computed by a hook, whenever the layer is called
            torch: Any = torch_if_loaded()
            layer(torch.zeros(1, layer.in_features, dtype=torch.float64))
        weight = self._constant(layer.weight, where)
        bias = None if layer.bias is None else self._constant(layer.bias, where)
        return linear(value, weight, bias, where)

    def _use(self, parameter: int, where: str) -> None:
        if self.uses.get(parameter) == where:
            raise Refused(f"{where} is used twice", "each layer must act once on the samples")
        if parameter in self.uses:
            got = f"{self.uses[parameter]} and {where} share weights"
            raise Refused(got, "networks whose weights are tied cannot be diagnosed")
        self.uses[parameter] = where

    def _use_all(self, node: Any, where: str) -> None:
        for constant in node.all_input_nodes:
            for parameter in self.sources[constant]:
                self._use(parameter, where)

    def _operation(self, node: Any) -> Any:
        from torch.fx import node as fx_node

        is_method = node.op == "call_method"
        name: str = node.target if is_method else getattr(node.target, "__name__", "operation")
        where = self._place(node, name)
        inputs = [self.values[n] for n in node.all_input_nodes]
        args = fx_node.map_arg(node.args, self.values.__getitem__)
        kwargs = fx_node.map_arg(node.kwargs, self.values.__getitem__)
        if not any(is_value(value) for value in inputs):
            return self._folded(node, args, kwargs, where)
        short = name.rstrip("_") if not name.startswith("__") else name
        if all(isinstance(value, Unknown) for value in inputs if is_value(value)):
            is_cast = only_reshapes(short) and is_tensor(args[0])  # to the type of the samples
            return self._inherit(node, args[0]) if is_cast else Unknown()
        if not is_method and not _is_known(node.target):
            raise unreadable(where)
        if not only_reshapes(short):
            self._use_all(node, where)
        plain_args = fx_node.map_aggregate(args, lambda a: self._constant(a, where))
        plain_kwargs = fx_node.map_aggregate(kwargs, lambda a: self._constant(a, where))
        call = Call(short, plain_args, plain_kwargs, where, self.banks, self.notes)
        return apply_operation(call)

    def _folded(self, node: Any, args: Any, kwargs: Any, where: str) -> Any:
        """Compute what does not depend on the samples."""
        try:
            if node.op == "call_method":
                found = getattr(args[0], node.target)(*args[1:], **kwargs)
            else:
                found = node.target(*args, **kwargs)
        except Exception as error:  # the user's code may raise anything
            raise Refused(f"{where} failed ({type(error).__name__})", "mend the forward") from error
        return self._inherit(node, found) if is_tensor(found) else found

    def _inherit(self, node: Any, tensor: Any) -> Any:
        """Remember which parameters a constant comes from."""
        for constant in node.all_input_nodes:
            self.sources[node] |= self.sources[constant]
            self.names[node] += self.names[constant]
        return tensor

    def _constant(self, value: Any, where: str) -> Any:
        return as_plain(self.name, value, f"in {where} a tensor")

    def _place(self, node: Any, name: str) -> str:
        if name == "getattr":
            name = f"attribute {node.args[1]!r}"
        tensors = [key for constant in node.all_input_nodes for key in self.names[constant]]
        if tensors:
            name = f"{name} with {', '.join(map(repr, tensors))}"
        stack: dict[str, Any] = node.meta.get("nn_module_stack") or {}
        inside: list[str] = [place[0] for place in stack.values() if place[0]]
        if inside:
            kind = type(self.module.get_submodule(inside[-1])).__name__
            return f"{name} in layer {inside[-1]!r} ({kind})"
        return f"{name} in the forward of {type(self.module).__name__}"

    def _answer(self, returned: Any) -> Layers:
        if isinstance(returned, (tuple, list, dict)):
            kind = "dict" if isinstance(returned, dict) else "tuple or list"
            got = f"its forward returns a {kind}"
            raise Refused(got, "wrap it in a module that returns the output alone")
        value = self.values.get(returned)
        if not isinstance(value, Combination):
            got = "no relu acts on its output" if is_value(value) else "its output is a constant"
            raise Refused(got, "pass a network with one hidden relu layer")
        n_outputs = value.offset.size
        if n_outputs != 1:
            got = f"{value.where} has {n_outputs} outputs"
            raise Refused(got, "diagnose one output at a time: keep one row of the last layer")
        banks = [self.banks[bank] for bank in sorted(value.terms)]
        n_features = {bank.matrix.shape[1] for bank in banks}
        if len(n_features) != 1:
            raise Refused("its layers take different numbers of features", "check the shapes")
        has_bias = any(bank.offset is not None for bank in banks)
        first = " and ".join(dict.fromkeys(bank.where for bank in banks))
        return Layers(
            weights=np.concatenate([bank.matrix for bank in banks]),
            biases=np.concatenate([_or_zeros(bank) for bank in banks]) if has_bias else None,
            outer=np.concatenate([dense(value.terms[bank])[0] for bank in sorted(value.terms)]),
            output_bias=float(value.offset[0]),
            where=f"{first}, then {value.where}",
            notes=self.notes,
        )


def _or_zeros(bank: Affine) -> Float:
    return np.zeros(len(bank.matrix)) if bank.offset is None else bank.offset


def _storage(parameter: Any) -> int:
    pointer = parameter.untyped_storage().data_ptr()
    return pointer or id(parameter)


def _is_known(target: Any) -> bool:
    """Whether a function is one of PyTorch's or Python's own, not the user's under that name."""
    owner = str(getattr(target, "__module__", "") or "torch")
    return owner.split(".")[0] in ("torch", "_operator", "builtins", "math")
