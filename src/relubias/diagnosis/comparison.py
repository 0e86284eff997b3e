"""How far the network is from others: absolute, relative, and in angle."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.diagnosis._data import Data
from relubias.diagnosis.curvature import Curvature
from relubias.diagnosis.descent_limit import DescentLimit, LimitStatus
from relubias.diagnosis.projection import projected
from relubias.minnorm import LinearStatus, MinimumNorm, closest_fit, linear_minimum_norm

__all__ = [
    "Comparison",
    "compare",
    "linear_on_active",
    "linear_on_all",
    "to_closest_fit",
    "to_limit",
    "to_shortest",
]

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Comparison:
    """Distance from the network to another one with the same signs.

    Attributes
    ----------
    name : str
        What it is compared with.
    sentence : str
        What that is, in words.
    distance : float
        ``sqrt(sum_k ||w_k - v_k||^2)`` over all folded weights, biases included.
    rounding_error : float
        Bound on what rounding, and what is not known of the other network, did to `distance`.
    at_least : float
        No network that qualifies is nearer; `distance` less its error where only one does.
    relative : float
        `distance` over the norm of the other network.
    cosine : float
        Of the angle between the two, all weights taken as one vector; nan if one is 0.
    norm : float
        Norm of the other network.
    per_neuron : ndarray of shape (n_neurons,)
        Distance of each neuron.
    cosines : ndarray of shape (n_neurons,)
        Cosine of each neuron's angle; nan where one is 0.
    assignment : ndarray of int, shape (n_neurons,)
        Neuron of the other network that each neuron is compared with.
    weights : ndarray of shape (n_neurons, n_dimensions)
        The other network, in the order of the model's neurons, biases last.
    is_exact : bool
        Whether the other network is known exactly (True), or only the best one found.
    """

    name: str
    sentence: str
    distance: float
    rounding_error: float
    at_least: float
    relative: float
    cosine: float
    norm: float
    per_neuron: Float
    cosines: Float
    assignment: NDArray[np.intp]
    weights: Float
    is_exact: bool

    def __repr__(self) -> str:
        return (
            f"Comparison({self.name!r}, distance={self.distance:.6g}, "
            f"relative={self.relative:.4g}, cosine={self.cosine:.4g})"
        )


def compare(
    data: Data,
    name: str,
    sentence: str,
    weights: Float,
    error: float,
    *,
    match: bool = False,
    at_least: float | None = None,
    is_exact: bool = True,
) -> Comparison:
    """Measure the distance to a network.

    Parameters
    ----------
    data : Data
        The network on its samples.
    name, sentence : str
        What it is compared with.
    weights : ndarray of shape (m, p)
        The other network, biases last.
    error : float
        Bound on the distance of `weights` from what they stand for.
    match : bool, default=False
        Whether neurons of equal sign may change places.
    at_least : float, optional
        Distance that no network that qualifies is below.
    is_exact : bool, default=True
        Whether `weights` are what they stand for.

    Returns
    -------
    Comparison
        Distances and cosines.
    """
    own = data.vectors
    order: NDArray[np.intp] = np.arange(own.shape[0], dtype=np.intp)
    if match:
        order = _matched(own, weights, data.signs)
    other = weights[order]
    per_neuron = np.linalg.norm(own - other, axis=1)
    distance, norm = float(np.linalg.norm(per_neuron)), float(np.linalg.norm(other))
    bound = error + 4 * _EPS * (norm + data.norm)
    return Comparison(
        name=name,
        sentence=sentence,
        distance=distance,
        rounding_error=bound,
        at_least=max(distance - bound, 0.0) if at_least is None else at_least,
        relative=distance / norm if norm > 0 else math.nan,
        cosine=_cosine(own.ravel(), other.ravel()),
        norm=norm,
        per_neuron=per_neuron,
        cosines=np.array([_cosine(v, w) for v, w in zip(own, other, strict=True)]),
        assignment=order,
        weights=other,
        is_exact=is_exact,
    )


def _cosine(first: Float, second: Float) -> float:
    a, b = float(np.linalg.norm(first)), float(np.linalg.norm(second))
    if a == 0.0 or b == 0.0:
        return math.nan
    return float(np.clip((first / a) @ (second / b), -1.0, 1.0))


def _matched(own: Float, other: Float, signs: Float) -> NDArray[np.intp]:
    """Return the order of `other` that is nearest to `own`, within each sign."""
    order: NDArray[np.intp] = np.arange(own.shape[0], dtype=np.intp)
    for sign in (1.0, -1.0):
        members = np.flatnonzero(signs == sign)
        if members.size < 2:
            continue
        from scipy.optimize import linear_sum_assignment

        inner = own[members] @ other[members].T  # distances differ by constants only
        chosen: NDArray[np.intp] = linear_sum_assignment(-inner)[1]
        kept, best = float(np.trace(inner)), float(inner[np.arange(members.size), chosen].sum())
        if best > kept + 1e-12 * abs(kept):  # equal neurons stay where they are
            order[members] = members[chosen]
    return order


def weights_of(data: Data, dual: Float) -> tuple[Float, float]:
    """Return ``dual @ features`` and a bound on its rounding, as a norm."""
    weights = dual @ data.features
    terms = np.abs(dual) @ np.abs(data.features)
    return weights, (dual.shape[-1] + 2) * _EPS * float(np.linalg.norm(terms))


def to_shortest(data: Data, shortest: MinimumNorm) -> Comparison:
    """Compare with the minimum-norm network, or with the best one found."""
    weights, rounding = weights_of(data, shortest.dual)
    error = shortest.certificate.error_bound
    if math.isfinite(error):
        return compare(
            data,
            "minimum norm",
            "the network of smallest norm with these signs that fits the labels",
            weights,
            rounding + error,
            match=True,
        )
    apart = max(data.norm - shortest.norm, shortest.lower_bound - data.norm, 0.0)
    share = f"; none is shorter than {shortest.lower_bound:.4g}"
    return compare(
        data,
        "minimum norm",
        "the shortest network found with these signs that fits the labels" + share,
        weights,
        rounding,
        match=True,
        at_least=apart,
        is_exact=False,
    )


def to_closest_fit(data: Data) -> Comparison:
    """Compare one neuron, where nothing fits, with the shortest that comes closest."""
    fit = closest_fit(data.problem)
    weights, rounding = weights_of(data, fit.dual[None])
    return compare(
        data,
        "closest fit",
        "the shortest neuron among those whose convex surrogate loss is smallest, since none fits",
        weights,
        rounding,
    )


def to_limit(data: Data, limit: DescentLimit) -> Comparison:
    """Compare with the limit of gradient descent."""
    where = "the model's start" if limit.from_start else "the model's own weights"
    return compare(
        data,
        "descent from its start" if limit.from_start else "descent from here",
        f"where gradient descent with step {limit.step_size:.3g} goes from {where}: "
        f"{limit.status.sentence}",
        limit.weights,
        0.0,
        is_exact=limit.status is LimitStatus.PROVED,
    )


def linear_on_all(data: Data) -> Comparison:
    """Compare with the linear interpolator of all labels, as a network with these signs."""
    linear = linear_minimum_norm(data.problem)
    fits = linear.status is LinearStatus.INTERPOLATES
    what = "interpolator of smallest norm" if fits else "least-squares fit of smallest norm"
    weights, rounding = weights_of(data, linear.dual[None])
    shares = np.array([(data.signs == sign).sum() for sign in data.signs])
    network = data.signs[:, None] * weights / shares[:, None]
    return compare(
        data,
        "linear, all samples",
        f"the linear {what} of all labels, shared by the neurons of each sign",
        network,
        rounding,
    )


def linear_on_active(data: Data, curvature: Curvature) -> Comparison:
    """Compare with the shortest linear maps of each neuron that fit the samples it is active on."""
    network, error = projected(data, curvature, np.zeros_like(data.vectors))
    return compare(
        data,
        "linear, active samples",
        "each neuron linear and as short as possible, all together fitting the samples that they "
        "are active on: where gradient descent from 0 would be with this pattern",
        network,
        error,
    )
