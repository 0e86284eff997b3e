r"""Whether the network fits, its norm, and how near one is that fits exactly.

A stored network fits to rounding only. Let its rows be the equalities that it should satisfy: the
output of every sample with an active neuron, and predictions 0 at kinks. With the Gram matrix M of
these rows and their residuals r, weights within :math:`\sqrt{r^\top M^{-1} r}` satisfy them
exactly, and if no other prediction can change its sign on the way, they are a network that fits.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm._checks.exact import (
    EPS,
    Data,
    DoubleDouble,
    energy_bound,
    factor_energy_bound,
)

__all__ = ["Groups", "NetworkCheck", "check_network", "grouped"]

_MAX_ROWS = 4000


class Groups(NamedTuple):
    """Neurons of one sign and one dual, counted."""

    dual: Float
    sign: Float
    size: Float
    """How many neurons each stands for."""


class NetworkCheck(NamedTuple):
    """What the duals say, in unit scale."""

    groups: Groups
    primal: DoubleDouble
    noise: Float
    """What a solver in working precision leaves in every prediction."""
    misfit: float
    """Largest difference of output and label, with its rounding error, over the largest label."""
    is_rounding: bool
    """Whether the misfit is what rounding leaves."""
    norm: float
    norm_error: float
    to_exact: float
    """Distance within which a network fits exactly; infinite if that is not known."""


def grouped(signs: Float, duals: Float) -> Groups:
    """Return the network with equal neurons counted once."""
    keys: dict[bytes, int] = {}
    count: list[float] = []
    first: list[int] = []
    for k, (sign, dual) in enumerate(zip(signs, duals, strict=True)):
        key = (dual + 0.0).tobytes() + bytes([int(sign > 0)])
        if key in keys:
            count[keys[key]] += 1.0
        else:
            keys[key] = len(first)
            first.append(k)
            count.append(1.0)
    return Groups(duals[first], signs[first], np.array(count))


def check_network(data: Data, duals: Float) -> NetworkCheck:
    """Recompute predictions, misfit and norm of duals in unit scale."""
    groups = grouped(data.signs, duals)
    primal = data.predictions(groups.dual)
    size = np.abs(groups.dual) @ np.abs(data.gram) + np.abs(data.target)
    noise = 16 * EPS * math.sqrt(data.target.size) * size
    active = primal.high > noise
    weight = groups.sign * groups.size
    terms = np.where(primal.high > 0, weight[:, None], 0.0)
    misfit = _sums(terms * primal.high, terms * primal.low, data.target)
    error = (np.abs(terms) * primal.error).sum(axis=0) + 4 * EPS**2
    allowed = 4 * (groups.size @ noise)
    largest = float(np.abs(data.target).max(initial=0.0))
    squared, squared_error = _squared(data, groups, primal)
    norm = math.sqrt(max(squared, 0.0))
    return NetworkCheck(
        groups,
        primal,
        noise,
        float((np.abs(misfit) + error).max(initial=0.0)) / (largest or 1.0),
        bool((np.abs(misfit) - error <= allowed).all()),
        norm,
        squared_error / norm if norm > 0 else math.sqrt(squared_error),
        _distance_to_exact(data, groups, primal, noise, active),
    )


def _squared(data: Data, groups: Groups, primal: DoubleDouble) -> tuple[float, float]:
    parts = [
        data.squared_norm(groups.dual[k : k + 1], DoubleDouble(*(v[k : k + 1] for v in primal)))
        for k in range(groups.size.size)
    ]
    values, errors = np.array(parts).reshape(-1, 2).T
    return float(groups.size @ values), float(groups.size @ errors)


def _sums(high: Float, low: Float, target: Float) -> Float:
    """Return column sums less `target`, each rounded once."""
    columns = np.vstack((high, low, -target[None, :]))
    return np.array([math.fsum(column) for column in columns.T])


def _distance_to_exact(
    data: Data, groups: Groups, primal: DoubleDouble, noise: Float, active: NDArray[np.bool_]
) -> float:
    u = primal.high
    kink = np.abs(u) <= noise
    open_ = active.any(axis=0)
    if (~open_ & (data.target != 0)).any():
        return math.inf
    kink &= data.length > 0
    samples = np.flatnonzero(open_)
    held = np.argwhere(kink)
    n_rows = samples.size + held.shape[0]
    if n_rows > _MAX_ROWS:
        return math.inf
    sample = np.concatenate((samples, held[:, 1]))
    weight = (groups.sign * groups.size)[:, None]
    coefficient = np.zeros((groups.size.size, n_rows))
    coefficient[:, : samples.size] = np.where(active[:, samples], weight, 0.0)
    coefficient[held[:, 0], samples.size + np.arange(held.shape[0])] = 1.0
    chosen = np.where(active, weight, 0.0)[:, samples]
    residual = np.concatenate(
        (
            _sums(chosen * u[:, samples], chosen * primal.low[:, samples], data.target[samples]),
            u[held[:, 0], held[:, 1]] + primal.low[held[:, 0], held[:, 1]],
        )
    )
    pad = np.concatenate(
        (
            (np.abs(chosen) * primal.error[:, samples]).sum(axis=0),
            primal.error[held[:, 0], held[:, 1]],
        )
    )
    pad = pad + 4 * EPS * np.abs(residual)
    scaled = coefficient / np.sqrt(groups.size)[:, None]
    distance = _least_correction(data, scaled, sample, residual, pad)
    reach = distance * data.length / np.sqrt(groups.size)[:, None] + primal.error
    crosses = (np.abs(u) <= reach * (1 + 4 * EPS)) & ~kink & (data.length > 0)
    return math.inf if crosses.any() else distance


def _least_correction(
    data: Data, coefficient: Float, sample: NDArray[np.intp], residual: Float, pad: Float
) -> float:
    if data.features is None:
        block = data.gram[np.ix_(sample, sample)]
        return energy_bound(block * (coefficient.T @ coefficient), residual, pad)
    X = data.features[sample]
    rows = np.hstack([X * row[:, None] for row in coefficient])
    return factor_energy_bound(rows, residual, pad)
