"""Command line tests run in an empty folder of their own, in this process."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pytest

from relubias.cli import main


@dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self):
        """Return the JSON on standard output, refusing what strict parsers refuse."""
        return json.loads(self.out, parse_constant=_refuse)


def _refuse(token):
    msg = f"{token} is no JSON"
    raise ValueError(msg)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Return the current directory: new and empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def relubias(capsys):
    """Return a function that runs the command line with some arguments."""

    def run(*arguments):
        status = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Answer(status, out, err)

    return run


@pytest.fixture
def data(folder):
    """Return a file with nearly orthogonal features of six samples, labels of both signs."""
    rng = np.random.default_rng(5)
    X = rng.standard_normal((6, 400))
    y = np.array([1.0, 2.0, -1.5, 1.25, -1.0, -2.0])
    np.savez(folder / "data.npz", X=X, y=y)
    return folder / "data.npz"
