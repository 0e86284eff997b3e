r"""The first time at which one of many sums of decaying exponentials falls below zero.

Rows are :math:`h(t) = h_0 - \sum_j D_j (1 - e^{-\lambda_j t})`. Split into a convex falling part
(:math:`D_j > 0`) and a concave rising one, their slope over an interval :math:`[a, b]` lies between
known numbers, and so do their values. Intervals are accepted only where a bound proves that the row
stays positive, and halved otherwise, so that no crossing is missed, however short. A row is done
where it is provably positive for ever, or where it provably falls through zero once: then the
root is bracketed on a monotone piece.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float

__all__ = ["Crossing", "first_crossing", "last_root"]

_RESOLUTION = 2.0**-48  # of the fastest time scale, or of the time reached
_MAX_TRIALS = 20_000


class Crossing(NamedTuple):
    """When the first row falls below zero, and which; time inf and row -1 if none ever does."""

    time: float
    row: int


def first_crossing(start: Float, falls: Float, rates: Float, until: float = np.inf) -> Crossing:
    """Find the first row that falls below zero before `until`.

    Parameters
    ----------
    start : ndarray of shape (r,)
        Values at time 0, not negative.
    falls : ndarray of shape (r, p)
        What each mode takes away in total, positive or negative.
    rates : ndarray of shape (p,) or (r, p)
        Decay rates, not negative; a mode of rate 0 does not move.
    until : float, default=inf
        Time at which to stop looking.
    """
    best = Crossing(until, -1)
    row = np.flatnonzero(~_safe_for_ever(start, falls))
    if row.size == 0:
        return Crossing(np.inf, -1)
    rates = np.broadcast_to(rates, falls.shape)[row]
    march = _March(row, start[row], falls[row], rates, until)
    for _ in range(_MAX_TRIALS):
        best = march.advance(best)
        if march.row.size == 0:
            break
    return best if best.row >= 0 else Crossing(np.inf, -1)


def last_root(value: float, falls: Float, rates: Float, time: float) -> float:
    """Return the root of a row just before `time`, where it falls and is barely negative."""
    root = time
    for _ in range(20):
        gone = np.expm1(-rates * root)
        h = value + float(falls @ gone)
        slope = -float((falls * rates) @ (1.0 + gone))
        if not slope < 0.0:
            break
        new = root - h / slope
        if new <= 0.0:
            return 0.0
        if new >= root:  # rounding
            break
        root = new
    return root


def _safe_for_ever(value: Float, falls: Float) -> NDArray[np.bool_]:
    """Whether rows stay positive even if all that falls has fallen and nothing has risen."""
    down = np.maximum(falls, 0.0).sum(axis=1)
    return (value - down > 0.0) | (down <= 0.0)


class _March:
    """Rows that may still cross, each at its own time."""

    def __init__(
        self, row: NDArray[np.intp], value: Float, left: Float, rates: Float, until: float
    ) -> None:
        self.row, self.value, self.left, self.rates = row, value, left, rates
        self.time = np.zeros(row.size)
        fastest = float(rates.max())
        self.shortest = _RESOLUTION / fastest
        fall = (np.maximum(left, 0.0) * rates).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            first = np.where(fall > 0.0, 2.0 * value / fall, 1.0 / fastest)
        self.width = np.clip(first, self.shortest, min(until, 2.0**40 / fastest))

    def advance(self, best: Crossing) -> Crossing:
        """Try one interval for every row; return the first crossing known."""
        self._keep(self.time < best.time)
        if self.row.size == 0:
            return best
        width = np.minimum(self.width, best.time - self.time)
        gone = np.expm1(-self.rates * width[:, None])  # minus the part that decays meanwhile
        moved = self.left * gone
        after = self.value + moved.sum(axis=1)
        slope = self.left * self.rates
        slope_after = slope * (1.0 + gone)
        down, up = -np.maximum(slope, 0.0), -np.minimum(slope, 0.0)
        down_after, up_after = -np.maximum(slope_after, 0.0), -np.minimum(slope_after, 0.0)
        steepest = (down + up_after).sum(axis=1)
        gentlest = (down_after + up).sum(axis=1)
        lowest = _lowest(self.value, after, steepest, gentlest, width)
        lowest = np.maximum(lowest, self.value + np.minimum(moved, 0.0).sum(axis=1))
        is_safe = lowest > 0.0
        is_tiny = width <= np.maximum(self.shortest, _RESOLUTION * self.time)
        falls_once = ~is_safe & (after <= 0.0) & ((gentlest <= 0.0) | is_tiny)
        for index in np.flatnonzero(falls_once):
            time = self.time[index] + self._root(int(index), float(width[index]))
            if time < best.time or (time == best.time and best.row < 0):
                best = Crossing(float(time), int(self.row[index]))
        is_passed = is_safe | (is_tiny & ~falls_once)
        self.width = np.where(is_passed, 2.0 * width, 0.25 * width)
        self.width = np.maximum(self.width, self.shortest)
        self.time = np.where(is_passed, self.time + width, self.time)
        self.value = np.where(is_passed, after, self.value)
        self.left = np.where(is_passed[:, None], self.left + moved, self.left)
        self._keep(~falls_once & ~(is_passed & _safe_for_ever(self.value, self.left)))
        return best

    def _keep(self, kept: NDArray[np.bool_]) -> None:
        if kept.all():
            return
        for name in ("row", "value", "left", "rates", "time", "width"):
            setattr(self, name, getattr(self, name)[kept])

    def _root(self, index: int, width: float) -> float:
        """Return the root of a row that falls through zero once within `width`."""
        value, left, rates = self.value[index], self.left[index], self.rates[index]
        if value <= 0.0:
            return 0.0
        low, high = 0.0, width
        at = width * value / (value - float(value + left @ np.expm1(-rates * width)))
        for _ in range(100):
            decayed = np.expm1(-rates * at)
            h = float(value + left @ decayed)
            if h > 0.0:
                low = at
            else:
                high = at
            slope = -float((left * rates) @ (1.0 + decayed))
            newton = at - h / slope if slope < 0.0 else low
            new = newton if low < newton < high else 0.5 * (low + high)
            if abs(new - at) <= 2.0**-52 * at or high - low <= 2.0**-52 * high:
                return new
            at = new
        return high


def _lowest(value: Float, after: Float, steepest: Float, gentlest: Float, width: Float) -> Float:
    """Return a lower bound on an interval from both end values and the extreme slopes."""
    spread = np.where(gentlest > steepest, gentlest - steepest, 1.0)
    inside = (gentlest * value - steepest * after + steepest * gentlest * width) / spread
    turns = (steepest < 0.0) & (gentlest > 0.0)
    return np.minimum(np.minimum(value, after), np.where(turns, inside, np.inf))
