"""Disks that fail: an error, or the end of the process, at any call that changes a file.

`FaultyDisk` counts the calls of `os.open`, `os.write`, `os.fsync`, `os.replace` and the like while
it is installed, and fails one of them. A crash may also lose what was not synced: files become
shorter, and renames in folders that were not synced afterwards are undone.
"""

from __future__ import annotations

import os
import shutil
import warnings
from contextlib import contextmanager
from pathlib import Path

import numpy as np

CALLS = ("open", "write", "fsync", "replace", "rename", "unlink", "mkdir", "ftruncate", "pwrite")


class FaultyDisk:
    """Fails the call number `at` with an error number; kills the process there if it is None.

    Only calls about files below `root` count.
    """

    def __init__(self, root, at=-1, error=None, *, drops_unsynced=False, seed=0):
        self.root = Path(root)
        self.at = at
        self.error = error
        self.drops_unsynced = drops_unsynced
        self.calls = []
        self.rng = np.random.default_rng(seed)
        self._real = {name: getattr(os, name) for name in CALLS}
        self._paths = {}  # open descriptor -> path
        self._unsynced = set()  # files with content that was not synced
        self._renamed = []  # (from, to, copy of what was there) not synced in their folder

    @contextmanager
    def installed(self):
        try:
            for name in CALLS:
                setattr(os, name, self._wrapped(name))
            yield self
        finally:
            for name, real in self._real.items():
                setattr(os, name, real)

    def _wrapped(self, name):
        def call(*arguments, **options):
            if not self._path(arguments[0]).is_relative_to(self.root):
                return self._real[name](*arguments, **options)
            number = len(self.calls)
            self.calls.append(name)
            if number == self.at:
                if self.error is None:
                    self._crash(name, arguments)
                raise OSError(self.error, os.strerror(self.error), str(arguments[0]))
            return self._noted(name, arguments, options)

        return call

    def _path(self, target):
        return self._paths.get(target, Path()) if isinstance(target, int) else Path(target)

    def _noted(self, name, arguments, options):
        """Call the real function, and remember what a crash could lose."""
        if name in ("replace", "rename"):
            source, target = map(Path, arguments[:2])
            kept = target.with_name(f"{target.name}.kept-by-the-test") if target.exists() else None
            if kept is not None and self.drops_unsynced:
                shutil.copy(target, kept)
        answer = self._real[name](*arguments, **options)
        if name == "open":
            self._paths[answer] = Path(arguments[0])
        elif name in ("write", "pwrite", "ftruncate"):
            self._unsynced.add(self._paths[arguments[0]])
        elif name == "fsync":
            self._synced(self._paths[arguments[0]])
        elif name in ("replace", "rename"):
            self._renamed.append((source, target, kept))
            if source in self._unsynced:
                self._unsynced.remove(source)
                self._unsynced.add(target)
        return answer

    def _synced(self, path):
        if path.is_dir():
            for _, target, kept in self._renamed:
                if target.parent == path and kept is not None and kept.exists():
                    self._real["unlink"](kept)
            self._renamed = [entry for entry in self._renamed if entry[1].parent != path]
        self._unsynced.discard(path)

    def _crash(self, name, arguments):
        """End this process at once, in the middle of a call; lose what was not synced."""
        if name == "write":
            self._real["write"](arguments[0], arguments[1][: len(arguments[1]) // 2])
        if self.drops_unsynced:
            for path in self._unsynced:
                if path.exists() and self.rng.random() < 0.8:
                    self._tear(path)
            for source, target, kept in reversed(self._renamed):
                if self.rng.random() < 0.7 and target.exists():
                    self._real["replace"](target, source)
                    if kept is not None and kept.exists():
                        self._real["replace"](kept, target)
        os._exit(9)

    def _tear(self, path):
        """Leave a random part of a file, with a hole of zeros in it."""
        data = bytearray(path.read_bytes())
        size = int(self.rng.integers(0, len(data) + 1))
        hole = int(self.rng.integers(0, size + 1))
        data[hole : min(hole + 512, size)] = bytes(min(hole + 512, size) - hole)
        path.write_bytes(data[:size])


def forked():
    """Fork, also in a test runner with threads, which newer versions of Python warn of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def in_a_fork(action):
    """Run an action in a child process that may end at any point; return its exit status."""
    pid = forked()
    if pid == 0:
        try:
            action()
        except BaseException:  # noqa: BLE001 - the status says it
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
