"""Damaged and hostile files: a named error or the right data, and never running code."""

from __future__ import annotations

import os
import pickle  # noqa: TID251 - to build the files that must be refused
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from relubias.cli._data import read_array, read_problem
from relubias.errors import InvalidInputError
from tests.damage import WRITERS, X, Y, attempt, n_refused


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


@pytest.mark.parametrize("kind", WRITERS)
def test_a_damaged_file_gives_a_named_error_or_the_right_data(kind, folder):
    rng = np.random.default_rng(len(kind))
    assert n_refused(kind, folder, rng, n_files=100) >= 25


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
