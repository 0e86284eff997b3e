"""Importing and asking for help is cheap: heavy libraries are loaded only when they are used."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files

import pytest

HEAVY = ["scipy", "matplotlib", "numba", "llvmlite", "pandas", "pyarrow", "torch", "sklearn"]
HEAVY += ["starlette", "uvicorn", "plotly"]

SHOW = "import sys; print(' '.join(sorted({name.split('.')[0] for name in sys.modules})))"


def modules_after(code):
    result = subprocess.run(
        [sys.executable, "-c", f"{code}\n{SHOW}"], capture_output=True, text=True, check=True
    )
    return set(result.stdout.splitlines()[-1].split())


HELP = "from relubias.cli import main\nmain({arguments})"


@pytest.mark.parametrize(
    "code",
    [
        "import relubias",
        "import relubias.cli",
        HELP.format(arguments=["--help"]),
        HELP.format(arguments=["--version"]),
        HELP.format(arguments=["run", "--help"]),
        HELP.format(arguments=["minnorm", "--help"]),
        HELP.format(arguments=["reproduce", "--help"]),
        HELP.format(arguments=["run", "missing.npz"]),
        HELP.format(arguments=["check", "--help"]),
        HELP.format(arguments=["diagnose", "--help"]),
        HELP.format(arguments=["explore", "--help"]),
        HELP.format(arguments=["sweep", "--help"]),
        HELP.format(arguments=["sweep", "run", "--help"]),
        HELP.format(arguments=["sweep", "show", "--help"]),
        HELP.format(arguments=["sweep", "run", "missing.toml"]),
        "import relubias.sweep",
    ],
)
def test_nothing_heavy_is_loaded(code):
    assert modules_after(code) & set(HEAVY) == set()


def test_the_library_needs_no_command_line_packages():
    assert modules_after("import relubias") & {"cyclopts", "rich"} == set()


def test_a_small_problem_runs_without_plotting_and_tables():
    code = (
        "import relubias as rb\n"
        "problem = rb.Problem([[4.0, 0.0], [0.0, 4.0]], [1.0, -1.0])\n"
        "start = rb.starts.all_positive(problem, 0.1)\n"
        "run = rb.gradient_descent(problem, start, step_size=0.15)\n"
        "rb.bias_gap(problem, run, rb.minimum_norm(problem))"
    )
    assert modules_after(code) & {"matplotlib", "pandas", "pyarrow"} == set()


def test_kernels_need_no_folder_for_their_cache():
    """As in a read-only installation whose user has no home."""
    code = (
        "from numba.core import caching\n"
        "caching.CompileResultCacheImpl._locator_classes = []\n"
        "import numpy as np, relubias as rb\n"
        "batch = rb.minimum_norm_batch(np.eye(2)[None], [[1.0, -1.0]])\n"
        "assert batch.status[0] == 'OPTIMAL'\n"
        "from relubias.minnorm import _kernels\n"
        "assert not _kernels.solve_batch.stats.cache_path"
    )
    assert "numba" in modules_after(code)


def test_types_are_shipped():
    assert files("relubias").joinpath("py.typed").is_file()
