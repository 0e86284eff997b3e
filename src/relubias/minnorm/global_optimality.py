r"""Closed-form proofs that a network of two neurons is globally optimal.

Theorem. At an optimum of the program with samples decided (see `pool`), with slacks (a, b) and
multipliers :math:`(\mu, \nu)`, put :math:`\theta_i = \max(0, -\mu_i/b_i)` where
:math:`a_i = 0 < b_i` and :math:`\max(0, -\nu_i/a_i)` where :math:`b_i = 0 < a_i`. If
:math:`H_{VV}^{-1} + \Theta_V \succeq 0` on the pairs V with :math:`\theta > 0` (where
:math:`\Theta` couples :math:`a_i` with :math:`b_i`), no network that fits is smaller.

Proof. Adding :math:`\theta_i a_i b_i`, zero on every network that fits, makes the objective
convex over :math:`a, b \ge 0`, and its gradient there is :math:`(\mu + \theta b,
\nu + \theta a) \ge 0`, complementary to the slacks. Where no multiplier is negative the convex
hull itself is tight.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from relubias._validate import Float
from relubias.minnorm._products import residual
from relubias.minnorm.certificate import MinimumNormCertificate, certify_multipliers
from relubias.minnorm.pool import SHARED, SOLE, build_pool, hull_pool, own_and_other

__all__ = ["certify_two_neurons", "pair_multipliers", "pair_slacks"]

_EPS = float(np.finfo(np.float64).eps)
_LEAST_MARGIN = 1e-8


def pair_multipliers(
    labels: Float, dual: Float, weights: tuple[float, float]
) -> tuple[Float, Float]:
    """Return the multipliers of rows a and b of the labels that are not zero."""
    nonzero = labels != 0
    scaled = np.array([c * row[nonzero] for c, row in zip(weights, dual, strict=True)])
    own, other = own_and_other(labels[nonzero], scaled)
    a = own + other
    a[np.abs(a) <= 8 * _EPS * np.abs(other)] = 0.0  # the rounding of own = b, other = -b
    return a, -other


def certify_two_neurons(
    gram: Float,
    labels: Float,
    dual: Float,
    weights: tuple[float, float] = (1.0, 1.0),
    lower_bound: float = 0.0,
) -> MinimumNormCertificate:
    """Prove what can be proved about a network of one neuron of each sign.

    Parameters
    ----------
    gram : ndarray of shape (n_samples, n_samples)
        Gram matrix in unit scale, taken as exact data.
    labels : ndarray of shape (n_samples,)
        Labels in unit scale.
    dual : ndarray of shape (2, n_samples)
        The candidate, positive neuron first.
    weights : tuple of float, default=(1.0, 1.0)
        Factors of both squared norms.
    lower_bound : float, default=0.0
        A lower bound known otherwise.

    Returns
    -------
    MinimumNormCertificate
        Of kind ``"hull"``, ``"closed form"`` or ``"bound only"``.
    """
    a, b = pair_multipliers(labels, dual, weights)
    multipliers = np.concatenate((a, b))
    unproved = MinimumNormCertificate(
        kind="bound only", error_bound=math.inf, duality_gap=math.inf, lower_bound=lower_bound
    )
    if dual[:, labels == 0].any() or ((a < 0) & (b < 0)).any():
        return unproved
    slack = pair_slacks(gram, labels, dual)
    tolerance = 64 * labels.size * _EPS * (1.0 + float(np.abs(dual).max()))
    if not _fits(slack, labels, dual, gram, tolerance):
        return unproved
    hull = hull_pool(gram, labels, weights)
    if (multipliers >= 0).all():
        certificate = certify_multipliers(
            hull.hessian, hull.right, hull.free, 1.0, multipliers, kind="hull"
        )
        return dataclasses.replace(certificate, margin=1.0)
    margin = _closed_form_margin(hull.hessian, a, b, slack, tolerance)
    if not margin >= _LEAST_MARGIN:
        return dataclasses.replace(unproved, margin=margin)
    branch = np.full(labels.size, SOLE)
    branch[labels == 0] = 0
    branch[np.flatnonzero(labels != 0)[(b < 0) | ((b > 0) & (a == 0))]] = SHARED
    leaf = build_pool(gram, labels, weights, branch)
    certificate = certify_multipliers(
        leaf.hessian, leaf.right, leaf.free, 1.0, multipliers, kind="closed form"
    )
    return dataclasses.replace(certificate, margin=margin)


def pair_slacks(gram: Float, labels: Float, dual: Float) -> tuple[Float, Float]:
    """Return the slacks a and b of the labels that are not zero."""
    primal = np.array([residual(gram, row, np.zeros(labels.size))[0] for row in dual])
    own, other = own_and_other(labels, primal)
    a, nonzero = own - np.abs(labels), labels != 0
    return a[nonzero], (a - other)[nonzero]


def _fits(
    slack: tuple[Float, Float], labels: Float, dual: Float, gram: Float, tolerance: float
) -> bool:
    """Whether the network outputs the labels, to rounding."""
    a, b = slack
    zero = labels == 0
    u = dual @ gram[:, zero]
    off = (u <= tolerance).all(axis=0)
    tied = np.abs(u[0] - u[1]) <= tolerance
    return bool((np.abs(np.minimum(a, b)) <= tolerance).all() and (off | tied).all())


def _closed_form_margin(
    hessian: Float, a: Float, b: Float, slack: tuple[Float, Float], tolerance: float
) -> float:
    """Return the smallest eigenvalue of ``I + L.T Theta L``, where ``H_VV = L L.T``."""
    needed = np.where(a < 0, slack[1], slack[0])
    negative = np.flatnonzero((a < 0) | (b < 0))
    if (needed[negative] <= 1e3 * tolerance).any():
        return -math.inf
    theta = -np.minimum(a, b)[negative] / needed[negative]
    k = negative.size
    rows = np.concatenate((negative, negative + a.size))
    try:
        factor = np.linalg.cholesky(hessian[np.ix_(rows, rows)])
    except np.linalg.LinAlgError:
        return -math.inf
    coupled = (factor[:k] * theta[:, None]).T @ factor[k:]
    return 1.0 + float(np.linalg.eigvalsh(coupled + coupled.T)[0])
