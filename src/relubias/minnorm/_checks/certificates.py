"""Multipliers read off a network: what its own optimality conditions would prove."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm._checks.exact import Data
from relubias.minnorm._checks.lower import (
    Masks,
    convex_pair_theta,
    convex_theta,
    pair_bound,
    pair_rows,
    parts_bound,
    trivial_masks,
)
from relubias.minnorm._checks.network import NetworkCheck

__all__ = ["bound_of_pair", "bound_of_parts", "price_range", "theta_by_sign"]


def bound_of_parts(data: Data, network: NetworkCheck, reach: float) -> float:
    """Return the lower bound that the network's duals prove: one neuron, hull and equal split."""
    masks = trivial_masks(data, network.groups)
    theta, q, price = _conditions(network, masks)
    best = 0.0
    for candidate in (theta, np.zeros_like(theta)) if theta.any() else (theta,):
        convex = convex_theta(data, candidate)
        value = parts_bound(data, network.groups, masks, convex, q, price, reach, network.primal)
        best = max(best, value)
    return best


def theta_by_sign(data: Data, network: NetworkCheck) -> Float:
    """Return the products that the network asks for, the largest among neurons of a sign."""
    theta = _conditions(network, trivial_masks(data, network.groups))[0]
    rows = [theta[network.groups.sign == sign] for sign in (1.0, -1.0)]
    return np.array([row.max(axis=0, initial=0.0) for row in rows])


def _conditions(network: NetworkCheck, masks: Masks) -> tuple[Float, Float, Float]:
    """Return theta, inactive parts and multipliers that the optimality conditions ask for."""
    groups, u = network.groups, network.primal.high
    kink = np.abs(u) <= network.noise
    p, q = np.where(kink, 0.0, np.maximum(u, 0.0)), np.where(kink, 0.0, np.maximum(-u, 0.0))
    beta, sign = groups.dual, groups.sign[:, None]
    price = _prices(masks, beta, sign, p, q)
    theta = np.zeros_like(beta)
    rising = (p > 0) & masks.q & (beta > 0)
    theta[rising] = 2 * beta[rising] / p[rising]
    short = sign * price - beta
    falling = (q > 0) & masks.p & (short > 0)
    theta[falling] = 2 * short[falling] / q[falling]
    return theta, q, price


def _prices(masks: Masks, beta: Float, sign: Float, p: Float, q: Float) -> Float:
    """Return multipliers of the outputs: of the active neurons, else what all inactive allow."""
    active = (p > 0) & masks.p
    count = active.sum(axis=0)
    mean: Float = np.where(active, sign * beta, 0.0).sum(axis=0) / np.maximum(count, 1)
    low, high = price_range(masks.p & (q == 0), beta, sign)
    middle: Float = np.clip(0.0, np.minimum(low, high), np.maximum(low, high))
    return np.where(count > 0, mean, middle)


def price_range(free: NDArray[np.bool_], beta: Float, sign: Float) -> tuple[Float, Float]:
    """Return between which multipliers of the outputs the free neurons ask for no activity."""
    high: Float = np.where(free & (sign > 0), beta, np.inf).min(axis=0)
    low: Float = np.where(free & (sign < 0), -beta, -np.inf).max(axis=0)
    return low, high


def bound_of_pair(data: Data, network: NetworkCheck, reach: float) -> float:
    """Return the lower bound that the duals of one neuron of each sign prove."""
    order = np.argsort(-network.groups.sign)
    dual, u = network.groups.dual[order], network.primal.high[order]
    noise = network.noise[order].max(axis=0)
    rows = pair_rows(data.target, np.zeros(data.target.size, dtype=np.int_))
    if rows.sample.size == 0:
        return 0.0
    multipliers = _pair_multipliers(rows.sample, rows.plus, rows.minus, dual)
    slack = rows.plus * u[0][rows.sample] + rows.minus * u[1][rows.sample] - rows.right
    slack[slack <= 4 * noise[rows.sample]] = 0.0
    other = slack[rows.pair]
    needed = (multipliers < 0) & (other > 0)
    theta = np.zeros(rows.right.size)
    theta[needed] = -multipliers[needed] / other[needed]
    theta = np.maximum(theta, theta[rows.pair])
    best = 0.0
    for candidate in (theta, np.zeros_like(theta)) if theta.any() else (theta,):
        convex = convex_pair_theta(data, rows, candidate)
        best = max(best, pair_bound(data, rows, convex, multipliers, reach))
    return best


def _pair_multipliers(sample: NDArray[np.intp], plus: Float, minus: Float, dual: Float) -> Float:
    """Return the multipliers of both rows of every label that is not zero."""
    own_is_plus = (plus == 1) & (minus <= 0)
    row = np.where(own_is_plus, 0, 1)
    own, other = dual[row, sample], dual[1 - row, sample]
    is_first = (plus == 0) | (minus == 0)
    return np.where(is_first, own + other, -other) + 0.0
