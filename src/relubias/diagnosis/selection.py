"""Which samples the network selected, and whether it is where gradient descent leaves them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.diagnosis._data import UNITS, Data, ratio
from relubias.diagnosis.curvature import Curvature
from relubias.diagnosis.projection import projected
from relubias.diagnosis.span import Span

__all__ = ["Selection", "selection_of"]


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Selection:
    r"""Lemma 1's S, and the projection of the start on the weights that fit it.

    Once no activation switches, gradient descent is linear regression on the active samples, and
    its limit the projection of the weights at that time on those that fit them. It is the
    projection of the start as well if no sample moved a neuron before it was ignored.

    Attributes
    ----------
    sets : tuple of ndarray of int
        Samples on which each neuron is active.
    support : ndarray of int
        Samples on which some neuron is active.
    shared : ndarray of int
        Samples on which several are.
    ignored : ndarray of int
        Samples on which none is.
    projection : ndarray of shape (n_neurons, n_dimensions)
        The start, projected on the weights that fit the active samples (in the sense of least
        squares where none do); the start is 0 where it is not known.
    has_start : bool
        Whether the start is known.
    distance : float
        From the network to the projection; without a start, of the parts in the span of the
        samples only.
    relative : float
        `distance` over the distance from the start to the projection.
    rounding_error : float
        Bound on the rounding of `distance`.
    is_projection : bool or None
        Whether `relative` is at most the tolerance, what training in the model's type rounds off
        set aside; None if rounding does not let it decide.
    outside_change : float
        Norm of the part of the change since the start that no sample can have caused; 0 without a
        start. Gradient descent on the first layer gives 0.
    change : float
        Norm of the change since the start.
    """

    sets: tuple[NDArray[np.intp], ...]
    support: NDArray[np.intp]
    shared: NDArray[np.intp]
    ignored: NDArray[np.intp]
    projection: Float
    has_start: bool
    distance: float
    relative: float
    rounding_error: float
    is_projection: bool | None
    outside_change: float
    change: float

    def __repr__(self) -> str:
        return (
            f"Selection({self.support.size} samples in use, relative={self.relative:.3g}, "
            f"is_projection={self.is_projection})"
        )


def selection_of(data: Data, curvature: Curvature, span: Span, start: Float | None) -> Selection:
    """Compare the network with the projection of its start on what its active samples demand.

    Parameters
    ----------
    data : Data
        The network on its samples.
    curvature : Curvature
        The matrix H of the active samples.
    span : Span
        The span of the samples.
    start : ndarray of shape (m, p), optional
        Folded initial weights, biases last.

    Returns
    -------
    Selection
        The samples in use, and the distance.
    """
    active = data.active
    counts = active.sum(axis=0)
    origin = np.zeros_like(data.vectors) if start is None else start
    projection, error = projected(data, curvature, origin)
    own = span.inside if start is None else data.vectors
    distance = float(np.linalg.norm(own - projection))
    change = np.zeros_like(origin) if start is None else data.vectors - start
    outside = change if span.rank < span.n_dimensions else np.zeros_like(change)
    if outside.any():
        outside = outside - span.projected(outside)
    travel = float(np.linalg.norm(projection - origin))
    limit = data.tolerance * travel + 8 * UNITS.get(data.network.dtype, 0.01) * data.norm
    is_projection: bool | None = None
    if distance + error <= limit:
        is_projection = True
    elif distance - error > limit:
        is_projection = False
    return Selection(
        sets=tuple(np.flatnonzero(row) for row in active),
        support=curvature.support,
        shared=np.flatnonzero(counts > 1),
        ignored=np.flatnonzero(counts == 0),
        projection=projection,
        has_start=start is not None,
        distance=distance,
        relative=ratio(distance, travel),
        rounding_error=error,
        is_projection=is_projection,
        outside_change=float(np.linalg.norm(outside)),
        change=float(np.linalg.norm(change)),
    )
