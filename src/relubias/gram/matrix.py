"""The Gram matrix of anything that holds features."""

from __future__ import annotations

import os
import time
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from relubias._progress import Progress, Report, duration, reporting
from relubias._threads import one_blas_thread
from relubias._validate import Float, as_real, as_real_array, fail
from relubias.gram.sources import (
    ArraySource,
    MappedSource,
    SlicedSource,
    Source,
    as_bytes,
    is_memory_mapped,
)
from relubias.gram.tiles import Sums, Tiling, finished, require_usable_peaks, tile_product

__all__ = ["array_in_memory", "gram_matrix", "gram_of"]

_USUAL_MEMORY = 1 << 28
_SURELY_FITS = 1000  # samples
_TOO_SMALL_FOR_THREADS = 100_000  # multiplications; BLAS itself takes one thread
_SHAPE = "(n_samples, n_features)"


def gram_matrix(
    features: Any,
    *,
    memory: float | None = None,
    checkpoint: Any = None,
    progress: Progress = False,
) -> Float:
    r"""Compute the Gram matrix :math:`G = X X^\top` of features of any size, wherever they are.

    Columns are read in tiles, so that features larger than memory are no obstacle; only G itself
    must fit. Products and sums are float64 whatever the features are.

    Parameters
    ----------
    features : array_like of shape (n_samples, n_features)
        Feature vectors, one row per sample: a NumPy array, also memory-mapped; anything with
        ``.shape``, ``.dtype`` and slices, such as zarr arrays, HDF5 datasets and the lazy
        features of a law (`relubias.ensembles.FeatureLaw.features`); a dask array, multiplied
        where its blocks are; an array of PyTorch, CuPy, JAX or another library of the array API,
        multiplied on its device.
    memory : float, optional
        Bytes that numbers held at a time may take, 256 MB or the least that is needed if
        omitted. It decides how much is read at once where chunks and tiles have different
        borders, never the result.
    checkpoint : str or path-like, optional
        An ``.npz`` file for the running sums, written every 20 seconds, on Ctrl-C and at the
        end. If it exists, its sums are taken up again, with the bits of an undisturbed run.
    progress : bool or callable, default=False
        True, or a callable that takes the fraction done and a sentence.

    Returns
    -------
    ndarray of shape (n_samples, n_samples)
        Exactly symmetric; in squared units of the features.

    Raises
    ------
    InvalidInputError
        If the shape is wrong, an entry is not a finite real number, squares would over- or
        underflow, G doesn't fit into memory, or the checkpoint cannot be used, such as that of
        other features.

    Notes
    -----
    The bits depend on shape and entries alone, not on `memory`, chunks, interruptions or the
    kind of storage: a tile of `w` columns is one call of BLAS, 8 tiles are added up, and these
    sums are added with the rounding of each addition kept. A device (and another BLAS) has bits
    of its own. Rounding is bounded, for any dimension, by

    .. math:: |\hat G_{ij} - G_{ij}| \le (w + 10)\, u\, (|X| |X|^\top)_{ij}, \qquad u = 2^{-53}

    with w at most 8192 from 128 samples on, and 2**20 / n_samples below (on a device 2**20);
    errors seen are below 1e-15 of :math:`\sqrt{G_{ii} G_{jj}}`. It holds for narrower floats as
    well: they are widened before they are multiplied. On a device without float64 (JAX without
    ``jax_enable_x64``, Apple's MPS) tiles are fetched and multiplied by NumPy; nothing is ever
    added up in float32.

    See Also
    --------
    relubias.Problem.from_features : The same, with labels.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, section 3.
    .. [2] D. E. Knuth, The Art of Computer Programming 2, section 4.2.2 (compensated sums).

    Examples
    --------
    >>> gram_matrix([[3.0, 0.0], [1.0, 2.0]])
    array([[9., 3.],
           [3., 5.]])
    """
    return gram_of("features", features, memory, checkpoint, progress)


def gram_of(
    name: str, value: Any, memory: Any, checkpoint: Any, progress: Progress, array: Any = None
) -> Float:
    """Return the Gram matrix of any features; `array` is what is in memory, if that is known."""
    if array is None:
        array = array_in_memory(name, value)
    if array is not None and memory is None and checkpoint is None and progress is False:
        source = ArraySource(name, _require_entries(name, array))
        if source.tiling.n_tiles == 1 and array.shape[0] <= _SURELY_FITS:
            return _gram_of_tile(source)
    budget = None if memory is None else int(as_real("memory", memory, minimum=0.0, strict=True))
    with reporting(progress, "Gram matrix") as report:
        room = _room(name, tuple((value if array is None else array).shape), budget)
        source = ArraySource(name, array) if array is not None else _source(name, value, room)
        with one_blas_thread(source.tiling.n_samples):
            return _summed(source, checkpoint, report)


def _gram_of_tile(source: ArraySource) -> Float:
    """Return the Gram matrix of a single tile, without the bookkeeping of sums."""
    n, d = source.tiling.n_samples, source.tiling.n_features
    tile = source.columns(0, d)
    if n * n * d < _TOO_SMALL_FOR_THREADS:
        product, peak = tile_product(source.name, tile)
    else:
        with one_blas_thread(n):
            product, peak = tile_product(source.name, tile)
    require_usable_peaks(source.name, peak)
    return product


def array_in_memory(name: str, value: Any) -> NDArray[Any] | None:
    """Return features as a NumPy array of real numbers if they are in memory, entries unread.

    None stands for features that are read in tiles: files, devices, lazy arrays.
    """
    if isinstance(value, np.ndarray):
        array = as_real_array(name, value, ndim=2, shape=_SHAPE)
        return None if is_memory_mapped(array) else array
    if hasattr(value, "__dlpack__") and _is_foreign(value):
        from relubias.gram.devices import as_numpy_view

        _require_matrix(name, tuple(value.shape))
        detached = value.detach() if hasattr(value, "detach") else value
        view = as_numpy_view(name, detached)
        return None if view is None else as_real_array(name, view, ndim=2, shape=_SHAPE)
    if _is_sliceable(value):
        return None
    return as_real_array(name, value, ndim=2, shape=_SHAPE)


def _is_foreign(value: Any) -> bool:
    import array_api_compat

    return bool(cast("Any", array_api_compat).is_array_api_obj(value))


def _is_sliceable(value: Any) -> bool:
    shape: Any = getattr(value, "shape", None)
    return (
        isinstance(shape, tuple)
        and hasattr(value, "dtype")
        and hasattr(value, "__getitem__")
        and not hasattr(value, "nnz")
        and len(cast("tuple[Any, ...]", shape)) == 2
    )


def _require_matrix(name: str, shape: tuple[Any, ...]) -> None:
    if len(shape) != 2:
        raise fail(name, f"has shape {shape}", f"expected {_SHAPE}")


def _require_entries(name: str, array: NDArray[Any]) -> NDArray[Any]:
    if array.size == 0:
        raise fail(name, f"is empty (shape {array.shape})", "pass at least one sample and feature")
    return array


def _source(name: str, value: Any, room: int) -> Source:
    if isinstance(value, np.ndarray):
        return MappedSource(name, cast("NDArray[Any]", value))
    if hasattr(value, "to_delayed"):
        from relubias.gram.cluster import DaskSource

        return DaskSource(name, value, room)
    if hasattr(value, "__dlpack__") and _is_foreign(value):
        from relubias.gram.devices import DeviceSource, FetchedSource, has_float64, require_real

        require_real(name, value)
        return (DeviceSource if has_float64(value) else FetchedSource)(name, value)
    return SlicedSource(name, value, room)


def _room(name: str, shape: tuple[Any, ...], budget: int | None) -> int:
    """Return the bytes left beside sums and tiles; name what is too large."""
    if 0 in shape:
        raise fail(name, f"is empty (shape {shape})", "pass at least one sample and feature")
    if not all(isinstance(length, int) for length in shape):
        return 0
    n, tiling = shape[0], Tiling.of(*shape)
    sums = 8 * n * n * (6 if tiling.n_tiles > 1 else 1)
    least = sums + 16 * n * min(tiling.width, shape[1])
    memory = _physical_memory()
    if memory is not None and sums > memory:
        got = f"has {n} samples, whose Gram matrix and sums take {as_bytes(sums)}"
        raise fail(name, got, f"this machine has {as_bytes(memory)} of memory; pass fewer")
    if budget is not None and budget < least:
        raise fail("memory", f"is {budget}", f"{n} samples need at least {least} bytes")
    return max(_USUAL_MEMORY if budget is None else budget, least) - least


def _physical_memory() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not on this system
        return None


def _summed(source: Source, path: Any, report: Report) -> Float:
    if path is None:
        sums = _followed(source, source.start(), report, None)
    else:
        from relubias.gram.checkpoint import Checkpoint

        checkpoint = Checkpoint(path, source)
        sums = _followed(source, checkpoint.load(), report, checkpoint)
    return finished(source.name, source.on_host(sums))


def _followed(source: Source, sums: Sums, report: Report, checkpoint: Any) -> Sums:
    tiling, began, skipped = source.tiling, time.monotonic(), sums.n_groups
    report(tiling.columns_before(skipped) / tiling.n_features, "reading")
    try:
        for product, peak in source.groups(skipped):
            sums = sums.plus(product, source.maximum(sums.peak, peak))
            columns = tiling.columns_before(sums.n_groups)
            pace = (time.monotonic() - began) / (sums.n_groups - skipped)
            left = pace * (tiling.n_groups - sums.n_groups)
            message = f"{columns:,} of {tiling.n_features:,} columns, {duration(left)} left"
            report(columns / tiling.n_features, message)
            if checkpoint is not None:
                checkpoint.save_now_and_then(sums)
    finally:
        if checkpoint is not None:
            checkpoint.save(sums)
    return sums
