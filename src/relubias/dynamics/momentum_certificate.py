r"""Proof that a pattern is final for descent with momentum.

Under a frozen pattern the residual falls apart along the eigenvectors of
:math:`H = Q\,\mathrm{diag}(\mu)\,Q^\top`. With velocity v and :math:`d = \sum_k s_k A_k G v_k`,
each component of (r, d) is multiplied in every step by

.. math:: \begin{pmatrix} 1 - \eta\mu & \gamma \\ -\eta\mu & \gamma \end{pmatrix},

whose eigenvalues, of product :math:`\gamma`, lie inside the unit circle for
:math:`0 < \eta\mu < 2(1 + \gamma)`. The pushes of all steps sum to
:math:`H^{-1}(r + \tfrac{\gamma}{1-\gamma} d)`, and the velocity alone carries the weights by
:math:`\tfrac{\gamma}{1-\gamma} v`: the limit is that of plain descent from the coasted state, and

.. math::
    u_{ki}(t) - u_{ki}(\infty) = -\gamma^t c_{ki} + s_k \sum_j (G_{i\cdot} D_{A_k} Q)_j\,
    r_j(t)/\mu_j , \qquad
    c_k = \tfrac{\gamma}{1-\gamma}\bigl(G v_k - s_k G D_{A_k} Q \mu^{-1} Q^\top d\bigr).

With mini-batches the components mix. In the coordinates :math:`e = \mu^{-1/2} Q^\top r`, the
distance to the limit in weight space, and :math:`f = \mu^{-1/2} Q^\top d`, combined to
:math:`z = e + \tfrac{\gamma}{1-\gamma} f` and :math:`y = \tfrac{\sqrt\gamma}{1-\gamma} f`, a
batch with samples E acts by

.. math::
    \begin{pmatrix} I - X & \sqrt\gamma X \\ -\sqrt\gamma X & \gamma(I + X) \end{pmatrix}, \qquad
    X = \tfrac{\eta}{1-\gamma}\, \mu^{1/2} Q^\top E\, Q \mu^{1/2},

and the norms of the powers of one pass through the batches bound the rest of the path.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._compensated import matvec
from relubias._validate import Float
from relubias.problem import Problem

__all__ = ["Proof", "prove"]

_EPS = float(np.finfo(np.float64).eps)
_EXPLICIT_POWERS = 16
_DOUBLINGS = 30
_EXACT_NORM_LIMIT = 64
_HUGE = 1e12  # powers that grow like this belong to an unstable pattern


class Proof(NamedTuple):
    """By how much a primal value keeps its sign for ever, and the rounding of that."""

    slack: Float
    rounding: float
    curvature: float


class _Frozen:
    """The frozen dynamics in the eigenbasis of H."""

    def __init__(self, problem: Problem, dual: Float, velocity: Float) -> None:
        gram, signs = problem.gram, problem.signs
        u, V = matvec(gram, dual)[0], matvec(gram, velocity)[0]
        self.active = u > 0
        self.support = np.flatnonzero(self.active.any(axis=0))
        on = self.active[:, self.support].astype(np.float64)
        r = (signs @ np.where(self.active, u, 0.0) - problem.labels)[self.support]
        d = (signs @ np.where(self.active, V, 0.0))[self.support]
        mu, Q = np.linalg.eigh(gram[np.ix_(self.support, self.support)] * (on.T @ on))
        self.moving = mu > 16 * mu.size * _EPS * mu[-1] if mu.size else np.zeros(0, np.bool_)
        self.mu, self.Q = mu[self.moving], Q[:, self.moving]
        self.residual, self.drift = self.Q.T @ r, self.Q.T @ d
        self.rows = signs[:, None, None] * ((gram[:, self.support] * on[:, None, :]) @ self.Q)
        self.primal, self.velocity = u, V


def prove(
    problem: Problem,
    dual: Float,
    velocity: Float,
    step_size: float,
    momentum: float,
    batches: Sequence[NDArray[np.intp]] | None,
) -> Proof:
    """Bound the whole future path of a state, as long as its pattern holds."""
    frozen = _Frozen(problem, dual, velocity)
    mu, reach = frozen.mu, frozen.rows / frozen.mu
    far = momentum / (1.0 - momentum)
    coast = far * (frozen.velocity - reach @ frozen.drift)
    end = frozen.primal - reach @ frozen.residual + coast
    curvature = step_size * float(mu[-1]) if mu.size else 0.0
    if batches is None:
        size = _peaks(frozen.residual, frozen.drift, step_size * mu, momentum)
    else:
        size = _longest(frozen, step_size, momentum, batches)
    known = np.where(np.isfinite(size), size, 0.0)
    if batches is None:
        swing = np.abs(reach) @ known
    else:
        swing = np.linalg.norm(frozen.rows / np.sqrt(mu), axis=2) * known
    orientation = np.where(frozen.active, 1.0, -1.0)
    slack = orientation * end - np.maximum(orientation * coast, 0.0) - swing
    if not np.isfinite(size).all():
        slack[:] = -np.inf
    scale = max(float(np.abs(part).max()) for part in (frozen.primal, end, coast))
    condition = float(mu[-1] / mu[0]) if mu.size else 1.0
    rounding = max(1e-13, 8 * mu.size * _EPS * condition) * scale
    still = (np.abs(frozen.rows) <= _EPS**2).all(axis=2) & (np.abs(coast) <= _EPS**2 * scale)
    slack[still] = np.inf
    return Proof(slack, rounding, curvature)


def _peaks(residual: Float, drift: Float, steps: Float, momentum: float) -> Float:
    """Bound ``|r_j(t)|`` over all t >= 0; infinite where a component does not decay.

    With the eigenvalues x and y, ``|x| >= |y|``: ``r(t) = y**t r(0) + (r(1) - y r(0)) S_t`` and
    ``|S_t| <= t |x|**(t-1)``, whose largest value is ``1 / (e |x| log(1/|x|))`` or, at t = 1, 1.
    Two distant real ones also give ``|S_t| <= 1 / (|x| - |y|)``; complex ones an ellipse that
    shrinks by `momentum` in every step.
    """
    trace = 1.0 + momentum - steps
    discriminant = trace * trace - 4.0 * momentum
    is_real = discriminant >= 0.0
    root = np.sqrt(discriminant.astype(np.complex128))
    first, second = (trace + root) / 2.0, (trace - root) / 2.0
    small = np.where(np.abs(first) < np.abs(second), first, second)
    large = np.maximum(np.abs(first), np.abs(second))
    next_residual = residual + momentum * drift - steps * residual
    with np.errstate(divide="ignore", invalid="ignore"):
        series = np.maximum(1.0, 1.0 / (np.e * large * -np.log(large)))
        series = np.where(is_real, np.minimum(series, 1.0 / (large - np.abs(small))), series)
        peak = np.abs(residual) + np.abs(next_residual - small * residual) * series
        energy = next_residual**2 - trace * next_residual * residual + momentum * residual**2
        ellipse = np.sqrt(np.maximum(4.0 * energy, 0.0) / -discriminant)
    peak = np.where(is_real, peak, np.fmin(peak, ellipse)) * (1.0 + 1e-9)
    return np.where(large < 1.0, peak, np.inf)


def _longest(
    frozen: _Frozen, step_size: float, momentum: float, batches: Sequence[NDArray[np.intp]]
) -> Float:
    """Bound the distance to the limit, in weight space, at all times; infinite without proof."""
    if not frozen.moving.all():  # some residual stays, and drives a cycle
        return np.array(np.inf)
    p, root = frozen.mu.size, np.sqrt(momentum)
    scaled = frozen.Q * np.sqrt(frozen.mu)
    e, f = (part / np.sqrt(frozen.mu) for part in (frozen.residual, frozen.drift))
    start = np.concatenate((e + momentum / (1.0 - momentum) * f, root / (1.0 - momentum) * f))
    epoch, within = np.eye(2 * p), 1.0
    z, y = epoch[:p], epoch[p:]
    for batch in batches:
        part = scaled[np.isin(frozen.support, batch)]
        push = step_size / (1.0 - momentum) * (part.T @ (part @ (z - root * y)))
        z, y = z - push, momentum * y - root * push
        epoch = np.concatenate((z, y))
        within = max(within, _norm(epoch))
    largest, power = 1.0, epoch
    for _ in range(_EXPLICIT_POWERS - 1):
        largest = max(largest, _norm(power))
        if not largest < _HUGE:
            return np.array(np.inf)
        power = power @ epoch
    for _ in range(_DOUBLINGS):
        size = _norm(power)
        if not size < _HUGE:
            return np.array(np.inf)
        if size < 0.999:
            distance = np.sqrt(1.0 + momentum) * float(np.linalg.norm(start))
            return np.array(within * largest * distance * (1.0 + 1e-6))
        largest *= max(1.0, size)
        power = power @ power
    return np.array(np.inf)


def _norm(matrix: Float) -> float:
    """Bound the spectral norm; closely where that is cheap."""
    if matrix.shape[0] <= _EXACT_NORM_LIMIT:
        return float(np.linalg.norm(matrix, 2))
    sums = np.abs(matrix)
    product = float(sums.sum(axis=0).max()) * float(sums.sum(axis=1).max())
    return min(float(np.linalg.norm(matrix)), np.sqrt(product))
