"""The reference names every public object, and nothing that is not there."""

from __future__ import annotations

import inspect
import pydoc
import re
from pathlib import Path

import pytest

from tests.meta.discovery import public_modules

DOCS = Path(__file__).parents[2] / "docs"
REFERENCE = sorted((DOCS / "reference").glob("*.rst"))
ENTRY = re.compile(r"^(?: {3}|\.\. py:data:: )(relubias(?:\.\w+)+)$", re.MULTILINE)
COMMAND_LINE = ("relubias.cli.build_app", "relubias.cli.main")  # docs/reference/commands.md


def listed():
    """Return every name that the reference lists."""
    return [name for page in REFERENCE for name in ENTRY.findall(page.read_text("utf-8"))]


LISTED = listed()


def public_names():
    """Return every public name below a namespace, modules and the version aside."""
    return {
        f"{module.__name__}.{name}": getattr(module, name)
        for module in public_modules().values()
        for name in getattr(module, "__all__", ())
        if not inspect.ismodule(getattr(module, name)) and name != "__version__"
    }


def test_every_public_name_is_in_the_reference():
    found = [pydoc.locate(name) for name in LISTED]
    missing = [
        name
        for name, value in public_names().items()
        if name not in COMMAND_LINE and not any(value is other for other in found)
    ]
    assert missing == []


def test_nothing_is_listed_twice():
    assert sorted(set(LISTED)) == sorted(LISTED)
    objects = [pydoc.locate(name) for name in LISTED]
    assert len({id(value) for value in objects}) == len(objects)


@pytest.mark.parametrize("name", LISTED)
def test_what_is_listed_is_public(name):
    module, _, last = name.rpartition(".")
    assert last in pydoc.locate(module).__all__


def test_every_statement_is_in_the_table_of_the_theory():
    from relubias.theory import lai2026

    table = (DOCS / "theory" / "statements.md").read_text("utf-8")
    rows = re.findall(r"^\| `relubias\.theory\.lai2026\.(\w+)` \|", table, re.MULTILINE)
    assert sorted(rows) == sorted(statement.__name__ for statement in lai2026.STATEMENTS)
