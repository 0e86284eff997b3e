"""Every condition that any statement can produce: a case where it holds, fails, and is open."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import relubias as rb
from relubias.theory import lai2026
from relubias.theory.statement import evaluate
from tests.theory.cases import SETTINGS, TABLE

ANSWERS = {"holds": True, "fails": False, "is_open": None}


@pytest.mark.parametrize("condition", TABLE)
@pytest.mark.parametrize("kind", ANSWERS)
def test_every_condition_has_all_three_answers(condition, kind):
    case = getattr(TABLE[condition], kind)
    verdict = case.answer(condition)
    assert verdict.holds is ANSWERS[kind], f"{case}: {verdict}"


def test_no_condition_is_missing_from_the_table():
    produced = set()
    for name, make in SETTINGS.items():
        setting = make()
        statements = [statement() for statement in lai2026.STATEMENTS]
        if not setting.has_run:
            statements = [s for s in statements if not _needs_a_run(s, setting)]
        found = evaluate(statements, setting)
        assert found, name
        produced |= {verdict.condition for verdict in found}
    assert produced == set(TABLE)


def _needs_a_run(statement, setting):
    try:
        evaluate([statement], setting)
    except rb.InvalidInputError:
        return True
    return False


def test_no_condition_is_written_in_the_code_that_the_table_lacks():
    folder = Path(lai2026.__file__).parent
    written = set()
    for path in folder.glob("*.py"):
        written |= set(re.findall(r"self\.name\}\.([a-z_0-9.]+)\"", path.read_text()))
    parts = {condition.split(".", 2)[-1] for condition in TABLE}
    assert written <= parts
