"""From rows to what is drawn: which rows count, and what is computed of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from relubias._style import N_LOOKS
from relubias._validate import as_count, as_real, fail, shown
from relubias.sweep._bands import (
    MIDDLES,
    Band,
    Quantity,
    band,
    cell_middles,
    quantity,
    split,
)
from relubias.sweep.fits import PowerLawFit, fit_power_law

__all__ = [
    "Rows",
    "as_column",
    "as_conditions",
    "as_flag",
    "as_log",
    "bands_of",
    "fit_of",
    "frame_columns",
    "map_of",
    "rows_of",
]

Column = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Columns of the rows that are done and meet a condition, and how many rows failed instead."""

    columns: Mapping[str, Column]
    n_failed: int

    def quantity(self, argument: str, name: str, equals: Any) -> Quantity:
        """Return a column as a number or a share."""
        return quantity(argument, name, self.columns[name], equals)

    def groups(self, by: str | None) -> list[tuple[Any, NDArray[np.intp]]]:
        """Return the values of a column and the rows of each."""
        if by is None:
            return [(None, np.arange(len(next(iter(self.columns.values())))))]
        values, rows = split(self.columns[by])
        if len(values) > N_LOOKS:
            raise fail("by", f"has {len(values)} values", f"name a column with up to {N_LOOKS}")
        return list(zip(values.tolist(), rows, strict=True))


def as_column(argument: str, name: Any, known: Sequence[str]) -> str:
    """Return the name of a column, or refuse it with the nearest ones."""
    if not isinstance(name, str):
        raise fail(argument, f"is {shown(name)}", "pass the name of a column")
    if name not in known:
        near = get_close_matches(name, known, n=3) or list(known)
        raise fail(argument, f"is {name!r}, which is no column", f"choose {', '.join(near)}")
    return name


def as_log(value: Any) -> str | None:
    """Return which axes are logarithmic: None, or some of the letters x and y."""
    if value is not None and not (isinstance(value, str) and value in ("", "x", "y", "xy")):
        raise fail("log", f"is {shown(value)}", "pass 'x', 'y', 'xy', '' or None")
    return value


def as_flag(argument: str, value: Any) -> bool:
    """Return a truth value."""
    if not isinstance(value, bool):
        raise fail(argument, f"is {shown(value)}", "pass True or False")
    return value


def as_conditions(where: Any, known: Sequence[str]) -> dict[str, list[Any]]:
    """Return the values that columns may have."""
    if where is None:
        return {}
    if not isinstance(where, Mapping):
        raise fail("where", f"is {shown(where)}", "pass columns and values, such as {'n': 8}")
    conditions: dict[str, list[Any]] = {}
    for name, value in cast("Mapping[Any, Any]", where).items():
        values = list(value) if isinstance(value, (list, tuple, set, np.ndarray)) else [value]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        conditions[as_column("where", name, known)] = values
    return conditions


def rows_of(table: Any, conditions: Mapping[str, Sequence[Any]]) -> Rows:
    """Return the rows of an Arrow table that are done and meet the conditions."""
    columns = {name: _as_array(table.column(name)) for name in table.column_names}
    keep = np.ones(table.num_rows, dtype=bool)
    for name, values in conditions.items():
        keep &= np.isin(columns[name], values)
    is_done = columns["status"] == "done"
    if conditions and not keep.any():
        listed = ", ".join(f"{name} = {values}" for name, values in conditions.items())
        raise fail("where", f"no row has {listed}", "check the values")
    done = {name: column[keep & is_done] for name, column in columns.items()}
    return Rows(done, int((keep & ~is_done).sum()))


def _as_array(column: Any) -> Column:
    """Return an Arrow column as an array; text as NumPy's text, gaps of failed rows as zeros."""
    kind = str(column.type)
    if kind in ("string", "large_string"):
        return np.asarray(column.fill_null("").to_numpy(), dtype=np.str_)
    if column.null_count:
        column = column.fill_null(False if kind == "bool" else 0)
    return np.asarray(column.to_numpy())


def bands_of(
    rows: Rows, x: str, y: Quantity, by: str | None, middle: str
) -> list[tuple[Any, Band]]:
    """Return a band per group."""
    if not isinstance(middle, str) or middle not in MIDDLES:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise fail("middle", f"is {shown(middle)}", "pass 'median' or 'mean'")
    found: list[tuple[Any, Band]] = []
    for group, index in rows.groups(by):
        part = band(rows.columns[x][index], y._replace(values=y.values[index]), middle)
        if part.x.size:
            found.append((group, part))
    if not found:
        raise fail("y", f"{y.name} has no finite value in rows that are done", "check `failures`")
    return found


def frame_columns(
    bands: Sequence[tuple[Any, Band]], x: str, by: str | None, is_share: bool
) -> dict[str, Any]:
    """Return bands as columns of one table."""
    table: dict[str, Any] = {}
    if by is not None:
        table[by] = [group for group, part in bands for _ in part.x]
    table[x] = np.concatenate([part.x for _, part in bands])
    table["n_rows"] = np.concatenate([part.n_rows for _, part in bands])
    for name in ("middle", "low", "high"):
        column = "share" if is_share and name == "middle" else name
        table[column] = np.concatenate([getattr(part, name) for _, part in bands])
    return table


def map_of(rows: Rows, x: str, y: str, value: Quantity) -> tuple[Column, Column, Any]:
    """Return the distinct x and y, and a share or median for each of their pairs."""
    if not rows.columns[x].size:
        raise fail("value", f"{value.name} has no rows that are done", "check `failures`")
    return cell_middles(rows.columns[x], rows.columns[y], value)


def fit_of(
    rows: Rows, x: str, y: str, by: str | None, *, level: Any = 0.95, seed: Any = 0
) -> PowerLawFit:
    """Return the power laws of every group."""
    confidence = as_real("level", level, minimum=0.0, strict=True)
    if confidence >= 1.0:
        raise fail("level", f"is {confidence:g}", "pass a confidence below 1, such as 0.95")
    rng = np.random.default_rng(as_count("seed", seed, maximum=2**128))
    across = _numbers("x", x, rows.columns[x])
    up = _numbers("y", y, rows.columns[y])
    usable = np.isfinite(across) & np.isfinite(up) & (across > 0) & (up > 0)
    seeds = rows.columns.get("seed", np.arange(across.size))
    groups: list[Any] = []
    found: list[dict[str, Any]] = []
    methods: list[str] = []
    for group, index in rows.groups(by):
        keep = index[usable[index]]
        if np.unique(across[keep]).size < 2:
            where = "" if by is None else f" where {by} = {group}"
            got = f"{x} has fewer than two values with positive {y}{where}"
            raise fail("x", got, "choose other columns")
        law, method = fit_power_law(across[keep], up[keep], seeds[keep], level=confidence, rng=rng)
        law |= {"n_rows": keep.size, "span": (across[keep].min(), across[keep].max())}
        groups.append(group)
        found.append(law)
        methods.append(method)
    arrays = {name: np.array([law[name] for law in found]) for name in found[0]}
    return PowerLawFit(
        x=x,
        y=y,
        by=by,
        groups=tuple(groups),
        n_left_out=int((~usable).sum()),
        method=tuple(methods),
        level=confidence,
        **arrays,
    )


def _numbers(argument: str, name: str, column: Column) -> NDArray[np.float64]:
    if column.dtype.kind not in "iuf":
        raise fail(argument, f"column {name!r} holds no numbers", "choose another column")
    return column.astype(np.float64)
