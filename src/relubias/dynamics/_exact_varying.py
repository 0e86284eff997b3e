"""Momentum and mini-batches in fixed-point integers, where double-double leaves a sign open."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.dynamics._exact import ExactPath, split

__all__ = ["VaryingExactPath"]

_GUARD_BITS = 20  # rounding errors count a million times


class VaryingExactPath(ExactPath):
    """The exact run from its start, with a velocity and one batch at a time.

    `amplification` says by how much rounding errors have grown, as measured in plain doubles;
    without momentum they are bounded as in plain descent.
    """

    def __init__(
        self,
        gram: Float,
        labels: Float,
        signs: Float,
        step_size: float,
        start: Float,
        momentum: float,
        batch_of: NDArray[np.int64],
    ) -> None:
        self.momentum, self.batch_of = momentum, batch_of
        self.n_batches = int(batch_of.max()) + 1
        self.amplification = 0.0
        super().__init__(gram, labels, signs, step_size, start)

    def _prepare(self, bits: int) -> None:
        super()._prepare(bits)
        numerator, denominator = self.momentum.as_integer_ratio()
        self.factor, self.shift = numerator, denominator.bit_length() - 1
        self.fast: NDArray[Any] = np.zeros_like(self.state.primal)
        self.dual_fast: NDArray[Any] = np.zeros_like(self.state.dual)

    def _step(self, active: NDArray[np.bool_]) -> None:
        state, bits = self.state, self.bits
        taking = active & (self.batch_of == state.time % self.n_batches)
        residual = (self.signs[:, None] * np.where(active, state.primal, 0)).sum(axis=0)
        product = self.step * (residual - self.labels)
        pushes = self.signs[:, None] * np.where(taking, product >> bits, 0)
        moves = pushes @ self.gram
        kept, dual_kept = self.factor * self.fast, self.factor * self.dual_fast
        self.fast = (kept >> self.shift) - (moves >> bits)
        self.dual_fast = (dual_kept >> self.shift) - pushes
        state.primal = state.primal + self.fast
        state.dual = state.dual + self.dual_fast
        state.time += 1
        below = (1 << self.shift) - 1
        is_exact = not (
            (np.where(taking.any(axis=0), product, 0) & self.mask).any()
            or (moves & self.mask).any()
            or (kept & below).any()
            or (dual_kept & below).any()
        )
        if state.error or not is_exact:
            reach = self.labels.size * (1 + (int(np.abs(self.gram).max()) >> bits))
            if self.momentum > 0.0:
                grown = math.ceil(self.amplification + 1.0) << _GUARD_BITS
                state.error = max(state.error, grown * (1 + 2 * reach))
            else:
                state.error = self._grown(taking) + 2 + 2 * reach

    def fast_doubles(self) -> tuple[Float, Float, Float, Float]:
        """Return the velocity of primal and dual in double-double."""
        return (*split(self.fast, self.bits), *split(self.dual_fast, self.bits))
