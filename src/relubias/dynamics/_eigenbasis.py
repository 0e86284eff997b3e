r"""Eigenpairs of the frozen dynamics, refined where float64 alone would be too coarse.

LAPACK finds eigenvalues to :math:`\epsilon\|H\|`, which says nothing about the slow modes of an
ill-conditioned H, the ones that decide a switch after :math:`10^{13}` steps. The refinement of
Ogita and Aishima (2018) with double-double products makes them accurate relative to themselves.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from relubias._compensated import two_prod, two_sum
from relubias._validate import Float
from relubias.dynamics import _codes as code
from relubias.dynamics._plain.jumping import product

__all__ = ["Eigenbasis", "eigenbasis"]

_MAX_REFINEMENTS = 5
_COMPILED_FROM = 2e6  # products
_REFINE_ABOVE = 1e-11  # relative accuracy of the weights without refinement


@dataclass(frozen=True, slots=True)
class Eigenbasis:
    """Non-null eigenpairs ``H = Q diag(mu) Q.T``.

    Attributes
    ----------
    mu : ndarray of shape (q,)
        Ascending, positive.
    vectors, vectors_low : ndarray of shape (p, q)
        Double-double eigenvectors; the low part is zero without refinement.
    accuracy : float
        Relative accuracy of mode weights computed from them.
    is_refined : bool
        Whether the low part was computed.
    """

    mu: Float
    vectors: Float
    vectors_low: Float
    accuracy: float
    is_refined: bool

    def apply(self, rows: Float) -> Float:
        """Return ``rows @ Q``; without cancellation error where the vectors are refined."""
        if not self.is_refined:
            return rows @ self.vectors
        zero = np.zeros_like(rows)
        high, low = _product((rows, zero), (self.vectors, self.vectors_low))
        return high + low


def eigenbasis(counts: Float, gram: Float) -> Eigenbasis:
    """Diagonalise ``H = counts * gram``, entry by entry; `counts` are small integers."""
    high, low = two_prod(counts, gram)
    mu, Q = np.linalg.eigh(high)
    order = mu.size
    kept = mu > code.NULL_TOLERANCE * order * code.EPS * mu[-1]
    coarse = 8.0 * order * code.EPS * float(mu[-1] / mu[kept].min())
    if coarse <= _REFINE_ABOVE:
        Q, accuracy = Q[:, kept], max(code.EIGEN_MARGIN, coarse)
        return Eigenbasis(mu[kept], Q, np.zeros_like(Q), accuracy, is_refined=False)
    mu, Q, Q_low, is_refined = _refine((high, low), Q)
    kept = mu > code.NULL_TOLERANCE * order * code.EPS * mu[-1]
    accuracy = code.EIGEN_MARGIN if is_refined else coarse
    return Eigenbasis(mu[kept], Q[:, kept], Q_low[:, kept], accuracy, is_refined=True)


def _product(left: tuple[Float, Float], right: tuple[Float, Float]) -> tuple[Float, Float]:
    """Double-double product, compiled where it is large or costs no loading; same bits."""
    is_small = left[0].size * right[0].shape[1] < _COMPILED_FROM
    if is_small and "relubias.dynamics._compiled" not in sys.modules:
        return product(left, right)
    from relubias.dynamics import _compiled

    engine: Any = _compiled
    high, low = (np.empty((left[0].shape[0], right[0].shape[1])) for _ in range(2))
    engine.multiply(*(np.ascontiguousarray(part) for part in (*left, *right)), high, low)
    return high, low


def _refine(hessian: tuple[Float, Float], Q: Float) -> tuple[Float, Float, Float, bool]:
    """Improve approximate eigenvectors until a correction is below rounding."""
    low = np.zeros_like(Q)
    order = Q.shape[0]
    identity = np.eye(order)
    mu = np.zeros(order)
    for _ in range(_MAX_REFINEMENTS):
        transposed = np.ascontiguousarray(Q.T), np.ascontiguousarray(low.T)
        gram, gram_low = _product(transposed, (Q, low))
        R = (identity - gram) - gram_low
        S_high, S_low = _product(transposed, _product(hessian, (Q, low)))
        S = S_high + S_low
        mu = np.diagonal(S) / (1.0 - np.diagonal(R))
        off = S - np.diag(np.diagonal(S))
        gaps = mu[None, :] - mu[:, None]
        close = 2.0 * (np.abs(off).max() + np.abs(mu).max() * np.abs(R).max())
        separate = np.abs(gaps) > close
        E = np.where(separate, (S + mu[None, :] * R) / np.where(separate, gaps, 1.0), R / 2.0)
        np.fill_diagonal(E, np.diagonal(R) / 2.0)
        change, change_low = _product((Q, low), (E, np.zeros_like(E)))
        Q, error = two_sum(Q, change)
        low = low + (error + change_low)
        Q, low = two_sum(Q, low)
        if np.abs(E).max() <= 1e-14:
            rank = np.argsort(mu)
            return mu[rank], Q[:, rank], low[:, rank], True
    rank = np.argsort(mu)
    return mu[rank], Q[:, rank], low[:, rank], False
