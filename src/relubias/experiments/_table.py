"""Tidy tables: the few pandas calls that experiments need, typed."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas import DataFrame

from relubias._validate import Float

__all__ = [
    "DataFrame",
    "distinct",
    "frame",
    "groups",
    "joined",
    "read",
    "select",
    "values",
    "where",
    "write",
]


def frame(rows: Iterable[Mapping[str, Any]]) -> DataFrame:
    """Build a table from one mapping per row."""
    return pd.DataFrame([dict(row) for row in rows])


def joined(tables: Mapping[str, DataFrame], name: str) -> DataFrame:
    """Put tables below each other; a new first column says which one a row is from."""
    parts = [table.assign(**{name: key}) for key, table in tables.items()]
    table = pd.concat(parts, ignore_index=True)
    return table[[name, *(column for column in table.columns if column != name)]]


def values(table: DataFrame, name: str) -> Float:
    """Return one column as float64 (booleans become 0 and 1)."""
    return np.asarray(table[name], dtype=np.float64)


def distinct(table: DataFrame, name: str) -> list[Any]:
    """Return the distinct entries of a column in their order of appearance."""
    return list(pd.unique(table[name]))


def select(table: DataFrame, **conditions: Any) -> DataFrame:
    """Return the rows where every named column equals the value given for it."""
    keep = np.ones(len(table), dtype=bool)
    for name, value in conditions.items():
        keep &= np.asarray(table[name] == value, dtype=bool)
    return where(table, keep)


def where(table: DataFrame, keep: NDArray[np.bool_]) -> DataFrame:
    """Return the rows where `keep` holds."""
    return table.loc[keep]  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]


def groups(table: DataFrame, name: str) -> Iterator[tuple[Any, DataFrame]]:
    """Iterate over the rows that share an entry of a column, sorted by that entry."""
    yield from table.groupby(name, sort=True)


def write(table: DataFrame, path: Path) -> None:
    """Write a table as CSV; every float survives exactly."""
    table.to_csv(path, index=False, lineterminator="\n")


def read(path: Path) -> DataFrame:
    """Read a table that `write` wrote, bit for bit."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return pd.DataFrame({name: _typed([row[j] for row in rows]) for j, name in enumerate(header)})


def _typed(column: list[str]) -> Any:
    """Return a column as truth values, whole numbers, floats or text; nothing becomes NaN."""
    present = set(column)
    if present <= {"True", "False"}:
        return [text == "True" for text in column]
    if present <= {"True", "False", ""}:
        return [math.nan if text == "" else float(text == "True") for text in column]
    for convert in (int, _to_float):
        try:
            return [convert(text) for text in column]
        except ValueError:
            continue
    return column


def _to_float(text: str) -> float:
    return float(text) if text else math.nan
