"""Without scikit-learn the rest of the package works, and the estimators say what is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

BLOCK = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "sklearn":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocked())
import relubias as rb
"""

MISSING = 'relubias.estimators needs an extra: pip install "relubias[sklearn]"'


def run(code):
    return subprocess.run([sys.executable, "-c", BLOCK + code], capture_output=True, text=True)


@pytest.mark.parametrize(
    "code",
    [
        "rb.estimators",
        "import relubias.estimators",
        "from relubias.estimators import MinimumNormReLURegressor",
    ],
)
def test_the_missing_extra_is_named(code):
    result = run(code)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == f"relubias.errors.MissingExtraError: {MISSING}"


@pytest.mark.parametrize(
    "code", ["from relubias import *", "rb.minimum_norm(rb.Problem([[1.0]], [1.0]))", "dir(rb)"]
)
def test_the_rest_works(code):
    result = run(code)
    assert result.stderr == ""
    assert result.returncode == 0
