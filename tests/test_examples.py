"""The scripts in examples/ run as they are, and the commands that they quote work."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from relubias.cli import main

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_and_so_do_the_commands_it_quotes(path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(path), run_name="__main__")
    assert "CERTIFIED" in capsys.readouterr().out
    commands = re.findall(r"^ +relubias (.*)$", path.read_text("utf-8"), flags=re.MULTILINE)
    for command in commands:
        assert main(command.split()) == 0
        assert "OPTIMAL" in capsys.readouterr().out


def test_the_examples_were_found():
    assert EXAMPLES
