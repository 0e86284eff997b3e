"""Tables of numbers from .csv and .parquet files."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from relubias._files import opened, printable, require_room, short, unusable
from relubias._tables import Table, csv_table, parquet_table
from relubias.errors import InvalidInputError

__all__ = ["Table", "find_column", "read_csv", "read_parquet"]


def read_csv(path: Path) -> Table:
    """Read a table of finite numbers, separated by commas, semicolons or tabs."""
    with opened(path) as file:
        require_room(path, os.fstat(file.fileno()).st_size)
        return csv_table(path, file)


def read_parquet(path: Path) -> Table:
    """Read a table of numbers without gaps; needs the extra ``parquet``."""
    with opened(path) as file:
        return parquet_table(path, file)


def find_column(path: Path, table: Table, wanted: str | None) -> int:
    """Return the position of the label column: by name, by number, or the last one."""
    width = table.values.shape[1]
    if width < 2:
        got = "has a single column, so that labels or features are missing"
        raise unusable(path, got, "add a column, or pass --labels FILE")
    if wanted is None:
        return width - 1
    names = table.names or []
    if names.count(wanted) == 1:
        return names.index(wanted)
    if names.count(wanted) > 1:
        raise unusable(path, f"has several columns named {short(wanted)}", "rename them")
    with suppress(ValueError):
        position = int(wanted)
        if -width <= position < width:
            return position % width
    known = f"one of {short(', '.join(names))}, or " if names else ""
    raise InvalidInputError(
        f"--label-column: {printable(path)} has no column {short(repr(wanted))}; "
        f"pass {known}a position from 0 to {width - 1}"
    )
