"""Every way to hand in data gives the same problem; every unusable file is named."""

from __future__ import annotations

import io
import os
import sys
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_array_equal

from relubias.cli._data import read_array, read_problem, read_source
from relubias.errors import InvalidInputError, MissingExtraError

X = np.array([[2.0, -1.0, 0.5], [0.25, 3.0, -4.0]])
Y = np.array([1.0, -0.5])
G = X @ X.T


def write_csv(path, rows, *, header=None, delimiter=","):
    lines = [delimiter.join(map(repr, map(float, row))) for row in rows]
    Path(path).write_text("\n".join(([header] if header else []) + lines) + "\n")


@pytest.mark.parametrize("keys", [("features", "labels"), ("X", "y")])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_with_features_gives_the_problem(keys, save):
    save("data.npz", **dict(zip(keys, (X, Y), strict=True)))
    problem = read_problem(Path("data.npz"))
    assert_array_equal(problem.features, X)
    assert_array_equal(problem.labels, Y)
    assert_array_equal(problem.signs, [1.0])


@pytest.mark.parametrize("key", ["gram", "G"])
def test_npz_with_a_gram_matrix_gives_the_problem(key):
    np.savez("data.npz", **{key: G, "y": Y, "signs": [1, -1]})
    problem = read_problem(Path("data.npz"))
    assert_array_equal(problem.gram, G)
    assert_array_equal(problem.signs, [1.0, -1.0])
    assert problem.features is None


def test_npz_with_both_matrices_is_read_as_asked():
    np.savez("data.npz", X=X, G=2 * G, y=Y)
    assert_array_equal(read_problem(Path("data.npz"), is_gram=True).gram, 2 * G)
    assert_array_equal(read_problem(Path("data.npz")).gram, G)


def test_given_signs_replace_those_of_the_file():
    np.savez("data.npz", X=X, y=Y, signs=[-1])
    assert_array_equal(read_problem(Path("data.npz"), signs=(1, -1)).signs, [1.0, -1.0])


@pytest.mark.parametrize("dtype", ["f4", ">f8", "i8", "?", "f2", "g"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_of_any_real_dtype_is_widened(dtype, order):
    matrix = np.asarray(np.round(X), dtype=dtype, order=order)
    np.save("X.npy", matrix)
    np.save("y.npy", Y)
    problem = read_problem(Path("X.npy"), labels=Path("y.npy"))
    assert_array_equal(problem.features, matrix.astype(float))
    assert problem.features.dtype == np.float64


def test_npy_of_a_gram_matrix():
    np.save("G.npy", G)
    np.savez("y.npz", y=Y)
    problem = read_problem(Path("G.npy"), labels=Path("y.npz"), is_gram=True)
    assert_array_equal(problem.gram, G)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("header", [False, True])
def test_csv_with_the_labels_in_its_last_column(delimiter, header):
    names = delimiter.join(("a", "b", '"c d"', "target")) if header else None
    write_csv("data.csv", np.column_stack([X, Y]), header=names, delimiter=delimiter)
    problem = read_problem(Path("data.csv"))
    assert_array_equal(problem.features, X)
    assert_array_equal(problem.labels, Y)


@pytest.mark.parametrize("column", ["target", "1", "-3"])
def test_csv_label_column_by_name_and_by_position(column):
    write_csv("data.csv", np.insert(X, 1, Y, axis=1), header="a,target,b,c")
    problem = read_problem(Path("data.csv"), label_column=column)
    assert_array_equal(problem.features, X)
    assert_array_equal(problem.labels, Y)


def test_csv_with_labels_in_a_file_of_their_own():
    write_csv("X.csv", X)
    write_csv("y.csv", Y[:, None], header="y")
    problem = read_problem(Path("X.csv"), labels=Path("y.csv"))
    assert_array_equal(problem.features, X)
    assert_array_equal(problem.labels, Y)


def test_csv_of_a_gram_matrix_with_labels():
    write_csv("G.csv", np.column_stack([G, Y]))
    assert_array_equal(read_problem(Path("G.csv"), is_gram=True).gram, G)


def test_csv_with_byte_order_mark_blank_lines_and_windows_ends():
    Path("data.csv").write_bytes(b"\xef\xbb\xbfa,y\r\n1.5,2\r\n\r\n-1,3e-1\r\n\r\n")
    problem = read_problem(Path("data.csv"))
    assert_array_equal(problem.features, [[1.5], [-1.0]])
    assert_array_equal(problem.labels, [2.0, 0.3])


def test_parquet_gives_the_problem():
    columns = {"a": X[:, 0], "y": Y, "b": X[:, 1], "c": X[:, 2].astype(np.float32)}
    pq.write_table(pa.table(columns), "data.parquet")
    problem = read_problem(Path("data.parquet"), label_column="y")
    assert_array_equal(problem.features, X)
    assert_array_equal(problem.labels, Y)


def test_parquet_without_its_extra_names_the_install_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    Path("data.parquet").write_bytes(b"PAR1")
    with pytest.raises(MissingExtraError, match=r'pip install "relubias\[parquet\]"'):
        read_problem(Path("data.parquet"))


def test_other_members_of_an_archive_are_never_opened():
    np.savez("data.npz", X=X, y=Y, notes=np.array([{"a": 1}], dtype=object))
    assert_array_equal(read_problem(Path("data.npz")).features, X)


def npy_bytes(shape, *, descr="<f8", payload=b"", version=b"\x01\x00"):
    header = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode() + b"\n"
    return b"\x93NUMPY" + version + len(header).to_bytes(2, "little") + header + payload


def stored(name, content):
    def write():
        Path(name).write_bytes(content)
        return Path(name)

    return write


def archive(**members):
    def write():
        with zipfile.ZipFile("data.npz", "w", zipfile.ZIP_DEFLATED) as file:
            for name, content in members.items():
                file.writestr(f"{name}.npy", content)
        return Path("data.npz")

    return write


def saved(**arrays):
    def write():
        np.savez("data.npz", **arrays)
        return Path("data.npz")

    return write


def special(name, make):
    def write():
        make(name)
        return Path(name)

    return write


def parquet(**columns):
    def write():
        pq.write_table(pa.table(columns), "data.parquet")
        return Path("data.parquet")

    return write


HUGE = (10**9, 10**9)
TEXT = np.array([["a", "b"]])
UNUSABLE = {
    "missing file": (lambda: Path("nowhere.npz"), "No such file"),
    "missing folder": (lambda: Path("a/b/c.csv"), "No such file"),
    "directory": (special("d.npz", os.mkdir), "is a directory"),
    "fifo": (special("p.csv", os.mkfifo), "not a regular file"),
    "nul in the name": (lambda: Path("a\0b.npz"), "not a valid path"),
    "name too long": (lambda: Path("a" * 5000 + ".npz"), "too long"),
    "unknown format": (stored("data.pkl", b"x"), "no format that can be read"),
    "no suffix": (stored("data", b"x"), "no format that can be read"),
    "empty npz": (stored("data.npz", b""), "no .npz archive"),
    "text as npz": (stored("data.npz", b"1,2\n"), "no .npz archive"),
    "npz without matrix": (saved(a=X, y=Y), "no array named features"),
    "npz without labels": (saved(X=X), "holds no labels"),
    "npz with two features": (saved(X=X, features=X, y=Y), "holds features twice"),
    "npz of objects": (saved(X=X.astype(object), y=Y), "Python objects"),
    "npz of text": (saved(X=TEXT, y=Y), "dtype <U1"),
    "npz of complex": (saved(X=X + 1j, y=Y), "complex"),
    "npz of dates": (saved(X=X.astype("M8[s]"), y=Y), "datetime"),
    "npz of records": (saved(X=np.zeros(2, "f8,f8"), y=Y), "dtype"),
    "npz with NaN": (saved(X=X * np.nan, y=Y), r"features: entry \[0, 0\] is nan"),
    "npz with infinite label": (saved(X=X, y=[np.inf, 1.0]), "labels: entry"),
    "npz with a column of labels": (saved(X=X, y=Y[:, None]), r"labels: has shape \(2, 1\)"),
    "npz with a flat matrix": (saved(X=X.ravel(), y=Y), r"features: has shape"),
    "npz without samples": (saved(X=X[:0], y=Y[:0]), "features: is empty"),
    "npz of other length": (saved(X=X, y=[1.0, 2, 3]), "labels: has 3 entries"),
    "npz with a zero sign": (saved(X=X, y=Y, signs=[0.0]), "signs: contains 0"),
    "npz asymmetric gram": (saved(G=[[1.0, 2], [3, 4]], y=Y), "gram: is not symmetric"),
    "npz indefinite gram": (saved(G=[[1.0, 2], [2, 1]], y=Y), "not positive semi-definite"),
    "npz with a huge header": (archive(X=npy_bytes(HUGE), y=b""), "cut off or damaged"),
    "npz with a broken member": (archive(X=b"\x93NUM", y=b""), "valid .npy header"),
    "zip bomb": (archive(X=npy_bytes((10**7,), payload=b"\0" * 10**6)), "cut off or damaged"),
    "empty npy": (stored("X.npy", b""), "no valid .npy header"),
    "text as npy": (stored("X.npy", b"hello world, this is text"), "no valid .npy header"),
    "pickle as npy": (stored("X.npy", b"\x80\x04]q\x00."), "no valid .npy header"),
    "npy of version 9": (stored("X.npy", npy_bytes((1,), version=b"\x09\0")), ".npy header"),
    "npy with a huge header": (stored("X.npy", npy_bytes(HUGE)), "cut off or damaged"),
    "npy longer than declared": (
        stored("X.npy", npy_bytes((1,), payload=b"\0" * 9)),
        "cut off or damaged",
    ),
    "npy of negative shape": (stored("X.npy", npy_bytes((-1, -1), payload=b"\0" * 8)), "damaged"),
    "npy of odd descr": (stored("X.npy", npy_bytes((1,), descr=[("a", "<f8", -1)])), ".npy header"),
    "npy with a calling header": (
        stored("X.npy", npy_bytes((1,)).replace(b"False", b"exit()")),
        ".npy header",
    ),
    "empty csv": (stored("data.csv", b""), "is empty"),
    "blank csv": (stored("data.csv", b"\n \n\n"), "is empty"),
    "csv of a header alone": (stored("data.csv", b"a,b\n"), "no rows of numbers"),
    "ragged csv": (stored("data.csv", b"1,2,3\n4,5\n"), "has 2 cells in line 2, and 3 before"),
    "csv with text": (stored("data.csv", b"1,2\n3,x\n"), "'x' in line 2, column 2"),
    "csv with a hole": (stored("data.csv", b"1,2\n3,\n"), "nothing in line 2, column 2"),
    "csv with NaN": (stored("data.csv", b"a,b\n1,2\nnan,3\n"), "nan in data row 2, column a"),
    "csv overflowing": (stored("data.csv", b"1,2\n1e999,3\n"), "entry inf in data row 2"),
    "csv with a mixed header": (stored("data.csv", b"1,b\n1,2\n"), "mixes numbers and text"),
    "csv with a row index": (stored("data.csv", b",a,b\n0,1,2\n"), "row index"),
    "csv with a short header": (stored("data.csv", b"a,b\n1,2,3\n"), "names 2 columns and has 3"),
    "csv with decimal commas": (stored("data.csv", b"a;b\n1,5;2\n"), "the text '1,5'"),
    "csv of one column": (stored("data.csv", b"1\n2\n"), "single column"),
    "csv of bytes": (stored("data.csv", b"\xff\xfe\x00\x01" * 9), "not UTF-8"),
    "csv of latin-1": (stored("data.csv", b"a,b\n1,\xe9\n"), "not UTF-8"),
    "csv with NUL": (stored("data.csv", b"1,2\n\x003,4\n"), "data.csv: "),
    "csv with underscores": (stored("data.csv", b"1,2\n1_0,3\n"), "'1_0'"),
    "csv with an open quote": (stored("data.csv", b'1,2\n"3,4\n'), "data.csv: "),
    "text as parquet": (stored("data.parquet", b"1,2\n"), "no Parquet file"),
    "empty parquet": (stored("data.parquet", b""), "no Parquet file"),
    "parquet with text": (parquet(a=["x"], y=[1.0]), "holds string in column a"),
    "parquet with gaps": (parquet(a=[1.0, None], y=[1.0, 2.0]), "gaps in column a"),
    "parquet with NaN": (parquet(a=[1.0, float("nan")], y=[1.0, 2.0]), "entry .* is nan"),
    "parquet with lists": (parquet(a=[[1.0]], y=[1.0]), "holds list"),
    "parquet without rows": (parquet(a=np.zeros(0), y=np.zeros(0)), "no rows"),
}


@pytest.mark.parametrize("case", UNUSABLE, ids=str)
def test_an_unusable_file_is_refused_by_name(case):
    write, expected = UNUSABLE[case]
    with np.errstate(all="ignore"):
        path = write()
    labels = None
    if path.suffix == ".npy":
        np.save("labels.npy", Y)
        labels = Path("labels.npy")
    with pytest.raises(InvalidInputError, match=expected) as caught:
        read_problem(path, labels=labels)
    message = str(caught.value)
    assert message.startswith(str(path).encode("unicode_escape").decode()) or "\0" in str(path)
    assert "\n" not in message
    assert "; " in message  # what arrived; what to do


@pytest.mark.parametrize(
    ("content", "column", "expected"),
    [
        (b"a,b\n1,2\n", "c", "no column 'c'; pass one of a, b, or a position from 0 to 1"),
        (b"1,2\n", "2", "no column '2'; pass a position from 0 to 1"),
        (b"a,a,b\n1,2,3\n", "a", "several columns named a"),
    ],
)
def test_a_label_column_that_is_not_there_is_named(content, column, expected):
    Path("data.csv").write_bytes(content)
    with pytest.raises(InvalidInputError, match=expected):
        read_problem(Path("data.csv"), label_column=column)


def test_a_label_column_makes_no_sense_without_a_table():
    np.savez("data.npz", X=X, y=Y)
    with pytest.raises(InvalidInputError, match="--label-column"):
        read_problem(Path("data.npz"), label_column="y")


def test_labels_of_several_columns_are_refused():
    write_csv("X.csv", X)
    write_csv("y.csv", X)
    with pytest.raises(InvalidInputError, match=r"y\.csv: has 3 columns"):
        read_problem(Path("X.csv"), labels=Path("y.csv"))


def test_a_file_larger_than_memory_is_refused_before_reading(monkeypatch):
    monkeypatch.setattr(os, "sysconf", lambda name: 16 if name == "SC_PHYS_PAGES" else 1)
    np.savez("data.npz", X=X, y=Y)
    with pytest.raises(InvalidInputError, match="more than fits into memory"):
        read_source(Path("data.npz"))


def test_one_array_is_read_by_its_key():
    np.savez("start.npz", start=X)
    np.save("start.npy", X)
    assert_array_equal(read_array(Path("start.npz"), "start"), X)
    assert_array_equal(read_array(Path("start.npy"), "start"), X)
    np.savez("start.npz", beta=X)
    with pytest.raises(InvalidInputError, match="no array named start"):
        read_array(Path("start.npz"), "start")


def test_an_unreadable_file_is_refused(monkeypatch):
    Path("data.npz").write_bytes(b"x")

    def deny(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", deny)
    with pytest.raises(InvalidInputError, match=r"cannot be read \(Permission denied\)"):
        read_source(Path("data.npz"))


def test_an_empty_array_keeps_its_shape():
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((0, 3)))
    Path("X.npy").write_bytes(buffer.getvalue())
    assert read_array(Path("X.npy"), "features").shape == (0, 3)
