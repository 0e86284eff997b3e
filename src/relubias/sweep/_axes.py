"""How the axes of a sweep's pictures look: scale and ticks."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float

__all__ = [
    "Axis",
    "axis_of",
    "is_wide",
    "plain_number",
    "short_number",
]

_MAX_TICKS = 9
"""With at most so many values of a parameter, each of them has a tick."""


def short_number(value: float) -> str:
    """Return 0.5, 1024, 10^6 or 2.5 x 10^-7 for a tick, in matplotlib's mathematics."""
    size = abs(value)
    exponent = int(np.floor(np.log10(size) + 1e-12)) if size > 0 else 0
    mantissa = value / 10.0**exponent
    is_power = abs(mantissa - 1) < 1e-9
    if -3 <= exponent <= (3 if is_power else 4):
        return f"{value:.0f}" if float(value).is_integer() else f"{value:.4g}"
    power = f"10^{{{exponent}}}"
    return f"${power}$" if is_power else f"${mantissa:.3g}\\times {power}$"


def plain_number(value: float) -> str:
    """Return a number of two digits for a small cell, such as 0.14, 32 or 1.4e-6."""
    mantissa, mark, exponent = f"{value:.2g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if mark else mantissa


def is_wide(values: Float, factor: float = 30.0) -> bool:
    """Return whether positive numbers reach over more than `factor`, so that logarithms help."""
    known = values[np.isfinite(values)]
    return bool(known.size and known.min() > 0 and known.max() >= factor * known.min())


class Axis(NamedTuple):
    """Where the values of a parameter are drawn.

    `places` is float64 of shape (n_values,); `labels` are theirs if every value has a tick.
    """

    places: Float
    is_log: bool
    labels: list[str] | None

    def apply(self, axis: Any, set_scale: Any) -> None:
        """Give an axis of matplotlib this scale and these ticks."""
        if self.is_log:
            set_scale("log")
        if self.labels is not None:
            axis.set_ticks(self.places, labels=self.labels)
            axis.set_ticks([], minor=True)

    def edges(self) -> Float:
        """Return the borders between neighbouring values, shape (n_values + 1,)."""
        at = np.log(self.places) if self.is_log else self.places
        if at.size == 1:
            borders = np.array([at[0] - 0.5, at[0] + 0.5])
        else:
            inner = (at[1:] + at[:-1]) / 2
            borders = np.concatenate([[2 * at[0] - inner[0]], inner, [2 * at[-1] - inner[-1]]])
        return np.exp(borders) if self.is_log else borders


def axis_of(values: NDArray[Any], log: bool | None = None) -> Axis:
    """Return how the sorted distinct `values` are drawn.

    Text and truth values stand side by side. Numbers stand where they are, on a logarithmic axis
    if `log`, or, where it is None, if they are more evenly spread there.
    """
    if values.dtype.kind not in "iuf":
        return Axis(np.arange(values.size, dtype=np.float64), False, [str(v) for v in values])
    places = values.astype(np.float64)
    is_log = _is_geometric(places) if log is None else log and bool((places > 0).all())
    has_ticks = places.size <= _MAX_TICKS and _have_room(places, is_log)
    return Axis(places, is_log, [short_number(v) for v in places] if has_ticks else None)


def _is_geometric(places: Float) -> bool:
    if places.size < 2 or places[0] <= 0:
        return False
    if places.size == 2:
        return bool(places[1] >= 10 * places[0])
    return _unevenness(np.log(places)) < _unevenness(places)


def _unevenness(places: Float) -> float:
    steps = np.diff(places)
    return float(steps.std() / steps.mean())


def _have_room(places: Float, is_log: bool) -> bool:
    """Return whether no two labels would touch."""
    at = np.log(places) if is_log else places
    return at.size < 2 or bool(np.diff(at).min() >= (at[-1] - at[0]) / 14)
