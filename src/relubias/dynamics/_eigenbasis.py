r"""Eigenpairs of the frozen dynamics, refined where float64 alone would be too coarse.

LAPACK finds eigenvalues to :math:`\epsilon\|H\|`, which says nothing about the slow modes of an
ill-conditioned H, the ones that decide a switch after :math:`10^{13}` steps. The refinement of
Ogita and Aishima (2018) with double-double products makes them accurate relative to themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relubias._compensated import two_prod, two_sum
from relubias._validate import Float
from relubias.dynamics import _codes as code
from relubias.dynamics._plain.jumping import product

__all__ = ["Eigenbasis", "eigenbasis"]

_MAX_REFINEMENTS = 5


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
    """

    mu: Float
    vectors: Float
    vectors_low: Float
    accuracy: float

    def apply(self, rows: Float) -> Float:
        """Return ``rows @ Q`` rounded once, without cancellation error."""
        zero = np.zeros_like(rows)
        high, low = product((rows, zero), (self.vectors, self.vectors_low))
        return high + low


def eigenbasis(counts: Float, gram: Float) -> Eigenbasis:
    """Diagonalise ``H = counts * gram``, entry by entry; `counts` are small integers."""
    high, low = two_prod(counts, gram)
    mu, Q = np.linalg.eigh(high)
    order = mu.size
    kept = mu > code.NULL_TOLERANCE * order * code.EPS * mu[-1]
    coarse = 8.0 * order * code.EPS * float(mu[-1] / mu[kept].min())
    if coarse <= code.EIGEN_MARGIN:
        return Eigenbasis(mu[kept], Q[:, kept], np.zeros_like(Q[:, kept]), code.EIGEN_MARGIN)
    mu, Q, Q_low, is_refined = _refine((high, low), Q)
    kept = mu > code.NULL_TOLERANCE * order * code.EPS * mu[-1]
    accuracy = code.EIGEN_MARGIN if is_refined else coarse
    return Eigenbasis(mu[kept], Q[:, kept], Q_low[:, kept], accuracy)


def _refine(hessian: tuple[Float, Float], Q: Float) -> tuple[Float, Float, Float, bool]:
    """Improve approximate eigenvectors until a correction is below rounding."""
    low = np.zeros_like(Q)
    order = Q.shape[0]
    identity = np.eye(order)
    mu = np.zeros(order)
    for _ in range(_MAX_REFINEMENTS):
        transposed = np.ascontiguousarray(Q.T), np.ascontiguousarray(low.T)
        gram, gram_low = product(transposed, (Q, low))
        R = (identity - gram) - gram_low
        S_high, S_low = product(transposed, product(hessian, (Q, low)))
        S = S_high + S_low
        mu = np.diagonal(S) / (1.0 - np.diagonal(R))
        off = S - np.diag(np.diagonal(S))
        gaps = mu[None, :] - mu[:, None]
        close = 2.0 * (np.abs(off).max() + np.abs(mu).max() * np.abs(R).max())
        separate = np.abs(gaps) > close
        E = np.where(separate, (S + mu[None, :] * R) / np.where(separate, gaps, 1.0), R / 2.0)
        np.fill_diagonal(E, np.diagonal(R) / 2.0)
        change, change_low = product((Q, low), (E, np.zeros_like(E)))
        Q, error = two_sum(Q, change)
        low = low + (error + change_low)
        Q, low = two_sum(Q, low)
        if np.abs(E).max() <= 1e-14:
            rank = np.argsort(mu)
            return mu[rank], Q[:, rank], low[:, rank], True
    rank = np.argsort(mu)
    return mu[rank], Q[:, rank], low[:, rank], False
