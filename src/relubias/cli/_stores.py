"""Arrays in HDF5 files and zarr folders; large features stay there and are read in tiles."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from relubias._files import opened, short, unusable
from relubias.cli._arrays import KEYS, LARGE
from relubias.errors import InvalidInputError, MissingExtraError

__all__ = ["STORES", "read_store"]

STORES = (".h5", ".hdf5", ".zarr")

_CODECS = frozenset(
    {"blosc", "bytes", "crc32c", "delta", "gzip", "lz4", "shuffle", "transpose", "zlib", "zstd"}
)
"""Codecs of zarr that compute and never run what a file says."""


def read_store(path: Path, wanted: Sequence[str]) -> dict[str, Any]:
    """Return the wanted arrays: features larger than half a gigabyte unread, all others read.

    A zarr folder that is one array holds the features, or the Gram matrix if that is wanted.
    """
    try:
        container = _zarr(path) if path.suffix.lower() == ".zarr" else _hdf5(path)
        if hasattr(container, "shape"):
            return {
                key: _array(path, key, container) if key == wanted[0] else None for key in wanted
            }
        return {key: _member(path, key, container) for key in wanted}
    except (InvalidInputError, MissingExtraError):
        raise
    except Exception as error:
        reason = short(" ".join(str(error).split()) or type(error).__name__)
        raise unusable(path, f"cannot be read ({reason})", "save it again") from error


def _zarr(path: Path) -> Any:
    try:
        zarr: Any = importlib.import_module("zarr")
    except ImportError as error:
        raise MissingExtraError("reading zarr folders", "disk") from error
    if not path.is_dir():
        got = "is no folder" if path.exists() else "cannot be read (No such file or directory)"
        raise unusable(path, got, "pass the folder that zarr wrote")
    return zarr.open(str(path), mode="r")


def _hdf5(path: Path) -> Any:
    with opened(path) as file:
        try:
            h5py: Any = importlib.import_module("h5py")
        except ImportError as error:
            raise MissingExtraError("reading HDF5 files", "disk") from error
        del file
    return h5py.File(path, "r")


def _member(path: Path, key: str, container: Any) -> Any:
    names = [name for name in KEYS[key] if name in container]
    if len(names) > 1:
        raise unusable(path, f"holds {key} twice ({' and '.join(names)})", "keep one")
    return _array(path, key, container[names[0]]) if names else None


def _array(path: Path, key: str, dataset: Any) -> Any:
    dtype: Any = getattr(dataset, "dtype", None)
    if not isinstance(dtype, np.dtype) or cast("Any", dtype).kind not in "fiub":
        raise unusable(path, f"holds no numbers as {key}", "save plain numbers under this name")
    if hasattr(dataset, "metadata"):
        _require_plain_codecs(path, key, dataset.metadata.to_dict())
    n_bytes = math.prod(dataset.shape) * dataset.dtype.itemsize
    if n_bytes > LARGE and key == "features":
        return dataset
    return np.asarray(dataset[...])


def _require_plain_codecs(path: Path, key: str, metadata: Any) -> None:
    """Refuse codecs that might run code, such as numcodecs' pickle, before anything is read."""
    for codec in _codecs(metadata):
        if codec not in _CODECS and codec != "sharding_indexed":
            got = f"needs the codec {short(codec)} for {key}, which is not used here"
            raise unusable(path, got, f"save it with one of {', '.join(sorted(_CODECS))}")


def _codecs(metadata: Any) -> list[str]:
    """Return the names of all codecs, those inside shards too."""
    found: list[str] = []
    for entry in ("codecs", "index_codecs", "filters", "compressor"):
        value = metadata.get(entry)
        for item in cast("list[Any]", value) if isinstance(value, (list, tuple)) else [value]:
            if item is None:
                continue
            about = cast("Any", item if isinstance(item, dict) else item.get_config())
            found.append(str(about.get("name", about.get("id"))))
            if isinstance(about.get("configuration"), dict):
                found += _codecs(about["configuration"])
    return found
