"""Power laws through medians, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.sweep._bands import split

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["PowerLawFit", "fit_power_law"]

_N_RESAMPLES = 2000
_MOST_WORK = 4e8
"""Rows times resamples; more rows are resampled less often, down to 200 times."""
_FEWEST_ROWS = 8
"""With fewer rows at some x, their median says little about its own spread."""


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class PowerLawFit:
    r"""Exponents of ``y = prefactor * x ** exponent``, one per group.

    The line is fitted to the medians of log y at every x (``method`` is ``"medians"``), and its
    interval comes from resampling [1]_: rows independently, or, where rows share their seed and
    so their data, all rows of a seed together. Where some x has fewer than 8 rows, it is the
    regression of all rows, with Student's interval as if they were independent (``"rows"``).
    Intervals speak of the sampling error only: `misfit` says how far the medians are from any
    power law.

    Attributes
    ----------
    x, y : str
        Names of the columns.
    by : str or None
        Column that tells the groups apart; None for a single one.
    groups : tuple
        The value of `by` in each group; ``(None,)`` without groups.
    exponent : ndarray of shape (n_groups,)
        The slope on logarithmic axes.
    low, high : ndarray of shape (n_groups,)
        Ends of the interval of the exponent.
    prefactor : ndarray of shape (n_groups,)
        The value of the fitted line at x = 1, in units of y.
    misfit : ndarray of shape (n_groups,)
        Largest factor between a median and the line, at least 1.
    n_rows : ndarray of int, shape (n_groups,)
        How many rows are behind each fit.
    n_left_out : int
        Rows where x or y is not a positive finite number.
    span : ndarray of shape (n_groups, 2)
        Smallest and largest x of each group.
    method : tuple of str
        ``"medians"`` or ``"rows"``, for each group.
    level : float
        Confidence of the intervals.

    References
    ----------
    .. [1] B. Efron and R. J. Tibshirani, An Introduction to the Bootstrap, Chapman and Hall, 1993,
       chapter 13.
    """

    x: str
    y: str
    by: str | None
    groups: tuple[Any, ...]
    exponent: Float
    low: Float
    high: Float
    prefactor: Float
    misfit: Float
    n_rows: NDArray[np.int64]
    n_left_out: int
    span: Float
    method: tuple[str, ...]
    level: float

    def to_frame(self) -> pd.DataFrame:
        """Return one row per group.

        Returns
        -------
        pandas.DataFrame
            Columns: the group, if any, then ``exponent, low, high, prefactor, misfit, n_rows``.
        """
        import pandas as pd

        names = ("exponent", "low", "high", "prefactor", "misfit", "n_rows")
        columns: dict[str, Any] = {} if self.by is None else {self.by: list(self.groups)}
        return pd.DataFrame(columns | {name: getattr(self, name) for name in names})

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the fitted lines with their exponents.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure if omitted.

        Returns
        -------
        matplotlib.axes.Axes
            The axes, both logarithmic.

        Raises
        ------
        InvalidInputError
            If `ax` is no rectangular Axes.
        """
        from relubias.sweep._curves import draw_fit

        return draw_fit(self, ax)

    def label(self, k: int) -> str:
        """Return the exponent of one group with its interval, as a legend says it.

        Parameters
        ----------
        k : int
            Position of the group.

        Returns
        -------
        str
            Such as ``slope -0.98 [-1.01, -0.95]``.
        """
        slope, low, high = (float(v[k]) for v in (self.exponent, self.low, self.high))
        digits = int(np.clip(1 - np.floor(np.log10(max(high - low, 1e-9) / 2)), 2, 6))
        return f"slope {slope:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"

    def __repr__(self) -> str:
        head = f"PowerLawFit {self.y} ~ {self.x}^slope with {self.level:.0%} intervals"
        lines = [head if not self.n_left_out else f"{head}; {self.n_left_out} rows left out"]
        for k, group in enumerate(self.groups):
            name = "" if self.by is None else f"{self.by} = {group}: "
            lines.append(
                f"  {name}{self.label(k)}, medians within {self.misfit[k]:.3g} times the line "
                f"(fit to {self.method[k]}, {self.n_rows[k]} rows, {self.x} from "
                f"{self.span[k, 0]:g} to {self.span[k, 1]:g})"
            )
        return "\n".join(lines)


def fit_power_law(
    x: Float, y: Float, seeds: NDArray[Any], *, level: float, rng: np.random.Generator
) -> tuple[dict[str, Any], str]:
    """Return exponent, low, high, prefactor and misfit of one group, and the method used.

    `x` and `y` are positive, of shape (n_rows,), with at least two distinct x; rows of equal
    `seeds` have their data in common.
    """
    places, rows = split(x)
    u, v = np.log(places), np.log(y)
    medians = np.array([np.median(v[index]) for index in rows])
    if min(index.size for index in rows) >= _FEWEST_ROWS:
        method, centre, height = "medians", u.mean(), medians.mean()
        weights = (u - centre) / ((u - centre) @ (u - centre))
        slope = float(weights @ medians)
        drawn = weights @ _resampled(v, rows, seeds, rng)
        low, high = (
            float(end) for end in np.nanquantile(drawn, ((1 - level) / 2, (1 + level) / 2))
        )
    else:
        method, centre, height = "rows", np.log(x).mean(), v.mean()
        slope, low, high = _regression(np.log(x), v, level)
    line = height + slope * (u - centre)
    found = {
        "exponent": slope,
        "low": low,
        "high": high,
        "prefactor": float(np.exp(height - slope * centre)),
        "misfit": float(np.exp(np.abs(medians - line).max())),
    }
    return found, method


def _resampled(
    values: Float, rows: list[NDArray[np.intp]], seeds: NDArray[Any], rng: np.random.Generator
) -> Float:
    """Return medians of resampled rows, (n_places, n_resamples)."""
    distinct, cluster = np.unique(seeds, return_inverse=True)
    if distinct.size == seeds.size:
        return np.stack([_resampled_medians(np.sort(values[index]), rng) for index in rows])
    home = np.empty(distinct.size, dtype=np.intp)
    for place in range(len(rows) - 1, -1, -1):
        home[cluster[rows[place]]] = place  # the first place where a seed occurs
    sorted_rows = [index[np.argsort(values[index], kind="stable")] for index in rows]
    n_resamples = int(np.clip(_MOST_WORK / values.size, min(200, _N_RESAMPLES), _N_RESAMPLES))
    medians = np.empty((len(rows), n_resamples))
    strata = split(home)[1]
    for b in range(n_resamples):
        counts = np.zeros(distinct.size)
        for stratum in strata:
            drawn = rng.integers(stratum.size, size=stratum.size)
            counts[stratum] = np.bincount(drawn, minlength=stratum.size)
        for place, index in enumerate(sorted_rows):
            medians[place, b] = _weighted_median(values[index], counts[cluster[index]])
    return medians


def _weighted_median(values: Float, counts: Float) -> float:
    """Return the median of sorted values that occur so often; nan if none does."""
    reached: Float = np.cumsum(counts)
    half = float(reached[-1]) / 2
    if half == 0.0:
        return np.nan
    ends = [int(np.searchsorted(reached, half, side=side)) for side in ("left", "right")]
    return float(values[ends].mean())


def _resampled_medians(values: Float, rng: np.random.Generator) -> Float:
    """Return medians of samples drawn with replacement from the sorted `values`.

    The k-th smallest of n draws has the position ``floor(n * U)``, U the k-th smallest of n
    uniform numbers, whose law is Beta(k, n + 1 - k): no sample needs to be drawn.
    """
    n = values.size
    k = (n + 1) // 2
    lower = rng.beta(k, n + 1 - k, size=_N_RESAMPLES)
    first = values[np.minimum((n * lower).astype(np.intp), n - 1)]
    if n % 2:
        return first
    upper = lower + (1 - lower) * rng.beta(1, n - k, size=_N_RESAMPLES)
    return (first + values[np.minimum((n * upper).astype(np.intp), n - 1)]) / 2


def _regression(u: Float, v: Float, level: float) -> tuple[float, float, float]:
    """Return the least-squares slope with Student's interval; nan ends for two rows."""
    from scipy.special import stdtrit

    a, b = u - u.mean(), v - v.mean()
    slope = float(a @ b / (a @ a))
    if u.size < 3:
        return slope, np.nan, np.nan
    residual = b - slope * a
    error = np.sqrt(float(residual @ residual) / (u.size - 2) / float(a @ a))
    width = float(stdtrit(u.size - 2, 0.5 + level / 2) * error)
    return slope, slope - width, slope + width
