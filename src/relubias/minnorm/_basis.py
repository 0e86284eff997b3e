"""The active rows of a program: their block of the Hessian and its inverse, updated by row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm._systems import refine

__all__ = ["Basis"]

_ACCURATE = 1e-11
_ROUNDING = 1e-15


class Basis:
    """Independent rows W with ``H_WW`` and its inverse.

    The inverse only starts the solves, which are corrected by residuals; it is recomputed where it
    has lost too many digits for that.
    """

    def __init__(self, hessian: Float, rows: NDArray[np.intp] | None = None) -> None:
        self.hessian = hessian
        n = hessian.shape[0]
        self._rows = np.zeros(n, dtype=np.intp)
        self._block, self._inverse = np.empty((n, n)), np.empty((n, n))
        self.size = 0
        self._fresh = False
        """Whether the inverse has just been recomputed, so that doing it again is no use."""
        if rows is not None:
            self.size = rows.size
            self._rows[: self.size] = rows
            self.block[...] = hessian[np.ix_(rows, rows)]
            self._recompute()

    @property
    def rows(self) -> NDArray[np.intp]:
        """Rows in the order of their coefficients."""
        return self._rows[: self.size]

    @property
    def block(self) -> Float:
        """Block of the Hessian."""
        return self._block[: self.size, : self.size]

    @property
    def inverse(self) -> Float:
        """Inverse of the block, roughly."""
        return self._inverse[: self.size, : self.size]

    def project(self, j: int) -> tuple[NDArray[np.intp], Float, float]:
        """Return the rows, the combination of them nearest to row j, and the squared distance."""
        right: Float = self.hessian[self.rows, j]
        x, misfit = self._solve(right)
        rounding = _ROUNDING * self.size * float(np.abs(x).max(initial=0.0))
        if (
            not self._fresh
            and misfit > _ACCURATE * float(np.abs(right).max(initial=0.0)) + rounding
        ):
            self._recompute()
            x, misfit = self._solve(right)
        return self.rows.copy(), x, float(self.hessian[j, j] - right @ x)

    def _solve(self, right: Float) -> tuple[Float, float]:
        x = self.inverse @ right
        for _ in range(2):
            x = x + self.inverse @ (right - self.block @ x)
        return x, float(np.abs(right - self.block @ x).max(initial=0.0))

    def project_precisely(self, j: int) -> Float:
        """Return the combination nearest to row j to working accuracy."""
        return refine(self.block, self.hessian[self.rows, j], lambda r: self.inverse @ r)

    def add(self, j: int, x: Float, pivot: float) -> None:
        """Append row j, whose projection is x and whose squared distance is `pivot`."""
        k = self.size
        self._block[:k, k] = self._block[k, :k] = self.hessian[self.rows, j]
        self._block[k, k] = self.hessian[j, j]
        self.inverse[...] += np.outer(x / pivot, x)
        self._inverse[:k, k] = self._inverse[k, :k] = -x / pivot
        self._inverse[k, k] = 1 / pivot
        self._rows[k] = j
        self.size, self._fresh = k + 1, False

    def remove(self, j: int) -> None:
        """Take row j out; the last row takes its place."""
        p, k = int(np.flatnonzero(self.rows == j)[0]), self.size - 1
        for matrix in (self._block, self._inverse):
            matrix[[p, k], : k + 1] = matrix[[k, p], : k + 1]
            matrix[: k + 1, [p, k]] = matrix[: k + 1, [k, p]]
        self._rows[[p, k]] = self._rows[[k, p]]
        column = self._inverse[:k, k].copy()
        self._inverse[:k, :k] -= np.outer(column / self._inverse[k, k], column)
        self.size, self._fresh = k, False

    def _recompute(self) -> None:
        self._fresh = True
        if self.size:
            try:
                inverse = np.linalg.inv(self.block)
            except np.linalg.LinAlgError:
                inverse = np.linalg.pinv(self.block, hermitian=True)
            self.inverse[...] = inverse / 2 + inverse.T / 2
