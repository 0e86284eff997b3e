"""Every kind of storage gives the same bits, within the stated bound; what is unusable is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import zarr
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import relubias as rb
from relubias.gram import matrix, tiles
from relubias.gram.tiles import TILES_PER_GROUP, Tiling
from tests.gram.sources import (
    Sliceable,
    assert_within_bound,
    everywhere,
    exact_gram,
    in_hdf5,
    in_memmap,
)

SHAPES = [(1, 1), (1, 700), (5, 8), (5, 333), (17, 130)]


@pytest.fixture
def whole_numbers():
    def make(n, d, seed=0):
        return np.random.default_rng(seed).integers(-9, 10, size=(n, d)).astype(float)

    return make


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("shape", SHAPES)
def test_every_storage_gives_the_bits_of_the_array(shape, tmp_path):
    n, d = shape
    X = np.random.default_rng(1).standard_normal(shape)
    gram = rb.gram_matrix(X)
    assert_array_equal(gram, gram.T)
    assert_within_bound(gram, X, Tiling.of(n, d).width)
    for chunks in ((n, min(d, 8)), (min(n, 3), min(d, 50))):
        for name, value in everywhere(X, tmp_path, chunks).items():
            assert_array_equal(rb.gram_matrix(value), gram, err_msg=f"{name} {chunks}")


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("dtype", ["f4", "f2", ">f8", "i8", "u1", "?", "g"])
def test_every_dtype_is_widened_tile_by_tile(dtype, tmp_path):
    X = np.random.default_rng(0).integers(0, 2, size=(6, 200)).astype(dtype)
    gram = X.astype(np.int64) @ X.astype(np.int64).T
    stored = [X, in_memmap(X, tmp_path), Sliceable(X)]
    if dtype not in (">f8", "g"):
        stored += [zarr.array(X, chunks=(4, 9)), in_hdf5(X, tmp_path, (4, 9))]
    for value in stored:
        found = rb.gram_matrix(value)
        assert found.dtype == np.float64
        assert_array_equal(found, gram)


@pytest.mark.parametrize(("n", "d"), [(1, 2**21 + 3), (3, 600_000), (130, 20_000)])
def test_tiles_of_the_usual_size_are_exact_on_whole_numbers(n, d, whole_numbers, tmp_path):
    X = whole_numbers(n, d)
    assert Tiling.of(n, d).n_tiles > 1
    exact = X.astype(np.int64) @ X.astype(np.int64).T
    for value in (X, X.astype(np.float32), in_memmap(X, tmp_path), zarr.array(X, chunks=(n, 999))):
        assert_array_equal(rb.gram_matrix(value), exact)


def test_large_features_have_the_same_bits_in_memory_and_on_disk(tmp_path):
    X = np.random.default_rng(0).standard_normal((30, 300_000))
    gram = rb.gram_matrix(X)
    assert_array_equal(rb.gram_matrix(in_memmap(X, tmp_path)), gram)
    assert_array_equal(rb.gram_matrix(in_hdf5(X, tmp_path, (7, 5000))), gram)
    assert_array_equal(rb.gram_matrix(zarr.array(X, chunks=(30, 50_000))), gram)
    assert_array_equal(rb.Problem.from_features(X, np.ones(30)).gram, gram)
    v = np.random.default_rng(1).standard_normal(30)
    along = (v.astype(np.longdouble) @ X) ** 2
    assert abs(v @ gram @ v - along.sum()) < 1e-13 * along.sum()
    trace = (X.astype(np.longdouble) ** 2).sum()
    assert abs(np.trace(gram) - trace) < 1e-15 * trace


@given(data=st.data())
def test_rounding_stays_within_the_stated_bound(data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "_CACHED_ENTRIES", 4)
        patch.setattr(tiles, "_USUAL_WIDTH", 2)
        patch.setattr(tiles, "_NARROWEST", 2)
        n, d = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 80))
        entry = st.floats(-1e6, 1e6) | st.floats(-1.0, 1.0) | st.sampled_from([0.0, 1e100, -1e-100])
        X = np.array(data.draw(st.lists(entry, min_size=n * d, max_size=n * d))).reshape(n, d)
        X[np.abs(X) < 1e-140] = 0.0
        assert_within_bound(rb.gram_matrix(Sliceable(X)), X, Tiling.of(n, d).width)


@pytest.mark.usefixtures("small_tiles")
def test_what_one_addition_loses_is_kept():
    """A plain sum stays at 2**54: every later group adds 1, a quarter of the last place."""
    groups = 50
    X = np.zeros((1, groups * TILES_PER_GROUP * Tiling.of(1, 10**6).width))
    X[0, :: X.size // groups] = 1.0
    X[0, 0] = 2.0**27
    exact, _ = exact_gram(X)
    assert exact[0][0] == 2**54 + groups - 1
    assert rb.gram_matrix(X)[0, 0] == float(exact[0][0]) > 2.0**54


@pytest.mark.usefixtures("small_tiles")
def test_a_power_of_two_scales_every_bit():
    X = np.random.default_rng(3).standard_normal((6, 500))
    assert_array_equal(rb.gram_matrix(2.0**40 * X), 2.0**80 * rb.gram_matrix(X))


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("memory", [None, 30_000, 100_000, 10**9])
def test_memory_decides_nothing_but_what_is_read_at_once(memory):
    X = np.random.default_rng(4).standard_normal((6, 500))
    for chunks in ((6, 500), (2, 7), (1, 11), (6, 8)):
        source = Sliceable(X, chunks)
        assert_array_equal(rb.gram_matrix(source, memory=memory), rb.gram_matrix(X))


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("chunks", [(6, 3), (6, 7), (2, 11), (6, 64), (1, 100)])
def test_no_chunk_is_read_twice(chunks):
    X = np.random.default_rng(5).standard_normal((6, 500))
    touched = []

    class Chunked(Sliceable):
        def __getitem__(self, key):
            rows, columns = key
            for row in range(*rows.indices(6)):
                first, last = columns.start // chunks[1], (columns.stop - 1) // chunks[1]
                touched.extend((row, chunk) for chunk in range(first, last + 1))
            return super().__getitem__(key)

    assert_array_equal(rb.gram_matrix(Chunked(X, chunks)), rb.gram_matrix(X))
    assert len(touched) == len(set(touched))


def test_progress_goes_from_nothing_to_all():
    X = np.ones((2, 2**23 + 1))
    said = []
    rb.gram_matrix(X, progress=lambda fraction, message: said.append((fraction, message)))
    fractions = [fraction for fraction, _ in said]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert "8,388,609 of 8,388,609 columns" in said[-1][1]


# memory-mapped files


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_mapped_files_are_read_through_views_and_left_as_they_are(mode, tmp_path):
    X = np.random.default_rng(6).standard_normal((9, 300))
    mapped = in_memmap(X, tmp_path, mode)
    if mode != "r":
        mapped[2, 17] = X[2, 17] = 5.0  # lives in memory alone where the mode is "c"
    for view in (np.s_[:], np.s_[2:7, 31:], np.s_[::-2, ::3], np.s_[:, 299:]):
        assert_array_equal(rb.gram_matrix(mapped[view]), rb.gram_matrix(X[view].copy()))
        assert_array_equal(rb.gram_matrix(np.asarray(mapped)[view]), rb.gram_matrix(X[view]))
    assert_array_equal(mapped, X)


def test_a_mapped_file_is_not_held_in_memory(tmp_path):
    """The kernel's own count of resident pages, for a file of 80 MB."""
    np.save(tmp_path / "X.npy", np.ones((10, 10**6)))
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    rb.gram_matrix(mapped)
    pages = Path("/proc/self/smaps").read_text().split("X.npy")[1].split("Rss:")[1]
    assert int(pages.split()[0]) < 8_000  # kB


# what is unusable


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_entries_that_are_not_finite_are_named_with_their_columns(value, tmp_path):
    X = np.ones((5, 100))
    X[3, 41] = value
    pattern = rf"^features: entry \[3, 41\] is {value} \(columns 40 to 47\); every entry must"
    for storage in [X, *everywhere(X, tmp_path, (2, 9)).values()]:
        with pytest.raises(rb.InvalidInputError, match=pattern):
            rb.gram_matrix(storage)


@pytest.mark.usefixtures("small_tiles")
def test_squares_that_overflow_or_underflow_are_named(tmp_path):
    X = np.ones((5, 100))
    X[3, 41] = 1e160
    for storage in [X, *everywhere(X, tmp_path, (2, 9)).values()]:
        with pytest.raises(rb.InvalidInputError, match=r"size 1e\+160 \(columns 40 to 47\); resc"):
            rb.gram_matrix(storage)
    X[3] = 1e-160
    for storage in [X, *everywhere(X, tmp_path, (2, 9)).values()]:
        with pytest.raises(rb.InvalidInputError, match="row 3 is smaller than 1e-150"):
            rb.gram_matrix(storage)
    X[3, 99] = 1.0  # small entries are nothing beside an ordinary one, wherever it is
    assert_array_equal(rb.gram_matrix(X)[3], [1.0, 1.0, 1.0, 1.0, 1.0])
    X[3] = 0.0
    assert_array_equal(rb.gram_matrix(X)[3], 0.0)


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Sliceable(np.ones((3, 90), dtype=complex)), "is complex"),
        (Sliceable(np.ones((3, 90), dtype=object)), "has dtype object"),
        (Sliceable(np.full((3, 90), "1.0")), "has dtype <U3"),
        (Sliceable(np.ma.masked_equal(np.eye(3, 90), 1.0)), "has masked entries"),
        (Sliceable(np.ones((3, 0))), r"is empty \(shape \(3, 0\)\)"),
        (Sliceable(np.ones((0, 3))), r"is empty \(shape \(0, 3\)\)"),
        (Sliceable(np.ones((3, 90)), fails_after=200, error=OSError(5, "Input/output error")), ""),
        (scipy.sparse.csr_array(np.eye(3)), "is a sparse matrix"),
    ],
)
def test_unusable_sources_are_named(value, message):
    pattern = message or r"columns 64 to 79 cannot be read \(\[Errno 5\] Input/output error\)"
    with pytest.raises(rb.InvalidInputError, match=f"^features: {pattern}"):
        rb.gram_matrix(value)


def test_slices_of_another_shape_are_named():
    class Liar(Sliceable):
        def __getitem__(self, key):
            return super().__getitem__(key)[:, 1:]

    with pytest.raises(rb.InvalidInputError, match=r"columns 0 to 8 have shape \(3, 8\)"):
        rb.gram_matrix(Liar(np.ones((3, 9))))


def test_too_little_memory_is_named():
    with pytest.raises(rb.InvalidInputError, match=r"memory: is 1000; 5 samples need at least"):
        rb.gram_matrix(np.ones((5, 10**6)), memory=1000)


def test_a_gram_matrix_that_fits_no_memory_is_named(monkeypatch):
    class Huge:
        shape, dtype = (10**7, 10**6), np.dtype(float)

        def __getitem__(self, key):
            raise AssertionError("nothing is read")

    with pytest.raises(rb.InvalidInputError, match=r"10000000 samples, whose Gram .* 4.8e\+03 TB"):
        rb.gram_matrix(Huge())
    monkeypatch.setattr(matrix, "_physical_memory", lambda: None)
    with pytest.raises(rb.InvalidInputError, match="memory: is 1000000000; 10000000 samples need"):
        rb.gram_matrix(Huge(), memory=10**9)


# problems


@pytest.mark.usefixtures("small_tiles")
def test_problems_know_features_in_memory_only(tmp_path):
    X = np.random.default_rng(8).standard_normal((6, 100))
    y = np.array([1.0, -1.0, 0.5, 2.0, -0.25, 1.0])
    known = rb.Problem.from_features(X, y, (1, -1))
    assert_array_equal(known.features, X)
    start = rb.starts.all_positive(known, 1e-3)
    run = rb.gradient_descent(known, start, step_size=0.5 / known.scale)
    for value in everywhere(X, tmp_path, (4, 30)).values():
        problem = rb.Problem.from_features(value, y, (1, -1))
        assert_array_equal(problem.gram, known.gram)
        if isinstance(value, np.ndarray) and not isinstance(value, np.memmap):
            continue
        assert problem.features is None
        again = rb.gradient_descent(problem, start, step_size=0.5 / problem.scale)
        assert_array_equal(again.limit.dual, run.limit.dual)
        assert rb.minimum_norm(problem).status == "OPTIMAL"


def test_labels_are_checked_before_features_are_read():
    source = Sliceable(np.ones((3, 50)))
    with pytest.raises(rb.InvalidInputError, match="labels"):
        rb.Problem.from_features(source, [1.0, 2.0])
    assert source.n_read == 0


def test_a_problem_goes_on_from_a_checkpoint(tmp_path):
    X = np.random.default_rng(0).standard_normal((4, 50))
    path = tmp_path / "sums.npz"
    for _ in range(2):
        problem = rb.Problem.from_features(Sliceable(X), np.ones(4), checkpoint=path)
        assert_array_equal(problem.gram, rb.gram_matrix(X))
    assert path.exists()
