"""Gradient descent in fixed-point integers: the judge where double-double leaves a sign open.

Slow, and only asked about stretches in which rounding errors grow, or a value nearly touches its
hyperplane. The number of bits doubles until every sign is decided.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float

__all__ = ["ExactPath", "Undecided", "split"]

Integers = NDArray[Any]  # of Python integers

_FIRST_BITS = 512
_MAX_BITS = 16384
_GROWTH_BITS = 20
_TINY = 2.0**-960  # smaller values keep their sign, and lie far below any rounding bound
_MAX_SECONDS = 0.5  # of predicted work; predicted, so that answers don't depend on the clock


class Undecided(Exception):  # noqa: N818
    """A sign stays open within the limits of bits and work."""


@dataclass(slots=True)
class _State:
    """Primal and dual as integers over ``2**bits``, and a bound on the primal error."""

    time: int
    primal: Integers
    dual: Integers
    error: int


class ExactPath:
    """The exact run from its start; `state_at` continues from where it was asked last."""

    def __init__(
        self, gram: Float, labels: Float, signs: Float, step_size: float, start: Float
    ) -> None:
        self.data = gram, labels, signs, step_size, start
        self.seconds = 0.0
        self._prepare(_FIRST_BITS)

    def _prepare(self, bits: int) -> None:
        """Convert the data; restart the path."""
        gram, labels, signs, step_size, start = self.data
        self.bits = bits
        self.gram = _fixed(gram, bits)
        self.labels = _fixed(labels, bits)
        self.signs: Integers = signs.astype(int).astype(object)
        self.step = int(_fixed(np.array([step_size]), bits)[0])
        self.mask = (1 << bits) - 1
        dual = _fixed(start, bits)
        primal = dual @ self.gram
        is_exact = not (primal & self.mask).any() and all(
            (_fixed(array, 2 * bits) == (fixed << bits)).all()
            for array, fixed in ((gram, self.gram), (labels, self.labels), (start, dual))
        )
        reach = int(np.abs(dual).sum()) + int(np.abs(self.gram).max()) * start.shape[1]
        error = 0 if is_exact else 4 + (reach >> bits)
        self.state = _State(0, primal >> bits, dual, error)

    def run_to(self, time: int) -> list[tuple[int, int, int, int]]:
        """Step to `time`; return the switches (time, neuron, sample, mode) on the way.

        Raises
        ------
        Undecided
            If bits or work run out.
        """
        switches: list[tuple[int, int, int, int]] = []
        to_come = (time - self.state.time) * self._cost_of_step(self.state.primal > 0)
        if self.seconds + to_come > _MAX_SECONDS:  # at the cost of the present pattern: hopeless
            raise Undecided
        while self.state.time < time:
            active = self.state.primal > 0
            self._step(active)
            self.seconds += self._cost_of_step(active)
            if self.seconds > _MAX_SECONDS:
                raise Undecided
            if self.state.error and (np.abs(self.state.primal) <= self.state.error).any():
                if self.bits >= _MAX_BITS:
                    raise Undecided
                self._prepare(2 * self.bits)
                return self.run_to(time)
            now = self.state.primal > 0
            switches += [
                (self.state.time, int(k), int(i), 1 if now[k, i] else -1)
                for k, i in np.argwhere(now != active)
            ]
        return switches

    def _cost_of_step(self, active: NDArray[np.bool_]) -> float:
        """Predict the seconds of a step."""
        products = float(active.sum()) * self.gram.shape[0] * self.bits / _FIRST_BITS
        return 5e-5 + 6e-7 * products

    def _step(self, active: NDArray[np.bool_]) -> None:
        state, bits = self.state, self.bits
        residual = (self.signs[:, None] * np.where(active, state.primal, 0)).sum(axis=0)
        product = self.step * (residual - self.labels)
        push = product >> bits
        pushes = self.signs[:, None] * np.where(active, push, 0)
        moves = pushes @ self.gram
        state.dual = state.dual - pushes
        state.primal = state.primal - (moves >> bits)
        state.time += 1
        is_exact = not (np.where(active.any(axis=0), product, 0) & self.mask).any()
        if state.error or not (is_exact and not (moves & self.mask).any()):
            n = self.labels.size
            reach = n * (1 + (int(np.abs(self.gram).max()) >> bits))
            state.error = self._grown(active) + 1 + 2 * reach

    def _grown(self, active: NDArray[np.bool_]) -> int:
        """Return the bound on the error after a step under this pattern, without its rounding."""
        return (self.state.error * self._growth(active)) >> _GROWTH_BITS

    def _growth(self, active: NDArray[np.bool_]) -> int:
        """Bound the factor, in fixed point, by which one step enlarges errors."""
        gram, _, _, step_size, _ = self.data
        on = active[:, active.any(axis=0)].astype(float)
        P = np.flatnonzero(active.any(axis=0))
        if P.size == 0:
            return 1 << _GROWTH_BITS
        largest = float(np.linalg.eigvalsh((on.T @ on) * gram[np.ix_(P, P)])[-1])
        factor = max(1.0, step_size * largest * (1.0 + 1e-9) - 1.0)
        return math.ceil(factor * 2**_GROWTH_BITS)

    def doubles(self) -> tuple[Float, Float, Float, Float]:
        """Return primal and dual of the present state in double-double."""
        return (*split(self.state.primal, self.bits), *split(self.state.dual, self.bits))


def _fixed(array: Float, bits: int) -> Integers:
    """Return an array times ``2**bits``, as Python integers rounded down."""
    ratios = [float(x).as_integer_ratio() for x in array.ravel().tolist()]
    scaled = [(p << bits) // q for p, q in ratios]
    out = np.empty(len(scaled), dtype=object)
    out[:] = scaled
    return out.reshape(array.shape)


def _rounded(numerator: int, one: int) -> float:
    """Return the nearest double that keeps the sign, however small the quotient."""
    value = numerator / one
    if abs(value) >= _TINY or numerator == 0:
        return value
    return _TINY if numerator > 0 else -_TINY


def split(integers: Integers, bits: int) -> tuple[Float, Float]:
    """Return integers over ``2**bits`` as high and low doubles."""
    one = 1 << bits
    high = [_rounded(int(x), one) for x in integers.ravel()]
    rest = [
        0.0 if abs(h) <= _TINY else (int(x) - int(Fraction(h) * one)) / one
        for x, h in zip(integers.ravel(), high, strict=True)
    ]
    return np.array(high).reshape(integers.shape), np.array(rest).reshape(integers.shape)
