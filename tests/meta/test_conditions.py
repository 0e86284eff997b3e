"""docs/conditions.md is what its script writes, and names every condition there is."""

from __future__ import annotations

import dataclasses
import re
import runpy
from pathlib import Path

import pytest

from relubias.theory import lai2026

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "conditions.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(DOCS / "make_conditions.py"))


def without_last_digits(text):
    """Numbers of the examples may move with the BLAS; words, formulas and constants may not."""
    return [
        re.sub(r"-?\d[\d.,]*(e[-+]\d+)?|inf", "#", line) if line.startswith("| `lai2026") else line
        for line in text.splitlines()
    ]


def test_the_page_is_what_the_script_writes(script):
    assert without_last_digits(script["page"]()) == without_last_digits(PAGE), (
        "run `python docs/make_conditions.py`"
    )


def test_every_statement_and_every_constant_is_on_the_page():
    for statement in lai2026.STATEMENTS:
        assert f"`relubias.theory.lai2026.{statement.__name__}`" in PAGE
        assert re.search(rf"^\| `{re.escape(statement.name)}[`.]", PAGE, re.MULTILINE)
        section = PAGE.partition(f"`relubias.theory.lai2026.{statement.__name__}`\n")[2]
        section = section.partition("\n## ")[0]
        for constant in (field.name for field in dataclasses.fields(statement)):
            assert re.search(rf"^\| `[\w, ]*\b{constant}\b", section, re.MULTILINE), constant


def test_every_condition_of_the_examples_is_on_the_page(script):
    for report in script["examples"]():
        for verdict in report.verdicts:
            assert f"| `{verdict.condition}` | {verdict.role} |" in PAGE


def test_no_markup_of_docstrings_is_left():
    assert ":math:" not in PAGE
    assert ".. math" not in PAGE
    assert "``" not in PAGE.replace("```", "")
    assert "=====" not in PAGE


def test_the_script_refuses_a_statement_without_an_example(script):
    with pytest.raises(LookupError, match="theorem9"):
        script["verdicts_of"]("lai2026.theorem9", [])


def test_markup_is_translated(script):
    assert script["inline"]("``a_b`` and :math:`|x| \\le \\|y\\|`") == (
        "`a_b` and $\\vert x\\vert \\le \\Vert y\\Vert$"
    )
    lines = [".. math:: a", "          b", "", "Text."]
    assert script["blocks"](lines) == ["$$\na b\n$$", "Text."]
    table = ["=====  ====", "a      1", "       2", "=====  ===="]
    assert script["blocks"](table) == ["| part | claim |\n|---|---|\n| a | 1 2 |"]
