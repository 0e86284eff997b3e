"""Arrays of other libraries: seen by NumPy where they lie in host memory, else on their device."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import array_api_compat
import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float, fail
from relubias.gram.sources import HostSource
from relubias.gram.tiles import Sums, Tiling, tile_product

__all__ = ["DeviceSource", "FetchedSource", "as_numpy_view", "has_float64", "to_host"]

_HOST = 1  # DLPack's number of ordinary memory
_LARGEST_TILE = 1 << 25
_WIDEST = 1 << 20


def as_numpy_view(name: str, value: Any) -> NDArray[Any] | None:
    """Return the array that NumPy sees in the same memory; None if it lies on a device."""
    if getattr(value, "is_sparse", False) or "sparse" in str(getattr(value, "layout", "")):
        raise fail(name, "is a sparse tensor", "pass a dense one, for example .to_dense()")
    if str(getattr(value, "device", "")) == "meta":
        raise fail(name, "lies on the device meta, without entries", "pass a tensor with entries")
    try:
        if int(value.__dlpack_device__()[0]) != _HOST:
            return None
        return np.from_dlpack(value)
    except (BufferError, RuntimeError, TypeError, ValueError, AttributeError):
        return None  # not exported, or in a format that NumPy lacks


def namespace_of(value: Any) -> Any:
    """Return the array API of an array."""
    return cast("Any", array_api_compat).array_namespace(value)


def _name_of(dtype: Any) -> str:
    return str(dtype).rsplit(".", 1)[-1]


def require_real(name: str, value: Any) -> None:
    """Name entries that are no real numbers."""
    xp, dtype = namespace_of(value), value.dtype
    if xp.isdtype(dtype, "complex floating"):
        raise fail(name, f"is complex ({dtype})", "pass its real part if that is what you mean")
    if not xp.isdtype(dtype, ("bool", "integral", "real floating")):
        raise fail(name, f"has dtype {dtype}", "pass real numbers")


def has_float64(value: Any) -> bool:
    """Return whether the device of an array computes in float64, found out by one entry."""
    try:
        xp = namespace_of(value)
        return bool(_widened(xp, value[:1, :1]).dtype == xp.float64)
    except Exception:  # noqa: BLE001 - every library refuses in its own way
        return False


def _widened(xp: Any, block: Any) -> Any:
    import warnings

    with warnings.catch_warnings():  # JAX says that it truncates; the caller looks at the dtype
        warnings.simplefilter("ignore")
        return block if block.dtype == xp.float64 else xp.astype(block, xp.float64)


def to_host(value: Any) -> NDArray[Any]:
    """Return an array of any device and real dtype in host memory."""
    compat = cast("Any", array_api_compat)
    if hasattr(value, "detach"):
        value = value.detach()
    for attempt in (
        lambda: np.from_dlpack(value),
        lambda: np.from_dlpack(value, device="cpu"),
        lambda: np.asarray(compat.to_device(value, "cpu")),
        lambda: np.asarray(value),
    ):
        try:
            found: Any = attempt()
        except Exception:  # noqa: BLE001 - one of the ways works for every library
            continue
        if isinstance(found, np.ndarray) and found.dtype.kind in "fiub":
            return cast("NDArray[Any]", found)
    xp = namespace_of(value)
    if value.dtype in (xp.float32, xp.float64):
        raise fail("features", "cannot be copied to host memory", "pass a NumPy array")
    return to_host(xp.astype(value, xp.float32))  # formats that NumPy lacks are narrower


class FetchedSource(HostSource):
    """An array on a device without float64: tiles are fetched and multiplied by NumPy."""

    def __init__(self, name: str, value: Any) -> None:
        super().__init__(name, (int(value.shape[0]), int(value.shape[1])), _name_of(value.dtype))
        self._value = value

    def columns(self, first: int, stop: int) -> Float:
        """Return a copy of columns as float64."""
        return np.ascontiguousarray(to_host(self._value[:, first:stop]), dtype=np.float64)


class DeviceSource:
    """An array on a device that has float64: products and sums are computed there."""

    def __init__(self, name: str, value: Any) -> None:
        self.name, self.dtype = name, _name_of(value.dtype)
        self._xp = namespace_of(value)
        self._value = value
        n, d = int(value.shape[0]), int(value.shape[1])
        width = max(1, min(_LARGEST_TILE // n, _WIDEST))
        width = 1 << max(width.bit_length() - 1, 9)
        self.tiling = Tiling(n_samples=n, n_features=d, width=width)
        device = cast("Any", array_api_compat).device(value)
        self.kind = f"{self._xp.__name__} on {device}"
        self.maximum = self._xp.maximum

    def start(self) -> Sums:
        """Return empty sums."""
        n = self.tiling.n_samples
        column = self._xp.zeros_like(_widened(self._xp, self._value[:, :1]))
        square = column @ self._xp.matrix_transpose(column)
        peak = self._xp.reshape(column, (n,))
        return Sums(0, square, square, peak)

    def groups(self, first: int) -> Iterator[tuple[Any, Any]]:
        """Yield sum of products and largest entries of every group from `first` on."""
        xp = self._xp
        for group in range(first, self.tiling.n_groups):
            total = largest = None
            for start, stop in self.tiling.tiles(group):
                tile = _widened(xp, self._value[:, start:stop])
                with np.errstate(all="ignore"):  # for libraries that stand on NumPy
                    product = tile @ xp.matrix_transpose(tile)
                peak = xp.max(xp.abs(tile), axis=1)
                total = product if total is None else total + product
                largest = peak if largest is None else xp.maximum(largest, peak)
            self._require_usable(group, to_host(largest))
            yield total, largest

    def _require_usable(self, group: int, largest: Float) -> None:
        if (largest <= 1e150).all():  # neither NaN nor infinite
            return
        for start, stop in self.tiling.tiles(group):
            tile = self.columns(start, stop)
            tile_product(self.name, tile, start, f" (columns {start} to {stop - 1})")
        tiles = self.tiling.tiles(group)
        where = f"columns {tiles[0][0]} to {tiles[-1][1] - 1}"
        raise fail(self.name, f"{where} hold an entry that is not finite", "look at them")

    def columns(self, first: int, stop: int) -> Float:
        """Return a copy of columns as float64, in host memory."""
        return np.ascontiguousarray(to_host(self._value[:, first:stop]), dtype=np.float64)

    def on_host(self, sums: Sums) -> Sums:
        """Return the sums as NumPy arrays; a product on a device may be skew by roundings."""
        high, low, peak = (np.array(to_host(part)) for part in sums[1:])
        lower = np.tri(high.shape[0], dtype=bool)
        return Sums(sums.n_groups, np.where(lower, high, high.T), np.where(lower, low, low.T), peak)

    def from_host(self, sums: Sums) -> Sums:
        """Return sums on the device."""
        xp, device = self._xp, cast("Any", array_api_compat).device(self._value)
        high, low, peak = (xp.asarray(part, dtype=xp.float64, device=device) for part in sums[1:])
        return Sums(sums.n_groups, high, low, peak)
