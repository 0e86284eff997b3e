"""What a plan can choose among: spectra, laws, starts and algorithms, with their options."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from relubias._validate import as_count, as_real, fail, shown
from relubias.ensembles.labels import GaussianLabels, PlantedLabels, UniformMagnitudeLabels
from relubias.ensembles.spectra import Spectrum, as_spectrum
from relubias.sweep._expressions import parse

__all__ = [
    "DATA_VARIABLES",
    "FIELDS",
    "LAW_VARIABLES",
    "Choice",
    "as_choices",
    "as_counts",
    "as_dimensions",
    "as_list",
    "as_signs_text",
    "as_steps",
    "resolve",
    "resolve_dimension",
    "resolve_step",
    "suggestion",
]

LAW_VARIABLES = frozenset({"n", "m", "d", "trace"})
"""What expressions of starts and steps may use that is known before data are drawn."""

DATA_VARIABLES = frozenset({"lambda_max", "norm_negative", "norm_positive", "y_max", "y_min"})
"""What they may use besides: of the Gram matrix and the labels of the task."""

_LONGEST_LIST = 100_000
_LONGEST_WORD = 60

Pairs = tuple[tuple[float, int], ...]
Known = Mapping[str, int | float] | Callable[[str], int | float]
Value = int | float | str | Pairs


@dataclass(frozen=True, slots=True, repr=False)
class Choice:
    """One of the laws, starts or algorithms that a plan can name, with its options.

    Attributes
    ----------
    name : str
        Such as ``"uniform_magnitude"``.
    options : tuple of (str, value)
        Every option that has a value: numbers, text, or an expression as text.
    """

    name: str
    options: tuple[tuple[str, Value], ...] = ()

    def get(self, option: str) -> Any:
        """Return the value of an option, None where it has none.

        Parameters
        ----------
        option : str
            Its name.

        Returns
        -------
        int, float, str, tuple or None
        """
        return dict(self.options).get(option)

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self.options)
        return f"{self.name}({options})"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Option:
    kind: Literal["real", "count", "signs", "pairs"] = "real"
    default: Any = None
    required: bool = False
    minimum: float = 0.0
    strict: bool = False
    below: float = math.inf
    variables: frozenset[str] = frozenset({"n", "d"})


_VARIABLES = LAW_VARIABLES | DATA_VARIABLES
_POSITIVE = _Option(default=1.0, strict=True)
_TOL = _Option(default=1e-10, strict=True, variables=frozenset())
_SCALE = _Option(required=True, strict=True, variables=_VARIABLES)

_STEP = _Option(strict=True, variables=_VARIABLES)
_DIMENSION = _Option(kind="count", minimum=1, variables=frozenset({"n"}))

FIELDS: dict[str, dict[str, dict[str, _Option]]] = {
    "spectrum": {
        "isotropic": {"value": _POSITIVE},
        "spiked": {
            "spike": _Option(required=True, strict=True),
            "n_spikes": _Option(kind="count", default=1, minimum=1),
            "value": _POSITIVE,
        },
        "power_law": {"exponent": _Option(required=True), "value": _POSITIVE},
        "pairs": {"pairs": _Option(kind="pairs", required=True)},
    },
    "features": {
        name: {} for name in ("gaussian", "orthogonal", "rademacher", "sphere", "uniform")
    },
    "labels": {
        "uniform_magnitude": {
            "low": _Option(required=True),
            "high": _Option(required=True, strict=True),
            "n_negative": _Option(kind="count"),
        },
        "gaussian": {"scale": _POSITIVE},
        "planted": {"teacher": _Option(kind="signs", required=True), "noise": _Option(default=0.0)},
    },
    "start": {
        "all_positive": {"scale": _SCALE},
        "proportional": {"scale": _SCALE},
        "gaussian": {"scale": _SCALE},
        "disjoint": {"scale": _SCALE, "parked": _Option(strict=True, variables=_VARIABLES)},
    },
    "algorithm": {
        "descent": {
            "max_iter": _Option(kind="count", default=100_000),
            "tol": _TOL,
            "momentum": _Option(default=0.0, below=1.0),
        },
        "flow": {"max_events": _Option(kind="count", minimum=1), "tol": _TOL},
    },
}
"""Field of a plan, then name of the choice, then its options."""


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return the remedy for a name that is not known."""
    names = sorted(known)
    close = difflib.get_close_matches(word[:_LONGEST_WORD].lower(), names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"choose one of {', '.join(names)}"


def as_list(field: str, value: Any) -> list[Any]:
    """Return the values of a field: those of a list, range, tuple or array, otherwise itself."""
    if isinstance(value, np.ndarray):
        array = cast("NDArray[Any]", value)
        value = list(array) if array.ndim > 1 or array.size > _LONGEST_LIST else array.tolist()
    if not isinstance(value, (list, tuple, range)):
        return [value]
    entries = cast("Sequence[Any]", value)
    if len(entries) > _LONGEST_LIST:
        raise fail(field, f"has {len(entries)} values", f"at most {_LONGEST_LIST}")
    return list(entries)


def as_counts(field: str, value: Any, *, maximum: int = 2**62) -> tuple[int, ...]:
    """Return the whole numbers of a field that takes no expressions."""
    return tuple(
        as_count(field, entry, minimum=1, maximum=maximum) for entry in _given(field, value)
    )


def as_dimensions(value: Any) -> tuple[int | str, ...]:
    """Return numbers of features, or expressions of n."""
    return tuple(cast("int | str", _checked("d", v, _DIMENSION)) for v in _given("d", value))


def as_steps(field: str, value: Any) -> tuple[float | str, ...]:
    """Return step sizes, or expressions."""
    return tuple(_checked(field, entry, _STEP) for entry in _given(field, value))


def _given(field: str, value: Any) -> list[Any]:
    entries = as_list(field, value)
    if not entries:
        raise fail(field, "is an empty list", "pass at least one value")
    return entries


def as_signs_text(field: str, value: Any) -> str:
    """Return signs as text such as ``"+-"``."""
    remedy = "pass signs such as '+' or '+-'"
    if not isinstance(value, str):
        entries = as_list(field, value)
        if not entries or any(isinstance(s, (str, bool)) or s not in (1, -1) for s in entries):
            raise fail(field, f"is {shown(value)}", remedy)
        value = "".join("+" if s > 0 else "-" for s in entries)
    if not value or set(value) - set("+-"):
        raise fail(field, f"is {shown(value)}", remedy)
    return value


def as_choices(field: str, value: Any) -> tuple[Choice, ...]:
    """Return the choices of a field; options that are lists are crossed."""
    entries = cast("list[Any]", value) if isinstance(value, (list, tuple)) else [value]
    if not entries:
        raise fail(field, "is empty", "pass at least one")
    return tuple(choice for entry in entries for choice in _expanded(field, entry))


def _expanded(field: str, entry: Any) -> list[Choice]:
    table = _as_table(field, entry)
    name = table.pop("name", None)
    known = FIELDS[field]
    if not isinstance(name, str) or name not in known:
        got = f"is {shown(name)}" if "name" in _as_table(field, entry) else "has no name"
        remedy = suggestion(name, known) if isinstance(name, str) else suggestion("", known)
        raise fail(f"{field}.name", got, remedy)
    options = known[name]
    for key in table:
        if key not in options:
            raise fail(f"{field}.{key}", f"{name} has no such option", suggestion(key, options))
    axes: list[list[tuple[str, Value]]] = []
    for key, option in options.items():
        given = table.get(key)
        if given is None:
            given = option.default
        if given is None and option.required:
            raise fail(f"{field}.{key}", "is missing", f"{name} needs it")
        if given is not None:
            axes.append([(key, value) for value in _values(f"{field}.{key}", given, option)])
    return [Choice(name, options) for options in product(*axes)]


def _as_table(field: str, entry: Any) -> dict[str, Any]:
    """Return a name with its options, from any way of writing it."""
    match entry:
        case str():
            return {"name": entry}
        case Choice():
            return {"name": entry.name, **dict(entry.options)}
        case Mapping():
            return {str(key): value for key, value in cast("Mapping[Any, Any]", entry).items()}
        case Spectrum() if field == "spectrum":
            return {"name": "pairs", "pairs": entry.pairs}
        case UniformMagnitudeLabels() if field == "labels":
            more = {} if entry.n_negative is None else {"n_negative": entry.n_negative}
            return {"name": "uniform_magnitude", "low": entry.low, "high": entry.high, **more}
        case GaussianLabels() if field == "labels":
            return {"name": "gaussian", "scale": entry.scale}
        case PlantedLabels() if field == "labels":
            return {"name": "planted", "teacher": entry.teacher_signs, "noise": entry.noise}
        case _:
            remedy = f"pass a name or a table with a name, such as {next(iter(FIELDS[field]))!r}"
            raise fail(field, f"is {shown(entry)}", remedy)


def _values(field: str, given: Any, option: _Option) -> list[Value]:
    """Return the checked values of an option; a list means several."""
    if option.kind == "pairs":
        return [as_spectrum(field, given).pairs]
    if option.kind == "signs":
        entries = as_list(field, given)
        if not any(isinstance(entry, str) for entry in entries):
            entries = [entries]
        return [as_signs_text(field, entry) for entry in entries]
    return [_checked(field, entry, option) for entry in _given(field, given)]


def _checked(field: str, value: Any, option: _Option) -> int | float | str:
    """Return a number in range, or an expression of the option's variables as text."""
    if isinstance(value, str) and option.variables:
        return parse(field, value, option.variables).text
    if option.kind == "count":
        return as_count(field, value, minimum=int(option.minimum))
    number = as_real(field, value, minimum=option.minimum, strict=option.strict)
    if number >= option.below:
        raise fail(field, f"is {number:g}", f"pass a number below {option.below:g}")
    return number


def resolve(field: str, choice: Choice, known: Known) -> Choice:
    """Return the choice with every expression of known variables replaced by its value.

    `known` is a mapping, or a function that knows every variable.
    """
    if not any(isinstance(value, str) for _, value in choice.options):
        return choice
    options: list[tuple[str, Value]] = []
    for key, value in choice.options:
        option = FIELDS[field][choice.name][key]
        if isinstance(value, str) and option.kind in ("real", "count"):
            value = _resolved(f"{field}.{key}", value, known, option)
        options.append((key, value))
    return Choice(choice.name, tuple(options))


def _resolved(field: str, text: str, known: Known, option: _Option) -> int | float | str:
    """Return the value of an expression whose variables are all known, otherwise the expression."""
    expression = parse(field, text, option.variables)
    if callable(known):
        number = expression.value(field, known)
    elif expression.names <= set(known):
        number = expression.value(field, known.__getitem__)
    else:
        return text
    if option.kind == "count":
        number = _whole(field, text, number)
    return _checked(field, number, option)


def resolve_step(field: str, value: Any, known: Known) -> Any:
    """Return a step size, as text where it depends on data that are not known."""
    return _resolved(field, value, known, _STEP) if isinstance(value, str) else value


def resolve_dimension(value: int | str, known: Known) -> int:
    """Return the number of features."""
    if not isinstance(value, str):
        return value
    return cast("int", _resolved("d", value, known, _DIMENSION))


def _whole(field: str, text: str, number: int | float) -> int:
    """Return a number that is whole up to rounding as an integer."""
    nearest = round(number)
    if abs(number - nearest) > 1e-9 * max(1.0, abs(number)):
        raise fail(field, f"{text!r} is {number:g}", "wrap it in round(), floor() or ceil()")
    return nearest
