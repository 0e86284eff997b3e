"""The compacted file of a sweep: the rows of many chunks, sealed as a whole and group by group.

The seal covers every byte of the file. If it is broken, the checksum of each row group tells which
rows are still what was written.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from relubias._files import DAMAGE, printable
from relubias.errors import StoreError
from relubias.sweep._disk import sync_folder, trouble
from relubias.sweep._parts import DamagedPartError, checksum, require_arrow

__all__ = [
    "FILE",
    "Contents",
    "Group",
    "compacted_ranges",
    "contents_of",
    "failed_tasks",
    "read_group",
    "read_range",
    "write_compacted",
]

FILE = "rows.parquet"
"""Beside ``plan.toml`` and ``parts``."""

_FORMAT = 1
_KEY, _KEY_SUM = b"relubias.contents", b"relubias.contents-sha256"
_SEAL = b"relubias-sha256:"
_BLANK = b"0" * 64
_BLOCK = 1 << 20
_MAGIC = 8
"""Bytes after a Parquet footer: its length, and a mark."""


class Group(NamedTuple):
    """A row group: first and last task of each chunk in it, and the checksum of its rows."""

    ranges: tuple[tuple[int, int], ...]
    checksum: str

    @property
    def n_rows(self) -> int:
        """How many rows it has."""
        return sum(last - first + 1 for first, last in self.ranges)


class Contents(NamedTuple):
    """What a compacted file holds, and whether every byte of it is what was written."""

    groups: tuple[Group, ...]
    is_intact: bool


def contents_of(path: Path, digest: str | None) -> Contents:
    """Return what a compacted file holds; nothing if there is none.

    Raises
    ------
    DamagedPartError
        If its list of contents is damaged, or it belongs to another plan than `digest`.
    """
    try:
        with path.open("rb") as file:
            is_intact = _is_sealed(file)
            return Contents(_groups(path, file, digest), is_intact)
    except FileNotFoundError:
        return Contents((), True)
    except OSError as error:
        if isinstance(error, StoreError):
            raise
        raise trouble(path, error) from error


def _is_sealed(file: IO[bytes]) -> bool:
    """Return whether no bit of a file has changed since it was sealed."""
    place = _place_of_seal(file)
    if place is None:
        return False
    file.seek(place)
    found = file.read(len(_BLANK))
    return _digest(file, place).encode() == found


def _place_of_seal(file: IO[bytes]) -> int | None:
    """Return where the digits of the seal begin: in the footer, whose length is at the end."""
    size = file.seek(0, os.SEEK_END)
    if size < _MAGIC:
        return None
    file.seek(size - _MAGIC)
    length = int.from_bytes(file.read(4), "little") + _MAGIC
    if length > size:
        return None
    file.seek(size - length)
    place = file.read(length).rfind(_SEAL)
    return None if place < 0 else size - length + place + len(_SEAL)


def _digest(file: IO[bytes], place: int) -> str:
    """Return the SHA-256 of a file with zeros in the place of the digits."""
    total = hashlib.sha256()
    file.seek(0)
    left = place
    while left and (block := file.read(min(left, _BLOCK))):
        total.update(block)
        left -= len(block)
    total.update(_BLANK)
    file.seek(place + len(_BLANK))
    while block := file.read(_BLOCK):
        total.update(block)
    return total.hexdigest()


def _groups(path: Path, file: IO[bytes], digest: str | None) -> tuple[Group, ...]:
    parquet = _parquet()
    try:
        file.seek(0)
        held: Any = parquet.read_metadata(file).metadata
        text: bytes = held[_KEY]
        if hashlib.sha256(text).hexdigest().encode() != held[_KEY_SUM]:
            raise ValueError
        contents = json.loads(text)
    except DAMAGE as error:
        raise _damaged(path, "has a damaged footer") from error
    if contents["format"] > _FORMAT:
        raise StoreError(
            f"{printable(path)}: has format {contents['format']}, newer than this version reads "
            f"({_FORMAT}); upgrade relubias"
        )
    if digest is not None and contents["plan"] != digest:
        raise _damaged(path, "holds rows of another plan")
    return tuple(
        Group(tuple((first, last) for first, last in ranges), checked)
        for ranges, checked in contents["groups"]
    )


def _damaged(path: Path, got: str) -> DamagedPartError:
    return DamagedPartError(
        f"{printable(path)}: {got}, so it was damaged after it was written; run the sweep again to "
        "compute these rows anew"
    )


def read_group(path: Path, index: int, group: Group, *, is_intact: bool) -> Any:
    """Return a row group as an Arrow table, verified unless the whole file is known to be intact.

    Raises
    ------
    DamagedPartError
        If it is not what was written.
    """
    parquet = _parquet()
    first, last = group.ranges[0][0], group.ranges[-1][1]
    try:
        with parquet.ParquetFile(path) as file:
            table = file.read_row_group(index)
        is_good = is_intact or _matches(table, group)
    except FileNotFoundError as error:
        got = f"{printable(path)}: is gone since it was loaded"
        raise StoreError(f"{got}; load the folder again") from error
    except DAMAGE as error:
        raise _damaged(path, f"cannot be read from task {first} to {last}") from error
    if not is_good:
        raise _damaged(path, f"does not match its checksum from task {first} to {last}")
    return table


def _matches(table: Any, group: Group) -> bool:
    return table.num_rows == group.n_rows and checksum(table) == group.checksum


def _parquet() -> Any:
    require_arrow()
    return importlib.import_module("pyarrow.parquet")


def compacted_ranges(folder: Path, digest: str | None = None) -> set[tuple[int, int]]:
    """Return first and last task of every chunk whose rows the compacted file holds intact."""
    path = folder / FILE
    try:
        contents = contents_of(path, digest)
    except DamagedPartError:
        return set()
    found: set[tuple[int, int]] = set()
    for index, group in enumerate(contents.groups):
        if not contents.is_intact:
            try:
                read_group(path, index, group, is_intact=False)
            except DamagedPartError:
                continue
        found.update(group.ranges)
    return found


def failed_tasks(folder: Path) -> list[int]:
    """Return the tasks whose rows in the compacted file are not done; of groups that are read."""
    found: list[int] = []
    compute: Any = importlib.import_module("pyarrow.compute")
    with require_arrow().parquet.ParquetFile(folder / FILE) as file:
        for index in range(file.num_row_groups):
            try:
                table = file.read_row_group(index, columns=["task", "status"])
            except DAMAGE:
                continue
            failed = table.filter(compute.not_equal(table.column("status"), "done"))
            found += failed.column("task").to_pylist()
    return found


def read_range(folder: Path, first: int, last: int) -> Any:
    """Return the rows of one chunk of the compacted file as an Arrow table.

    Raises
    ------
    DamagedPartError
        If they are not what was written.
    StoreError
        If they are not in the file.
    """
    path = folder / FILE
    contents = contents_of(path, None)
    for index, group in enumerate(contents.groups):
        offset = 0
        for begin, end in group.ranges:
            if (begin, end) == (first, last):
                table = read_group(path, index, group, is_intact=contents.is_intact)
                return table.slice(offset, end - begin + 1)
            offset += end - begin + 1
    raise StoreError(f"{printable(path)}: has no chunk of tasks {first} to {last}")


def write_compacted(
    path: Path, schema: Any, groups: Iterable[tuple[list[tuple[int, int]], Any]], digest: str
) -> list[Group]:
    """Write row groups to a new file, seal it and make it durable; return what it holds.

    Raises
    ------
    StoreError
        If the disk refuses; nothing is left behind.
    """
    try:
        written = _write(path, schema, groups, digest)
        with path.open("r+b") as file:
            place = _place_of_seal(file)
            if place is None:
                raise StoreError(f"{printable(path)}: cannot be sealed; try again")
            seal = _digest(file, place).encode()
            file.seek(place)
            file.write(seal)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        if isinstance(error, StoreError):
            raise
        raise trouble(path, error) from error
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise
    sync_folder(path.parent)
    return written


def _write(
    path: Path, schema: Any, groups: Iterable[tuple[list[tuple[int, int]], Any]], digest: str
) -> list[Group]:
    parquet = _parquet()
    written: list[Group] = []
    with (
        path.open("wb") as file,
        parquet.ParquetWriter(file, schema, compression="zstd", store_schema=False) as writer,
    ):
        for ranges, table in groups:
            writer.write_table(table, row_group_size=max(table.num_rows, 1))
            written.append(Group(tuple(ranges), checksum(table)))
        text = json.dumps({"format": _FORMAT, "plan": digest, "groups": written})
        writer.add_key_value_metadata(
            {
                _KEY.decode(): text,
                _KEY_SUM.decode(): hashlib.sha256(text.encode()).hexdigest(),
                "relubias.seal": (_SEAL + _BLANK).decode(),
            }
        )
    return written
