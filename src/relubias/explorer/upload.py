"""Uploaded files: bytes in memory become arrays of numbers, or a sentence says why not."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from relubias._files import checked_suffix, unusable
from relubias._npz import Array, decode, find_members, opened_archive, read_member
from relubias._tables import Table, csv_table, parquet_table
from relubias._validate import Float
from relubias.explorer.data import Upload
from relubias.explorer.state import MAX_NEURONS, MAX_SAMPLES
from relubias.problem import Problem

__all__ = ["MAX_NUMBERS", "about", "clean_name", "pack", "read_upload", "unpack"]

MAX_NUMBERS = 1_000_000
"""Numbers that a file may hold once it is unpacked."""


def clean_name(name: str) -> str:
    """Return a file's name without folders and without what cannot be printed."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in last if letter.isprintable())[-100:]


def read_upload(name: str, body: bytes) -> Upload:
    """Return the arrays of an uploaded file; nothing is written anywhere, nothing is executed.

    Parameters
    ----------
    name : str
        The file's name; only its ending means anything.
    body : bytes
        Its content.

    Returns
    -------
    Upload

    Raises
    ------
    InvalidInputError
        If it is damaged, too large once unpacked, or no problem can be made of it.
    MissingExtraError
        If it is a Parquet file and pyarrow is not installed.
    """
    path = Path(clean_name(name) or "file")
    reader = _READERS[checked_suffix(path, tuple(_READERS))]
    found, reading = reader(path, body)
    matrix = found["features"] if found["gram"] is None else found["gram"]
    if matrix is None:
        wanted = "features (or X), or gram (or G)"
        raise unusable(path, f"holds no array named {wanted}", "save it under this name")
    if matrix.ndim != 2 or not 0 < matrix.shape[0] <= MAX_SAMPLES:
        got = f"holds an array of shape {matrix.shape}"
        raise unusable(path, got, f"pass (n, d) with at most {MAX_SAMPLES} rows, one per sample")
    labels = np.zeros(matrix.shape[0]) if found["labels"] is None else found["labels"]
    problem: Problem
    if found["gram"] is None:
        problem = Problem.from_features(matrix, labels)
    else:
        problem = Problem(matrix, labels)
    return Upload(
        name=path.name,
        reading=tuple(reading),
        features=problem.features,
        gram=None if found["gram"] is None else problem.gram,
        labels=None if found["labels"] is None else problem.labels,
        signs=_signs(found["signs"]),
    )


Found = dict[str, Array | None]


def _nothing() -> Found:
    return dict.fromkeys(("features", "gram", "labels", "signs"))


def _of_npz(path: Path, body: bytes) -> tuple[Found, list[str]]:
    found, lines = _nothing(), [f"file = np.load({path.name!r})"]
    with opened_archive(path, io.BytesIO(body)) as archive:
        members = find_members(path, archive, tuple(found))
        if members["features"] is not None:
            members["gram"] = None
        chosen = {key: member for key, member in members.items() if member is not None}
        size = sum(archive.getinfo(member).file_size for member in chosen.values())
        if size > 8 * MAX_NUMBERS + 4096:
            _refuse_large(path, size)
        for key, member in chosen.items():
            found[key] = read_member(path, archive, member)
            if key != "signs":
                lines.append(f"{key} = file[{member.removesuffix('.npy')!r}]")
    return found, lines


def _of_npy(path: Path, body: bytes) -> tuple[Found, list[str]]:
    matrix = decode(path, "", io.BytesIO(body), len(body))
    return _nothing() | {"features": matrix}, [f"features = np.load({path.name!r})"]


def _of_csv(path: Path, body: bytes) -> tuple[Found, list[str]]:
    table = csv_table(path, io.BytesIO(body))
    skip = f", skiprows={table.n_header_lines}" if table.n_header_lines else ""
    quotes = ", comments=None, quotechar='\"', encoding='utf-8-sig'"
    read = f"np.loadtxt({path.name!r}, delimiter={table.delimiter!r}{skip}{quotes}, ndmin=2)"
    return _of_table(path, table, [f"table = {read}"])


def _of_parquet(path: Path, body: bytes) -> tuple[Found, list[str]]:
    table = parquet_table(path, io.BytesIO(body), most=MAX_NUMBERS)
    read = f"table = pd.read_parquet({path.name!r}).to_numpy(np.float64)"
    return _of_table(path, table, ["import pandas as pd", read])


def _of_table(path: Path, table: Table, lines: list[str]) -> tuple[Found, list[str]]:
    values = table.values
    if values.shape[1] < 2:
        raise unusable(path, "has a single column", "add the labels as the last column")
    lines.append("features, labels = table[:, :-1], table[:, -1]")
    found = _nothing()
    found["features"], found["labels"] = values[:, :-1], values[:, -1]
    return found, lines


_READERS: dict[str, Callable[[Path, bytes], tuple[Found, list[str]]]] = {
    ".npz": _of_npz,
    ".npy": _of_npy,
    ".csv": _of_csv,
    ".parquet": _of_parquet,
}


def _refuse_large(path: Path, size: int) -> None:
    got = f"holds {size / 2**20:.3g} MB of numbers once unpacked"
    raise unusable(path, got, f"pass at most {MAX_NUMBERS:,} numbers")


def _signs(signs: Array | None) -> str:
    """Return the output signs in a file as text, empty where they are none that the page has."""
    if signs is None or signs.ndim != 1 or not 0 < signs.size <= MAX_NEURONS:
        return ""
    values: list[float] = signs.tolist()
    is_plain = all(abs(value) == 1 for value in values)
    return "".join("+" if value > 0 else "-" for value in values) if is_plain else ""


def about(upload: Upload) -> dict[str, Any]:
    """Return what the page is told about a file."""
    matrix = upload.features if upload.features is not None else upload.gram
    n, d = (0, 0) if matrix is None else matrix.shape
    return {
        "name": upload.name,
        "n": n,
        "d": d if upload.features is not None else None,
        "is_gram": upload.features is None,
        "has_labels": upload.labels is not None,
        "signs": upload.signs,
    }


def pack(upload: Upload) -> bytes:
    """Return an upload as bytes for another process: a line of JSON, then the numbers."""
    arrays = {key: getattr(upload, key) for key in ("features", "gram", "labels")}
    shapes = {key: None if a is None else list(a.shape) for key, a in arrays.items()}
    more = {"name": upload.name, "reading": upload.reading, "signs": upload.signs}
    parts = [a.tobytes() for a in arrays.values() if a is not None]
    return b"\n".join([json.dumps(more | {"shapes": shapes}).encode(), b"".join(parts)])


def unpack(data: bytes) -> Upload:
    """Return the upload that `pack` wrote."""
    head, _, body = data.partition(b"\n")
    more, begin = json.loads(head), 0
    arrays: dict[str, Float | None] = {}
    shapes: dict[str, list[int] | None] = more.pop("shapes")
    for key, shape in shapes.items():
        arrays[key] = None
        if shape is not None:
            count = math.prod(shape)
            arrays[key] = np.frombuffer(body, np.float64, count, begin).reshape(shape)
            begin += 8 * count
    return Upload(
        name=more["name"],
        reading=tuple(more["reading"]),
        signs=more["signs"],
        features=arrays["features"],
        gram=arrays["gram"],
        labels=arrays["labels"],
    )
