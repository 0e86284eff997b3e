"""What a sweep can measure: the columns of its rows, by name."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from relubias._validate import fail, shown
from relubias.sweep._batch import Batch
from relubias.sweep._choices import as_list, suggestion

__all__ = ["MEASURES", "Measure", "as_measures", "columns", "measures_of", "require_supported"]

Array = NDArray[Any]
Function = TypeVar("Function", bound=Callable[..., Any])

_BOTH = frozenset({"descent", "flow"})
_TYPES = {float: "float64", int: "int64", bool: "bool", str: "string"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """Columns of a row, and how a batch of tasks computes them.

    Attributes
    ----------
    about : str
        What it is, in a line.
    kinds : mapping of str to str
        Columns and their types, ``"float64"``, ``"int64"``, ``"bool"`` or ``"string"``.
    compute : callable
        From a batch to its columns.
    in_full : bool
        Whether it needs whole trajectories, which take longer than their ends.
    algorithms : frozenset of str
        Algorithms for which it means something.
    """

    about: str
    kinds: Mapping[str, str]
    compute: Callable[[Batch], Mapping[str, Array]]
    in_full: bool = False
    algorithms: frozenset[str] = _BOTH


def _plain(
    name: str, kind: str, about: str, value: Callable[[Batch], Any], **options: Any
) -> tuple[str, Measure]:
    """Return a measure of one column with the name of the measure."""
    return name, Measure(
        about=about, kinds={name: kind}, compute=lambda batch: {name: value(batch)}, **options
    )


def _of_gap(read: Callable[[Any], float]) -> Callable[[Batch], Array]:
    return lambda batch: np.array([math.nan if g is None else read(g) for g in batch.gaps])


def _of_solution(read: Callable[[Any], Any]) -> Callable[[Batch], Array]:
    return lambda batch: np.array([read(solution) for solution in batch.minimum_norms])


def _of_run(read: Callable[[Any], Any]) -> Callable[[Batch], Array]:
    return lambda batch: np.array([read(run) for run in batch.runs])


def _norms(batch: Batch) -> Array:
    from relubias.minnorm.distance import dual_norm

    return np.array(
        [
            math.hypot(*(dual_norm(case.gram, row).value for row in dual))
            for case, dual in zip(batch.cases, batch.ends.dual, strict=True)
        ]
    )


def _patterns(batch: Batch) -> Array:
    active = (batch.ends.primal > 0).astype(np.uint8) + ord("0")
    marks = np.full(active.shape[:2], ord("/"), dtype=np.uint8)[..., None]
    text = np.concatenate((active, marks), axis=2).reshape(active.shape[0], -1)[:, :-1]
    return np.ascontiguousarray(text).view(f"S{text.shape[1]}")[:, 0].astype(np.str_)


def _in_one_step(batch: Batch) -> Array:
    agrees = batch.signs[None, :, None] * batch.labels[:, None, :] > 0
    same = ((batch.ends.primal > 0) == agrees).all(axis=(1, 2))
    return (batch.ends.last_switch <= 1) & same


def _certificate(run: Any) -> str:
    if run.certificate is None:
        return ""
    return getattr(run.certificate, "kind", "flow")


_DESCENT = frozenset({"descent"})

MEASURES: Mapping[str, Measure] = MappingProxyType(
    dict(
        [
            _plain("gap", "float64", "distance of the limit from the shortest network",
                   _of_gap(lambda gap: gap.distance)),
            _plain("gap_error", "float64", "bound on what rounding did to the gap",
                   _of_gap(lambda gap: gap.rounding_error)),
            _plain("relative_gap", "float64", "gap over the minimum norm",
                   _of_gap(lambda gap: gap.relative)),
            _plain("gap_law", "float64", "the gap that the law predicts in high dimension",
                   _of_gap(lambda gap: gap.prediction)),
            _plain("gap_ratio", "float64", "gap over the law",
                   _of_gap(lambda gap: gap.ratio)),
            _plain("status", "string", "how the run ended",
                   lambda batch: batch.ends.status),
            _plain("n_steps", "int64", "steps until the status was known",
                   lambda batch: batch.ends.n_steps, algorithms=_DESCENT),
            _plain("n_switches", "int64", "activation switches",
                   lambda batch: batch.ends.n_switches),
            _plain("last_switch", "float64", "step, or time of a flow, of the last switch; else 0",
                   lambda batch: batch.ends.last_switch.astype(np.float64)),
            _plain("loss", "float64", "risk at the limit",
                   lambda batch: batch.ends.loss),
            _plain("selected", "string", "samples active at the limit, as bits; a part per neuron",
                   _patterns),
            _plain("norm", "float64", "norm of the limit", _norms),
            _plain("one_step", "bool", "the pattern is that of the labels from step 1 on",
                   _in_one_step, algorithms=_DESCENT),
            _plain("tail", "string", "what the run was doing at its end",
                   _of_run(lambda run: str(run.tail)), in_full=True, algorithms=_DESCENT),
            _plain("certificate", "string", "kind of proof of the limit; empty without one",
                   _of_run(_certificate), in_full=True),
            _plain("minimum_norm", "float64", "norm of the shortest network",
                   _of_solution(lambda solution: solution.norm)),
            _plain("minimum_norm_bound", "float64", "no network that fits is shorter",
                   _of_solution(lambda solution: solution.lower_bound)),
            _plain("minimum_norm_status", "string", "how its search ended",
                   _of_solution(lambda solution: str(solution.status))),
            _plain("minimum_norm_certificate", "string", "kind of proof of the minimum norm",
                   _of_solution(lambda solution: solution.certificate.kind)),
            _plain("step_size", "float64", "step size, in inverse squared units of the features",
                   lambda batch: np.array([case.step_size for case in batch.cases]),
                   algorithms=_DESCENT),
            _plain("trace", "float64", "trace of the covariance",
                   lambda batch: np.array([case.cell.trace for case in batch.cases])),
        ]
    )
)  # fmt: skip
"""Every quantity that a plan can name."""


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
        if kind not in _TYPES:
            raise fail(name, f"is {shown(kind)}", "pass float, int, bool or str")

    def declared(function: Function) -> Function:
        function.__dict__["relubias_columns"] = {name: _TYPES[k] for name, k in kinds.items()}
        return function

    return declared


def as_measures(value: Any) -> tuple[str | Callable[..., Any], ...]:
    """Return what a plan measures, checked."""
    entries = [value] if callable(value) else as_list(value)
    if not entries:
        raise fail("measure", "is empty", "name at least one quantity")
    checked: list[str | Callable[..., Any]] = []
    for entry in entries:
        if callable(entry):
            name = f"{entry.__module__}:{getattr(entry, '__qualname__', '<none>')}"
            if "<" in name:
                got = f"{name.partition(':')[2]} has no name that workers could import it by"
                raise fail("measure", got, "define it with def at the top level of a module")
        elif not isinstance(entry, str):
            raise fail("measure", f"is {shown(entry)}", "pass names of quantities, or functions")
        elif ":" not in entry and entry not in MEASURES:
            raise fail("measure", f"is {entry!r}", suggestion(entry, MEASURES))
        if entry in checked:
            raise fail("measure", f"names {shown(entry)} twice", "name it once")
        checked.append(entry)
    return tuple(checked)


def require_supported(
    measured: Sequence[str | Callable[..., Any]], algorithms: Collection[str]
) -> None:
    """Refuse quantities that mean nothing for one of the algorithms."""
    for entry in measured:
        if isinstance(entry, str) and entry in MEASURES:
            missing = set(algorithms) - MEASURES[entry].algorithms
            if missing:
                raise fail(
                    "measure", f"names {entry!r}, which a {missing.pop()} has not", "drop it"
                )


def measures_of(measured: Sequence[str | Callable[..., Any]]) -> list[Measure]:
    """Return how everything is computed; imports the functions that are named by module."""
    return [
        MEASURES[entry] if isinstance(entry, str) and entry in MEASURES else _own(entry)
        for entry in measured
    ]


def _own(entry: str | Callable[..., Any]) -> Measure:
    """Return a user's own function as a measure."""
    function = _imported(entry) if isinstance(entry, str) else entry
    declared = getattr(function, "relubias_columns", None)
    name = function.__name__
    if declared is None:
        returned = function.__annotations__.get("return", float)
        by_name = {kind.__name__: text for kind, text in _TYPES.items()}
        kinds = {name: _TYPES.get(returned) or by_name.get(str(returned), "float64")}
    else:
        kinds = cast("dict[str, str]", declared)

    def compute(batch: Batch) -> Mapping[str, Array]:
        rows = [_row(name, function(case), kinds, declared is None) for case in batch.cases]
        return {key: np.array([row[key] for row in rows]) for key in kinds}

    return Measure(about=(function.__doc__ or name).splitlines()[0], kinds=kinds, compute=compute)


def _row(name: str, answer: Any, kinds: Mapping[str, str], is_plain: bool) -> Mapping[str, Any]:
    row = {name: answer} if is_plain else answer
    if not isinstance(row, Mapping) or set(cast("Mapping[str, Any]", row)) != set(kinds):
        got = f"{name} returned {shown(answer)}"
        raise fail("measure", got, f"return a dict of {', '.join(kinds)}, as declared")
    if is_plain and isinstance(answer, Mapping):
        raise fail("measure", f"{name} returned a dict", "declare its keys with sweep.columns")
    return cast("Mapping[str, Any]", row)


def _imported(reference: str) -> Callable[..., Any]:
    module, _, name = reference.partition(":")
    try:
        function = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise fail("measure", f"{reference!r} cannot be imported", str(error)) from error
    if not callable(function):
        raise fail("measure", f"{reference!r} is {shown(function)}", "name a function")
    return function


def chunk_size(shape: tuple[Any, ...], measured: Sequence[str | Callable[..., Any]]) -> int:
    """Return how many tasks make a chunk of about a second; a rule, the same on any machine."""
    n, signs, algorithm = shape
    size = min(2000, 20_000_000 // n**3)
    if algorithm.name == "flow":
        size //= 10
    names = {entry for entry in measured if isinstance(entry, str)}
    if len(signs) > 1 and any("gap" in name or "minimum" in name for name in names):
        size //= 20
    return max(size, 1)
