"""A quadratic program in the units its matrix came in, and Cholesky factors of its active rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm._products import submatrix

__all__ = ["Factor", "NearlySingularError", "Program"]

Bool = NDArray[np.bool_]
Index = NDArray[np.intp]
Matrix = NDArray[Any]

_SINGULAR_PIVOT = {"f": 1e-5, "d": 1e-13}
"""Cholesky pivots below this share of the diagonal are not told from zero, by precision."""
_FEW = 64
"""Bound rows up to which all are taken in at once, to save calls."""


class NearlySingularError(ArithmeticError):
    """A Cholesky pivot is not told from zero; the rows are dependent to working precision."""


class Program:
    """``min 1/2 x'Hx - e'x`` with ``H = diag(scale) @ matrix @ diag(scale)``, never formed.

    Scales are powers of two and signs, so that nothing rounds. Signs stay out of the matrix: here x
    and e are those of the caller times `sign`.
    """

    def __init__(self, matrix: Float, linear: Float, free: Bool, scale: Float | None) -> None:
        self.matrix, self.free = matrix, free
        self.sign = np.ones(free.size) if scale is None else np.sign(scale)
        self.linear = linear * self.sign
        size = None if scale is None else np.abs(scale)
        self.scale = None if size is None or (size == 1.0).all() else size
        diagonal = np.diagonal(matrix)
        self.diagonal = diagonal if self.scale is None else diagonal * self.scale**2

    def block(
        self, rows: Index, columns: Index, dtype: type[np.floating[Any]] = np.float64
    ) -> Matrix:
        """Return ``H[rows][:, columns]``, a fresh array."""
        return submatrix(self.matrix, rows, columns, self.scale, dtype)

    def slack(self, rows: Index, x: Float) -> Float:
        """Return ``H[:, rows] @ x - e``."""
        padded = np.zeros(self.linear.size)
        if self.scale is None:
            padded[rows] = x
            return self.matrix @ padded - self.linear
        padded[rows] = x * self.scale[rows]
        return (self.matrix @ padded) * self.scale - self.linear


class Factor:
    """Cholesky factors of ``H[A, A]``, where A is the free rows F and then chosen bound rows S.

    Bound rows are taken in when they are first chosen, unless there are few: most never are.
    """

    def __init__(self, program: Program, dtype: type[np.floating[Any]]) -> None:
        self.program, self.dtype = program, dtype
        self.free, self.bound = program.free.nonzero()[0], (~program.free).nonzero()[0]
        self.cholesky_free = self._cholesky(self._block(self.free, self.free), self.free)
        self.half = self._solve_free(program.linear[self.free])
        n, k = self.bound.size, self.free.size
        self.rows = self.free
        self.chosen = self.known = np.zeros(0, dtype=np.intp)
        self.place = np.full(n, -1, dtype=np.intp)
        self.cholesky_chosen: Matrix = np.empty((0, 0), dtype=dtype)
        self.coupling_chosen: Matrix = np.empty((0, k), dtype=dtype)
        self.coupling: Matrix = np.empty((n, k), dtype=dtype)
        self.schur: Matrix = np.empty((n, n), dtype=dtype)
        if 0 < n <= _FEW:
            self._learn(np.arange(n))

    def choose(self, chosen: Index) -> None:
        """Factor the Schur complement of the chosen ones among the bound rows."""
        if chosen.size == self.chosen.size and bool((chosen == self.chosen).all()):
            return
        new = chosen[self.place[chosen] < 0]
        if new.size:
            self._learn(new)
        place, rows = self.place[chosen], self.bound[chosen]
        schur = self.schur.take(place, axis=0).take(place, axis=1)
        self.cholesky_chosen = self._cholesky(schur, rows)
        self.coupling_chosen, self.chosen = self.coupling[place], chosen
        self.rows = np.concatenate([self.free, rows])

    def _learn(self, new: Index) -> None:
        """Extend coupling and Schur complement by bound rows."""
        rows, known, k = self.bound[new], self.known, self.known.size
        coupling = self._solve_free(self._block(rows, self.free).T).T
        corner = self._block(rows, rows)
        if coupling.size:
            corner -= coupling @ coupling.T
        there = slice(k, k + new.size)
        if k:
            side = self._block(rows, self.bound[known])
            if coupling.size:
                side -= coupling @ self.coupling[:k].T
            self.schur[there, :k], self.schur[:k, there] = side, side.T
        self.schur[there, there], self.coupling[there] = corner, coupling
        self.place[new] = np.arange(k, k + new.size)
        self.known = np.concatenate([known, new]) if k else new

    def solve_free(self) -> Float:
        """Return the solution of ``H[F, F] x = e[F]``."""
        return np.asarray(_lower_solve(self.cholesky_free, self.half, transposed=1), np.float64)

    def solve(self, right: Float | None = None) -> Float:
        """Solve ``H[A, A] x = right``, or ``e[A]``; rows in the order free, then chosen."""
        k = self.free.size
        if right is None:
            t, rest = self.half, self.program.linear[self.rows[k:]]
        else:
            t, rest = self._solve_free(right[:k]), right[k:]
        rest = rest.astype(self.dtype, copy=False)
        v = _lower_solve(self.cholesky_chosen, rest - self.coupling_chosen @ t)
        v = _lower_solve(self.cholesky_chosen, v, transposed=1)
        t = _lower_solve(self.cholesky_free, t - v @ self.coupling_chosen, transposed=1)
        return np.concatenate([t, v]).astype(np.float64, copy=False)

    def _block(self, rows: Index, columns: Index) -> Matrix:
        return self.program.block(rows, columns, self.dtype)

    def _solve_free(self, right: Matrix) -> Matrix:
        return _lower_solve(self.cholesky_free, right.astype(self.dtype, copy=False))

    def _cholesky(self, matrix: Matrix, rows: Index) -> Matrix:
        """Factor a fresh symmetric matrix, in place; refuse pivots lost to rounding."""
        from scipy.linalg import lapack

        if matrix.shape[0] == 0:
            return matrix
        potrf: Any = lapack.spotrf if self.dtype is np.float32 else lapack.dpotrf
        factor, info = potrf(matrix.T, lower=1, clean=0, overwrite_a=1)
        pivots = factor.diagonal() ** 2
        floor = _SINGULAR_PIVOT[factor.dtype.char]
        if info != 0 or not bool((pivots > floor * self.program.diagonal[rows]).all()):
            raise NearlySingularError
        return factor


def _lower_solve(factor: Matrix, right: Matrix, *, transposed: int = 0) -> Matrix:
    from scipy.linalg import lapack

    if right.size == 0:
        return right
    trtrs: Any = lapack.strtrs if factor.dtype.char == "f" else lapack.dtrtrs
    return trtrs(factor, right, lower=1, trans=transposed)[0]
