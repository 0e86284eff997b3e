"""What the explorer is asked to show: the state of its page, checked field by field."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from relubias._validate import shown
from relubias.errors import InvalidInputError

__all__ = ["MAX_NEURONS", "MAX_SAMPLES", "FieldError", "State", "parse_state"]

MAX_SAMPLES, MAX_NEURONS = 200, 8
MAX_DRAWS = 10_000_000
"""Random numbers that one set of features may cost: some tenths of a second."""

LAWS = ("gaussian", "rademacher", "uniform", "sphere", "orthogonal")
SPECTRA = ("isotropic", "spiked", "power_law")
LABELS = ("uniform", "gaussian", "planted")
STARTS = ("all_positive", "gaussian", "disjoint")
METHODS = ("descent", "flow")

_LARGEST_SEED = 2**53 - 1  # whole numbers that JavaScript holds exactly
_ID_LENGTH = 64


class FieldError(InvalidInputError):
    """A field of the state is unusable.

    Attributes
    ----------
    field : str or None
        Its key.
    """

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.field)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything that the numbers on the page depend on.

    Attributes
    ----------
    n : int
        Samples, 1 to 200; of an uploaded file, its own.
    d : int
        Features, 1 to 10**12; of an uploaded file, its own.
    law : str
        Law of the features: gaussian, rademacher, uniform, sphere or orthogonal.
    spectrum : str
        Covariance eigenvalues: isotropic (all 1), spiked (one is `spike`) or power_law
        (the j-th is ``j**-exponent``).
    spike, exponent : float
        Parameters of the spectra.
    signs : str
        Output sign of each neuron, + or -, at most 8.
    labels : str
        Law of the labels: uniform (magnitudes in [low, high]), gaussian (of variance 1), or
        planted (the output of a random network with the same signs).
    low, high : float
        Bounds of the magnitudes of uniform labels.
    negative : float or None
        Share of uniform labels that are negative, which come last; None for fair coins.
    start : str
        all_positive, gaussian or disjoint (samples owned in turn by the neurons of their sign).
    scale : float
        Size of the initial predictions, in units of the labels: each primal value (all_positive,
        disjoint), or their standard deviation, so that weights have ``scale / sqrt(L)``
        (gaussian).
    kappa : float
        Step size of descent, times the trace of the feature covariance. Flow has none.
    seed : int
        Of features, labels and start, each with its own stream.
    method : str
        descent or flow.
    data : str or None
        Id of an uploaded file that takes the place of features and labels.
    """

    n: int = 10
    d: int = 10_000
    law: str = "gaussian"
    spectrum: str = "isotropic"
    spike: float = 100.0
    exponent: float = 0.5
    signs: str = "+"
    labels: str = "uniform"
    low: float = 0.5
    high: float = 1.0
    negative: float | None = None
    start: str = "all_positive"
    scale: float = 0.01
    kappa: float = 0.9
    seed: int = 0
    method: str = "descent"
    data: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by key."""
        return asdict(self)


_KEYS = tuple(field.name for field in fields(State))
_CHOICES = {
    "law": LAWS,
    "spectrum": SPECTRA,
    "labels": LABELS,
    "start": STARTS,
    "method": METHODS,
}
_WHOLE = {"n": (1, MAX_SAMPLES), "d": (1, 10**12), "seed": (0, _LARGEST_SEED)}
_REAL = {
    "spike": (1e-6, 1e12),
    "exponent": (0.0, 10.0),
    "low": (1e-6, 1e6),
    "high": (1e-6, 1e6),
    "negative": (0.0, 1.0),
    "scale": (1e-12, 1e6),
    "kappa": (1e-9, 10.0),
}
_OPTIONAL = ("negative", "data")


def parse_state(raw: Any) -> State:
    """Return the state that a mapping describes; fields that are missing get their defaults.

    Parameters
    ----------
    raw : mapping
        Keys of `State` with numbers, text or None, as JSON has them.

    Returns
    -------
    State

    Raises
    ------
    FieldError
        If a key is unknown or its value unusable, alone or beside the others.
    """
    if not isinstance(raw, Mapping):
        raise FieldError(f"state: is {shown(raw)}; pass an object of keys and values")
    given: dict[str, Any] = {}
    for key, value in raw.items():  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(key, str) or key not in _KEYS:
            name = shown(key)  # pyright: ignore[reportUnknownArgumentType]
            raise FieldError(f"{name}: is no field; known are {', '.join(_KEYS)}", _name(key))
        if value is not None:
            given[key] = _checked(key, value)
        elif key not in _OPTIONAL:
            raise FieldError(f"{key}: has no value; leave the field away for its default", key)
    state = State(**given)
    _refuse_contradictions(state)
    return state


def _name(key: Any) -> str | None:
    return key[:40] if isinstance(key, str) else None


def _checked(key: str, value: Any) -> Any:
    if key in _CHOICES:
        return _chosen(key, value, _CHOICES[key])
    if key == "signs":
        return _signs(value)
    if key == "data":
        is_id = isinstance(value, str) and value.isalnum() and value.isascii()
        if not is_id or len(value) > _ID_LENGTH:
            raise FieldError("data: is no id of an uploaded file; upload the file again", key)
        return value
    return _number(key, value)


def _chosen(key: str, value: Any, known: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in known:
        listed = f"{', '.join(known[:-1])} or {known[-1]}"
        raise FieldError(f"{key}: is {shown(value)}; choose {listed}", key)
    return value


def _signs(value: Any) -> str:
    is_text = isinstance(value, str) and bool(value) and set(value) <= {"+", "-"}
    if not is_text or len(value) > MAX_NEURONS:
        remedy = f"pass 1 to {MAX_NEURONS} of + and -, one per neuron, such as +-"
        raise FieldError(f"signs: is {shown(value)}; {remedy}", "signs")
    return value


def _number(key: str, value: Any) -> int | float:
    low, high = _WHOLE[key] if key in _WHOLE else _REAL[key]
    what = "whole number" if key in _WHOLE else "number"
    remedy = f"pass a {what} from {low:g} to {high:g}"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise FieldError(f"{key}: is {shown(value)}; {remedy}", key)
    if isinstance(value, float) and not math.isfinite(value):
        raise FieldError(f"{key}: is not finite; {remedy}", key)
    if not low <= value <= high:
        raise FieldError(f"{key}: is {_short(value)}; {remedy}", key)
    if key not in _WHOLE:
        return float(value)
    if key == "d":  # a slider with a logarithmic scale has no whole numbers
        return round(value)
    if value != int(value):
        raise FieldError(f"{key}: is {value:g}; {remedy}", key)
    return int(value)


def _short(value: float) -> str:
    return f"{value:g}" if isinstance(value, float) or abs(value) < 10**18 else "too large"


def _refuse_contradictions(state: State) -> None:
    if state.low > state.high and state.labels == "uniform":
        remedy = "lower it or raise high"
        raise FieldError(f"low: is {state.low:g}, above high = {state.high:g}; {remedy}", "low")
    if state.data is not None:
        return
    n, d = state.n, state.d
    if state.law == "orthogonal" and state.spectrum != "isotropic":
        got = "spectrum: exactly orthogonal samples of one length have an isotropic spectrum"
        raise FieldError(f"{got}; choose it, or another law", "spectrum")
    if state.law == "orthogonal" and d < n:
        got = f"d: {d} dimensions hold no {n} orthogonal samples"
        raise FieldError(f"{got}; raise d to {n} or more, or lower n", "d")
    if d < n and state.start != "gaussian":
        got = f"d: is {d}, so {n} samples are linearly dependent and cannot all start as asked"
        raise FieldError(f"{got}; raise d to {n} or more, or choose the gaussian start", "d")
    cost = _cost_of_a_feature(state)
    if cost * d > MAX_DRAWS:
        most = MAX_DRAWS // cost
        if state.spectrum == "power_law" and state.exponent > 0.0:
            got = f"a power law with d = {d:,} has as many distinct eigenvalues"
        else:
            got = f"{state.law} features need all d = {d:,} coordinates of {n} samples"
        remedy = f"lower d to {most:,} or less, or choose gaussian features of another spectrum"
        raise FieldError(f"d: {got}; {remedy}", "d")


def _cost_of_a_feature(state: State) -> int:
    """Return the random numbers that one more feature is worth; 0 where d does not matter."""
    n = state.n
    if state.law == "orthogonal":
        return 0
    if state.spectrum == "power_law" and state.exponent > 0.0:
        return max(n, 10) if n > 1 else 500  # a single sample is drawn eigenvalue by eigenvalue
    is_counted = state.law == "rademacher" and n <= 16 and state.d > 2 ** (n - 1)
    return n if state.law in ("rademacher", "uniform") and not is_counted else 0
