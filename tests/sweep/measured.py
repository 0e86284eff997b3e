"""Measures that cost nothing, and measures that misbehave on one task, for tests of the runner.

A task misbehaves as the environment variable ``RELUBIAS_TEST_TROUBLE`` says: ``kind:task:where``,
where ``where`` is a file that counts how often it happened.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from relubias.sweep import columns

VARIABLE = "RELUBIAS_TEST_TROUBLE"


def mixed(seed, rounds=3):
    """Return a number in [0, 1) that depends on every bit of the seed."""
    state = seed
    for _ in range(rounds):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        state ^= state >> 29
    return state / 2**64


@columns(value=float, parity=bool, word=str, whole=int)
def cheap(case):
    return {
        "value": mixed(case.seed),
        "parity": case.seed % 2 == 1,
        "word": f"w{case.seed % 97}",
        "whole": case.seed % 10**9,
    }


def slow(case) -> float:
    time.sleep(0.002)
    return mixed(case.seed)


def troubled(case) -> float:
    """Fail, die or hang for one task; everything else is computed."""
    kind, task, place = os.environ.get(VARIABLE, "none:-1:").split(":", 2)
    if int(task) == case.task:
        with Path(place).open("a") as file:
            file.write("x")
        n_times = len(Path(place).read_text())
        misbehave(kind, n_times)
    return mixed(case.seed)


def misbehave(kind, n_times):
    if kind == "raise":
        raise ValueError("this task cannot be computed")
    if kind == "exit":
        raise SystemExit(3)
    if kind == "kill" or (kind == "kill-once" and n_times == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "hang":
        time.sleep(1000)
