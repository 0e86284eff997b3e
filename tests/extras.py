"""What every extra is needed for, and what works without any.

As a script, it is for an environment where ``pip install .`` alone was run:

    python tests/extras.py
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

BLOCK = "import sys\nsys.modules.update(dict.fromkeys({names}))\n"
"""Hides installed packages, as if an extra had not been installed."""


class Need(NamedTuple):
    """Code that needs an extra, and the packages that the extra brings."""

    extra: str
    packages: tuple[str, ...]
    code: str


_PLAN = "import relubias as rb\nplan = rb.sweep.Plan(n=4, d=20, kappa=0.5, measure='loss')\n"
_RUN = "rb.sweep.run(plan, 'store', progress=False, {how})"
_COMMAND = "from relubias.cli import build_app\nbuild_app()({words}, **QUIET)"

NEEDS = {
    "a Parquet file": Need(
        "parquet", ("pyarrow",), _COMMAND.format(words=["minnorm", "data.parquet"])
    ),
    "a sweep": Need("sweep", ("pyarrow",), _PLAN + _RUN.format(how="workers=0")),
    "a cluster": Need(
        "dask",
        ("dask", "distributed"),
        _PLAN + _RUN.format(how="engine='tcp://127.0.0.1:1'"),
    ),
    "an HDF5 file": Need("disk", ("h5py",), _COMMAND.format(words=["minnorm", "data.h5"])),
    "a zarr folder": Need("disk", ("zarr",), _COMMAND.format(words=["minnorm", "data.zarr"])),
    "the estimators": Need("sklearn", ("sklearn",), "import relubias as rb\nrb.estimators"),
    "a saved model": Need(
        "torch",
        ("torch",),
        "import relubias.diagnosis\nrelubias.diagnosis.load_model('model.pt')",
    ),
    "the command for a saved model": Need(
        "torch", ("torch",), _COMMAND.format(words=["diagnose", "model.pt", "data.csv"])
    ),
    "the explorer": Need(
        "web",
        ("starlette", "uvicorn"),
        _COMMAND.format(words=["explore", "--port", "0", "--no-browser"]),
    ),
    "the pictures of the explorer": Need(
        "web", ("plotly",), _COMMAND.format(words=["explore", "--port", "0", "--no-browser"])
    ),
}

QUIET = dict(exit_on_error=False, print_error=False, result_action="return_value")

CORE = """
from relubias import *
from relubias.cli import main
import relubias as rb
problem = rb.Problem.from_features([[2.0, 0.0, 1.0], [0.0, 1.0, 1.0]], [1.0, -1.0])
start = rb.starts.all_positive(problem, 0.01)
run = rb.gradient_descent(problem, start, step_size=0.5 / problem.scale).raise_if_failed()
shortest = rb.minimum_norm(problem).raise_if_failed()
assert rb.bias_gap(problem, run, shortest).distance > 0.0
assert rb.check(problem, start, step_size=0.5 / problem.scale)["lai2026.theorem1"].holds is not None
assert rb.gradient_flow(problem, start).status is rb.Status.CERTIFIED
for command in ("run", "minnorm", "check"):
    assert main([command, "data.csv", "--label-column", "y", "--json"]) in (0, 1)
assert main(["reproduce", "--only", "fig1", "--quick", "--out", "report"]) == 0
"""
"""What needs no extra at all."""


def prepare(folder: Path) -> None:
    """Write the files that the code names; those that need an extra are empty."""
    (folder / "data.csv").write_text("a,b,c,y\n2,0,1,1\n0,1,1,-1\n")
    for name in ("data.parquet", "data.h5", "model.pt"):
        (folder / name).write_bytes(b"\0" * 64)
    (folder / "data.zarr").mkdir()


def refusal(need: Need) -> str:
    """Run the code and return the message with which it was refused."""
    from relubias.errors import MissingExtraError

    try:
        exec(compile(need.code, "<need>", "exec"), {"QUIET": QUIET})
    except MissingExtraError as error:
        return str(error)
    return ""


def main() -> int:
    """Check this environment, where no extra is installed."""
    import os

    failed = 0
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        prepare(Path(name))
        exec(compile(CORE, "<core>", "exec"), {})
        for what, need in NEEDS.items():
            message = refusal(need)
            right = message.endswith(f'pip install "relubias[{need.extra}]"')
            failed += not right
            print(f"{'right' if right else 'WRONG'}: {what}: {message!r}")
        os.chdir(Path(__file__).parent)
    return failed


if __name__ == "__main__":
    sys.exit(main())
