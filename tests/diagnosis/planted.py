"""Networks whose answers are known because they were built so, by plain weight-space descent."""

from __future__ import annotations

import numpy as np

EPS = float(np.finfo(np.float64).eps)


def samples(n, d, seed, low=0.5):
    """Return features and labels of both signs, none of them small."""
    rng = np.random.default_rng(seed)
    y = rng.uniform(low, 1.0, n) * np.where(np.arange(n) % 2 == 0, 1.0, -1.0)
    return rng.standard_normal((n, d)), y


def descend(X, y, W, signs, step, n_steps):
    """Take steps of full-batch gradient descent."""
    W = np.array(W, dtype=float)
    for _ in range(n_steps):
        primal = W @ X.T
        residual = signs @ np.maximum(primal, 0.0) - y
        W -= step * (signs[:, None] * (primal > 0) * residual) @ X
    return W


def gradient(X, y, W, signs):
    """Return the gradient of half the sum of squares."""
    primal = X @ W.T
    residual = np.maximum(primal, 0.0) @ signs - y
    return np.einsum("k,ik,i,id->kd", signs, primal > 0, residual, X, optimize=True)


def all_positive(X, m, scale):
    """Return weights, in the span of the samples, that predict `scale` everywhere."""
    return np.tile(np.linalg.lstsq(X, np.full(X.shape[0], scale), rcond=None)[0], (m, 1))


def jacobian(X, W, signs):
    """Return the derivative of the outputs by all weights, (n, m * p)."""
    on = (W @ X.T > 0).T
    return (on * signs)[:, :, None] * X[:, None, :]


def projected(X, y, W, signs, pattern_of):
    """Return the weights nearest to W that fit, under the pattern of some weights: by lstsq."""
    J = jacobian(X, pattern_of, signs).reshape(X.shape[0], -1)
    rows = np.flatnonzero(J.any(axis=1))
    change = np.linalg.lstsq(J[rows], y[rows] - J[rows] @ W.ravel(), rcond=None)[0]
    return W + change.reshape(W.shape)


def network(X, W, signs, bias=0.0):
    """Return outputs."""
    return signs @ np.maximum(W @ X.T, 0.0) + bias
