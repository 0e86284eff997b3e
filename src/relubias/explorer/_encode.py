"""Arrays and numbers as JSON has them."""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["decoded", "encoded", "number", "numbers"]

_KINDS = {"float64": "<f8", "int32": "<i4", "int8": "|i1"}


def encoded(array: NDArray[Any]) -> dict[str, Any]:
    """Return an array as its shape, its dtype and base64 of its little-endian numbers."""
    name = str(array.dtype)
    raw = np.ascontiguousarray(array, np.dtype(_KINDS[name])).tobytes()
    return {"shape": list(array.shape), "dtype": name, "b64": base64.b64encode(raw).decode()}


def decoded(value: dict[str, Any]) -> NDArray[Any]:
    """Return the array that `encoded` wrote."""
    raw = base64.b64decode(value["b64"], validate=True)
    return np.frombuffer(raw, _KINDS[value["dtype"]]).reshape(value["shape"])


def number(value: float) -> float | None:
    """Return a finite number, None for any other."""
    value = float(value)
    return value if math.isfinite(value) else None


def numbers(values: Any) -> list[float | None]:
    """Return a list of finite numbers, None for the others."""
    return [number(value) for value in np.asarray(values).ravel()]
