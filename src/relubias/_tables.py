"""Tables of numbers from open .csv and .parquet files."""

from __future__ import annotations

import csv
import importlib
import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from relubias._files import DAMAGE, require_room, short, unusable
from relubias._validate import Float
from relubias.errors import InvalidInputError, MissingExtraError

__all__ = ["Table", "csv_table", "parquet_table"]


class Table(NamedTuple):
    """Column names, where the file has any, and values of shape (n_rows, n_columns).

    For text also the delimiter and the number of lines before the first row of numbers.
    """

    names: list[str] | None
    values: Float
    delimiter: str = ","
    n_header_lines: int = 0


_DELIMITERS = ";\t,"


def csv_table(path: Path, file: IO[bytes]) -> Table:
    """Read a table of finite numbers, separated by commas, semicolons or tabs."""
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
    finally:
        text.detach()  # the file is the caller's
    return Table(names, values, delimiter, n_header_lines)


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


def parquet_table(path: Path, file: IO[bytes], *, most: int | None = None) -> Table:
    """Read a table of numbers without gaps; needs the extra ``parquet``.

    Parameters
    ----------
    path : Path
        Named in errors.
    file : binary file
        Opened for reading.
    most : int, optional
        Numbers that the table may hold; as many as memory does if omitted.

    Returns
    -------
    Table
    """
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
    if most is not None and n_rows * n_columns > most:
        raise unusable(path, f"holds {n_rows * n_columns:,} numbers", f"pass at most {most:,}")
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
