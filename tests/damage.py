"""Damaged data files: writers of good ones, ways to damage them, and what may come back."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.testing import assert_array_equal

from relubias.cli._data import read_array, read_problem
from relubias.errors import InvalidInputError

X = np.random.default_rng(1).standard_normal((7, 5))
Y = np.random.default_rng(2).uniform(-1, 1, 7)


def attempt(read):
    """Return what was read and no message, or nothing and the message."""
    try:
        return read(), ""
    except InvalidInputError as error:
        return None, str(error)


def save_csv(path):
    rows = [",".join(map(repr, row)) for row in np.column_stack([X, Y]).tolist()]
    Path(path).write_text("a,b,c,d,e,y\n" + "\n".join(rows) + "\n")


def save_parquet(path):
    columns = dict(zip("abcdey", np.column_stack([X, Y]).T, strict=True))
    pq.write_table(pa.table(columns), path, write_page_checksum=True, compression="none")


WRITERS = {
    "npy": lambda path: np.save(path, np.column_stack([X, Y])),
    "npz": lambda path: np.savez(path, X=X, y=Y),
    "packed.npz": lambda path: np.savez_compressed(path, X=X, y=Y),
    "csv": save_csv,
    "parquet": save_parquet,
}


def damaged(content, rng):
    """Return `content` cut off, with bits flipped, or with bytes overwritten, added or lost."""
    content = bytearray(content)
    at = int(rng.integers(len(content)))
    kind = rng.integers(6)
    if kind == 0:
        return bytes(content[:at])
    if kind == 1:
        return bytes(content[:at] + rng.bytes(int(rng.integers(1, 20))) + content[at:])
    if kind == 2:
        return bytes(content[:at] + content[at + int(rng.integers(1, 20)) :])
    if kind == 3:
        content[at : at + 8] = rng.bytes(len(content[at : at + 8]))
        return bytes(content)
    for _ in range(int(rng.integers(1, 4))):
        position = int(rng.integers(len(content)))
        content[position] ^= 1 << int(rng.integers(8))
    return bytes(content)


def numbers_of(path):
    """Read formats without checksums again, by other means: what the bytes say is right."""
    if path.suffix == ".npy":
        return np.load(path, allow_pickle=False)
    lines = re.split(r"\r\n|\r|\n", path.read_bytes().decode())
    rows = [line.split(",") for line in lines if line.strip()]
    return np.array([[float(cell.strip(' "')) for cell in row] for row in rows[1:]])


def read_table(path):
    problem = read_problem(path)
    return np.column_stack([problem.features, problem.labels])


READERS = {"npy": lambda path: read_array(path, "features")}


def n_refused(kind, folder, rng, n_files):
    """Damage a file many times; fail unless each is refused by name or read as what it says."""
    path = folder / f"data.{kind}"
    WRITERS[kind](path)
    original = path.read_bytes()
    read = READERS.get(kind, read_table)
    refused = 0
    for _ in range(n_files):
        path.write_bytes(damaged(original, rng))
        found, error = attempt(lambda: read(path))
        if error:
            assert error.startswith(str(path))
            refused += 1
        else:
            expected = numbers_of(path) if kind in ("npy", "csv") else np.column_stack([X, Y])
            assert_array_equal(found, expected)
    return refused
