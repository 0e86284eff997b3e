"""Numbers that carry a bound on their rounding error through arithmetic."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from relubias._validate import Float
from relubias.theory.verdict import decided

__all__ = ["Rounded", "exact", "least", "norm", "relative"]

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class Rounded:
    """A float64 and a bound on its distance from the number that it stands for.

    Every operation adds a whole unit of relative rounding, twice what it does: the other half pays
    for the rounding of the bound. Plain floats are exact.
    """

    value: float
    error: float

    def __add__(self, other: Rounded | float) -> Rounded:
        b = exact(other)
        return _padded(self.value + b.value, self.error + b.error)

    def __sub__(self, other: Rounded | float) -> Rounded:
        b = exact(other)
        return _padded(self.value - b.value, self.error + b.error)

    def __mul__(self, other: Rounded | float) -> Rounded:
        b = exact(other)
        error = abs(self.value) * b.error + (abs(b.value) + b.error) * self.error
        return _padded(self.value * b.value, error)

    def __truediv__(self, other: Rounded | float) -> Rounded:
        b = exact(other)
        if not abs(b.value) > b.error:
            return Rounded(math.nan, math.inf)
        value = self.value / b.value
        return _padded(value, (self.error + abs(value) * b.error) / (abs(b.value) - b.error))

    def __radd__(self, other: float) -> Rounded:
        return self + other

    def __rsub__(self, other: float) -> Rounded:
        return exact(other) - self

    def __rmul__(self, other: float) -> Rounded:
        return self * other

    def __rtruediv__(self, other: float) -> Rounded:
        return exact(other) / self

    def __abs__(self) -> Rounded:
        return Rounded(abs(self.value), self.error)

    def sqrt(self) -> Rounded:
        """Return the square root; of a number that rounding made negative, that of zero."""
        value = math.sqrt(max(self.value, 0.0))
        low = math.sqrt(max(self.value - self.error, 0.0))
        return _padded(value, self.error / (value + low) if value > 0.0 else math.sqrt(self.error))

    @property
    def holds(self) -> bool | None:
        """Whether the number is positive, as far as its error lets it be told."""
        return decided(self.value, self.error)


def _padded(value: float, error: float) -> Rounded:
    if math.isnan(value):
        return Rounded(value, math.inf)
    return Rounded(value, error * (1.0 + 4.0 * _EPS) + _EPS * abs(value))


def exact(number: Rounded | float) -> Rounded:
    """Return a number without error; one that has an error stays as it is."""
    return number if isinstance(number, Rounded) else Rounded(number, 0.0)


def relative(value: float, units: float = 1.0) -> Rounded:
    """Return a computed number whose relative error is some units of rounding."""
    return Rounded(value, units * _EPS * abs(value))


def norm(vector: Float, error_of_each: float = 0.0) -> Rounded:
    """Return the Euclidean norm of a vector whose entries have an error."""
    value = float(np.linalg.norm(vector))
    n = vector.size
    return Rounded(value, (0.5 * n + 3.0) * _EPS * value + math.sqrt(n) * error_of_each)


def least(numbers: Iterable[Rounded]) -> Rounded:
    """Return the number that decides whether all are positive.

    One that is negative for sure if there is any, else one whose sign is open, else the smallest.

    Parameters
    ----------
    numbers : iterable of Rounded

    Returns
    -------
    Rounded
        Infinite if there are no numbers.
    """
    rank = {False: 0, None: 1, True: 2}

    def order(number: Rounded) -> tuple[int, float]:
        outcome = number.holds
        value = number.value if outcome is not None else number.value - number.error
        return rank[outcome], -math.inf if math.isnan(value) else value

    return min(numbers, key=order, default=Rounded(math.inf, 0.0))
