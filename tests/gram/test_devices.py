"""Arrays of other libraries: the bits of NumPy in host memory, exact sums on a device."""

from __future__ import annotations

import array_api_strict as strict
import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

import relubias as rb
from relubias.gram import devices
from relubias.gram.matrix import gram_of
from tests.gram.sources import assert_within_bound

X = np.random.default_rng(0).standard_normal((6, 900))
WHOLE = np.round(4 * X)
DEVICE = strict.Device("device1")


@pytest.fixture
def far(monkeypatch):
    """Hide arrays from NumPy, as if they were on a GPU, and have tiles of 512 columns."""
    monkeypatch.setattr(devices, "as_numpy_view", lambda *_: None)
    monkeypatch.setattr(devices, "_LARGEST_TILE", 6 * 512)


def on_device(array):
    return strict.asarray(array).to_device(DEVICE)


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("wrap", [torch.asarray, strict.asarray], ids=["torch", "strict"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.int8, np.uint16])
def test_arrays_in_host_memory_have_the_bits_of_numpy(wrap, dtype):
    array = (10 * np.abs(X)).astype(dtype)
    value = wrap(array)
    assert_array_equal(rb.gram_matrix(value), rb.gram_matrix(array))
    problem = rb.Problem.from_features(value, np.ones(6))
    assert_array_equal(problem.features, array)
    assert_array_equal(problem.gram, rb.gram_matrix(array))


@pytest.mark.usefixtures("small_tiles")
def test_tensors_of_every_layout_have_the_bits_of_numpy():
    gram = rb.gram_matrix(X)
    tensor = torch.asarray(X)
    assert_array_equal(rb.gram_matrix(tensor.clone().requires_grad_()), gram)
    assert_array_equal(rb.gram_matrix(tensor.T.contiguous().T), gram)
    assert_array_equal(rb.gram_matrix(torch.asarray(np.repeat(X, 2, axis=1))[:, ::2]), gram)
    half = tensor.to(torch.float16)
    assert_array_equal(rb.gram_matrix(half), rb.gram_matrix(half.double()))
    bits = tensor > 0
    assert_array_equal(rb.gram_matrix(bits), rb.gram_matrix(X > 0))


@pytest.mark.usefixtures("far")
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "uint8", "bool"])
def test_sums_on_a_device_are_exact_on_whole_numbers(dtype):
    array = np.abs(WHOLE).astype(dtype)
    gram = rb.gram_matrix(on_device(array))
    assert isinstance(gram, np.ndarray)
    assert gram.dtype == np.float64
    assert_array_equal(gram, array.astype(np.int64) @ array.astype(np.int64).T)


@pytest.mark.usefixtures("far")
def test_sums_on_a_device_are_symmetric_and_within_the_bound():
    for value in (on_device(X[:3, :700]), on_device(X[:3, :700].astype(np.float32))):
        gram = rb.gram_matrix(value)
        assert_array_equal(gram, gram.T)
        assert_within_bound(gram, np.asarray(devices.to_host(value), dtype=float), 512)


def test_narrow_floats_that_numpy_lacks_are_widened_on_their_device():
    tensor = torch.asarray(X).to(torch.bfloat16)
    assert_array_equal(rb.gram_matrix(tensor), rb.gram_matrix(tensor.to(torch.float64)))
    assert rb.Problem.from_features(tensor, np.ones(6)).features is None


@pytest.mark.usefixtures("far")
def test_a_device_without_float64_leaves_the_products_to_numpy(monkeypatch):
    narrow = on_device(X.astype(np.float32))
    monkeypatch.setattr(devices, "has_float64", lambda value: value is not narrow)
    assert_array_equal(rb.gram_matrix(narrow), rb.gram_matrix(X.astype(np.float32)))


def test_whether_a_device_has_float64_is_found_out():
    class Truncating:
        """Like JAX without x64: asked for float64, gives float32."""

        def __init__(self, array):
            self.array, self.dtype = array, array.dtype

        def __getitem__(self, key):
            return Truncating(self.array[key])

        def __array_namespace__(self, api_version=None):
            return self

        __name__, float64 = "truncating", strict.float64

        def astype(self, value, _):
            return Truncating(strict.astype(value.array, strict.float32))

    assert devices.has_float64(on_device(X))
    assert not devices.has_float64(Truncating(strict.asarray(X.astype(np.float32))))
    assert not devices.has_float64(object())


@pytest.mark.usefixtures("far")
def test_sums_on_a_device_go_on_from_a_checkpoint(tmp_path):
    path = tmp_path / "sums.npz"
    value = on_device(np.tile(X, 10))
    gram = rb.gram_matrix(value)

    def interrupt(fraction, _):
        if fraction > 0.4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rb.gram_matrix(value, checkpoint=path, progress=interrupt)
    fractions = []
    again = gram_of("features", value, None, path, lambda fraction, _: fractions.append(fraction))
    assert fractions[0] > 0.4
    assert_array_equal(again, gram)
    with pytest.raises(rb.InvalidInputError, match=r"computed by .*array_api_strict"):
        rb.gram_matrix(np.tile(X, 10), checkpoint=path)


@pytest.mark.usefixtures("far")
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, r"entry \[3, 641\] is nan \(columns 512 to 899\)"),
        (np.inf, r"entry \[3, 641\] is inf \(columns 512 to 899\)"),
        (1e200, r"size 1e\+200 \(columns 512 to 899\)"),
    ],
)
def test_unusable_entries_on_a_device_are_named(value, message):
    spoiled = X.copy()
    spoiled[3, 641] = value
    with pytest.raises(rb.InvalidInputError, match=message):
        rb.gram_matrix(on_device(spoiled))


@pytest.mark.usefixtures("far")
def test_small_rows_on_a_device_are_named():
    spoiled = X.copy()
    spoiled[2] *= 1e-160
    with pytest.raises(rb.InvalidInputError, match="row 2 is smaller than 1e-150"):
        rb.gram_matrix(on_device(spoiled))
    spoiled[2] = 0.0
    assert_array_equal(rb.gram_matrix(on_device(spoiled))[2], 0.0)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (on_device(X.astype(complex)), "is complex"),
        (torch.asarray(X).to(torch.complex64), "is complex"),
        (torch.asarray(X)[0], r"has shape .*900"),
        (on_device(X[None]), r"has shape \(1, 6, 900\)"),
        (on_device(X[:0]), "is empty"),
        (torch.zeros((0, 4)), "is empty"),
        (torch.asarray(X).to_sparse(), "is a sparse tensor"),
        (torch.empty((3, 4), device="meta"), "lies on the device meta"),
    ],
)
def test_unusable_arrays_of_other_libraries_are_named(value, message):
    with pytest.raises(rb.InvalidInputError, match=f"^features: {message}"):
        rb.gram_matrix(value)
