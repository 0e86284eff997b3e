"""Which samples each neuron ignores, by how much, and whether that can still change."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.diagnosis._data import Data
from relubias.diagnosis.curvature import Curvature
from relubias.diagnosis.span import Span

__all__ = ["Activity", "activity_of"]

_EPS = float(np.finfo(np.float64).eps)
_MOST_WORK = 1e10
"""Operations on eigenmodes, beyond which only the bound of a ball is used."""
_MOST_DUALS = 2e9
"""Operations on duals, beyond which Lemma 6 is left out."""


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Activity:
    r"""Every pair of a neuron and a sample: whether the sample is ignored, and for how long.

    Attributes
    ----------
    sign : ndarray of int, shape (n_neurons, n_samples)
        1 active, -1 ignored, 0 where rounding decides the sign of the primal value.
    cosine : ndarray of shape (n_neurons, n_samples)
        Primal value over the lengths of weight and sample: the signed margin in angle; 0 for
        vectors of length 0.
    slack : ndarray of shape (n_neurons, n_samples)
        Signed margin against all of the future, in units of the largest label: the least by which
        the primal value keeps its sign for ever if no other pair switches first; minus infinity
        where nothing is known.
    next_primal : ndarray of shape (n_neurons, n_samples)
        Primal values after one step of gradient descent, in units of the labels.
    headroom : ndarray of shape (n_neurons, n_samples)
        Lemma 6: the factor by which the neuron's dual norm may grow before an ignored sample could
        wake; above 1 it is frozen now. 0 where the dual is not negative, nan where the samples
        are linearly dependent.
    frozen : ndarray of int, shape (n_neurons, n_samples)
        Of ignored samples: 1 if proved to be ignored for ever, -1 if the next step wakes it, 0 if
        neither is known. 0 for all others.
    doubtful : ndarray of bool, shape (n_neurons, n_samples)
        Where `slack` is not above its rounding, so that the pair may switch.
    is_settled : bool
        Whether it is proved that no pair ever switches again.
    margin : float
        Smallest slack of all pairs.
    rounding_error : float
        Bound on its rounding, in the same unit.
    """

    sign: NDArray[np.int8]
    cosine: Float
    slack: Float
    next_primal: Float
    headroom: Float
    frozen: NDArray[np.int8]
    doubtful: NDArray[np.bool_]
    is_settled: bool
    margin: float
    rounding_error: float

    @property
    def n_ignored(self) -> NDArray[np.intp]:
        """Samples that each neuron ignores, (n_neurons,)."""
        return (self.sign < 0).sum(axis=1)

    @property
    def dead(self) -> NDArray[np.intp]:
        """Neurons that are active on no sample."""
        return np.flatnonzero((self.sign < 0).all(axis=1))

    @property
    def uncovered(self) -> NDArray[np.intp]:
        """Samples that every neuron ignores."""
        return np.flatnonzero((self.sign < 0).all(axis=0))

    def __repr__(self) -> str:
        ignored, frozen = int((self.sign < 0).sum()), int((self.frozen > 0).sum())
        return (
            f"Activity({ignored} of {self.sign.size} pairs ignored, {frozen} frozen, "
            f"margin={self.margin:.3g})"
        )


def activity_of(data: Data, curvature: Curvature, span: Span) -> Activity:
    """Find out what each neuron ignores and what gradient descent can still change.

    Parameters
    ----------
    data : Data
        The network on its samples.
    curvature : Curvature
        What is left to move, and the step size.
    span : Span
        Rank of the samples, and duals.

    Returns
    -------
    Activity
        Signs, margins and what is frozen.
    """
    primal, eta = data.primal, curvature.step_size
    sign = np.where(primal > 0, 1, -1).astype(np.int8)
    sign[(np.abs(primal) <= data.rounding) & (primal != 0)] = 0
    lengths = np.linalg.norm(data.vectors, axis=1)
    sizes = lengths[:, None] * data.lengths
    cosine = np.divide(primal, sizes, out=np.zeros_like(primal), where=sizes > 0)
    push = np.where(data.active, data.residual, 0.0) @ data.problem.gram
    following = primal - eta * data.signs[:, None] * push
    slack, error = slack_of(data, curvature)
    excess = slack - error
    margin = float(slack.min())
    is_settled = bool((excess > 0).all())
    ignored = sign < 0
    frozen = np.zeros(primal.shape, dtype=np.int8)
    frozen[ignored & (following > data.rounding)] = -1
    if is_settled:
        frozen[ignored] = 1
    return Activity(
        sign=sign,
        cosine=np.clip(cosine, -1.0, 1.0),
        slack=slack / data.size,
        next_primal=following,
        headroom=_headroom(data, span, ignored),
        frozen=frozen,
        doubtful=excess <= 0,
        is_settled=is_settled,
        margin=margin / data.size,
        rounding_error=float(error.max()) / data.size,
    )


def slack_of(data: Data, curvature: Curvature) -> tuple[Float, Float]:
    """Return by how much each pair keeps its sign for ever under the pattern, and the rounding.

    First all are held against the ball around the weights that the path cannot leave, then those
    that this does not prove against the box spanned by the eigenmodes of H.
    """
    primal, mu = data.primal, curvature.eigenvalues
    distance, lengths = np.abs(primal), data.lengths
    if mu.size == 0 or not curvature.amplitudes.any():
        return np.full(primal.shape, np.inf), np.zeros(primal.shape)
    largest = curvature.step_size * float(mu[-1])
    p = curvature.support.size
    noise = max(1e-13, 8 * p * _EPS * curvature.condition)
    reach = curvature.distance * max(1.0, largest)
    error = data.rounding + noise * reach * lengths
    if largest >= 2.0:
        return np.full(primal.shape, -np.inf), error
    slack = distance - reach * lengths
    slack[:, lengths == 0.0] = np.inf
    error[:, lengths == 0.0] = 0.0
    left = slack <= error
    if int(left.sum()) * p * (mu.size + 1) > _MOST_WORK:
        slack[left] = -np.inf
        return slack, error
    step = curvature.modes * (curvature.amplitudes / mu)
    rho = 1.0 - curvature.step_size * mu
    active = data.active
    gram = data.problem.gram
    for k in np.flatnonzero(left.any(axis=1)):
        rows = np.flatnonzero(left[k])
        on = active[k, curvature.support]
        inner = gram[np.ix_(rows, curvature.support[on])] @ step[on]
        inward = -data.signs[k] * np.where(active[k, rows], 1.0, -1.0)[:, None] * inner
        slack[k, rows] = _over_box(distance[k, rows], inward, rho, largest)
        still = np.abs(inward).sum(axis=1) <= _EPS**2 * data.size
        slack[k, rows[still]] = np.inf
    return slack, error


def _over_box(distance: Float, inward: Float, rho: Float, curvature: float) -> Float:
    """Return the least oriented primal value over the box of the path, even and odd steps apart."""
    even = distance + np.minimum(inward, 0.0).sum(axis=1)
    if curvature <= 1.0:
        return even
    after_one = distance + inward @ (1.0 - rho)
    return np.minimum(even, after_one + np.minimum(inward * rho, 0.0).sum(axis=1))


def _headroom(data: Data, span: Span, ignored: NDArray[np.bool_]) -> Float:
    r"""Return :math:`-\beta_{ki} / (\delta \|\beta_k\|)`, the sharp form of Lemma 6."""
    m, n = data.primal.shape
    unknown = np.full((m, n), np.nan)
    if span.rank < n or m * n * n > _MOST_DUALS:
        return unknown
    deviation = np.linalg.eigvalsh(data.problem.gram / data.problem.scale) - 1.0
    delta = float(np.abs(deviation).max())
    dual = span.duals(data.primal)
    norms = np.linalg.norm(dual, axis=1)[:, None]
    pushed = np.maximum(-dual, 0.0)
    room = np.divide(pushed, norms * delta, out=np.full((m, n), math.inf), where=norms * delta > 0)
    room[pushed == 0.0] = 0.0
    return np.where(ignored, room, np.nan)
