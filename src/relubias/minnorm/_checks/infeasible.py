r"""Proofs that nothing fits: a combination z of samples that vanishes and contradicts the labels.

For duals :math:`\beta` and :math:`\lambda` with :math:`\beta - s\lambda \ge 0` where a neuron may
be active and :math:`\beta \le 0` where it may be inactive, every network that fits has
:math:`\lambda^\top y \le \sum_k \beta_k^\top X w_k`. So its norm is at least
:math:`\lambda^\top y` over the norm of :math:`X^\top \beta`, which for a proof is rounding only. A
sample and a positive multiple of it contradict each other for every network, because networks are
positively homogeneous: :math:`|z^\top f(X)| \le \sum_k \|w_k\| \|X^\top z\|`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from relubias._validate import Float
from relubias.minnorm._checks.certificates import price_range
from relubias.minnorm._checks.exact import EPS, Data
from relubias.minnorm._checks.lower import trivial_masks
from relubias.minnorm._checks.network import Groups

__all__ = ["FarkasCheck", "check_farkas"]


class FarkasCheck(NamedTuple):
    """What a combination of samples proves."""

    norm_bound: float
    """Every network that fits has at least this norm, in unit scale."""
    vanishes: bool
    """Whether the combination is zero as far as the data's own rounding tells."""
    share: float
    """Its length over what rounding of the data explains; at most 1 where it vanishes."""


def check_farkas(data: Data, farkas: Float) -> FarkasCheck:
    """Return the better of both proofs for `farkas`, of shape (n_neurons, n_samples)."""
    z = farkas / data.row
    size = float(np.abs(z).max(initial=0.0))
    if not (size > 0 and math.isfinite(size)):
        return FarkasCheck(0.0, False, math.inf)
    z = z / size
    convex, pair = _convex_proof(data, z), _multiples_proof(data, z[0])
    return max(convex, pair, key=lambda check: (check.vanishes, check.norm_bound))


def _convex_proof(data: Data, beta: Float) -> FarkasCheck:
    groups = Groups(beta, data.signs, np.ones(data.signs.size))
    masks = trivial_masks(data, groups)
    sign = data.signs[:, None]
    low, high = price_range(masks.p, beta, sign)
    price: Float = np.clip(0.0, np.minimum(low, high), np.maximum(low, high))
    price[data.target > 0], price[data.target < 0] = high[data.target > 0], low[data.target < 0]
    price[~np.isfinite(price)] = 0.0
    lost = np.where(masks.p, np.maximum(sign * price - beta, 0.0), 0.0)
    lost += np.where(masks.q, np.maximum(beta, 0.0), 0.0)
    terms = price * data.target
    value = math.fsum(terms) - 4 * EPS * float(np.abs(terms).sum())
    return _judged(data, beta, value, float((lost @ data.length).sum()))


def _multiples_proof(data: Data, z: Float) -> FarkasCheck:
    rows = np.flatnonzero(z)
    if rows.size > 2 or (rows.size == 2 and z[rows[0]] * z[rows[1]] >= 0):
        return FarkasCheck(0.0, False, math.inf)
    terms = z * data.target
    value = abs(math.fsum(terms)) - 4 * EPS * float(np.abs(terms).sum())
    check = _judged(data, z[None, :], value, 0.0)
    return check._replace(norm_bound=check.norm_bound / math.sqrt(data.signs.size))


def _judged(data: Data, beta: Float, value: float, lost: float) -> FarkasCheck:
    if not value > 0:
        return FarkasCheck(0.0, False, math.inf)
    squared, error = data.squared_norm(beta, data.predictions(beta))
    length = math.sqrt(max(squared, 0.0) + error) + lost
    extent = float((np.abs(beta) @ data.length).sum())
    if data.features is None:  # every entry of G may be one rounding off
        explained = 4 * math.sqrt(EPS) * extent
    else:
        explained = 16 * EPS * math.sqrt(data.target.size) * extent
    share = length / explained if length > 0 else 0.0
    return FarkasCheck(value / length if length > 0 else math.inf, share <= 1.0, share)
