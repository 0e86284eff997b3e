"""Damage to the parts of a store, and what reading must say about it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from relubias.errors import StoreError
from relubias.sweep import load
from relubias.sweep._parts import checksum, read_part
from relubias.sweep.store import folder_of
from tests.sweep.stores import parts_of, plan_of, quiet

KINDS = ("bit", "truncation", "zeros", "extension", "swap")


class DamagedStore:
    """A complete store whose parts are damaged one at a time, and mended again."""

    def __init__(self, folder, seed):
        self.rng = np.random.default_rng(seed)
        self.plan = plan_of(replicates=200, d=[20, 40], chunk_size=100)
        quiet(self.plan, folder)
        self.folder = folder_of(Path(folder), self.plan)
        self.paths = parts_of(self.plan, folder)
        self.whole = [path.read_bytes() for path in self.paths]
        rows = [read_part(path, self.plan.digest) for path in self.paths]
        self.others = [checksum(_joined(rows[:k] + rows[k + 1 :])) for k in range(len(self.paths))]

    def damage(self, kind):
        """Damage one part in one way; return what was not detected."""
        number = int(self.rng.integers(len(self.paths)))
        path, whole = self.paths[number], self.whole[number]
        path.write_bytes(self._damaged(kind, whole, number))
        found = []
        try:
            read_part(path, self.plan.digest)
            found.append(f"{kind} of {path.name}: read as if it were whole")
        except StoreError as error:
            if path.name not in str(error):
                found.append(f"{kind}: the error does not name {path.name}: {error}")
        result = load(self.folder)
        if len(result.damaged) != 1 or path.name not in result.damaged[0]:
            found.append(f"{kind} of {path.name}: damaged are {result.damaged}")
        if checksum(result.to_arrow()) != self.others[number]:
            found.append(f"{kind} of {path.name}: other rows are not what they were")
        path.write_bytes(whole)
        return found

    def _damaged(self, kind, whole, number):
        size = len(whole)
        if kind == "truncation":
            return whole[: int(self.rng.integers(size))]
        if kind == "extension":
            return whole + self.rng.bytes(int(self.rng.integers(1, 64)))
        if kind == "swap":
            return self.whole[number - 1]
        data = bytearray(whole)
        if kind == "bit":
            data[int(self.rng.integers(size))] ^= 1 << int(self.rng.integers(8))
            return bytes(data)
        first = int(self.rng.integers(size))
        last = min(size, first + int(self.rng.integers(1, 512)))
        data[first:last] = bytes(last - first)
        return bytes(data) if bytes(data) != whole else whole[:-1]


def _joined(tables):
    import pyarrow as pa

    return pa.concat_tables(tables)
