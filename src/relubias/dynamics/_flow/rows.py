"""The functions of time whose first zero ends a motion."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float

__all__ = ["RowCollector", "Rows", "lift"]

_FRESH = 1e-12  # of its travel: how far a value may rise or fall by rounding
_NO_CONSTANT = 1e-12  # of its size: a force whose end is smaller tends to zero


class Rows(NamedTuple):
    """Functions ``value - sum_j falls_j (1 - exp(-rates_j t))`` that end this motion at zero.

    Values that begin at zero, as far as they are known, are lifted above what rounding can do.
    """

    value: Float
    lift: Float
    falls: Float
    rates: Float
    kind: NDArray[np.int8]
    neuron: NDArray[np.intp]
    sample: NDArray[np.intp]


class RowCollector:
    """Rows in the making, grouped by the mode that they are divided by."""

    def __init__(self, rates: Float) -> None:
        self.rates = rates
        self._parts: dict[int, list[Rows]] = {}

    def add(
        self,
        value: Float,
        lift: Float,
        falls: Float,
        kind: int,
        k: int,
        samples: NDArray[np.intp],
        slowest: int = -1,
    ) -> None:
        """Add functions ``value - sum_j falls_j (1 - exp(-rates_j t))``."""
        size = samples.size
        if size:
            kinds, neurons = np.full(size, kind, np.int8), np.full(size, k)
            rates = self.rates
            if slowest >= 0:
                rates = np.maximum(rates - rates[slowest], 0.0)
                falls = np.where(rates > 0.0, falls, 0.0)
            rows = Rows(value + lift, lift, falls, rates, kinds, neurons, samples)
            self._parts.setdefault(slowest, []).append(rows)

    def add_ending(
        self, amplitudes: Float, ends: Float, kind: int, k: int, samples: NDArray[np.intp]
    ) -> None:
        """Add functions ``end + sum_j amplitudes_j exp(-rates_j t)``."""
        size = np.abs(ends) + np.abs(amplitudes).sum(axis=1)
        fades = (np.abs(ends) <= _NO_CONSTANT * size) & (size > 0.0)
        plain = ~fades & (size > 0.0)
        value = ends[plain] + amplitudes[plain].sum(axis=1)
        self.add(value, lift(value, size[plain]), amplitudes[plain], kind, k, samples[plain])
        self.add_fading(amplitudes[fades], kind, k, samples[fades])

    def add_fading(self, amplitudes: Float, kind: int, k: int, samples: NDArray[np.intp]) -> None:
        r"""Add functions ``sum_j a_j exp(-rates_j t)``, divided by their slowest mode.

        Divided by :math:`e^{-\lambda_1 t}` they no longer tend to zero, and change sign where they
        did.
        """
        slowest = np.argmin(np.where(amplitudes != 0.0, self.rates, np.inf), axis=1)
        value = amplitudes.sum(axis=1)
        above = lift(value, np.abs(amplitudes).sum(axis=1))
        for mode in np.unique(slowest).tolist():
            rows = slowest == mode
            self.add(value[rows], above[rows], amplitudes[rows], kind, k, samples[rows], mode)

    def groups(self) -> list[Rows]:
        """Return the rows, a group for each set of rates."""
        return [
            Rows(
                np.concatenate([part.value for part in parts]),
                np.concatenate([part.lift for part in parts]),
                np.concatenate([part.falls for part in parts]),
                parts[0].rates,
                np.concatenate([part.kind for part in parts]),
                np.concatenate([part.neuron for part in parts]),
                np.concatenate([part.sample for part in parts]),
            )
            for parts in self._parts.values()
        ]


def lift(value: Float, size: Float, fresh: NDArray[np.bool_] | bool = False) -> Float:
    """Return what to add to values that begin at zero, as far as they are known."""
    floor = _FRESH * size
    return np.where(fresh | (value < floor), np.maximum(-value, 0.0) + floor, 0.0)
