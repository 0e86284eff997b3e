"""The dispatcher: help, version, exit status, messages, pipes and interruptions."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from relubias import NotSolvedError
from relubias.cli import build_app, main, minnorm

COMMANDS = ["reproduce", "run", "minnorm", "check", "diagnose", "explore"]


PROGRAM = [sys.executable, "-m", "relubias"]


def shell(line, *, cwd=None, **environment):
    """Run a line of a shell where `relubias` stands for the program."""
    paths = os.pathsep.join(path for path in sys.path if path)
    line = line.replace("relubias", " ".join(PROGRAM))
    return subprocess.run(
        ["bash", "-c", line],
        capture_output=True,
        timeout=120,
        check=False,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": paths, **environment},
    )


def test_help_lists_the_commands_and_the_exit_status(relubias):
    answer = relubias("--help")
    assert answer.status == 0
    assert answer.err == ""
    assert all(f" {command} " in answer.out for command in COMMANDS)
    assert "Exit status: 0 done, 1 the answer is negative, 2 unusable" in answer.out


def test_no_command_shows_the_help(relubias):
    assert relubias().out == relubias("--help").out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_shows_an_example(command, relubias):
    answer = relubias(command, "--help")
    assert answer.status == 0
    assert f"Example: relubias {command} " in answer.out
    assert "Exit status" in answer.out


@pytest.mark.parametrize("command", ["run", "minnorm", "check", "diagnose"])
def test_the_example_of_the_help_parses(command):
    from relubias.cli import _COMMANDS

    example = _COMMANDS[command][1].split()
    assert example[0] == "relubias"
    _, bound, _ = build_app().parse_args(example[1:], exit_on_error=False, print_error=False)
    assert bound.arguments


def test_version_is_one_line_on_standard_output(relubias):
    answer = relubias("--version")
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["rnu", "data.npz"], 'Did you mean "run"?'),
        (["run"], "DATA"),
        (["minnorm"], "DATA"),
        (["--frobnicate"], "--frobnicate"),
        (["run", "missing.npz"], "missing.npz: cannot be read (No such file or directory)"),
        (["run", "nowhere/data.csv"], "nowhere/data.csv"),
        (["run", "--"], "DATA"),
        (["run", ""], "no format"),
        (["run", "a\nb.npz"], "a b.npz"),
        (["run", "\udcff.npz"], "npz: cannot be read"),
    ],
)
def test_usage_errors_are_one_sentence_with_status_2(arguments, expected, relubias):
    answer = relubias(*arguments)
    assert answer.status == 2
    assert answer.out == ""
    assert answer.err.startswith("relubias: ")
    assert answer.err.count("\n") == 1
    assert expected in answer.err


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotSolvedError("not solved", None), 1),
        (MemoryError(), 2),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 141),
    ],
)
def test_errors_become_exit_statuses(error, status, data, relubias, monkeypatch):
    def fail(_path, **_options):
        raise error

    monkeypatch.setattr("relubias.cli._options.read_problem", fail)
    answer = relubias("minnorm", data)
    assert answer.status == status
    assert answer.out == ""
    assert "Traceback" not in answer.err


def test_a_bug_is_not_hidden(data, monkeypatch):
    def fail(_path, **_options):
        msg = "a bug"
        raise ZeroDivisionError(msg)

    monkeypatch.setattr("relubias.cli._options.read_problem", fail)
    with pytest.raises(ZeroDivisionError):
        main(["minnorm", str(data)])


def test_commands_are_functions_of_their_module():
    assert callable(minnorm.minnorm)


# in a process of its own


@pytest.mark.usefixtures("data")
def test_the_shell_sees_status_0_and_data_on_standard_output():
    result = shell("relubias minnorm data.npz --json")
    assert result.returncode == 0
    assert result.stdout.startswith(b"{")
    assert result.stderr == b""


def test_the_shell_sees_status_2_and_one_line_on_standard_error():
    result = shell("relubias run missing.npz")
    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr.count(b"\n") == 1


@pytest.mark.usefixtures("data")
def test_a_closed_pipe_is_silent():
    result = shell("relubias minnorm data.npz | true; echo ${PIPESTATUS[0]}")
    assert result.stderr == b""
    assert result.stdout.strip() == b"141"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.usefixtures("data")
def test_a_full_disk_below_standard_output_is_named():
    result = shell("relubias minnorm data.npz > /dev/full")
    assert result.returncode == 2
    assert result.stderr.decode() == (
        "relubias: standard output: cannot be written (No space left on device); "
        "send it elsewhere\n"
    )


def test_names_beyond_ascii_survive_an_ascii_terminal():
    result = shell("relubias run übung.npz", PYTHONIOENCODING="ascii")
    assert result.returncode == 2
    assert b"\\xfcbung.npz: cannot be read" in result.stderr
    assert b"Traceback" not in result.stderr
