"""Parts: one sealed Parquet file per chunk, whole or not there, every flipped bit detected.

The seal is the SHA-256 of all bytes of the file, taken while its own 64 digits are zeros; it stands
in the Parquet metadata, so any Parquet reader reads a part.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from relubias._files import printable
from relubias.errors import MissingExtraError, StoreError
from relubias.sweep._disk import publish, trouble

__all__ = [
    "FORMAT",
    "DamagedPartError",
    "Part",
    "PartInfo",
    "checksum",
    "find_parts",
    "part_name",
    "read_info",
    "read_part",
    "require_arrow",
    "write_part",
]

FORMAT = 1
"""Of parts and folders; a newer one is refused by name."""

_SEAL = b"relubias-sha256:"
_BLANK = b"0" * 64
_NAME = re.compile(r"part-(\d{6,})-(\d{6,})\.parquet")


class DamagedPartError(StoreError):
    """A part is not what was written; the message names the file."""


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """A file of rows, known by its name.

    Attributes
    ----------
    first, last : int
        Tasks of its first and last row.
    path : Path
        Where it is.
    """

    first: int
    last: int
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class PartInfo:
    """What a part says about itself.

    Attributes
    ----------
    digest : str
        Of the plan.
    version : str
        Of the package that computed it.
    seconds : float
        Wall-clock time of its computation, in one worker.
    n_failed : int
        Rows whose status is not ``"done"``.
    """

    digest: str
    version: str
    seconds: float
    n_failed: int


def require_arrow() -> Any:
    """Return pyarrow with its Parquet module, or say how to install it."""
    try:
        importlib.import_module("pyarrow.parquet")
        return importlib.import_module("pyarrow")
    except ImportError as error:
        raise MissingExtraError("storing a sweep", "sweep") from error


def part_name(first: int, last: int) -> str:
    """Return the name of the file for tasks from `first` to `last`."""
    return f"part-{first:06d}-{last:06d}.parquet"


def find_parts(folder: Path) -> list[Part]:
    """Return the parts in a folder by their names, in the order of their tasks."""
    found: list[Part] = []
    for path in folder.iterdir():
        match = _NAME.fullmatch(path.name)
        if match:
            found.append(Part(int(match[1]), int(match[2]), path))
    return sorted(found)


def write_part(path: Path, table: Any, info: PartInfo, *, owner: str = "0") -> None:
    """Write rows durably, whole or not at all."""
    publish(path, _sealed(_encoded(path.name, table, info)), owner)


def _encoded(name: str, table: Any, info: PartInfo) -> bytes:
    parquet = require_arrow().parquet
    sink = io.BytesIO()
    with parquet.ParquetWriter(
        sink, table.schema, compression="zstd", store_schema=False
    ) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(
            {
                "relubias.format": str(FORMAT),
                "relubias.part": name,
                "relubias.plan": info.digest,
                "relubias.version": info.version,
                "relubias.seconds": f"{info.seconds:.6f}",
                "relubias.n_failed": str(info.n_failed),
                "relubias.seal": (_SEAL + _BLANK).decode(),
            }
        )
    return sink.getvalue()


def _sealed(blank: bytes) -> bytes:
    place = blank.rindex(_SEAL) + len(_SEAL)
    digest = hashlib.sha256(blank).hexdigest().encode()
    return blank[:place] + digest + blank[place + len(_BLANK) :]


def _unsealed(path: Path) -> bytes:
    """Return the bytes of a file whose seal is good."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise trouble(path, error) from error
    place = data.rfind(_SEAL) + len(_SEAL)
    if place < len(_SEAL):
        raise _damaged(path, "has no seal")
    end = place + len(_BLANK)
    digest = hashlib.sha256(data[:place])
    digest.update(_BLANK)
    digest.update(data[end:])
    if digest.hexdigest().encode() != data[place:end]:
        raise _damaged(path, "does not match its seal")
    return data


def _damaged(path: Path, got: str) -> DamagedPartError:
    return DamagedPartError(
        f"{printable(path)}: {got}, so it was damaged after it was written; run the sweep again to "
        "compute these rows anew"
    )


def read_info(path: Path, digest: str) -> PartInfo:
    """Return what a part says about itself, once every byte of it is found intact."""
    return _info(path, _unsealed(path), digest)


def _info(path: Path, data: bytes, digest: str) -> PartInfo:
    parquet = require_arrow().parquet
    try:
        held: Mapping[bytes, bytes] = parquet.read_metadata(io.BytesIO(data)).metadata
        found = int(held[b"relubias.format"])
        if found > FORMAT:
            raise StoreError(
                f"{printable(path)}: has format {found}, newer than this version reads ({FORMAT}); "
                "upgrade relubias"
            )
        name = held[b"relubias.part"].decode()
        info = PartInfo(
            digest=held[b"relubias.plan"].decode(),
            version=held[b"relubias.version"].decode(),
            seconds=float(held[b"relubias.seconds"]),
            n_failed=int(held[b"relubias.n_failed"]),
        )
    except (LookupError, TypeError, ValueError) as error:
        raise _damaged(path, "is no part of a sweep") from error
    if info.digest != digest:
        raise _damaged(path, "holds rows of another plan")
    if name != path.name:
        raise _damaged(path, f"holds the rows of {name}")
    return info


def read_part(path: Path, digest: str) -> Any:
    """Return the rows of a part as an Arrow table, once every byte of it is found intact."""
    data = _unsealed(path)
    _info(path, data, digest)
    return require_arrow().parquet.read_table(io.BytesIO(data))


def checksum(table: Any) -> str:
    """Return the SHA-256 of names, types, nulls and values, whatever the layout in memory."""
    total = hashlib.sha256()
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        total.update(f"{name}\0{column.type}\0{len(column)}\0".encode())
        is_valid = column.is_valid().to_numpy(zero_copy_only=False)
        total.update(np.packbits(is_valid).tobytes())
        total.update(_value_bytes(column))
    return total.hexdigest()


def _value_bytes(column: Any) -> bytes:
    pa = require_arrow()
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        texts = column.fill_null("").cast(pa.large_binary())
        _, offsets, characters = texts.buffers()
        ends = np.frombuffer(offsets, "<i8")[texts.offset : texts.offset + len(texts) + 1]
        held = b"" if characters is None else memoryview(characters)[ends[0] : ends[-1]]
        return np.diff(ends).tobytes() + held
    values = column.fill_null(0 if not pa.types.is_boolean(column.type) else False)
    return np.ascontiguousarray(values.to_numpy(zero_copy_only=False)).tobytes()
