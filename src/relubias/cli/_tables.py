"""Tables of numbers from .csv and .parquet files."""

from __future__ import annotations

import csv
import importlib
import io
import os
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from relubias._files import DAMAGE, opened, printable, require_room, short, unusable
from relubias._validate import Float
from relubias.errors import InvalidInputError, MissingExtraError

__all__ = ["Table", "find_column", "read_csv", "read_parquet"]


class Table(NamedTuple):
    """Column names, where the file has any, and values of shape (n_rows, n_columns)."""

    names: list[str] | None
    values: Float


_DELIMITERS = ";\t,"


def read_csv(path: Path) -> Table:
    """Read a table of finite numbers, separated by commas, semicolons or tabs."""
    with opened(path) as file:
        require_room(path, os.fstat(file.fileno()).st_size)
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        try:
            first_line = next((line for line in text if line.strip()), None)
            if first_line is None:
                raise unusable(path, "is empty", "pass a table of numbers")
            delimiter = next((mark for mark in _DELIMITERS if mark in first_line), ",")
            text.seek(0)
            names, n_header_lines = _csv_header(path, text, delimiter)
            text.seek(0)
            values = _csv_values(path, text, delimiter, names, n_header_lines)
        except UnicodeDecodeError as error:
            raise unusable(path, "is not UTF-8 text", "save the table as UTF-8") from error
        except csv.Error as error:
            raise unusable(path, "is not a table of text", "save it as plain CSV") from error
    return Table(names, values)


def _csv_header(path: Path, text: IO[str], delimiter: str) -> tuple[list[str] | None, int]:
    """Return the column names, if the first row holds any, and the number of lines they take."""
    rows = csv.reader(text, delimiter=delimiter)
    stripped = ([cell.strip() for cell in row] for row in rows)
    names = next((cells for cells in stripped if any(cells)), [""])
    n_numbers = sum(_is_number(name) for name in names)
    if n_numbers == len(names):
        return None, 0
    if n_numbers:
        got = "mixes numbers and text in its first row"
        raise unusable(path, got, "name every column or none")
    if "" in names:
        got = f"has no name for column {names.index('') + 1}, as if it were a row index"
        raise unusable(path, got, "drop the column or name it")
    return names, rows.line_num


def _csv_values(
    path: Path, text: IO[str], delimiter: str, names: list[str] | None, n_header_lines: int
) -> Float:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a table without rows is named below
            values = np.loadtxt(
                text,
                delimiter=delimiter,
                comments=None,
                quotechar='"',
                skiprows=n_header_lines,
                ndmin=2,
            )
    except UnicodeDecodeError:
        raise
    except (ValueError, OverflowError, RuntimeError) as error:
        text.seek(0)
        raise _csv_mistake(path, text, delimiter, names) from error
    if values.size == 0:
        raise unusable(path, "has no rows of numbers", "pass one row per sample")
    if names is not None and values.shape[1] != len(names):
        got = f"names {len(names)} columns and has {values.shape[1]}"
        raise unusable(path, got, "name every column")
    if not np.isfinite(values).all():
        row, column = (int(i) for i in np.argwhere(~np.isfinite(values))[0])
        which = column + 1 if names is None else names[column]
        got = f"has the entry {values[row, column]} in data row {row + 1}, column {which}"
        raise unusable(path, got, "every entry must be a finite number")
    return values


def _csv_mistake(
    path: Path, text: IO[str], delimiter: str, names: list[str] | None
) -> InvalidInputError:
    """Return the error that names the first row or cell which is no table of numbers."""
    width: int | None = None if names is None else len(names)
    rows = csv.reader(text, delimiter=delimiter)
    is_header = names is not None
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        if is_header:
            is_header = False
            continue
        width = width or len(row)
        if len(row) != width:
            got = f"has {len(row)} cells in line {rows.line_num}, and {width} before"
            return unusable(path, got, "every row needs the same number of cells")
        for column, cell in enumerate(row):
            if not _is_number(cell):
                what = f"the text {short(repr(cell))}" if cell.strip() else "nothing"
                got = f"holds {what} in line {rows.line_num}, column {column + 1}"
                return unusable(path, got, "every cell must be a number")
    return unusable(path, "is not a table of numbers", "save one row of numbers per sample")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


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


def read_parquet(path: Path) -> Table:
    """Read a table of numbers without gaps; needs the extra ``parquet``."""
    with opened(path) as file:
        try:
            pa: Any = importlib.import_module("pyarrow")
            pq: Any = importlib.import_module("pyarrow.parquet")
        except ImportError as error:
            raise MissingExtraError("reading Parquet files", "parquet") from error
        damage: tuple[type[Exception], ...] = (*DAMAGE, pa.ArrowException)
        try:
            reader = pq.ParquetFile(file, page_checksum_verification=True)
            n_rows, n_columns = reader.metadata.num_rows, reader.metadata.num_columns
            kinds = [(str(column.name), column.type) for column in reader.schema_arrow]
        except damage as error:
            raise unusable(path, "is no Parquet file, or is cut off", "save it again") from error
        for name, kind in kinds:
            if not any(is_kind(kind) for is_kind in _number_kinds(pa)):
                got = f"holds {short(kind)} in column {short(name)}"
                raise unusable(path, got, "every column must be of numbers")
        require_room(path, 8 * n_rows * n_columns)
        try:
            table = reader.read()
            table.validate(full=True)
            gaps = [name for name, _ in kinds if table.column(name).null_count]
            columns = [np.asarray(column.to_numpy(), np.float64) for column in table.columns]
        except damage as error:
            raise unusable(path, "is damaged", "save it again") from error
    if table.num_rows != n_rows:  # checksums cover the pages, not the counts
        raise unusable(path, "is damaged", "save it again")
    if gaps:
        raise unusable(path, f"has gaps in column {short(gaps[0])}", "fill or drop them first")
    if not columns or columns[0].size == 0:
        raise unusable(path, "has no rows of numbers", "pass one row per sample")
    return Table([name for name, _ in kinds], np.column_stack(columns))


def _number_kinds(pa: Any) -> tuple[Callable[[Any], bool], ...]:
    return pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean
