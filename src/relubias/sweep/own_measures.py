"""A user's own function as a measure of a sweep."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from relubias._files import short
from relubias._validate import fail, is_scalar, shown
from relubias.sweep._batch import Batch
from relubias.sweep.measures import Measure

__all__ = ["columns", "own_measure"]

Function = TypeVar("Function", bound=Callable[..., Any])

_KINDS = {"float64": "fiub", "int64": "iub", "bool": "b"}
_WORDS = {
    "float64": "a number",
    "int64": "a whole number",
    "bool": "True or False",
    "string": "text",
}
_TYPES = {float: "float64", int: "int64", bool: "bool", str: "string"}


def columns(**kinds: type) -> Callable[[Function], Function]:
    """Declare the columns that a user's own measure returns as a dict.

    Parameters
    ----------
    **kinds : type
        Name of a column and `float`, `int`, `bool` or `str`.

    Returns
    -------
    callable
        A decorator.

    Raises
    ------
    InvalidInputError
        If a type is none of the four.

    Examples
    --------
    >>> @columns(largest=float, n_active=int)
    ... def about_limit(case):
    ...     primal = case.run.limit.primal
    ...     return {"largest": primal.max(), "n_active": (primal > 0).sum()}
    """
    for name, kind in kinds.items():
        if not isinstance(kind, type) or kind not in _TYPES:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise fail(name, f"is {shown(kind)}", "pass float, int, bool or str")

    def declared(function: Function) -> Function:
        function.__dict__["relubias_columns"] = {name: _TYPES[k] for name, k in kinds.items()}
        return function

    return declared


def own_measure(entry: str | Callable[..., Any]) -> Measure:
    """Return a user's own function as a measure."""
    function = _imported(entry) if isinstance(entry, str) else entry
    declared = getattr(function, "relubias_columns", None)
    name = str(getattr(function, "__name__", "measure"))
    if declared is None:
        returned = getattr(function, "__annotations__", {}).get("return", float)
        by_name = {kind.__name__: text for kind, text in _TYPES.items()}
        known = _TYPES.get(returned) if isinstance(returned, type) else None
        kinds = {name: known or by_name.get(str(returned), "float64")}
    else:
        kinds = cast("dict[str, str]", declared)

    def compute(batch: Batch) -> Mapping[str, NDArray[Any]]:
        rows = [_row(name, function(case), kinds, declared is None) for case in batch.with_starts]
        return {key: np.array([row[key] for row in rows]) for key in kinds}

    return Measure(about=(function.__doc__ or name).splitlines()[0], kinds=kinds, compute=compute)


def _row(name: str, answer: Any, kinds: Mapping[str, str], is_plain: bool) -> Mapping[str, Any]:
    row = {name: answer} if is_plain else answer
    if not isinstance(row, Mapping) or set(cast("Mapping[str, Any]", row)) != set(kinds):
        got = f"{name} returned {shown(answer)}"
        raise fail("measure", got, f"return a dict of {', '.join(kinds)}, as declared")
    if is_plain and isinstance(answer, Mapping):
        raise fail("measure", f"{name} returned a dict", "declare its keys with sweep.columns")
    return {key: _value(name, row[key], kind) for key, kind in kinds.items()}


def _value(name: str, value: Any, kind: str) -> Any:
    """Return one entry of a row, of the very type of its column."""
    if kind == "string":
        if isinstance(value, str):
            return str(value)
    elif not isinstance(value, (str, bytes)) and is_scalar(value):
        entry = np.asarray(value)
        if entry.dtype.kind in _KINDS[kind]:
            if kind == "float64":
                return float(entry)
            if kind == "bool":
                return bool(entry)
            if abs(int(entry)) < 2**63:
                return int(entry)
    raise fail("measure", f"{name} returned {shown(value)}", f"return {_WORDS[kind]}")


def _imported(reference: str) -> Callable[..., Any]:
    module, _, name = reference.partition(":")
    try:
        function = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        got = f"{shown(reference)} cannot be imported ({short(error)})"
        raise fail("measure", got, "name a function of a module that can be found") from error
    if not callable(function):
        raise fail("measure", f"{shown(reference)} is {shown(function)}", "name a function")
    return function
