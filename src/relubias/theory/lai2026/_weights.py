"""Projections on interpolators, and distances in weight space, by plain linear algebra."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.theory._rounded import Rounded
from relubias.theory.lai2026._one import OneNeuron
from relubias.theory.setting import EPS

__all__ = ["Projection", "closeness", "within"]


class Projection(NamedTuple):
    """The dual of a projected weight vector.

    Attributes
    ----------
    dual : ndarray of shape (n_samples,)
    is_exact : bool
        Whether the fit is exact to rounding; False where dependent samples contradict each other.
    """

    dual: Float
    is_exact: bool

    @classmethod
    def of(cls, gram: Float, dual: Float, subset: NDArray[np.intp], y: Float) -> Projection:
        r"""Project on :math:`\{w : X_S w = y_S\}`: the dual off S stays, on S it is solved for."""
        projected = dual.copy()
        if subset.size == 0:
            return cls(projected, True)
        rest = dual.copy()
        rest[subset] = 0.0
        block = gram[np.ix_(subset, subset)]
        wanted = y[subset] - gram[subset] @ rest
        try:
            projected[subset] = np.linalg.solve(block, wanted)
        except np.linalg.LinAlgError:
            moved = np.linalg.lstsq(block, wanted - block @ dual[subset])[0]
            projected[subset] = dual[subset] + moved
        misfit = np.abs(gram[subset] @ projected - y[subset]).max()
        sizes = np.abs(gram[subset]) @ np.abs(projected)
        noise = 64.0 * dual.size * EPS * float(sizes.max() + np.abs(y[subset]).max())
        return cls(projected, bool(misfit <= noise))


def closeness(
    one: OneNeuron, dual: Float, projection: Projection, tolerance: float
) -> tuple[Rounded, float]:
    """Return whether a dual is that of a projection, and their relative distance in weight space.

    The margin is ``(tolerance - x) / (tolerance + x)`` for the distance x relative to the norm of
    the projection. Its rounding error is that of solving with the Gram matrix: the square root of
    its condition number, since distances are in weight space.
    """
    gram = one.setting.problem.gram
    if not projection.is_exact:
        return Rounded(math.nan, math.inf), math.nan
    shift = -int(np.frexp(np.abs(projection.dual).max(initial=0.0))[1])  # squares stay in range
    wanted = np.ldexp(projection.dual, shift)
    away = np.ldexp(dual, shift) - wanted
    size = math.sqrt(max(float(wanted @ gram @ wanted), 0.0))
    distance = math.sqrt(max(float(away @ gram @ away), 0.0))
    if size == 0.0:
        return Rounded(1.0 if distance == 0.0 else -1.0, 0.0), distance
    top = float(one.setting.eigenvalues[-1])
    rounding = 8.0 * one.n * EPS * math.sqrt(max(top, 1.0) * top / one.mu_min)
    return within(Rounded(distance / size, rounding), tolerance), distance / size


def within(distance: Rounded, tolerance: float) -> Rounded:
    """Return ``(tolerance - x) / (tolerance + x)`` for a non-negative x that is rounded."""

    def margin(x: float) -> float:
        return 2.0 * tolerance / (tolerance + x) - 1.0

    if not math.isfinite(distance.value):
        return Rounded(math.nan, math.inf)
    value = margin(distance.value)
    nearer = margin(max(distance.value - distance.error, 0.0)) - value
    further = value - margin(distance.value + distance.error)
    return Rounded(value, max(nearer, further) + 4.0 * EPS)
