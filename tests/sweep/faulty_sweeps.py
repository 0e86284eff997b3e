"""One small sweep on a failing disk, and what must hold afterwards."""

from __future__ import annotations

import errno
import shutil
from contextlib import suppress
from pathlib import Path

from relubias.errors import InvalidInputError, StoreError
from relubias.sweep import load
from relubias.sweep._parts import DamagedPartError, read_info
from relubias.sweep.store import folder_of
from tests.sweep.faults import CALLS, FaultyDisk, in_a_fork
from tests.sweep.stores import parts_of, plan_of, quiet, stored, undisturbed

ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES)
KILL, KILL_AND_DROP = "kill", "kill and drop"
CRASHED = 9


class SmallSweep:
    """A store that is half done, with a damaged part and a leftover, and its sweep."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.plan = plan_of(replicates=10, chunk_size=10, d=[20, 40, 60, 80, 100])
        self.truth = undisturbed(self.plan, self.folder / "truth")
        self.begun = self.folder / "begun"
        shutil.copytree(self.folder / "truth", self.begun)
        first, second, *others = parts_of(self.plan, self.begun)
        assert first.exists()
        second.write_bytes(second.read_bytes()[:-1])
        others[0].unlink()
        others[1].rename(others[1].with_name(f".{others[1].name}.all.1.aside"))

    def plan_folder(self):
        """Return the folder of the sweep that was tried last."""
        return folder_of(self.folder / "tried", self.plan)

    def n_calls(self, *, fresh):
        store = self._store(fresh)
        disk = FaultyDisk(store)
        with disk.installed():
            quiet(self.plan, store)
        assert set(disk.calls) <= set(CALLS)
        return disk.calls

    def _store(self, fresh):
        store = self.folder / "tried"
        if store.exists():
            shutil.rmtree(store)
        if not fresh:
            shutil.copytree(self.begun, store)
        return store

    def problems(self, at, kind, *, fresh, seed=0):
        """Fail one call and resume; return what is wrong, and the error that was raised."""
        store = self._store(fresh)
        before = self._good(store)
        if kind in (KILL, KILL_AND_DROP):
            found, error = self._crash(store, at, drops=kind == KILL_AND_DROP, seed=seed), None
        else:
            found, error = self._fail(store, at, kind)
        after = self._good(store)
        found += [f"{name} is lost" for name in before if after.get(name) != before[name]]
        try:
            found += self._resume(store)
        except Exception as raised:  # noqa: BLE001 - whatever escapes is the finding
            found.append(f"resuming: {type(raised).__name__}: {raised}")
        return found, error

    def _crash(self, store, at, *, drops, seed):
        disk = FaultyDisk(store, at, drops_unsynced=drops, seed=seed)

        def sweep():
            with disk.installed():
                quiet(self.plan, store)

        status = in_a_fork(sweep)
        return [] if status == CRASHED else [f"the process ended with {status}"]

    def _fail(self, store, at, error):
        try:
            with FaultyDisk(store, at, error).installed():
                quiet(self.plan, store)
        except (StoreError, InvalidInputError) as raised:
            named = str(store) in str(raised)
            return ([] if named else [f"the error names no file: {raised}"]), raised
        except Exception as raised:  # noqa: BLE001 - whatever escapes is the finding
            return [f"{type(raised).__name__}: {raised}"], raised
        return [], None

    def _resume(self, store):
        quiet(self.plan, store)
        folder, found = folder_of(store, self.plan), []
        if stored(self.plan, store) != self.truth:
            found.append("other rows after resuming")
        if load(folder).damaged:
            found.append("damaged parts after resuming")
        leftovers = [path.name for path in folder.rglob(".*")]
        return found + ([f"left over: {leftovers}"] if leftovers else [])

    def _good(self, store):
        """Return the parts that are intact, by name."""
        if not (folder_of(store, self.plan) / "parts").exists():
            return {}
        found = {}
        for path in parts_of(self.plan, store):
            with suppress(DamagedPartError):
                read_info(path, self.plan.digest)
                found[path.name] = path.read_bytes()
        return found
