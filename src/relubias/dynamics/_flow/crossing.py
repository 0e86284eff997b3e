r"""The first time at which one of many sums of decaying exponentials falls below zero.

Rows are :math:`h(t) = h_0 - \sum_j D_j (1 - e^{-\lambda_j t})`. Split into a convex falling part
(:math:`D_j > 0`) and a concave rising one, their slope and curvature over an interval
:math:`[a, b]` lie between known numbers, and so do their values. Intervals are accepted only where
a bound proves that the row stays positive, and cut otherwise, so that no crossing is missed,
however short. A row is done where it is provably positive for ever, or where it provably falls
through zero once: then the root is bracketed on a monotone piece.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float

__all__ = ["Crossing", "first_crossing", "last_root"]

_RESOLUTION = 2.0**-48  # of the fastest time scale, or of the time reached
_MAX_TRIALS = 20_000
_FIRST, _LAST = 2.0**-20, 64.0  # of the fastest and of the slowest time scale: ends of the grid


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
    rates : ndarray of shape (p,)
        Decay rates, not negative; where one is 0, so are `falls`.
    until : float, default=inf
        Time at which to stop looking.
    """
    row = np.flatnonzero(~_safe_for_ever(start, falls))
    if row.size == 0:
        return Crossing(np.inf, -1)
    march = _survey(row, start[row], falls[row], rates, until)
    best = Crossing(march.until, -1)
    for _ in range(_MAX_TRIALS):
        best = march.advance(best)
        if march.row.size == 0:
            break
    return best if best.row >= 0 else Crossing(np.inf, -1)


def _survey(
    row: NDArray[np.intp], start: Float, falls: Float, rates: Float, until: float
) -> _March:
    """Bound all rows over the intervals of one grid; march only where that leaves a doubt."""
    moving = rates[rates > 0.0]
    slowest, fastest = float(moving.min()), float(moving.max())
    n_times = int(np.log2(_LAST / slowest / (_FIRST / fastest))) + 2
    times = np.append(0.0, _FIRST / fastest * 2.0 ** np.arange(n_times))
    gone = np.expm1(-np.outer(rates, times))
    value = start[:, None] + falls @ gone
    left = 1.0 + gone
    ends = _Ends.of(np.maximum(falls, 0.0), np.minimum(falls, 0.0), rates, left)
    lowest = _lowest(
        value[:, :-1], value[:, 1:], ends.at(np.s_[:, :-1]), ends.at(np.s_[:, 1:]), np.diff(times)
    )
    doubtful = np.column_stack((lowest <= 0.0, np.ones(row.size, np.bool_)))
    below = (value[:, 1:] <= 0.0).any(axis=0)
    if below.any():
        until = min(until, float(times[1:][np.argmax(below)]) * (1.0 + 2.0**-50))
    first = np.argmax(doubtful, axis=1)
    kept = times[first] < until
    first = first[kept]
    return _March(
        row[kept],
        times[first],
        value[kept, first],
        falls[kept] * left.T[first],
        rates,
        until,
    )


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
        self,
        row: NDArray[np.intp],
        time: Float,
        value: Float,
        left: Float,
        rates: Float,
        until: float,
    ) -> None:
        self.row, self.time, self.value, self.left = row, time, value, left
        self.rates, self.until = rates, until
        fastest = float(rates.max())
        self.shortest = _RESOLUTION / fastest
        fall = left @ rates
        first = np.divide(2.0 * value, fall, out=np.full(row.size, 1.0 / fastest), where=fall > 0.0)
        self.width = np.clip(first, 1e-3 / fastest, min(until, 2.0**40 / fastest))
        self._keep(~_safe_for_ever(value, left))

    def advance(self, best: Crossing) -> Crossing:
        """Try one interval for every row; return the first crossing known."""
        self._keep(self.time < best.time)
        if self.row.size == 0:
            return best
        width = np.minimum(self.width, best.time - self.time)
        gone = np.expm1(-self.rates * width[:, None])  # minus the part that decays meanwhile
        moved = self.left * gone
        after = self.value + moved.sum(axis=1)
        down, up = np.maximum(self.left, 0.0), np.minimum(self.left, 0.0)
        here = _Ends.of(down, up, self.rates)
        there = _Ends.of(down * (1.0 + gone), up * (1.0 + gone), self.rates)
        gentlest = there.falling + here.rising
        lowest = _lowest(self.value, after, here, there, width)
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
        for name in ("row", "time", "value", "left", "width"):
            setattr(self, name, getattr(self, name)[kept])

    def _root(self, index: int, width: float) -> float:
        """Return the root of a row that falls through zero once within `width`."""
        value, left, rates = self.value[index], self.left[index], self.rates
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


class _Ends(NamedTuple):
    """Slopes and curvatures of the falling and of the rising part, at some times."""

    falling: Float
    rising: Float
    bending_up: Float
    bending_down: Float

    @classmethod
    def of(cls, down: Float, up: Float, rates: Float, left: Float | None = None) -> _Ends:
        """Compute them at time 0, or at times where `left` of every mode is left."""
        if left is None:
            left = np.ones(rates.size)
        weighted = left.T * rates
        squared = (weighted * rates).T
        weighted = weighted.T
        return cls(-(down @ weighted), -(up @ weighted), down @ squared, up @ squared)

    def at(self, index: tuple[slice, slice]) -> _Ends:
        """Return those at some of the times."""
        return _Ends(*(part[index] for part in self))

    @property
    def slope(self) -> Float:
        """Slope of the whole."""
        return self.falling + self.rising


def _lowest(value: Float, after: Float, here: _Ends, there: _Ends, width: Float) -> Float:
    """Return a lower bound on an interval from what is known at both ends.

    Once from the extreme slopes. Once more from the curvature: a convex row lies above both
    tangents, any row above the parabola of its least curvature.
    """
    by_slopes = _above_lines(
        value, after, here.falling + there.rising, there.falling + here.rising, width
    )
    least = there.bending_up + here.bending_down
    slope = here.slope
    parabola = np.minimum(value, value + width * (slope + 0.5 * width * np.minimum(least, 0.0)))
    tangents = _above_lines(value, after, slope, there.slope, width)
    return np.maximum(by_slopes, np.where(least >= 0.0, tangents, parabola))


def _above_lines(
    value: Float, after: Float, steepest: Float, gentlest: Float, width: Float
) -> Float:
    """Return the lowest point above two lines through the end points."""
    spread = np.where(gentlest > steepest, gentlest - steepest, 1.0)
    inside = (gentlest * value - steepest * after + steepest * gentlest * width) / spread
    turns = (steepest < 0.0) & (gentlest > 0.0)
    return np.minimum(np.minimum(value, after), np.where(turns, inside, np.inf))
