"""The scripts in examples/ run as they are, tell what they find, and draw it."""

from __future__ import annotations

import ast
import re
import runpy
import warnings
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from relubias.cli import main

mpl.use("Agg")

FOLDER = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(FOLDER.glob("[!_p]*.py"))
GALLERY = sorted(FOLDER.rglob("plot_*.py"))
EXECUTED = [path for path in GALLERY if path.parent != FOLDER]
"""Those of the figures and theorems; examples on real data have tests beside what they show."""


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_an_example_runs_and_so_do_the_commands_it_quotes(path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(path), run_name="__main__")
    assert "CERTIFIED" in capsys.readouterr().out
    commands = re.findall(r"^ +relubias (.*)$", path.read_text("utf-8"), flags=re.MULTILINE)
    for command in commands:
        assert main(command.split()) == 0
        assert "OPTIMAL" in capsys.readouterr().out


@pytest.mark.parametrize("path", EXECUTED, ids=lambda path: path.stem)
def test_a_page_of_the_gallery_prints_draws_and_leaves_nothing_behind(
    path, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    before = dict(mpl.rcParams)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        runpy.run_path(str(path), run_name="__main__")
    figures = [plt.figure(number) for number in plt.get_fignums()]
    plt.close("all")
    printed = capsys.readouterr().out
    assert dict(mpl.rcParams) == before
    assert re.search(r"\d", printed)
    assert "nan" not in printed.split()
    assert all(axes.has_data() or axes.texts for figure in figures for axes in figure.axes)
    assert 1 <= len(figures) <= 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
def test_a_page_of_the_gallery_asks_a_question_and_uses_public_names(path):
    source = path.read_text("utf-8")
    tree = ast.parse(source)
    title, line, _, *text = ast.get_docstring(tree).splitlines()
    assert set(line) == {"="}
    assert len(line) == len(title)
    assert len(" ".join(text)) > 100
    assert source.count("# %%") >= 2
    private = re.findall(r"relubias[\w.]*\._\w+|\brb\.[\w.]*\._\w+", source)
    assert private == []


def test_every_figure_and_theorem_has_a_page():
    names = " ".join(path.stem for path in GALLERY)
    wanted = [f"fig{k}" for k in range(1, 9)] + [f"theorem{k}" for k in range(1, 7)]
    assert [name for name in wanted if name not in names] == []


def test_the_examples_were_found():
    assert SCRIPTS
    assert len(EXECUTED) > 20
