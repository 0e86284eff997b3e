"""HDF5 files, zarr folders and mapped .npy files hold the same problem; unusable ones are named."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import zarr
from numpy.testing import assert_array_equal

from relubias.cli import _arrays, _stores
from relubias.cli._data import read_problem, read_source
from relubias.errors import InvalidInputError, MissingExtraError

X = np.random.default_rng(0).standard_normal((4, 50))
Y = np.array([1.0, -0.5, 2.0, 0.25])


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write_hdf5(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array


def write_zarr(path, **arrays):
    group = zarr.create_group(path)
    for name, array in arrays.items():
        stored = group.create_array(name, shape=np.shape(array), dtype=np.asarray(array).dtype)
        stored[...] = array


WRITERS = {"data.h5": write_hdf5, "data.hdf5": write_hdf5, "data.zarr": write_zarr}


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("keys", [("features", "labels"), ("X", "y")])
def test_stores_give_the_problem(name, keys, large, monkeypatch):
    monkeypatch.setattr(_stores, "LARGE", 0 if large else 10**9)
    WRITERS[name](name, **dict(zip(keys, (X, Y), strict=True)), signs=np.array([1, -1]))
    problem = read_problem(Path(name))
    assert_array_equal(problem.gram, X @ X.T)
    assert_array_equal(problem.labels, Y)
    assert_array_equal(problem.signs, [1.0, -1.0])
    assert (problem.features is None) == large


@pytest.mark.parametrize("name", WRITERS)
def test_stores_of_a_gram_matrix(name):
    WRITERS[name](name, G=X @ X.T, labels=Y)
    assert_array_equal(read_problem(Path(name)).gram, X @ X.T)
    assert_array_equal(read_source(Path(name), is_gram=True).gram, X @ X.T)


def test_a_zarr_folder_of_one_array_needs_labels_from_elsewhere():
    zarr.create_array("X.zarr", data=X, chunks=(2, 7), shards=(4, 14))
    np.save("y.npy", Y)
    assert_array_equal(read_problem(Path("X.zarr"), labels=Path("y.npy")).features, X)
    with pytest.raises(InvalidInputError, match="holds no labels; add --labels"):
        read_problem(Path("X.zarr"))


@pytest.mark.parametrize("order", ["C", "F"])
def test_large_npy_files_are_mapped(order, monkeypatch):
    np.save("X.npy", np.asarray(X, dtype="f4", order=order))
    np.save("y.npy", Y)
    known = read_problem(Path("X.npy"), labels=Path("y.npy"))
    assert known.features is not None
    monkeypatch.setattr(_arrays, "LARGE", 0)
    assert isinstance(read_source(Path("X.npy")).features, np.memmap)
    problem = read_problem(Path("X.npy"), labels=Path("y.npy"))
    assert problem.features is None
    assert_array_equal(problem.gram, known.gram)
    Path("X.npy").write_bytes(Path("X.npy").read_bytes()[:-8])
    with pytest.raises(InvalidInputError, match=r"X\.npy: declares an array of shape"):
        read_problem(Path("X.npy"), labels=Path("y.npy"))


@pytest.mark.parametrize("name", WRITERS)
def test_stores_without_the_arrays_are_named(name):
    WRITERS[name](name, other=X)
    with pytest.raises(InvalidInputError, match=rf"{name}: holds no array named features \(or X\)"):
        read_problem(Path(name))


@pytest.mark.parametrize("name", WRITERS)
def test_stores_that_hold_something_else_are_named(name):
    WRITERS[name](name, X=X + 1j, y=Y)
    with pytest.raises(InvalidInputError, match="holds no numbers as features; save plain numbers"):
        read_problem(Path(name))


@pytest.mark.parametrize("name", ["data.h5", "data.zarr"])
def test_an_array_under_two_names_is_refused(name):
    WRITERS[name](name, X=X, features=X, y=Y)
    with pytest.raises(InvalidInputError, match=r"holds features twice \(features and X\)"):
        read_problem(Path(name))


def test_files_that_are_no_stores_are_named():
    Path("text.h5").write_text("text")
    Path("text.zarr").write_text("text")
    Path("empty.zarr").mkdir()
    for name, message in {
        "text.h5": "cannot be read",
        "text.zarr": "is no folder",
        "empty.zarr": "cannot be read",
        "missing.h5": "No such file",
        "missing.zarr": "No such file",
    }.items():
        with pytest.raises(InvalidInputError, match=rf"^{name}: .*{message}"):
            read_problem(Path(name))


@pytest.mark.parametrize("codec", ["pickle", "packbits"])
def test_codecs_that_are_not_known_are_refused_before_anything_is_read(codec):
    zarr.create_array("X.zarr", data=X, zarr_format=2, filters=None)
    about = Path("X.zarr/.zarray")
    text = about.read_text()
    assert '"filters": null' in text
    about.write_text(text.replace('"filters": null', f'"filters": [{{"id": "{codec}"}}]'))
    with pytest.raises(InvalidInputError, match=r"X\.zarr: (needs the codec|cannot be read)"):
        read_source(Path("X.zarr"))
    about.write_text(text)
    assert_array_equal(read_source(Path("X.zarr")).features, X)


@pytest.mark.parametrize(("name", "module"), [("data.h5", "h5py"), ("data.zarr", "zarr")])
def test_a_missing_library_is_named(name, module, monkeypatch):
    WRITERS[name](name, X=X)
    real = _stores.importlib.import_module

    def without(wanted):
        if wanted == module:
            raise ImportError(wanted)
        return real(wanted)

    monkeypatch.setattr(_stores.importlib, "import_module", without)
    with pytest.raises(MissingExtraError, match=r'pip install "relubias\[disk\]"'):
        read_problem(Path(name))
