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
from relubias.dynamics._eigenbasis import Eigenbasis, eigenbasis

__all__ = ["Frozen", "Modes", "frozen_motion", "safe_steps"]

_LEVELS = 4  # interval lengths tried at once
_VISIBLE = 1e-22  # primal value well above the rounding of any run


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
    basis : Eigenbasis
    lifetime : float
        Steps until a value that decays to its hyperplane comes near rounding.
    is_stable : bool
        Whether ``step_size * lambda_max(H) < 2``.
    residual : float
        Largest entry of the part of r that moves anything.
    """

    modes: list[Modes]
    basis: Eigenbasis
    lifetime: float
    is_stable: bool
    residual: float


def frozen_motion(
    gram: Float,
    labels: Float,
    signs: Float,
    step_size: float,
    primal: Float,
    active: NDArray[np.bool_],
    residual: tuple[Float, Float],
) -> Frozen:
    """Diagonalise the frozen dynamics and list the rows that can ever change sign."""
    P = np.flatnonzero(active.any(axis=0))
    pattern = active[:, P].astype(np.float64)
    basis = eigenbasis(pattern.T @ pattern, gram[np.ix_(P, P)])
    mu = basis.mu
    c = basis.apply((residual[0] + residual[1])[None, P])[0]
    moving = float(np.abs(basis.vectors @ c).max(initial=0.0))
    if not step_size * mu[-1] < 2.0:
        return Frozen([], basis, np.inf, False, moving)
    orientation = np.where(active, 1.0, -1.0)
    start = orientation * primal
    m, n = primal.shape
    reach = basis.apply((gram[:, P] * pattern[:, None, :]).reshape(m * n, P.size))
    weights = (orientation * signs[:, None])[:, :, None] * reach.reshape(m, n, -1) * (c / mu)
    end = np.abs(start - weights.sum(axis=2))
    scale = max(float(np.abs(start).max()), float(end.max()))
    decays_to_zero = active & (active.sum(axis=0) == 1) & (labels == 0.0)
    unmoved = 1.0 - (basis.vectors**2).sum(axis=1)  # part of each sample in null modes of H
    decays_to_zero[:, P[unmoved > code.NULL_PART]] = False
    still = (np.abs(weights) <= code.EPS**2 * scale).all(axis=2)
    decay = step_size * mu  # 1 - rho_j
    rows = ~still & ~decays_to_zero
    modes = _one_sided(start[rows], weights[rows], decay, basis.accuracy * scale)
    rows = ~still & decays_to_zero
    lifetime = np.inf
    if rows.any():
        size = float(np.abs(residual[0][P]).max())
        group = _without_slowest(weights[rows], decay)
        modes += _one_sided(*group, basis.accuracy * size)
        lifetime = _lifetime(start[rows], weights[rows], decay)
    return Frozen(modes, basis, lifetime, True, moving)


def _lifetime(start: Float, weights: Float, decay: Float) -> float:
    """Return steps in which no row ``sum_j C_j rho_j^t`` decays below `_VISIBLE`.

    By the slowest mode where the others cannot outweigh it, otherwise by the fastest.
    """
    used = (np.abs(weights) > 0.0).any(axis=0)
    weights, decay = weights[:, used], decay[used]
    if not float(np.max(decay)) < 1.0:
        return 0.0
    rates = -np.log1p(-decay)
    slowest = int(np.argmin(rates))
    others = np.delete(weights, slowest, axis=1)
    floor = weights[:, slowest] + np.minimum(others, 0.0).sum(axis=1)
    size = np.where(floor > 0.0, floor, start)
    rate = np.where(floor > 0.0, rates[slowest], float(np.max(rates)))
    return max(0.0, float(np.min(np.log(size / _VISIBLE) / rate)))


def _without_slowest(weights: Float, decay: Float) -> tuple[Float, Float, Float]:
    """Rows that end at zero, divided by their slowest mode: ``C_1 + sum_j C_j (rho_j/rho_1)^t``.

    Exact structure, not a limit: the label is zero and one neuron alone fits it, so that
    ``h(t) = sum_j C_j rho_j^t``. Divided by ``rho_1^t`` it no longer tends to zero.
    """
    start = weights.sum(axis=1)
    used = (np.abs(weights) > 0.0).any(axis=0)
    slowest = int(np.argmax(np.where(used, np.abs(1.0 - decay), -1.0)))
    if not decay[slowest] < 1.0:  # such a row changes sign again and again
        return start, weights, decay
    others = weights.copy()
    others[:, slowest] = 0.0
    ratio_decay = (decay - decay[slowest]) / (1.0 - decay[slowest])  # 1 - rho_j / rho_1
    return start, others, np.where(used, ratio_decay, 0.0)


def _one_sided(start: Float, weights: Float, decay: Float, margin: float) -> list[Modes]:
    """Split into even and odd steps where a mode changes sign, so that all decay monotonically."""
    if start.size == 0:
        return []
    used = (np.abs(weights) > 0.0).any(axis=0)
    weights, decay = weights[:, used], decay[used]
    with np.errstate(divide="ignore"):
        if (decay <= 1.0).all():
            return [Modes(start, weights, -np.log1p(-decay), 1, 0, margin)]
        rates = -2.0 * np.where(
            decay < 1.0, np.log1p(-np.minimum(decay, 1.0)), np.log(np.maximum(decay - 1.0, 0.0))
        )
    odd = start - (weights * decay).sum(axis=1)
    return [
        Modes(start, weights, rates, 2, 0, margin),
        Modes(odd, weights * (1.0 - decay), rates, 2, 1, margin),
    ]


def safe_steps(frozen: Frozen) -> tuple[int, bool]:
    """Count steps during which no sign changes for certain.

    Returns
    -------
    steps : int
        Where no sign ever changes, steps after which the box of `certificate.certify` shows it.
    is_forever : bool
        Whether no sign ever changes.
    """
    if not frozen.is_stable:
        return 0, False
    safe, settled, is_forever = 2**62, 0, True
    for modes in frozen.modes:
        if modes.offset and not (modes.start > modes.margin).all():
            return 0, False
        units, settles = _safe_units(modes)
        steps = modes.unit * units + modes.offset
        if settles:
            settled = max(settled, steps)
        else:
            safe, is_forever = min(safe, steps), False
    return (settled, True) if is_forever else (safe, False)


def _safe_units(modes: Modes) -> tuple[int, bool]:
    """March over intervals of 2**k units, halving wherever no bound proves one safe."""
    at, h, rates, margin = 0, modes.start, modes.rates, modes.margin
    finite = np.where(np.isinf(rates), 0.0, rates)
    parts = np.stack((np.maximum(modes.weights, 0.0), np.minimum(modes.weights, 0.0)))
    k = _first_level(h, modes.weights, rates)
    while True:
        decay = np.where(np.isinf(rates), 1.0 if at == 0 else 0.0, np.exp(-finite * at))
        is_open = ~(h - parts[0] @ decay > margin)
        if not is_open.all():
            h, parts = h[is_open], parts[:, is_open]
        if h.size == 0:
            return at, True
        if not (h > margin).all():
            return at, False
        shrunk = False
        while True:
            levels = np.arange(k, max(k - _LEVELS, -1), -1)
            after, least = _bounds_inside(h, parts, decay, rates, levels)
            safe = (least > margin).all(axis=0)
            if safe.any():
                chosen = int(np.argmax(safe))
                at, h = at + 2 ** int(levels[chosen]), after[:, chosen]
                k = int(levels[chosen]) if shrunk or chosen else min(k + 1, 60)
                if at >= 2**61:
                    return at, False
                break
            k, shrunk = int(levels[-1]) - 1, True
            if k < 0:
                return at, False


def _first_level(h: Float, weights: Float, rates: Float) -> int:
    """Guess the largest safe interval: twice the time that the fastest approach needs."""
    fall = (weights * -np.expm1(-rates)).sum(axis=1)
    falling = fall > 0.0
    if not falling.any():
        return 60
    units = float((h[falling] / fall[falling]).min())
    return min(60, max(0, int(np.log2(max(units, 1.0))) + 1))


def _bounds_inside(
    h: Float, parts: Float, decay: Float, rates: Float, levels: NDArray[np.intp]
) -> tuple[Float, Float]:
    """Return values after 2**k units and lower bounds until then, a column for each level k.

    Either all falling modes fall and no other rises, or the changes per unit are between the
    extreme ones of the first and of the last unit. `parts` are positive and negative weights.
    """
    n_levels, h = levels.size, h[:, None]
    width = np.ldexp(1.0, levels)
    gone = -np.expm1(-width[:, None] * rates)
    first = decay * -np.expm1(-rates)  # change during the first unit, mode by mode
    sums = parts @ np.concatenate((decay * gone, first * (1.0 - gone), first[None])).T
    fall, rise = sums[:, :, :n_levels]
    last_fall, last_rise = sums[:, :, n_levels : 2 * n_levels]
    first_fall, first_rise = sums[:, :, 2 * n_levels :]
    after = h - (fall + rise)
    steepest, gentlest = -(first_fall + last_rise), -(last_fall + first_rise)
    spread = np.where(gentlest > steepest, gentlest - steepest, 1.0)
    crossing = (gentlest * h - steepest * after + steepest * gentlest * width) / spread
    ends = np.minimum(h, after)
    by_slope = np.where((steepest < 0.0) & (gentlest > 0.0), np.minimum(ends, crossing), ends)
    return after, np.where(levels > 0, np.maximum(h - fall, by_slope), h - fall)
