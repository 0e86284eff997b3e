"""dask arrays, with threads and on a cluster: the bits of NumPy."""

from __future__ import annotations

import dask
import dask.array as da
import numpy as np
import pytest
from distributed import Client
from numpy.testing import assert_array_equal

import relubias as rb
from relubias.gram import cluster

X = np.random.default_rng(0).standard_normal((5, 700))


@pytest.fixture(autouse=True)
def _small_tiles(small_tiles):
    del small_tiles


@pytest.mark.parametrize("chunks", [(5, 700), (5, 8), (2, 33)])
def test_blocks_of_any_shape_give_the_bits_of_numpy(chunks):
    with dask.config.set(scheduler="threads", num_workers=2):
        assert_array_equal(rb.gram_matrix(da.from_array(X, chunks=chunks)), rb.gram_matrix(X))


def test_a_cluster_gives_the_bits_of_numpy(monkeypatch):
    monkeypatch.setattr(cluster, "_AT_ONCE", 4)
    with Client(processes=False, n_workers=2, threads_per_worker=1, dashboard_address=None):
        problem = rb.Problem.from_features(da.from_array(X, chunks=(3, 50)), np.ones(5))
    assert problem.features is None
    assert_array_equal(problem.gram, rb.gram_matrix(X))


def test_lazy_whole_numbers_are_exact():
    rows, columns = da.arange(4, chunks=2)[:, None], da.arange(500, chunks=77)[None, :]
    found = rb.gram_matrix((rows + 1) * (columns % 10))
    total = sum((c % 10) ** 2 for c in range(500))
    assert_array_equal(found, total * np.outer(range(1, 5), range(1, 5)))


def test_sums_go_on_from_a_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "_AT_ONCE", 3)
    path = tmp_path / "sums.npz"

    def interrupt(fraction, _):
        if fraction > 0.4:
            raise KeyboardInterrupt

    lazy = da.from_array(X, chunks=(5, 64))
    with pytest.raises(KeyboardInterrupt):
        rb.gram_matrix(lazy, checkpoint=path, progress=interrupt)
    assert_array_equal(rb.gram_matrix(lazy, checkpoint=path), rb.gram_matrix(X))


def test_unusable_blocks_are_named():
    spoiled = X.copy()
    spoiled[3, 41] = np.nan
    with pytest.raises(rb.InvalidInputError, match=r"entry \[3, 41\] is nan \(columns 40 to 47\)"):
        rb.gram_matrix(da.from_array(spoiled, chunks=(5, 64)))
    with pytest.raises(rb.InvalidInputError, match="is complex"):
        rb.gram_matrix(da.from_array(X.astype(complex), chunks=(5, 64)))
    unknown = da.from_array(X, chunks=(5, 64))
    with pytest.raises(rb.InvalidInputError, match=r"unknown size; call \.compute_chunk_sizes"):
        rb.gram_matrix(unknown[unknown[:, 0] > 0])
