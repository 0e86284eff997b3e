"""The same features in every kind of storage, and exact Gram matrices."""

from __future__ import annotations

from fractions import Fraction

import dask.array as da
import h5py
import numpy as np
import zarr

U = Fraction(1, 2**53)


class Sliceable:
    """The least that can be sliced: counts what is read, and fails where it is told to."""

    def __init__(self, array, chunks=None, fails_after=None, error=KeyboardInterrupt):
        self._array, self.shape, self.dtype = array, array.shape, array.dtype
        self.n_read, self._fails_after, self._error = 0, fails_after, error
        if chunks is not None:
            self.chunks = chunks

    def __getitem__(self, key):
        found = self._array[key]
        self.n_read += found.size
        if self._fails_after is not None and self.n_read > self._fails_after:
            raise self._error
        return found


def in_memmap(array, folder, mode="r"):
    path = folder / f"{len(list(folder.iterdir()))}.npy"
    np.save(path, array)
    return np.load(path, mmap_mode=mode)


def in_hdf5(array, folder, chunks=None):
    file = h5py.File(folder / f"{len(list(folder.iterdir()))}.h5", "w")
    return file.create_dataset("X", data=array, chunks=chunks)


def everywhere(array, folder, chunks):
    """Return the array in every kind of storage."""
    return {
        "memmap": in_memmap(array, folder),
        "memmap in Fortran order": in_memmap(np.asfortranarray(array), folder),
        "Fortran order": np.asfortranarray(array),
        "zarr": zarr.array(array, chunks=chunks),
        "h5py": in_hdf5(array, folder, chunks),
        "dask": da.from_array(array, chunks=chunks),
        "slices": Sliceable(array),
        "slices with chunks": Sliceable(array, chunks),
        "slices with chunks of rows": Sliceable(array, (1, array.shape[1])),
    }


def exact_gram(array):
    """Return G and ``|X| |X|^T`` in rational arithmetic."""
    rows = [[Fraction(float(entry)) for entry in row] for row in array]
    gram = [[sum(a * b for a, b in zip(x, y, strict=True)) for y in rows] for x in rows]
    size = [[sum(abs(a * b) for a, b in zip(x, y, strict=True)) for y in rows] for x in rows]
    return gram, size


def assert_within_bound(gram, array, width):
    """Assert the bound on rounding that `gram_matrix` states."""
    exact, size = exact_gram(array)
    for i, j in np.ndindex(gram.shape):
        assert abs(Fraction(float(gram[i, j])) - exact[i][j]) <= (width + 10) * U * size[i][j]
