"""Sweeps that are killed at random moments, and what must hold after each kill."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

from relubias.sweep import load
from relubias.sweep._local import LocalEngine
from relubias.sweep._parts import DamagedPartError, checksum, read_info
from relubias.sweep.store import folder_of
from tests.sweep import measured
from tests.sweep.faults import forked
from tests.sweep.stores import parts_of, plan_of, quiet, undisturbed

KINDS = ("worker", "driver", "group")


class KilledSweeps:
    """One sweep after the other in fresh stores, killed again and again until it is complete.

    The driver is a fork of this process, so that it starts at once; its workers are its own.
    """

    def __init__(self, folder, seed, *, n_chunks=60):
        self.folder = Path(folder)
        self.rng = np.random.default_rng(seed)
        self.plan = plan_of(
            [measured.cheap, measured.slow], replicates=20 * n_chunks // 3, chunk_size=20, seed=seed
        )
        self.truth = undisturbed(self.plan, self.folder / "truth")
        self.number = 0
        self.n_complete = 0
        self.problems = []

    @property
    def store(self):
        return self.folder / f"store-{self.number}"

    def kill(self, kind):
        """Run until a random moment, kill, and check what is left."""
        before = self._parts()
        driver = forked()
        if driver == 0:
            self._drive(1)
        self._wait_for_more_than(len(before), driver)
        time.sleep(float(self.rng.uniform(0.0, 0.3)))
        workers = children_of(driver)
        for victim in [driver, *workers] if kind == "group" else [driver]:
            end(victim, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(driver, 0)[1])
        self._wait_for_end_of(workers)
        self._check(before, status)

    def kill_workers(self, moments):
        """Kill workers of runs that go on to their end, so many times in all."""
        while moments > 0:
            driver = forked()
            if driver == 0:
                self._drive(2)
            while is_running(driver):
                time.sleep(float(self.rng.uniform(0.0, 1.0)))
                workers = children_of(driver)
                if workers and moments > 0:
                    end(int(self.rng.choice(workers)), signal.SIGKILL)
                    moments -= 1
            status = os.waitstatus_to_exitcode(os.waitpid(driver, 0)[1])
            if status != 0:
                self.problems.append(f"a run whose workers were killed ended with {status}")
            self._check({}, status)

    def _drive(self, workers):
        status = 1
        try:
            quiet(self.plan, self.store, engine=LocalEngine(workers))
            status = 0
        finally:
            os._exit(status)

    def _parts(self):
        """Return the parts that are there, with their bytes; all of them must be whole."""
        if not (folder_of(self.store, self.plan) / "parts").exists():
            return {}
        found = {}
        for path in parts_of(self.plan, self.store):
            try:
                read_info(path, self.plan.digest)
            except DamagedPartError as error:
                self.problems.append(f"torn: {error}")
            found[path.name] = path.read_bytes()
        return found

    def _wait_for_more_than(self, n_parts, driver, seconds=60.0):
        """Wait until the run has stored something, or ended; some are killed before."""
        if self.rng.random() < 0.2:
            seconds = float(self.rng.uniform(0.0, 2.0))
        limit = time.monotonic() + seconds
        folder = folder_of(self.store, self.plan) / "parts"
        while (
            time.monotonic() < limit
            and os.waitid(os.P_PID, driver, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
        ):
            if folder.exists() and sum(1 for _ in folder.glob("part-*")) > n_parts:
                return
            time.sleep(0.005)

    def _wait_for_end_of(self, workers):
        limit = time.monotonic() + 10.0
        while any(is_running(worker) for worker in workers):
            if time.monotonic() > limit:
                self.problems.append("workers outlive their driver")
                return
            time.sleep(0.01)

    def _check(self, before, status):
        if status not in (0, -9):
            self.problems.append(f"the driver ended with {status}")
        after = self._parts()
        for name, data in before.items():
            if after.get(name) != data:
                self.problems.append(f"{name} was stored and is lost or changed")
        if len(after) == len(self.plan.chunks):
            quiet(self.plan, self.store)
            result = load(folder_of(self.store, self.plan))
            rows = result.to_arrow()
            if checksum(rows) != self.truth:
                self.problems.append("other rows than those of an undisturbed run")
            if list((folder_of(self.store, self.plan) / "parts").glob(".*")):
                self.problems.append("leftovers stay")
            self.n_complete += 1
            self.number += 1

    def finish(self):
        """Complete the last store, undisturbed, and check it."""
        quiet(self.plan, self.store)
        self._check({}, 0)


def end(pid, number):
    """Send a signal to a process that may be gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def children_of(pid):
    """Return the processes that a process has started."""
    found = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                found += map(int, (task / "children").read_text().split())
    return found


def is_running(pid):
    """Return whether a process exists and is no zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"
