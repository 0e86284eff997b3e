"""Without an extra, what needs it says which command installs it; all else works."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.extras import BLOCK, CORE, NEEDS, prepare

ROOT = Path(__file__).parents[2]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]

EVERY_EXTRA = sorted({package for need in NEEDS.values() for package in need.packages})

SHOW = """
from tests.extras import NEEDS, refusal
print(repr(refusal(NEEDS[{what!r}])))
"""


def run_without(packages, code, folder):
    prepare(folder)
    script = BLOCK.format(names=sorted(packages)) + f"sys.path[:0] = [{str(ROOT)!r}]\n" + code
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=folder, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("what", NEEDS)
def test_a_missing_extra_is_named_with_its_command(what, tmp_path):
    need = NEEDS[what]
    printed = run_without(need.packages, SHOW.format(what=what), tmp_path)
    message = eval(printed.splitlines()[-1], {})
    assert message.endswith(f'pip install "relubias[{need.extra}]"')


def test_the_core_works_without_any_extra(tmp_path):
    run_without(EVERY_EXTRA, CORE, tmp_path)


def test_every_extra_for_users_is_tried():
    for_developers = {"test", "dev", "bench", "docs"}
    by_type = {"polars"}  # a frame of polars: tests/sweep/test_results.py
    assert {need.extra for need in NEEDS.values()} == set(EXTRAS) - for_developers - by_type


@pytest.mark.parametrize("what", NEEDS)
def test_an_extra_brings_what_it_promises(what):
    need = NEEDS[what]
    names = {"sklearn": "scikit-learn"}
    wanted = {names.get(package, package) for package in need.packages} - {"distributed"}
    listed = " ".join(EXTRAS[need.extra])
    assert all(name in listed for name in wanted)
