"""Tensors as plain arrays, without importing the library that they come from."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relubias._validate import fail

__all__ = ["as_plain", "dtype_name", "is_tensor", "torch_if_loaded"]


def torch_if_loaded() -> Any:
    """Return the torch module if something has imported it; whoever holds a tensor has."""
    return sys.modules.get("torch")


def is_tensor(value: Any) -> bool:
    """Whether this is a PyTorch tensor."""
    torch = torch_if_loaded()
    return torch is not None and isinstance(value, torch.Tensor)


def as_plain(name: str, value: Any, what: str) -> Any:
    """Return a tensor as a float64 array on the CPU, its own memory; anything else as it is."""
    if not is_tensor(value):
        return value
    torch = torch_if_loaded()
    if torch.nn.parameter.is_lazy(value):
        raise fail(name, f"has {what} without values yet", "call the model on a sample first")
    if value.device.type == "meta":
        raise fail(name, f"has {what} on the meta device, without values", "load its weights")
    if value.is_complex():
        raise fail(name, f"has {what} of complex numbers ({value.dtype})", "pass a real network")
    if value.is_quantized or value.layout != torch.strided:
        kind = "quantized" if value.is_quantized else "sparse"
        raise fail(name, f"has {what} that is {kind}", "pass dense floating-point weights")
    array: NDArray[Any] = value.detach().to("cpu", torch.float64).numpy()
    return np.array(array)


def dtype_name(value: Any) -> str:
    """Return the floating-point type of an array or a tensor, ``"float64"`` for integers."""
    text = str(getattr(value, "dtype", "float64")).removeprefix("torch.")
    return text if text in ("bfloat16", "float16", "float32") else "float64"
