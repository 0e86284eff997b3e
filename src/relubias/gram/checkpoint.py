"""The running sums in a file: written aside and renamed, and only taken up again by its data."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from relubias._files import opened, printable, unusable
from relubias._npz import opened_archive, read_member, write_archive
from relubias._validate import Float, fail, shown
from relubias.errors import InvalidInputError
from relubias.gram.sources import Source, sample_columns
from relubias.gram.tiles import TILES_PER_GROUP, Sums

__all__ = ["Checkpoint"]

_FORMAT = "relubias running Gram matrix, version 1"
_SAVE_EVERY = 20.0  # seconds
_SHARE_OF_SAVING = 20  # saving takes at most one part in so many of the time
_ARRAYS = ("high", "low", "peak")


class Checkpoint:
    """A file with running sums, and what tells whether they are sums over the same features."""

    def __init__(self, path: Any, source: Source) -> None:
        self._path, self._source = _as_path(path), source
        self._fingerprint = _fingerprint(source)
        self._saved_at, self._cost, self._saved_groups = time.monotonic(), 0.0, -1

    def load(self) -> Sums:
        """Return the sums in the file; those over nothing, and the file, if there is none yet."""
        if not os.path.lexists(self._path):
            self.save(self._source.start())  # a place that cannot be written is named at once
            return self._source.start()
        sums = self._read()
        self._saved_groups = sums.n_groups
        return self._source.from_host(sums)

    def save_now_and_then(self, sums: Sums) -> None:
        """Save if the last time is long enough ago."""
        pause = max(_SAVE_EVERY, _SHARE_OF_SAVING * self._cost)
        if time.monotonic() - self._saved_at >= pause:
            self.save(sums)

    def save(self, sums: Sums) -> None:
        """Replace the file unless it holds these sums already."""
        if sums.n_groups == self._saved_groups:
            return
        began = time.monotonic()
        on_host = self._source.on_host(sums)
        arrays = {name: np.asarray(getattr(on_host, name)) for name in _ARRAYS}
        about = {
            "format": _FORMAT,
            "n_groups": sums.n_groups,
            "digest": _digest(arrays),
            **self._fingerprint,
        }
        text = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
        write_archive(self._path, {"about": text, **arrays})
        self._saved_at, self._saved_groups = time.monotonic(), sums.n_groups
        self._cost = self._saved_at - began

    def _read(self) -> Sums:
        n = self._source.tiling.n_samples
        with opened(self._path) as file, opened_archive(self._path, file) as archive:
            about = self._about(read_member(self._path, archive, "about.npy"))
            self._require_same(about)
            arrays = {
                name: np.array(read_member(self._path, archive, f"{name}.npy")) for name in _ARRAYS
            }
        shapes = [array.shape for array in arrays.values()]
        is_whole = shapes == [(n, n), (n, n), (n,)] and about.get("digest") == _digest(arrays)
        n_groups = about.get("n_groups")
        if not (is_whole and isinstance(n_groups, int) and n_groups >= 0):
            raise unusable(self._path, "is a damaged checkpoint", "delete it and start again")
        return Sums(min(n_groups, self._source.tiling.n_groups), **arrays)

    def _about(self, raw: Any) -> dict[str, Any]:
        try:
            about = json.loads(raw.tobytes())
        except ValueError:
            about = None
        if not isinstance(about, dict) or about.get("format") != _FORMAT:  # pyright: ignore[reportUnknownMemberType]
            got = "holds no running sums of this version"
            raise unusable(self._path, got, "pass another file as checkpoint=")
        return about  # pyright: ignore[reportUnknownVariableType]

    def _require_same(self, about: dict[str, Any]) -> None:
        for key, ours in self._fingerprint.items():
            if about.get(key) != ours:
                theirs, mine = shown(about.get(key)), shown(ours)
                got = f"is the checkpoint of other features ({_MEANING[key]}"
                got += ")" if key == "sample" else f" {theirs}, here {mine})"
                raise InvalidInputError(
                    f"checkpoint: {printable(self._path)} {got}; pass another file, or delete it"
                )


_MEANING = {
    "shape": "shape",
    "dtype": "dtype",
    "computed": "computed by",
    "tiles": "tiles",
    "sample": "the entries of some columns differ",
}


def _fingerprint(source: Source) -> dict[str, Any]:
    tiling = source.tiling
    columns = {str(i): block for i, block in enumerate(sample_columns(source))}
    return {
        "shape": f"{tiling.n_samples} x {tiling.n_features}",
        "dtype": source.dtype,
        "computed": source.kind,
        "tiles": f"{TILES_PER_GROUP} x {tiling.width}",
        "sample": _digest(columns),
    }


def _digest(arrays: dict[str, Float]) -> str:
    digest = hashlib.sha256()
    for array in arrays.values():
        digest.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
    return digest.hexdigest()


def _as_path(path: Any) -> Path:
    try:
        return Path(os.fsdecode(path))
    except (TypeError, ValueError) as error:
        got = f"is {shown(path)}"
        raise fail("checkpoint", got, "pass the name of an .npz file") from error
