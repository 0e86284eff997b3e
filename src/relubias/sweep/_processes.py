"""How child processes are started, and how they end with the process that started them."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from relubias.sweep.engine import described

__all__ = ["SCRIPT", "die_with", "ending", "load_script", "spawn", "surroundings"]

SCRIPT = "__relubias_main__"
"""Name of the user's script inside a child, where it is not the main program."""

_SINGLE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_NEW_GROUP = 0x200  # CREATE_NEW_PROCESS_GROUP


def spawn(*, script: Path | None = None) -> subprocess.Popen[bytes]:
    """Start a child that computes jobs with one thread and dies with this process.

    It is no fork: no locks, threads or open files are inherited, and scripts need no guard.
    """
    arguments = ["--parent", str(os.getpid())]
    if script is not None:
        arguments += ["--script", str(script)]
    command = [sys.executable, "-m", "relubias.sweep._child", *arguments]
    pipe = subprocess.PIPE
    kept: Any = subprocess.Popen(command, stdin=pipe, stdout=pipe, **surroundings())
    return kept


def surroundings() -> dict[str, Any]:
    """Return how a child is started: one thread, our modules, and Ctrl-C for the driver alone."""
    paths = os.pathsep.join(path for path in sys.path if path)
    return {
        "env": os.environ | _SINGLE_THREAD | {"PYTHONPATH": paths},
        "process_group": None if os.name == "nt" else 0,
        "creationflags": _NEW_GROUP if os.name == "nt" else 0,
    }


def die_with(parent: int) -> None:
    """Let the kernel end this process with its parent, even in the middle of compiled code."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:  # it was faster
        os._exit(1)


def load_script(path: str) -> str:
    """Run a user's script under another name, for the functions in it; return what went wrong."""
    spec = importlib.util.spec_from_file_location(SCRIPT, path)
    if spec is None or spec.loader is None:
        return f"{path} is no Python file"
    module = importlib.util.module_from_spec(spec)
    sys.modules[SCRIPT] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the driver says it
        return described(error)
    sys.modules["__main__"] = module
    return ""


def ending(status: int) -> str:
    """Return how a process ended, from its exit status."""
    if status >= 0:
        return f"its process ended with exit status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"its process was ended by {name}"
