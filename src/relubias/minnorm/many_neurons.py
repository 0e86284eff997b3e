r"""Networks of any width: equal neurons, and when nothing smaller exists.

Sharing every neuron of a two-neuron network of weights :math:`c_\pm = 1/m_\pm` equally among the
:math:`m_\pm` neurons of its sign gives a network that fits. It need not be optimal. Because an
active part p and an inactive part q of a prediction :math:`u = p - q` are complementary, terms
:math:`p^\top\Theta q` may be added to the objective, and for :math:`\Theta \preceq 4 G^{-1}` it
becomes convex and symmetric in the neurons of a sign. So the equal split is optimal if it
satisfies the optimality conditions of that convex program, which asks for

.. math:: \lambda_{\max}(\Theta_\pm^{1/2} G\, \Theta_\pm^{1/2}) \le 4, \qquad
          \theta_i = 2\max(\beta_i, 0)/u_i \ (u_i > 0), \quad
          \theta_i = \max(\pm\lambda_i, 0)/|u_i| \ (u_i < 0),

where :math:`\lambda_i` is twice the dual of the neurons active on sample i, with its sign.
"""

from __future__ import annotations

import math

import numpy as np

from relubias._validate import Float
from relubias.minnorm.pivoting import NearlySingularError, block_pivoting

__all__ = ["equal_split_margin", "one_sign_bound", "one_sign_margin", "single_sample_bound"]

_EPS = float(np.finfo(np.float64).eps)


def one_sign_margin(gram: Float, labels: Float, dual: Float) -> tuple[float, Float]:
    """Return how far ``G_PP <= 2 diag(y / beta)`` is from failing, relative, and theta.

    Parameters
    ----------
    gram : ndarray of shape (n_samples, n_samples)
        Gram matrix in unit scale.
    labels : ndarray of shape (n_samples,)
        What the network outputs, non-negative, in unit scale.
    dual : ndarray of shape (n_samples,)
        Dual of one neuron that outputs `labels` alone (any share of it gives the same answer).
    """
    theta = np.zeros(labels.size)
    positive = (labels > 0) & (dual > 0)
    theta[positive] = 2 * dual[positive] / labels[positive]
    return _spectral_margin(gram, theta), theta


def _spectral_margin(gram: Float, theta: Float) -> float:
    """Return ``1 - lambda_max(Theta^1/2 G Theta^1/2) / 4``, less its rounding."""
    rows = np.flatnonzero(theta > 0)
    if rows.size == 0:
        return 1.0
    root = np.sqrt(theta[rows])
    largest = float(np.linalg.eigvalsh(gram[np.ix_(rows, rows)] * np.outer(root, root))[-1])
    return 1.0 - largest * (1 + 16 * rows.size * _EPS) / 4


def equal_split_margin(gram: Float, primal: Float, dual: Float) -> float:
    """Return how far the conditions above are from failing; negative if any fails.

    Parameters
    ----------
    gram : ndarray of shape (n_samples, n_samples)
        Gram matrix in unit scale.
    primal, dual : ndarray of shape (2, n_samples)
        Predictions and duals of one neuron of each sign, positive first; a prediction that a
        constraint sets to 0 is exactly 0.
    """
    noise = 1e-9 * max(float(np.abs(dual).max()), _EPS)
    on = primal > 0
    price = np.where(on[0], 2 * dual[0], np.where(on[1], -2 * dual[1], 0.0))
    margin = math.inf
    for k, sign in enumerate((1.0, -1.0)):
        u, beta, own_price = primal[k], dual[k], sign * price
        off, kink = u < 0, u == 0
        if (np.abs(own_price - 2 * beta)[on[k]] > noise).any():
            return -math.inf
        if ((beta > noise) | (own_price > 2 * beta + noise))[kink].any():
            return -math.inf
        if (np.abs(u[off]) < 1e-9 * np.abs(primal).max()).any():
            return -math.inf
        theta = np.zeros(u.size)
        theta[on[k]] = 2 * np.maximum(beta[on[k]], 0.0) / u[on[k]]
        theta[off] = np.maximum(own_price[off], 0.0) / -u[off]
        margin = min(margin, _spectral_margin(gram, theta))
    return margin


def one_sign_bound(gram: Float, labels: Float, n_neurons: int, theta: Float) -> float:
    r"""Bound the norm of every network of one sign that outputs `labels`, from below.

    For any :math:`0 \preceq \Theta \preceq 4G^{-1}` and the mean prediction :math:`p = y/m`, every
    dual with :math:`\beta_P \le \tfrac12\theta_P p_P` and :math:`\beta_N \le 0` gives
    :math:`m(2\beta^\top p - \beta^\top G\beta)`. The best multiple of `theta` and of the identity
    are tried.
    """
    candidates = [np.full(labels.size, 1.0)] + ([theta] if theta.any() else [])
    return max(_one_sign_bound(gram, labels, n_neurons, theta) for theta in candidates)


def _one_sign_bound(gram: Float, labels: Float, m: int, theta: Float) -> float:
    largest = 4.0 * (1.0 - _spectral_margin(gram, theta))
    theta = theta * (4.0 / largest) * (1 - 1e-12)
    cap = theta * labels / 2  # in units of y, m times the cap of p
    # beta = cap - gamma with gamma >= 0: minimise gamma.G.gamma/2 - (G cap - y).gamma
    linear = gram @ cap - labels
    try:
        gamma = block_pivoting(gram, linear, np.zeros(labels.size, dtype=np.bool_)).multipliers
    except NearlySingularError:
        return 0.0
    beta = np.minimum(cap - gamma, cap)
    value = 2 * float(beta @ labels) - float(beta @ gram @ beta)
    noise = 8 * labels.size * _EPS * (float(np.abs(beta) @ np.abs(gram) @ np.abs(beta)) + value)
    return math.sqrt(max(value - noise, 0.0) / m)


def single_sample_bound(gram: Float, labels: Float, n_plus: int, n_minus: int) -> float:
    """Bound the norm by what one positive and one negative sample alone ask for."""
    length = np.maximum(np.diagonal(gram), np.finfo(np.float64).tiny)
    square = 0.0
    for sign, count in ((1.0, n_plus), (-1.0, n_minus)):
        reach = np.maximum(sign * labels, 0.0) ** 2 / length
        square += float(reach.max()) / count if count else 0.0
    return math.sqrt(square) * (1 - 8 * _EPS)
