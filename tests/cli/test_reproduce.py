"""The command `reproduce`: exit statuses, one sentence for what is wrong, files for the rest."""

from __future__ import annotations

import json

import pytest

from relubias.cli import main
from relubias.experiments import KEYS


def test_a_quick_run_prints_verdicts_and_writes_the_report(tmp_path, capsys):
    out = tmp_path / "out"
    command = ["reproduce", "--quick", "--only", "initialisation", "--out", str(out), "--seed", "5"]
    assert main(command) == 0
    shown = capsys.readouterr().out
    assert "goes beyond: The gap follows" in shown
    assert "1 computed, 0 kept" in shown
    assert str(out / "report.html") in shown
    assert json.loads((out / "summary.json").read_text(encoding="utf-8"))["run.seed"] == 5
    assert main(command) == 0
    assert "0 computed, 1 kept" in capsys.readouterr().out
    assert main([*command, "--fresh"]) == 0
    assert "1 computed, 0 kept" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--only", "fig9"], "no experiment 'fig9'"),
        (["--only", ","], "names no experiment"),
        (["--full", "--quick"], "--full"),
        (["--seed", "-1"], "seed"),
        (["--seed", "x"], "seed"),
    ],
)
def test_unusable_arguments_exit_with_2_and_one_sentence(tmp_path, capsys, arguments, sentence):
    out = tmp_path / "out"
    assert main(["reproduce", *arguments, "--out", str(out)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert sentence in captured.err
    assert not out.exists()


def test_an_unwritable_folder_exits_with_2_and_one_sentence(tmp_path, capsys):
    taken = tmp_path / "taken"
    taken.write_text("mine", encoding="utf-8")
    assert main(["reproduce", "--quick", "--only", "fig2", "--out", str(taken / "x")]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "files cannot be written" in captured.err
    assert taken.read_text(encoding="utf-8") == "mine"


def test_help_names_every_experiment(capsys):
    assert main(["reproduce", "--help"]) == 0
    words = capsys.readouterr().out.replace("│", " ").replace(",", " ").replace(".", " ").split()
    named = {f"fig{k}" for k in range(1, 9)} | set(words)
    assert set(KEYS) <= named
    assert {"fig1", "to", "fig8"} <= set(words)
