r"""How the primal values move while the activation pattern is frozen, mode by mode.

With :math:`H = \sum_k D_{A_k} G D_{A_k} = Q\,\mathrm{diag}(\mu)\,Q^\top` on the supported samples
and :math:`c = Q^\top r`, a signed primal value :math:`h = \pm u_{ki}` (positive while the pattern
holds) after t steps is

.. math:: h(t) = h_0 - \sum_j C_j (1 - \rho_j^t), \qquad \rho_j = 1 - \eta\mu_j,

with weights :math:`C_j = \pm s_k (G_{i\cdot} D_{A_k} Q)_j c_j / \mu_j`. Everything here bounds such
sums from below: over an interval, or for ever.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.dynamics import _codes as code

__all__ = ["FOREVER", "Frozen", "Modes", "frozen_motion", "safe_steps"]

FOREVER = 2**62


@dataclass(frozen=True, slots=True)
class Modes:
    """Rows ``h(t) = start - sum_j weights_j (1 - exp(-rates_j t))``, and their time unit.

    Attributes
    ----------
    start : ndarray of shape (r,)
    weights : ndarray of shape (r, p)
    rates : ndarray of shape (p,)
        Non-negative; infinite where a mode is gone after one unit.
    unit : int
        Steps per unit of t: 2 where modes change sign at every step.
    offset : int
        Steps before t = 0.
    margin : float
        Rounding margin of every bound, in primal units.
    """

    start: Float
    weights: Float
    rates: Float
    unit: int
    offset: int
    margin: float


@dataclass(frozen=True, slots=True)
class Frozen:
    """The motion under a frozen pattern.

    Attributes
    ----------
    modes : list of Modes
    push : ndarray of shape (p,)
        ``H^+ r``: what the frozen path moves in total.
    is_stable : bool
        Whether ``step_size * lambda_max(H) < 2``.
    residual : float
        Largest entry of the part of r that moves anything.
    """

    modes: list[Modes]
    push: Float
    is_stable: bool
    residual: float


def frozen_motion(
    gram: Float,
    labels: Float,
    signs: Float,
    step_size: float,
    primal: Float,
    active: NDArray[np.bool_],
    residual: Float,
) -> Frozen:
    """Diagonalise the frozen dynamics and list the rows that can ever change sign."""
    P = np.flatnonzero(active.any(axis=0))
    pattern = active[:, P].astype(np.float64)
    mu, Q = np.linalg.eigh((pattern.T @ pattern) * gram[np.ix_(P, P)])
    null = mu <= code.NULL_TOLERANCE * P.size * code.EPS * mu[-1]
    mu_safe = np.where(null, 1.0, mu)
    c = np.where(null, 0.0, Q.T @ residual[P])
    if not step_size * mu[-1] < 2.0:
        return Frozen([], np.zeros(P.size), False, float(np.abs(c).max(initial=0.0)))
    orientation = np.where(active, 1.0, -1.0)
    start = orientation * primal
    reach = (gram[:, P] * pattern[:, None, :]) @ Q  # (m, n, p)
    weights = (orientation * signs[:, None])[:, :, None] * reach * (c / mu_safe)
    end = np.abs(start - weights.sum(axis=2))
    condition = mu[-1] / mu_safe[~null].min()
    scale = max(float(np.abs(start).max()), float(end.max()))
    relative = max(code.EIGEN_MARGIN, 8.0 * P.size * code.EPS * condition)
    decays_to_zero = active & (active.sum(axis=0) == 1) & (labels == 0.0)
    still = (np.abs(weights) <= code.EPS**2 * scale).all(axis=2)
    rho = np.where(null, 1.0, 1.0 - step_size * mu_safe)
    rows = ~still & ~decays_to_zero
    modes = _one_sided(start[rows], weights[rows], rho, relative * scale)
    rows = ~still & decays_to_zero
    if rows.any():
        size = float(np.abs(residual[P]).max())
        modes += _one_sided(*_without_slowest(weights[rows], rho), relative * size)
    return Frozen(modes, Q @ (c / mu_safe), True, float(np.abs(Q @ c).max(initial=0.0)))


def _without_slowest(weights: Float, rho: Float) -> tuple[Float, Float, Float]:
    """Rows that end at zero, divided by their slowest mode: ``C_1 + sum_j C_j (rho_j/rho_1)^t``.

    Exact structure, not a limit: the label is zero and one neuron alone fits it, so that
    ``h(t) = sum_j C_j rho_j^t``. Divided by ``rho_1^t`` it no longer tends to zero.
    """
    used = (np.abs(weights) > 0.0).any(axis=0)
    slowest = int(np.argmax(np.where(used, np.abs(rho), -1.0)))
    if not rho[slowest] > 0.0:  # such a row changes sign again and again
        return weights.sum(axis=1), weights, rho
    ratio = np.where(used, rho / rho[slowest], 0.0)
    others = weights.copy()
    others[:, slowest] = 0.0
    return weights.sum(axis=1), others, ratio


def _one_sided(start: Float, weights: Float, rho: Float, margin: float) -> list[Modes]:
    """Split into even and odd steps where a mode changes sign, so that all decay monotonically."""
    if start.size == 0:
        return []
    used = (np.abs(weights) > 0.0).any(axis=0)
    weights, rho = weights[:, used], rho[used]
    with np.errstate(divide="ignore"):
        if (rho >= 0.0).all():
            return [Modes(start, weights, -np.log(rho), 1, 0, margin)]
        rates = -2.0 * np.log(np.abs(rho))
    odd = start - (weights * (1.0 - rho)).sum(axis=1)
    return [
        Modes(start, weights, rates, 2, 0, margin),
        Modes(odd, weights * rho, rates, 2, 1, margin),
    ]


def safe_steps(frozen: Frozen) -> int:
    """Count steps during which no sign changes for certain; `FOREVER` if none ever does."""
    if not frozen.is_stable:
        return 0
    safe = FOREVER
    for modes in frozen.modes:
        if modes.offset and not (modes.start > modes.margin).all():
            return 0
        units = _safe_units(modes)
        if units < FOREVER:
            safe = min(safe, modes.unit * units + modes.offset)
    return safe


def _safe_units(modes: Modes) -> int:
    """March over intervals of 2**k units, halving wherever no bound proves one safe."""
    at, h, K, rates, margin = 0, modes.start, modes.weights, modes.rates, modes.margin
    finite = np.where(np.isinf(rates), 0.0, rates)
    k = 60
    while True:
        decay = np.where(np.isinf(rates), 1.0 if at == 0 else 0.0, np.exp(-finite * at))
        left = K * decay
        open_rows = ~(h - np.maximum(left, 0.0).sum(axis=1) > margin)
        h, K, left = h[open_rows], K[open_rows], left[open_rows]
        if h.size == 0:
            return FOREVER
        if not (h > margin).all():
            return at
        while True:
            width = 2.0**k
            gone = -np.expm1(-rates * width)
            moved = left * gone
            after = h - moved.sum(axis=1)
            safe = h - np.maximum(moved, 0.0).sum(axis=1) > margin
            if k > 0 and not safe.all():
                safe |= _slope_bound(h, after, left, gone, rates, width) > margin
            if safe.all():
                at, h = at + 2**k, after
                k = min(k + 1, 60)
                if at >= 2**61:
                    return at
                break
            if k == 0:
                return at
            k -= 1


def _slope_bound(
    h: Float, after: Float, left: Float, gone: Float, rates: Float, width: float
) -> Float:
    """Lower bound inside an interval from the extreme changes per unit at its two ends."""
    first = left * -np.expm1(-rates)  # change during the first unit, mode by mode
    last = first * (1.0 - gone)
    steepest = -(np.maximum(first, 0.0) + np.minimum(last, 0.0)).sum(axis=1)
    gentlest = -(np.maximum(last, 0.0) + np.minimum(first, 0.0)).sum(axis=1)
    spread = np.where(gentlest > steepest, gentlest - steepest, 1.0)
    crossing = (gentlest * h - steepest * after + steepest * gentlest * width) / spread
    inside = np.where((steepest < 0.0) & (gentlest > 0.0), crossing, np.minimum(h, after))
    return np.minimum(np.minimum(h, after), inside)
