"""The operations of a forward pass that keep a network readable; every other one is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from relubias.diagnosis._values import (
    Affine,
    Combination,
    Refused,
    Samples,
    Unknown,
    Value,
    added,
    dense,
    linear,
    rectified,
    scaled,
    shifted,
)

__all__ = ["Call", "apply_operation", "is_value", "only_reshapes", "unreadable"]

REMEDY = "use linear layers and torch.relu, or name the two layers with hidden= and output="

_VALUES = (Samples, Unknown, Affine, Combination)


def is_value(argument: Any) -> bool:
    """Whether an argument depends on the samples; constants do not."""
    return isinstance(argument, _VALUES)


class Call:
    """One operation with its arguments: values, and constants as arrays or Python objects."""

    def __init__(
        self,
        name: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        where: str,
        banks: list[Affine],
        notes: list[str],
    ) -> None:
        self.name, self.args, self.kwargs = name, list(args), dict(kwargs)
        self.where, self.banks, self.notes = where, banks, notes

    def get(self, position: int, *names: str, default: Any = None) -> Any:
        """Return an argument by its position or by one of its names."""
        if position < len(self.args):
            return self.args[position]
        for name in names:
            if name in self.kwargs:
                return self.kwargs[name]
        return default


def unreadable(where: str) -> Refused:
    """Return the refusal of an operation that is not known."""
    return Refused(f"{where} is nothing that can be read as a relu network", REMEDY)


def apply_operation(call: Call) -> Any:
    """Return what the operation makes of its arguments."""
    operation = _OPERATIONS.get(call.name)
    if operation is None:
        raise unreadable(call.where)
    return operation(call)


def only_reshapes(name: str) -> bool:
    """Whether an operation changes the shape or the type of its first argument and no number."""
    return _OPERATIONS.get(name) is _same


def _same(call: Call) -> Value:
    return call.args[0]


def _relu(call: Call) -> Value:
    return rectified(call.args[0], call.banks, call.where)


def _clamp(call: Call) -> Value:
    low, high = call.get(1, "min"), call.get(2, "max")
    if not _is_zero(low) or high is not None:
        got = f"{call.where} bounds values by {low} and {high}"
        raise Refused(got, "only a lower bound of 0, which is relu, can be read")
    return _relu(call)


def _maximum(call: Call) -> Value:
    first, second = call.args[0], call.get(1, "other")
    if is_value(second):
        first, second = second, first
    if is_value(second) or not _is_zero(second):
        raise Refused(f"{call.where} is no maximum with 0", "only relu can be read")
    return rectified(first, call.banks, call.where)


def _is_zero(value: Any) -> bool:
    return value is not None and not is_value(value) and not np.any(np.asarray(value, dtype=float))


def _dropout(call: Call) -> Value:
    if call.get(2, "training", default=True):
        got = f"{call.where} drops units at random, even in evaluation"
        raise Refused(got, "pass training=self.training to it")
    call.notes.append(f"{call.where} does nothing in evaluation and was left out")
    return call.args[0]


def _linear(call: Call) -> Value:
    value, weight, bias = call.args[0], call.get(1, "weight"), call.get(2, "bias")
    if not is_value(value) or is_value(weight) or is_value(bias):
        raise unreadable(call.where)
    return linear(
        value, np.atleast_2d(weight), None if bias is None else np.atleast_1d(bias), call.where
    )


def _matmul(call: Call) -> Value:
    value, matrix = call.args[0], call.get(1, "other", "mat2", "vec")
    if not is_value(value) or is_value(matrix) or np.ndim(matrix) not in (1, 2):
        raise unreadable(call.where)
    return linear(value, np.atleast_2d(np.transpose(matrix)), None, call.where)


def _addmm(call: Call) -> Value:
    bias, value, matrix = call.args[0], call.get(1, "mat1"), call.get(2, "mat2")
    if (
        is_value(bias)
        or not is_value(value)
        or is_value(matrix)
        or call.kwargs.keys() & {"alpha", "beta"}
    ):
        raise unreadable(call.where)
    return shifted(linear(value, np.transpose(matrix), None, call.where), bias, call.where)


def _add(call: Call) -> Value:
    return _sum_of_two(call, call.args[0], call.get(1, "other"), 1.0)


def _sub(call: Call) -> Value:
    return _sum_of_two(call, call.args[0], call.get(1, "other"), -1.0)


def _rsub(call: Call) -> Value:
    return _sum_of_two(call, call.get(1, "other"), call.args[0], -1.0)


def _sum_of_two(call: Call, first: Any, second: Any, sign: float) -> Value:
    if "alpha" in call.kwargs:
        raise unreadable(call.where)
    if is_value(first) and is_value(second):
        return added(first, second, sign, call.where)
    if is_value(first):
        return shifted(first, sign * np.asarray(second, dtype=float), call.where)
    return shifted(scaled(second, sign, call.where), first, call.where)


def _mul(call: Call) -> Value:
    first, second = call.args[0], call.get(1, "other")
    if is_value(first) and is_value(second):
        raise Refused(f"{call.where} multiplies two values that depend on the sample", REMEDY)
    value, factor = (first, second) if is_value(first) else (second, first)
    return scaled(value, factor, call.where)


def _div(call: Call) -> Value:
    value, divisor = call.args[0], call.get(1, "other")
    if is_value(divisor) or call.get(2, "rounding_mode") is not None:
        raise unreadable(call.where)
    with np.errstate(divide="ignore"):
        factor = 1.0 / np.asarray(divisor, dtype=float)
    if not np.isfinite(factor).all():
        raise Refused(f"{call.where} divides by zero", "check the model's forward")
    return scaled(value, factor, call.where)


def _neg(call: Call) -> Value:
    return scaled(call.args[0], -1.0, call.where)


def _sum(call: Call) -> Value:
    value, axis = call.args[0], call.get(1, "dim", "axis")
    axes = list(axis) if isinstance(axis, (tuple, list)) else [axis]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if not isinstance(value, Combination) or axes not in ([1], [-1]):
        got = f"{call.where} sums over something else than the rectified units of one sample"
        raise Refused(got, "sum over dim=-1, after the relu")
    terms = {
        bank: weights[None] if weights.ndim == 1 else weights.sum(axis=0, keepdims=True)
        for bank, weights in value.terms.items()
    }
    return Combination(terms, value.offset.sum(keepdims=True), call.where, value.is_mixed)


def _mean(call: Call) -> Value:
    return scaled(_sum(call), 1.0 / call.args[0].offset.size, call.where)


def _item(call: Call) -> Value:
    value, key = call.args[0], call.args[1]
    parts: list[Any] = list(key) if isinstance(key, tuple) else [key]  # pyright: ignore[reportUnknownArgumentType]
    kept = [part for part in parts if not _is_everything(part)]
    if not kept:
        return value
    is_column = len(parts) == 2 and _is_everything(parts[0])
    if not is_column or not isinstance(value, Combination) or not isinstance(kept[0], (int, slice)):
        got = f"{call.where} picks parts of the samples or of a layer"
        raise Refused(got, "only one column of the output can be picked, as in out[:, 0]")
    try:
        chosen = np.atleast_1d(np.arange(value.offset.size)[kept[0]])
    except (IndexError, TypeError) as error:
        raise Refused(
            f"{call.where} picks a column that is not there", "check its index"
        ) from error
    terms = {bank: dense(weights)[chosen] for bank, weights in value.terms.items()}
    return Combination(terms, value.offset[chosen], value.where, value.is_mixed)


def _is_everything(part: Any) -> bool:
    return part is None or part is Ellipsis or part == slice(None)


def _cat(call: Call) -> Value:
    values, axis = call.args[0], call.get(1, "dim", "axis", default=0)
    if axis not in (1, -1) or not all(isinstance(value, Combination) for value in values):
        got = f"{call.where} joins something else than rectified units"
        raise Refused(got, "join units over dim=-1, after the relu")
    banks = sorted({bank for value in values for bank in value.terms})
    widths = {bank: value.terms[bank].shape[-1] for value in values for bank in value.terms}

    def rows(value: Combination, bank: int) -> Any:
        if bank in value.terms:
            return dense(value.terms[bank])
        return np.zeros((value.offset.size, widths[bank]))

    terms = {bank: np.concatenate([rows(value, bank) for value in values]) for bank in banks}
    offset = np.concatenate([value.offset for value in values])
    is_mixed = any(value.is_mixed for value in values)
    return Combination(terms, offset, call.where, is_mixed)


def _shape(call: Call) -> Value:
    if call.name != "getattr" or call.args[1] in ("shape", "device", "dtype", "ndim", "is_cuda"):
        return Unknown()
    if call.args[1] == "data":
        return call.args[0]
    raise unreadable(call.where)


# fmt: off
_OPERATIONS: dict[str, Callable[[Call], Any]] = {
    **dict.fromkeys(
        (
            "clone", "contiguous", "cpu", "detach", "double", "flatten", "float", "half",
            "bfloat16", "alias", "ravel", "requires_grad", "reshape", "squeeze", "to", "type",
            "type_as", "unsqueeze", "view", "view_as", "reshape_as",
        ),
        _same,
    ),
    **dict.fromkeys(("relu", "relu_"), _relu),
    **dict.fromkeys(("clamp", "clip", "clamp_min"), _clamp),
    **dict.fromkeys(("maximum", "max", "fmax"), _maximum),
    **dict.fromkeys(("dropout", "alpha_dropout", "feature_dropout"), _dropout),
    **dict.fromkeys(("matmul", "mm", "mv"), _matmul),
    **dict.fromkeys(("add", "iadd"), _add),
    **dict.fromkeys(("sub", "subtract", "isub"), _sub),
    **dict.fromkeys(("mul", "multiply", "imul"), _mul),
    **dict.fromkeys(("div", "divide", "true_divide", "truediv", "itruediv"), _div),
    **dict.fromkeys(("neg", "negative"), _neg),
    **dict.fromkeys(("cat", "concat", "concatenate"), _cat),
    **dict.fromkeys(("size", "dim", "getattr", "ndimension", "numel"), _shape),
    "addmm": _addmm,
    "getitem": _item,
    "linear": _linear,
    "mean": _mean,
    "rsub": _rsub,
    "sum": _sum,
}
# fmt: on
"""By the name of the function or method; reshapes keep their meaning, or agreement fails."""
