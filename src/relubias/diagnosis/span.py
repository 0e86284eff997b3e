"""How much of each weight vector lies in the span of the samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relubias._validate import Float
from relubias.diagnosis._data import Data

__all__ = ["Span", "span_of"]

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Span:
    """The weights, split into a part that the samples see and one that they do not.

    Attributes
    ----------
    rank : int
        Dimension of the span of the samples, the constant feature included.
    n_dimensions : int
        Dimension of the weight vectors.
    inside : ndarray of shape (n_neurons, n_dimensions)
        Part of each vector in the span.
    share : ndarray of shape (n_neurons,)
        Squared norm of that part over that of the vector; nan for a neuron that is 0.
    total : float
        The same for all neurons together.
    outside_norm : float
        Norm of what no sample sees; gradient descent never changes it.
    basis : ndarray of shape (n_dimensions, rank) or None
        Orthonormal basis of the span; None where the Gram matrix takes its place.
    roots, vectors : ndarray of shape (rank,) and (n_samples, rank)
        Eigenvalues and -vectors of the Gram matrix, where there is no `basis`.
    features : ndarray of shape (n_samples, n_dimensions)
        The samples.
    """

    rank: int
    n_dimensions: int
    inside: Float
    share: Float
    total: float
    outside_norm: float
    basis: Float | None
    roots: Float
    vectors: Float
    features: Float

    def projected(self, weights: Float) -> Float:
        """Return the part of some vectors that lies in the span.

        Parameters
        ----------
        weights : ndarray of shape (n_vectors, n_dimensions)
            The vectors.

        Returns
        -------
        ndarray of shape (n_vectors, n_dimensions)
            Their orthogonal projections.
        """
        if self.basis is not None:
            return (weights @ self.basis) @ self.basis.T
        inside = np.zeros_like(weights)
        for _ in range(2):  # the second time for what rounding left
            seen = (weights - inside) @ self.features.T
            inside += (seen @ self.vectors / self.roots) @ self.vectors.T @ self.features
        return inside

    def duals(self, primal: Float) -> Float:
        """Return the shortest duals with given primal values.

        Parameters
        ----------
        primal : ndarray of shape (n_vectors, n_samples)
            Products with the samples.

        Returns
        -------
        ndarray of shape (n_vectors, n_samples)
            Coefficients of the samples.
        """
        roots, vectors = self.roots, self.vectors
        if self.basis is not None:
            roots, vectors = _eigen(self.features @ self.features.T)
        return (primal @ vectors / roots) @ vectors.T

    def __repr__(self) -> str:
        return f"Span(rank={self.rank} of {self.n_dimensions}, total={self.total:.6g})"


def span_of(data: Data) -> Span:
    """Split the weights of a network.

    Parameters
    ----------
    data : Data
        The network on its samples.

    Returns
    -------
    Span
        Shares in the span, and the projection on it.
    """
    X, weights = data.features, data.vectors
    n, p = X.shape
    basis: Float | None = None
    roots, vectors = np.zeros(0), np.zeros((n, 0))
    if p < n:
        values, rows = np.linalg.svd(X, full_matrices=False)[1:]
        basis = np.ascontiguousarray(rows[values > n * _EPS * values[0]].T)
        rank = basis.shape[1]
    else:
        roots, vectors = _eigen(data.problem.gram)
        rank = roots.size
    squares: Float = (weights**2).sum(axis=1)
    span = Span(
        rank=rank,
        n_dimensions=p,
        inside=weights,
        share=squares,
        total=1.0,
        outside_norm=0.0,
        basis=basis,
        roots=roots,
        vectors=vectors,
        features=X,
    )
    inside = weights if rank == p else span.projected(weights)
    outside = weights - inside
    rest: Float = (outside**2).sum(axis=1)
    share: Float = np.full(squares.size, np.nan, dtype=np.float64)
    share[squares > 0] = 1.0 - rest[squares > 0] / squares[squares > 0]
    return Span(
        rank=rank,
        n_dimensions=p,
        inside=inside,
        share=np.clip(share, 0.0, 1.0),
        total=float(np.clip(1.0 - rest.sum() / squares.sum(), 0.0, 1.0)) if squares.any() else 1.0,
        outside_norm=float(np.sqrt(rest.sum())),
        basis=basis,
        roots=roots,
        vectors=vectors,
        features=X,
    )


def _eigen(gram: Float) -> tuple[Float, Float]:
    """Return the eigenvalues that are not rounding, and their eigenvectors."""
    mu, Q = np.linalg.eigh(gram)
    kept = mu > 64 * mu.size * _EPS * max(float(mu[-1]), 0.0)
    return mu[kept], Q[:, kept]
