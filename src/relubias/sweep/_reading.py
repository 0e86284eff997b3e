"""Rows of a sweep's folder in the order of their tasks, piece by piece, each verified."""

from __future__ import annotations

import importlib
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from relubias._files import printable
from relubias.errors import StoreError
from relubias.sweep._compacted import (
    FILE,
    Group,
    compacted_ranges,
    contents_of,
    read_group,
    read_range,
)
from relubias.sweep._disk import trouble
from relubias.sweep._folder import PARTS
from relubias.sweep._parameters import kinds_of
from relubias.sweep._parts import DamagedPartError, Part, find_parts, read_part, require_arrow
from relubias.sweep.measures import MEASURES

if TYPE_CHECKING:
    from relubias.sweep.plan import Plan

__all__ = [
    "Damage",
    "Piece",
    "Scan",
    "Source",
    "empty_table",
    "pieces_of",
    "readable",
    "scan",
]

_AHEAD = 4
"""Pieces that are read while another one is used."""


class Source(NamedTuple):
    """A row group of the compacted file, and whether the whole file is known to be intact."""

    place: int
    group: Group
    is_intact: bool


class Piece(NamedTuple):
    """Consecutive chunks that one file holds: a part, or rows of a row group from `offset` on."""

    ranges: tuple[tuple[int, int], ...]
    path: Path
    source: Source | None = None
    offset: int = 0

    @property
    def tasks(self) -> range:
        """The tasks that it holds."""
        return range(self.ranges[0][0], self.ranges[-1][1] + 1)


class Damage(NamedTuple):
    """A file, or some tasks of it, that cannot be trusted, and why.

    `tasks` are those without a readable row; None if there is nothing more to say about them
    than that of other entries.
    """

    tasks: range | None
    path: Path
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """What reading everything once has shown.

    `statuses` counts rows, `failures` is an Arrow table of the rows that are not done, and
    `damaged` has an entry per piece that cannot be read.
    """

    statuses: Counter[str]
    failures: Any
    damaged: tuple[Damage, ...]


def pieces_of(folder: Path, digest: str) -> tuple[list[Piece], list[Damage]]:
    """Return where every row is, by task; a part wins over the compacted file.

    The second list says what is wrong with the compacted file as a whole, if anything is.
    """
    parts = folder / PARTS
    pieces = [Piece(((part.first, part.last),), part.path) for part in _parts_in(parts)]
    known = {piece.ranges[0] for piece in pieces}
    path, damaged = folder / FILE, list[Damage]()
    try:
        contents = contents_of(path, digest)
    except DamagedPartError as error:
        return pieces, [Damage(None, path, str(error))]
    if not contents.is_intact:
        damaged.append(Damage(None, path, f"{printable(path)}: does not match its seal"))
    for place, group in enumerate(contents.groups):
        source = Source(place, group, contents.is_intact)
        pieces += _pieces_of_group(path, source, known)
    return sorted(pieces, key=lambda piece: piece.ranges), damaged


def _parts_in(folder: Path) -> list[Part]:
    try:
        return find_parts(folder)
    except FileNotFoundError:  # nothing is finished yet, or all of it is compacted
        return []
    except OSError as error:
        raise trouble(folder, error) from error


def _pieces_of_group(path: Path, source: Source, known: set[tuple[int, int]]) -> list[Piece]:
    """Return the chunks of a row group that no part replaces, neighbours joined."""
    found: list[Piece] = []
    offset = 0
    for first, last in source.group.ranges:
        if (first, last) not in known:
            before = found[-1] if found else None
            if (
                before
                and before.tasks.stop == first
                and before.offset + len(before.tasks) == offset
            ):
                found[-1] = before._replace(ranges=(*before.ranges, (first, last)))
            else:
                found.append(Piece(((first, last),), path, source, offset))
        offset += last - first + 1
    return found


def _read(piece: Piece, digest: str) -> Any:
    """Return the rows of a piece as a verified Arrow table."""
    if piece.source is None:
        return _read_part(piece, digest)
    place, group, is_intact = piece.source
    table = read_group(piece.path, place, group, is_intact=is_intact)
    return table.slice(piece.offset, len(piece.tasks))


def _read_part(piece: Piece, digest: str) -> Any:
    """Return the rows of a part, which may have been compacted since its name was read."""
    try:
        return read_part(piece.path, digest)
    except StoreError as error:
        if piece.path.exists():
            raise
        folder = piece.path.parent.parent
        if piece.ranges[0] not in compacted_ranges(folder, digest):
            got = f"{printable(piece.path)}: is gone since it was loaded"
            raise StoreError(f"{got}; load the folder again") from error
        return read_range(folder, *piece.ranges[0])


def readable(pieces: Sequence[Piece], digest: str) -> Iterator[tuple[Piece, Any]]:
    """Iterate over pieces and their tables in order, the damaged ones with the reason instead."""
    with ThreadPoolExecutor(_AHEAD) as pool:
        rest = iter(pieces)
        queue: deque[tuple[Piece, Future[Any]]] = deque()
        for piece in islice(rest, _AHEAD):
            queue.append((piece, pool.submit(_attempt, piece, digest)))
        while queue:
            piece, future = queue.popleft()
            for following in islice(rest, 1):
                queue.append((following, pool.submit(_attempt, following, digest)))
            yield piece, future.result()


def _attempt(piece: Piece, digest: str) -> Any:
    try:
        return _read(piece, digest)
    except DamagedPartError as error:
        return Damage(piece.tasks, piece.path, str(error))


def empty_table(plan: Plan) -> Any:
    """Return a table without rows, with the columns that are known without importing anything."""
    pa = require_arrow()
    kinds = {"task": "int64", **kinds_of(plan), "seed": "int64"}
    for entry in plan.measure:
        kinds |= MEASURES[entry].kinds if isinstance(entry, str) and entry in MEASURES else {}
    kinds |= {"status": "string", "error": "string"}
    types = {
        "int64": pa.int64(),
        "float64": pa.float64(),
        "bool": pa.bool_(),
        "string": pa.string(),
    }
    return pa.table({name: pa.array([], types[kind]) for name, kind in kinds.items()})


def scan(pieces: Sequence[Piece], digest: str, empty: Any) -> Scan:
    """Read and verify everything once, keeping only counts and the rows that are not done."""
    pa = require_arrow()
    compute: Any = importlib.import_module("pyarrow.compute")
    statuses: Counter[str] = Counter()
    failures: list[Any] = [empty]
    damaged: list[Damage] = []
    for _, found in readable(pieces, digest):
        if isinstance(found, Damage):
            damaged.append(found)
            continue
        column = found.column("status")
        for entry in column.value_counts().to_pylist():
            statuses[entry["values"]] += entry["counts"]
        is_failed = compute.not_equal(column, "done")
        if compute.any(is_failed).as_py():
            failures.append(found.filter(is_failed))
    return Scan(statuses, pa.concat_tables(failures), tuple(damaged))
