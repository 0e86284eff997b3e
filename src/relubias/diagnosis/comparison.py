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
from relubias.diagnosis.same_pattern import shortest_with_pattern
from relubias.minnorm import LinearStatus, MinimumNorm, closest_fit, linear_minimum_norm

__all__ = [
    "Comparison",
    "compare",
    "fitting",
    "linear_on_active",
    "linear_on_all",
    "to_closest_fit",
    "to_limit",
    "to_same_pattern",
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
    """Compare with the minimum-norm network, or with the best one that the search found."""
    weights, rounding = weights_of(data, shortest.dual)
    error = shortest.certificate.error_bound
    if not math.isfinite(error):
        return to_best_known(data, weights, rounding, shortest.lower_bound, "")
    return compare(
        data,
        "minimum norm",
        "the network of smallest norm with these signs that fits the labels",
        weights,
        rounding + error,
        match=True,
    )


def to_best_known(
    data: Data, weights: Float, error: float, lower_bound: float, which: str
) -> Comparison:
    """Compare with a network that fits and may not be the shortest."""
    norm = float(np.linalg.norm(weights))
    bound = f"; none is shorter than {lower_bound:.4g}" if lower_bound > 0 else ""
    return compare(
        data,
        "minimum norm",
        f"the shortest network found with these signs that fits the labels{which}{bound}",
        weights,
        error,
        match=True,
        at_least=max(data.norm - norm, lower_bound - data.norm, 0.0),
        is_exact=False,
    )


def fitting(data: Data, shortest: MinimumNorm | None, shared: Float | None) -> list[Comparison]:
    """Compare with the minimum norm, or the best known, and with the shortest of the same pattern.

    `shared` are weights of a network that fits, if one is known. Empty where none is known.
    """
    best: Comparison | None = None
    bound = 0.0
    if shortest is not None and math.isfinite(shortest.norm):
        best, bound = to_shortest(data, shortest), shortest.lower_bound
    if shared is not None:
        best = to_best_known(data, shared, 0.0, 0.0, ": one neuron of each sign, shared equally")
    if data.problem.n_neurons == 1 or (best is not None and best.is_exact):
        return [] if best is None else [best]
    same = to_same_pattern(data)
    if same is None or (best is not None and best.norm <= same.norm):
        return [c for c in (best, same) if c is not None]
    which = ", which has the model's own activation pattern"
    return [to_best_known(data, same.weights, same.rounding_error, bound, which)]


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


def to_same_pattern(data: Data) -> Comparison | None:
    """Compare with the shortest network that is active on the same samples, if any fits."""
    weights = shortest_with_pattern(data)
    if weights is None:
        return None
    misfit = data.signs @ np.maximum(weights @ data.features.T, 0.0) - data.labels
    return compare(
        data,
        "minimum norm, same pattern",
        "the shortest network that fits the labels with every neuron active on the same samples "
        "as in the model: a minimum of the norm near it, maybe not the least of all",
        weights,
        float(np.linalg.norm(misfit)) / max(float(data.lengths.max()), 1e-300),
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
