"""What curves and phase maps show: the middle and the spread of a quantity, group by group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._statistics import mean, proportion
from relubias._validate import Float, fail

if TYPE_CHECKING:
    from relubias._statistics import Estimate

__all__ = ["Band", "Quantity", "band", "cell_middles", "positions", "quantity", "split"]

MIDDLES = {"median": "median, 5 to 95%", "mean": "mean, 95% interval"}
"""What the line and the band of a number are, and how an axis says so."""

MAX_POINTS = 60
"""With more distinct values of x than this, neighbours are pooled."""

N_POOLED = 24
"""Into how many points, of equally many rows."""


class Quantity(NamedTuple):
    """One column, ready to be averaged.

    `values` is float64 of shape (n_rows,), 0 and 1 where `is_share`; rows where it is not finite
    say nothing.
    """

    name: str
    values: Float
    is_share: bool

    @property
    def n_undefined(self) -> int:
        """How many rows say nothing."""
        return int((~np.isfinite(self.values)).sum())


class Band(NamedTuple):
    """The middle and the band at every x, each of shape (n_points,), and how many rows are behind.

    `x` holds the values of the column, of whatever type.
    """

    x: NDArray[Any]
    n_rows: NDArray[np.int64]
    middle: Float
    low: Float
    high: Float


def quantity(argument: str, name: str, column: NDArray[Any], equals: Any) -> Quantity:
    """Return a column as a number, or as the share of rows where it is true or `equals`."""
    if equals is not None:
        return Quantity(f"{name} = {equals}", np.asarray(column == equals, np.float64), True)
    if column.dtype.kind == "b":
        return Quantity(name, column.astype(np.float64), True)
    if column.dtype.kind not in "iuf":
        example = str(column[0]) if column.size else "..."
        raise fail(
            argument,
            f"column {name!r} holds text",
            f"say which of its values to count, such as equals={example!r}",
        )
    return Quantity(name, column.astype(np.float64), False)


def split(keys: NDArray[Any]) -> tuple[NDArray[Any], list[NDArray[np.intp]]]:
    """Return the distinct keys in order, and the rows of each."""
    distinct, inverse = np.unique(keys, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    ends = np.cumsum(np.bincount(inverse, minlength=distinct.size))
    return distinct, np.split(order, ends[:-1]) if distinct.size else []


def positions(x: NDArray[Any]) -> tuple[NDArray[Any], list[NDArray[np.intp]]]:
    """Return the points of a curve along x, and the rows behind each.

    These are the distinct values; a number with more than `MAX_POINTS` of them is pooled into
    `N_POOLED` points of nearly equally many rows, each at the median of its rows.
    """
    distinct, rows = split(x)
    if distinct.size <= MAX_POINTS or x.dtype.kind not in "iuf":
        return distinct, rows
    pools = np.array_split(np.argsort(x, kind="stable"), N_POOLED)
    return np.array([np.median(x[pool]) for pool in pools]), pools


def band(x: NDArray[Any], y: Quantity, middle: str) -> Band:
    """Return the band of `y` along `x`; points without a finite value are left out."""
    known = np.isfinite(y.values)
    if x.dtype.kind == "f":
        known &= np.isfinite(x)
    places, rows = positions(x[known])
    values = y.values[known]
    parts = [_estimate(values[index], y.is_share, middle) for index in rows]
    table = np.array(parts, dtype=np.float64).reshape(-1, 3)
    sizes = np.array([index.size for index in rows], dtype=np.int64)
    return Band(places, sizes, table[:, 0], table[:, 1], table[:, 2])


def _estimate(values: Float, is_share: bool, middle: str) -> Estimate | Float:
    if is_share:
        return proportion(float(values.sum()), values.size)
    if middle == "mean":
        return mean(values)
    return np.quantile(values, (0.5, 0.05, 0.95))


def cell_middles(
    x: NDArray[Any], y: NDArray[Any], value: Quantity
) -> tuple[NDArray[Any], NDArray[Any], Float]:
    """Return the distinct x and y, and the share or median in each cell, (n_y, n_x).

    Cells without a finite value are nan.
    """
    known = np.isfinite(value.values)
    columns, i = np.unique(x, return_inverse=True)
    lines, j = np.unique(y, return_inverse=True)
    cells = np.full(lines.size * columns.size, np.nan)
    found, rows = split(j[known] * columns.size + i[known])
    values = value.values[known]
    for cell, index in zip(found, rows, strict=True):
        part = values[index]
        cells[cell] = part.mean() if value.is_share else np.median(part)
    return columns, lines, cells.reshape(lines.size, columns.size)
