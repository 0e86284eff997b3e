"""Modes of the residual: eigenvectors of each connected block, or a Krylov basis of a large one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float

__all__ = ["Modes", "modes_of"]

_EPS = float(np.finfo(np.float64).eps)
_NULL = 32.0  # times order * eps * largest eigenvalue: modes that do not move
_KRYLOV_FROM = 250  # samples in a block
_KRYLOV_TOLERANCE = 1e-14
_CHECK_EVERY = 4
_DECAY = 1e4  # of the residual: how long a Krylov basis keeps its relative accuracy


class Modes(NamedTuple):
    """``r(t) = constant + vectors @ (weights * exp(-rates t))``.

    Attributes
    ----------
    rates : ndarray of shape (p,)
        Positive.
    vectors : ndarray of shape (n_support, p)
    weights : ndarray of shape (p,)
    constant : ndarray of shape (n_support,)
        What never moves.
    horizon : float
        Time up to which this is accurate relative to the residual itself.
    """

    rates: Float
    vectors: Float
    weights: Float
    constant: Float
    horizon: float


def modes_of(H: Float, residual: Float, *, is_dense: bool) -> Modes:
    """Decompose ``exp(-H t) residual``; by eigenvectors alone if `is_dense`."""
    horizon = np.inf
    rates: list[Float] = []
    weights: list[Float] = []
    blocks: list[tuple[NDArray[np.intp], Float]] = []
    constant = residual.copy()
    largest = float(np.diagonal(H).max(initial=0.0))
    for block in _connected(H):
        part = H[np.ix_(block, block)]
        r = residual[block]
        if not r.any() or not part.any():
            continue
        found = None if is_dense or block.size < _KRYLOV_FROM else _krylov(part, r)
        mu, Q = np.linalg.eigh(part) if found is None else found
        if found is not None:
            horizon = min(horizon, float(np.log(_DECAY) / mu[-1]))
        moving = mu > _NULL * block.size * _EPS * max(float(mu[-1]), largest)
        mu, Q = mu[moving], Q[:, moving]
        c = Q.T @ r
        constant[block] = 0.0
        if mu.size < block.size and found is None:
            still = r - Q @ c
            constant[block] = still
            c[np.abs(c) <= _NULL * _EPS * float(np.linalg.norm(still))] = 0.0
        used = c != 0.0
        rates.append(mu[used])
        weights.append(c[used])
        blocks.append((block, Q[:, used]))
    vectors = np.zeros((residual.size, sum(mu.size for mu in rates)))
    column = 0
    for block, Q in blocks:
        vectors[block, column : column + Q.shape[1]] = Q
        column += Q.shape[1]
    none = np.zeros(0)
    return Modes(
        rates=np.concatenate([none, *rates]),
        vectors=vectors,
        weights=np.concatenate([none, *weights]),
        constant=constant,
        horizon=horizon,
    )


def _connected(H: Float) -> list[NDArray[np.intp]]:
    """Return the connected blocks of a symmetric matrix."""
    linked = H != 0.0
    waiting = np.ones(H.shape[0], np.bool_)
    blocks: list[NDArray[np.intp]] = []
    while waiting.any():
        block = np.zeros(H.shape[0], np.bool_)
        block[np.argmax(waiting)] = True
        front = block
        while front.any():
            front = linked[front].any(axis=0) & ~block
            block = block | front
        waiting &= ~block
        blocks.append(np.flatnonzero(block))
    return blocks


def _krylov(H: Float, r: Float) -> tuple[Float, Float] | None:
    """Return the Ritz modes of the Krylov space of r, once it holds the solution of ``H v = r``.

    None where the space would have to be so large that eigenvectors cost no more.
    """
    largest = r.size // 3
    basis = np.zeros((largest + 1, r.size))
    diagonal, beside = np.zeros(largest), np.zeros(largest)
    start = r / np.abs(r).max()  # squares of what has nearly died out would underflow
    basis[0] = start / np.linalg.norm(start)
    for j in range(largest):
        new = H @ basis[j]
        diagonal[j] = float(new @ basis[j])
        for _ in range(2):
            new -= basis[: j + 1].T @ (basis[: j + 1] @ new)
        beside[j] = float(np.linalg.norm(new))
        order = j + 1
        if order % _CHECK_EVERY == 0 or beside[j] <= _EPS * diagonal[0]:
            T = np.diag(diagonal[:order])
            T += np.diag(beside[: order - 1], 1) + np.diag(beside[: order - 1], -1)
            theta, Y = np.linalg.eigh(T)
            last = abs(float((Y[-1] / theta) @ Y[0]))  # of the solution for a unit residual
            if theta[0] > 0.0 and beside[j] * last <= _KRYLOV_TOLERANCE:
                return theta, basis[:order].T @ Y
        basis[j + 1] = new / beside[j]
    return None
