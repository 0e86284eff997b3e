"""Answers are strict JSON or a plain table; files appear whole or not at all."""

from __future__ import annotations

import enum
import io
import json
import math
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from relubias import InvalidInputError
from relubias.cli._output import (
    Section,
    emit,
    number,
    render,
    results_folder,
    strict_json,
    write_whole,
)

SECTIONS = [
    Section("first", [("a", "1"), ("a longer name", "with [bold]no markup[/bold]")]),
    Section("second", [("b", "x" * 200)]),
]


def names():
    return sorted(path.name for path in Path().iterdir())


def test_json_has_no_nan_and_no_infinity():
    value = {
        "nan": math.nan,
        "inf": np.float64(np.inf),
        "array": np.array([1.0, -np.inf]),
        "nested": [(np.nan,), {"x": np.float32("nan")}],
    }
    assert json.loads(strict_json(value), parse_constant=pytest.fail) == {
        "nan": None,
        "inf": None,
        "array": [1.0, None],
        "nested": [[None], {"x": None}],
    }


def test_json_knows_the_types_of_results():
    class Status(enum.StrEnum):
        CERTIFIED = "CERTIFIED"

    value = {
        "status": Status.CERTIFIED,
        "count": np.int64(3),
        "flag": np.bool_(True),
        "path": Path("a/b"),
        "nothing": None,
        "pattern": np.array([True, False]),
    }
    assert json.loads(strict_json(value)) == {
        "status": "CERTIFIED",
        "count": 3,
        "flag": True,
        "path": "a/b",
        "nothing": None,
        "pattern": [True, False],
    }


def test_json_keeps_every_digit():
    value = 0.1 + 0.2
    assert json.loads(strict_json({"x": value}))["x"] == value


def test_numbers_read_well():
    assert number(0.30000000000000004) == "0.3"
    assert number(math.nan) == number(math.inf) == "-"


def test_the_plain_table_is_aligned():
    assert render(SECTIONS).splitlines()[:5] == [
        "first",
        "  a              1",
        "  a longer name  with [bold]no markup[/bold]",
        "",
        "second",
    ]


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


def test_a_terminal_gets_style_and_the_same_words(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    emit(SECTIONS)
    text = terminal.getvalue()
    assert "\x1b[1mfirst" in text
    assert "with [bold]no markup[/bold]" in text
    assert text.count("x") == 200 + text.count("xterm")


def test_a_stream_of_another_encoding_gets_escapes(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    emit("ü\n")
    assert stream.buffer.getvalue() == b"\\xfc\n"


def test_a_file_appears_whole_with_ordinary_permissions():
    old = os.umask(0o027)
    try:
        write_whole(Path("a.txt"), lambda file: file.write(b"abc"))
    finally:
        os.umask(old)
    assert Path("a.txt").read_bytes() == b"abc"
    assert Path("a.txt").stat().st_mode & 0o777 == 0o640
    assert names() == ["a.txt"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_write_keeps_the_old_file(error):
    Path("a.txt").write_bytes(b"old")

    def fail(file):
        file.write(b"half")
        raise error

    expected = InvalidInputError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        write_whole(Path("a.txt"), fail)
    assert Path("a.txt").read_bytes() == b"old"
    assert names() == ["a.txt"]


def test_a_folder_publishes_all_files_or_none():
    with results_folder(Path("new/deep")) as folder:
        folder.add_json("a.json", "{}")
        assert not Path("new/deep/a.json").exists()
        folder.add_arrays("b.npz", x=np.ones(2))
    assert sorted(path.name for path in Path("new/deep").iterdir()) == ["a.json", "b.npz"]
    with np.load("new/deep/b.npz", allow_pickle=False) as arrays:
        assert arrays["x"].tolist() == [1.0, 1.0]


def test_a_failed_answer_leaves_no_new_folder():
    Path("old").mkdir()

    def fail(path):
        with results_folder(Path(path)) as folder:
            folder.add_json("a.json", "{}")
            raise ZeroDivisionError

    for path in ("new/deep", "old/deep", "old"):
        with pytest.raises(ZeroDivisionError):
            fail(path)
    assert names() == ["old"]
    assert list(Path("old").iterdir()) == []


@pytest.mark.parametrize(
    ("call", "strerror"),
    [("mkdir", "Permission denied"), ("mkstemp", "Read-only file system")],
)
def test_an_unwritable_folder_is_refused_before_the_work(call, strerror, monkeypatch):
    def deny(*_args, **_kwargs):
        raise OSError(13, strerror)

    owner = Path if call == "mkdir" else sys.modules["tempfile"]
    monkeypatch.setattr(owner, call, deny)
    with (
        pytest.raises(InvalidInputError, match=rf"cannot be written \({strerror}\)"),
        results_folder(Path("new" if call == "mkdir" else ".")),
    ):
        pytest.fail("the work began")


def test_a_failed_rename_is_named(monkeypatch):
    def deny(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", deny)
    with (
        pytest.raises(InvalidInputError, match=r"a\.json: cannot be written"),
        results_folder(Path("new")) as folder,
    ):
        folder.add_json("a.json", "{}")
    assert names() == []
