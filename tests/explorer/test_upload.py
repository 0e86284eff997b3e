from __future__ import annotations

import contextlib
import io
import json
import zipfile

import matplotlib as mpl
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import relubias as rb
from relubias.errors import InvalidInputError
from relubias.explorer._encode import decoded
from relubias.explorer.compute import compute
from relubias.explorer.upload import (
    MAX_NUMBERS,
    about,
    clean_name,
    pack,
    read_upload,
    unpack,
)

RNG = np.random.default_rng(5)
X = RNG.standard_normal((6, 40))
Y = np.array([1.0, -0.5, 0.75, -1.0, 0.5, 0.6])


def npz(**arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def csv(table, header="", delimiter=","):
    file = io.StringIO()
    np.savetxt(file, table, fmt="%.17g", delimiter=delimiter, header=header, comments="")
    return file.getvalue().encode()


def parquet(table):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    sink = pa.BufferOutputStream()
    columns = {f"c{k}": column for k, column in enumerate(table.T)}
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue().to_pybytes()


TABLE = np.column_stack([X, Y])
NAMES = ",".join(f"x{k}" for k in range(40)) + ",y"
FILES = {
    "a.npz": npz(features=X, labels=Y),
    "b.npz": npz(X=X, y=Y, signs=[1, -1]),
    "gram.npz": npz(G=X @ X.T, y=Y),
    "only.npz": npz(X=X),
    "half.npz": npz(X=X.astype(np.float32), y=Y.astype(np.float16)),
    "both.npz": npz(X=X, gram=np.eye(3), y=Y, other=np.arange(5)),
    "a.npy": npy(X),
    "fortran.npy": npy(np.asfortranarray(X)),
    "a.csv": csv(TABLE),
    "named.csv": b"\xef\xbb\xbf" + csv(TABLE, NAMES),
    "semicolons.CSV": csv(TABLE, NAMES.replace(",", ";"), ";"),
}


@pytest.mark.parametrize("name", FILES)
def test_files_are_read_and_their_script_reads_them_too(name, tmp_path, monkeypatch):
    """The script is run beside the file, and holds the numbers of the answer bit for bit."""
    upload = read_upload(name, FILES[name])
    answer = compute({"data": "id", "signs": "+-", "kappa": 0.5, "seed": 3}, upload)
    assert answer["state"]["n"] == 6
    json.dumps(answer, allow_nan=False)
    (tmp_path / name).write_bytes(FILES[name])
    monkeypatch.chdir(tmp_path)
    mpl.use("Agg")
    space = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(answer["script"], "script", "exec"), space)
    mpl.pyplot.close("all")
    assert_array_equal(space["primal"], decoded(answer["primal"]))
    assert_array_equal(space["trace"] * space["dual"], decoded(answer["dual"]))
    assert_array_equal(space["distance"], decoded(answer["distance"]))
    assert_array_equal(space["problem"].labels, decoded(answer["labels"]))
    assert space["gap"].distance == answer["gap"]["distance"]
    if "only" not in name and not name.endswith("npy"):
        assert_array_equal(decoded(answer["labels"]), Y.astype(np.float16) if "half" in name else Y)


def test_a_parquet_table_is_read_and_its_script_reads_it_too(tmp_path, monkeypatch):
    FILES["a.parquet"] = parquet(TABLE)
    test_files_are_read_and_their_script_reads_them_too("a.parquet", tmp_path, monkeypatch)


def test_the_page_is_told_what_is_in_a_file():
    assert about(read_upload("b.npz", FILES["b.npz"])) == {
        "name": "b.npz", "n": 6, "d": 40, "is_gram": False, "has_labels": True, "signs": "+-",
    }  # fmt: skip
    told = about(read_upload("gram.npz", FILES["gram.npz"]))
    assert told["is_gram"]
    assert told["d"] is None
    assert not about(read_upload("a.npy", FILES["a.npy"]))["has_labels"]


@pytest.mark.parametrize("name", ["b.npz", "gram.npz", "a.npy", "a.csv"])
def test_packed_uploads_are_the_same(name):
    upload = read_upload(name, FILES[name])
    again = unpack(pack(upload))
    for key in ("features", "gram", "labels"):
        first, second = getattr(upload, key), getattr(again, key)
        assert (first is None) == (second is None)
        if first is not None:
            assert_array_equal(first, second)
    assert (upload.name, upload.reading, upload.signs) == (again.name, again.reading, again.signs)


class _Trap:
    def __reduce__(self):
        return print, ("a file was executed",)


def damaged_zip():
    body = bytearray(FILES["a.npz"])
    body[len(body) // 2] ^= 0xFF
    return bytes(body)


def bomb():
    """Return a small archive of one array that unpacks to 100 MB of zeros."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            header, {"descr": "<f8", "fortran_order": False, "shape": (100, 131_072)}
        )
        archive.writestr("X.npy", header.getvalue() + bytes(8 * 100 * 131_072))
    return file.getvalue()


BAD = {
    "empty.npz": (b"", "no .npz archive"),
    "text.npz": (b"hello", "no .npz archive"),
    "cut.npz": (FILES["a.npz"][:-200], "cut off"),
    "damaged.npz": (damaged_zip(), "damaged"),
    "bomb.npz": (bomb(), "once unpacked"),
    "nothing.npz": (npz(a=np.eye(2)), "no array named features"),
    "objects.npz": (npz(X=np.array([[_Trap(), 1.0]], object), y=[1.0]), "objects"),
    "objects.npy": (npy(np.array([[_Trap()]], object)), "objects"),
    "text.npy": (npy(np.array([["a", "b"]])), "dtype"),
    "complex.npy": (npy(np.array([[1j]])), "dtype"),
    "flat.npy": (npy(np.arange(5.0)), r"shape \(5,\)"),
    "deep.npy": (npy(np.zeros((2, 2, 2))), "shape"),
    "empty.npy": (npy(np.zeros((0, 3))), "shape"),
    "long.npy": (npy(np.ones((201, 2))), "at most 200 rows"),
    "cut.npy": (FILES["a.npy"][:-8], "cut off"),
    "lie.npy": (FILES["a.npy"].replace(b"(6, 40)", b"(6, 99)"), "declares"),
    "nan.npy": (npy(np.full((2, 2), np.nan)), "finite"),
    "huge.npy": (npy(np.full((2, 2), 1e300)), "overflow"),
    "zero.csv": (b"0,0,1\n0,0,2\n", None),
    "short.npz": (npz(X=X, y=Y[:3]), "labels"),
    "skew.npz": (npz(G=np.arange(9.0).reshape(3, 3), y=Y[:3]), "symmetric"),
    "indefinite.npz": (npz(G=-np.eye(3), y=Y[:3]), "negative"),
    "twice.npz": (npz(X=X, features=X), "twice"),
    "words.csv": (b"a,b\n1,x\n", "number"),
    "ragged.csv": (b"1,2\n3\n", "cells"),
    "column.csv": (b"1\n2\n", "single column"),
    "binary.csv": (b"\xff\xfe\x00", "UTF-8"),
    "empty.csv": (b"", "empty"),
    "nan.csv": (b"1,nan\n2,3\n", "finite"),
    "no.parquet": (b"PAR1 hello PAR1", "Parquet|damaged|cut off"),
    "a.pkl": (b"cos\nsystem\n(S'true'\ntR.", "no format"),
    "noending": (b"1,2\n", "no format"),
    "a.npz.exe": (FILES["a.npz"], "no format"),
}


@pytest.mark.parametrize("name", BAD)
def test_unusable_files_are_refused_in_a_sentence(name, capsys):
    body, words = BAD[name]
    with pytest.raises(InvalidInputError, match=words) as caught:
        compute({"data": "x", "start": "gaussian"}, read_upload(name, body))
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 400
    assert "executed" not in capsys.readouterr().out


def test_mutated_files_are_refused_or_read():
    rng = np.random.default_rng(1)
    names = [name for name in FILES if len(FILES[name]) < 20_000]
    outcomes = {"read": 0, "refused": 0}
    for _ in range(600):
        name = str(rng.choice(names))
        body = bytearray(FILES[name])
        for _ in range(int(rng.integers(1, 8))):
            body[int(rng.integers(len(body)))] = int(rng.integers(256))
        if rng.random() < 0.2:
            body = body[: int(rng.integers(len(body)))]
        try:
            upload = read_upload(name, bytes(body))
        except InvalidInputError:
            outcomes["refused"] += 1
            continue
        matrix = upload.gram if upload.features is None else upload.features
        assert np.isfinite(matrix).all()
        assert matrix.size <= MAX_NUMBERS
        outcomes["read"] += 1
    assert min(outcomes.values()) > 50


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\data\\a.npz", "a.npz"),
        ("/abs/b.npy", "b.npy"),
        ("a\x00b\n\x1b[31m.csv", "ab[31m.csv"),
        ("x" * 300 + ".csv", "x" * 96 + ".csv"),
        ("..", ".."),
        ("", ""),
    ],
)
def test_names_are_labels_only(name, cleaned):
    assert clean_name(name) == cleaned


@pytest.mark.parametrize("name", ['it\'s "x".csv', "{0}\\'); print(1) #.csv", "ä ö.csv"])
def test_no_name_ends_a_line_of_the_script(name):
    upload = read_upload(name, b"1,0,1\n0,1,-1\n")
    answer = compute({"data": "x"}, upload)
    compile(answer["script"], "script", "exec")
    (line,) = [line for line in answer["script"].splitlines() if "loadtxt" in line]
    assert repr(upload.name) in line


def test_labels_are_drawn_where_a_file_has_none():
    upload = read_upload("a.npy", FILES["a.npy"])
    state = {"data": "x", "labels": "uniform", "low": 0.2, "high": 0.4, "negative": 0.5}
    labels = decoded(compute(state, upload)["labels"])
    law = rb.ensembles.labels.uniform_magnitude(0.2, 0.4, n_negative=3)
    assert_array_equal(labels, law(6, seed=0))


def test_the_trace_of_a_file_is_its_mean_squared_length():
    answer = compute({"data": "x", "kappa": 0.3}, read_upload("a.npz", FILES["a.npz"]))
    assert answer["trace"] == pytest.approx((X**2).sum() / 6, rel=1e-14)
    assert answer["run"]["step_size"] == 0.3 / answer["trace"]
    assert answer["law_curve"] is None
