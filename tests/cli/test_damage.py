"""Damaged and hostile files: a named error or the right data, and never running code."""

from __future__ import annotations

import os
import pickle  # noqa: TID251 - to build the files that must be refused
import re
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_array_equal

from relubias.cli._data import read_array, read_problem
from relubias.errors import InvalidInputError

X = np.random.default_rng(1).standard_normal((7, 5))
Y = np.random.default_rng(2).uniform(-1, 1, 7)


class Payload:
    """Unpickling this creates the file `executed`."""

    def __reduce__(self):
        return os.mkdir, ("executed",)


PICKLE = pickle.dumps(Payload())


def object_npy():
    array = np.empty(1, dtype=object)
    array[0] = Payload()
    return array


def write_raw_member(path, content):
    with zipfile.ZipFile(path, "w") as archive:
        for key in ("features", "gram", "labels", "signs", "start"):
            archive.writestr(f"{key}.npy", content)
            archive.writestr(key, content)


HOSTILE = {
    "npy of objects": lambda: np.save("data.npy", object_npy(), allow_pickle=True),
    "npz of objects": lambda: np.savez("data.npz", X=object_npy(), y=object_npy()),
    "npz with good features": lambda: np.savez("data.npz", X=X, y=object_npy()),
    "npz with hostile signs": lambda: np.savez("data.npz", X=X, y=Y, signs=object_npy()),
    "pickle as npy": lambda: Path("data.npy").write_bytes(PICKLE),
    "pickle as npz": lambda: Path("data.npz").write_bytes(PICKLE),
    "pickles in npz": lambda: write_raw_member("data.npz", PICKLE),
    "pickle as csv": lambda: Path("data.csv").write_bytes(PICKLE),
    "old pickle as csv": lambda: Path("data.csv").write_bytes(pickle.dumps(Payload(), protocol=0)),
    "pickle as parquet": lambda: Path("data.parquet").write_bytes(PICKLE),
    "pickles in parquet": lambda: pq.write_table(
        pa.table({"a": pa.array([PICKLE]), "y": pa.array([1.0])}), "data.parquet"
    ),
    "code in csv": lambda: Path("data.csv").write_text("a,y\n__import__('os').mkdir('executed'),1"),
    "code in a header": lambda: Path("data.npy").write_bytes(
        b"\x93NUMPY\x01\x00\x60\x00{'descr':'<f8','fortran_order':False,"
        b"'shape':(__import__('os').mkdir('executed'),)}".ljust(10 + 0x60)
    ),
    "pickle": lambda: Path("data.pkl").write_bytes(PICKLE),
    "joblib": lambda: Path("data.joblib").write_bytes(PICKLE),
}


def attempt(read):
    """Return what was read and no message, or nothing and the message."""
    try:
        return read(), ""
    except InvalidInputError as error:
        return None, str(error)


@pytest.mark.parametrize("case", HOSTILE)
def test_no_reader_runs_code(case, folder):
    HOSTILE[case]()
    (path,) = folder.iterdir()
    good = folder / "good.npz"
    np.savez(good, X=X, y=Y)
    readers = [
        lambda: read_problem(path),
        lambda: read_problem(path, labels=path),
        lambda: read_problem(path, labels=path, is_gram=True),
        lambda: read_problem(good, labels=path),
        lambda: read_array(path, "start"),
    ]
    errors = [error for _, error in map(attempt, readers) if error]
    assert len(errors) >= len(readers) - 2
    assert all(path.name in error for error in errors)
    assert not Path("executed").exists()


def test_the_payload_would_run():
    pickle.loads(PICKLE)
    assert Path("executed").exists()


def save_csv(path):
    rows = [",".join(map(repr, row)) for row in np.column_stack([X, Y]).tolist()]
    Path(path).write_text("a,b,c,d,e,y\n" + "\n".join(rows) + "\n")


def save_parquet(path):
    columns = dict(zip("abcdey", np.column_stack([X, Y]).T, strict=True))
    pq.write_table(pa.table(columns), path, write_page_checksum=True, compression="none")


WRITERS = {
    "npy": lambda: np.save("data.npy", np.column_stack([X, Y])),
    "npz": lambda: np.savez("data.npz", X=X, y=Y),
    "packed.npz": lambda: np.savez_compressed("data.npz", X=X, y=Y),
    "csv": lambda: save_csv("data.csv"),
    "parquet": lambda: save_parquet("data.parquet"),
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


@pytest.mark.parametrize("kind", WRITERS)
def test_a_damaged_file_gives_a_named_error_or_the_right_data(kind, folder):
    WRITERS[kind]()
    (path,) = folder.iterdir()
    original = path.read_bytes()
    rng = np.random.default_rng(len(kind))
    read = READERS.get(kind, read_table)
    n_refused = 0
    for _ in range(100):
        path.write_bytes(damaged(original, rng))
        found, error = attempt(lambda: read(path))
        if error:
            assert error.startswith(str(path))
            n_refused += 1
        else:
            expected = numbers_of(path) if kind in ("npy", "csv") else np.column_stack([X, Y])
            assert_array_equal(found, expected)
    assert n_refused >= 25


@pytest.mark.parametrize("length", range(0, 800, 50))
def test_a_cut_off_archive_is_refused(length, folder):
    np.savez("data.npz", X=X, y=Y)
    path = folder / "data.npz"
    content = path.read_bytes()
    assert len(content) > length
    path.write_bytes(content[:length])
    with pytest.raises(InvalidInputError, match=r"data\.npz"):
        read_problem(path)


def test_a_huge_header_costs_no_memory():
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (100000000, 50)}\n"
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    Path("data.npy").write_bytes(content)
    with zipfile.ZipFile("data.npz", "w") as archive:
        archive.writestr("X.npy", content)
    tracemalloc.start()
    try:
        for name in ("data.npy", "data.npz"):
            with pytest.raises(InvalidInputError, match="cut off or damaged"):
                read_array(Path(name), "features")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000
