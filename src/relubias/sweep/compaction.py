"""Many parts into one file, so that a finished sweep is easy to copy and quick to read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

from relubias._files import printable
from relubias.errors import StoreError
from relubias.sweep._compacted import FILE, Group, contents_of, read_group, write_compacted
from relubias.sweep._disk import sync_folder, trouble
from relubias.sweep._folder import PARTS, plan_folder, read_plan
from relubias.sweep._lock import locked
from relubias.sweep._parts import find_parts, require_arrow
from relubias.sweep._reading import Damage, Piece, pieces_of, readable
from relubias.sweep.results import SweepResult, load

__all__ = ["compact"]

_ROWS_PER_GROUP = 100_000

_Range = tuple[int, int]


def compact(folder: str | Path) -> SweepResult:
    """Merge the parts of a sweep into one Parquet file, ``rows.parquet``.

    Rows and their order stay the same, and so does everything that `load` gives. The file is
    written aside, read back, and renamed before the first part is removed, so whatever happens
    in between, every row is in a file that counts. An unfinished sweep can be compacted too: the
    same `run` goes on afterwards with what is missing, and compacting again merges what was added.

    Parameters
    ----------
    folder : str or path-like
        Folder of the sweep, or a folder that holds no other one.

    Returns
    -------
    SweepResult
        The rows, as `load` returns them.

    Raises
    ------
    InvalidInputError
        If there is no sweep.
    StoreError
        If a sweep is running there, or a file cannot be written or read back; then nothing has
        changed.
    MissingExtraError
        If pyarrow is not installed.

    Notes
    -----
    Damaged parts are neither merged nor removed; run the sweep again to have them computed anew.

    Examples
    --------
    >>> import tempfile
    >>> import relubias as rb
    >>> plan = rb.sweep.Plan(n=4, d=100, kappa=0.5, replicates=50, measure="gap", chunk_size=10)
    >>> with tempfile.TemporaryDirectory() as store:
    ...     result = rb.sweep.run(plan, store, workers=0, progress=False)
    ...     result = rb.sweep.compact(store)
    ...     print(sorted(path.name for path in result.folder.glob("**/*.parquet")))
    ['rows.parquet']
    """
    require_arrow()
    path = plan_folder(folder)
    with locked(path):
        _compact(path, read_plan(path).digest)
    return load(path)


def _compact(folder: Path, digest: str) -> None:
    for left_over in folder.glob(f".{FILE}.*"):  # of a compaction that was killed
        left_over.unlink(missing_ok=True)
    pieces, _ = pieces_of(folder, digest)
    is_part = [piece.source is None for piece in pieces]
    good = ((p, t) for p, t in readable(pieces, digest) if not isinstance(t, Damage))
    groups = _grouped(good)
    first = next(groups, None) if any(is_part) else None
    if first is None:
        return
    aside = folder / f".{FILE}.all.{os.getpid()}.aside"
    written = write_compacted(aside, first[1].schema, chain([first], groups), digest)
    try:
        _require_same(aside, written, digest)
        aside.replace(folder / FILE)
        sync_folder(folder)
        _remove(folder / PARTS, {pair for group in written for pair in group.ranges})
    except OSError as error:
        if isinstance(error, StoreError):
            raise
        raise trouble(folder / FILE, error) from error
    finally:
        with suppress(OSError):  # renamed
            aside.unlink()


def _grouped(found: Iterable[tuple[Piece, Any]]) -> Iterator[tuple[list[_Range], Any]]:
    """Join tables into row groups of about equal sizes."""
    pa = require_arrow()
    ranges: list[_Range] = []
    tables: list[Any] = []
    for piece, table in found:
        ranges += piece.ranges
        tables.append(table)
        if sum(part.num_rows for part in tables) >= _ROWS_PER_GROUP:
            yield ranges, pa.concat_tables(tables)
            ranges, tables = [], []
    if tables:
        yield ranges, pa.concat_tables(tables)


def _require_same(path: Path, written: Sequence[Group], digest: str) -> None:
    """Read everything back before anything is removed."""
    contents = contents_of(path, digest)
    if not contents.is_intact or contents.groups != tuple(written):
        raise StoreError(f"{printable(path)}: does not hold what was written; check the disk")
    for index, group in enumerate(written):
        read_group(path, index, group, is_intact=False)


def _remove(folder: Path, merged: set[_Range]) -> None:
    for part in find_parts(folder):
        if (part.first, part.last) in merged:
            part.path.unlink()
    sync_folder(folder)
