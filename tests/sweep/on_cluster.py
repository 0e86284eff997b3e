"""Measures for tests of clusters: workers import them by name."""

from __future__ import annotations

import os
import signal
import time

DEADLY, WRONG, ENDLESS = 5, 7, 11


def numbered(case) -> float:
    """Return a number that depends on every bit of the seed."""
    time.sleep(0.005)
    return (case.seed % 1_000_003) / 7.0


def poisoned(case) -> float:
    """Kill the process, fail, or never end, for one task each."""
    if case.task == DEADLY:
        os.kill(os.getpid(), signal.SIGKILL)
    if case.task == WRONG:
        msg = "seven is not allowed"
        raise ValueError(msg)
    if case.task == ENDLESS:
        time.sleep(1000)
    return numbered(case)
