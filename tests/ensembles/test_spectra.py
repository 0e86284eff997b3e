"""Spectra: sums in rational arithmetic, merging, bad input."""

from __future__ import annotations

import copy
import pickle  # noqa: TID251  round trip within the test, as process pools do
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relubias import ensembles
from relubias.ensembles import Spectrum, isotropic, power_law, spiked
from relubias.errors import InvalidInputError

pairs = st.lists(st.tuples(st.floats(1e-3, 1e3), st.integers(1, 10**12)), min_size=1, max_size=6)


@given(pairs)
def test_effective_dimensions_equal_rational_sums(rows):
    values, counts = zip(*rows, strict=True)
    spectrum = Spectrum(values, counts)
    first = sum(Fraction(v) * c for v, c in rows)
    second = sum(Fraction(v) ** 2 * c for v, c in rows)
    assert spectrum.trace == pytest.approx(float(first), rel=1e-14)
    assert spectrum.d_2 == pytest.approx(float(first**2 / second), rel=1e-14)
    assert spectrum.d_inf == pytest.approx(float(first / Fraction(max(values))), rel=1e-14)
    assert spectrum.n_features == sum(counts)


@given(pairs, st.randoms(use_true_random=False))
def test_spectrum_is_sorted_merged_and_independent_of_order(rows, random):
    shuffled = rows + rows
    random.shuffle(shuffled)
    spectrum = Spectrum(*zip(*shuffled, strict=True))
    assert (np.diff(spectrum.values) < 0).all()
    totals = {}
    for value, count in shuffled:
        totals[value] = totals.get(value, 0) + count
    assert dict(spectrum.pairs) == totals
    assert spectrum == Spectrum(*zip(*(rows + rows), strict=True))
    assert hash(spectrum) == hash(Spectrum(*zip(*(rows + rows), strict=True)))


def test_isotropic_effective_dimensions_are_the_dimension():
    for d in (1, 7, 10**12, 10**15):
        for value in (1.0, 0.1, 1e-200):
            spectrum = isotropic(d, value)
            assert (spectrum.d_2, spectrum.d_inf) == (d, d)
            assert spectrum.trace == d * value


def test_spiked_has_its_spikes():
    assert spiked(10**12, 5.0, 3, value=0.5).pairs == ((5.0, 3), (0.5, 10**12 - 3))
    assert spiked(10, 0.25, 2).pairs == ((1.0, 8), (0.25, 2))
    assert spiked(4, 3.0, 4) == isotropic(4, 3.0)
    assert spiked(4, 1.0) == isotropic(4)


def test_power_law_has_its_eigenvalues():
    spectrum = power_law(1000, 0.75, value=3.0)
    assert spectrum.n_distinct == 1000
    assert spectrum.values[99] == pytest.approx(3.0 / 100**0.75, rel=1e-15)
    assert power_law(10**12, 0.0) == isotropic(10**12)
    assert power_law(1, 2.0) == isotropic(1)


def test_spectrum_owns_its_arrays():
    values = np.array([1.0, 2.0])
    spectrum = Spectrum(values)
    values[0] = 5.0
    assert spectrum.pairs == ((2.0, 1), (1.0, 1))
    with pytest.raises(ValueError, match="read-only"):
        spectrum.values[0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        spectrum.multiplicities[0] = 1


def test_spectrum_survives_copies_and_process_pools():
    spectrum = spiked(100, 7.0)
    assert copy.deepcopy(spectrum) == spectrum
    assert pickle.loads(pickle.dumps(spectrum)) == spectrum


def test_spectrum_differs_from_other_spectra_and_other_things():
    assert isotropic(3) != isotropic(4)
    assert isotropic(3) != isotropic(3, 2.0)
    assert isotropic(3) != 3


@pytest.mark.parametrize(
    ("spectrum", "text"),
    [
        (isotropic(5), "isotropic(5)"),
        (isotropic(5, 0.1), "isotropic(5, value=0.1)"),
        (spiked(5, 2.0), "Spectrum([(2.0, 1), (1.0, 4)])"),
        (
            power_law(5, 1.0),
            "Spectrum(n_features=5, n_distinct=5, trace=2.28333, d_2=3.56216, d_inf=2.28333)",
        ),
    ],
)
def test_repr_is_short_and_says_what_it_is(spectrum, text):
    assert repr(spectrum) == text


@pytest.mark.parametrize(
    ("given_spectrum", "same"),
    [
        (7, isotropic(7)),
        (np.int64(7), isotropic(7)),
        ([3.0, 1, 1], Spectrum([3.0, 1.0], [1, 2])),
        (np.array([3, 1, 1]), Spectrum([3.0, 1.0], [1, 2])),
        ([(3.0, 1), (1.0, 10**12)], spiked(10**12 + 1, 3.0)),
        (((3.0, 1), [1.0, 4]), spiked(5, 3.0)),
        (np.array([[3.0, 1], [1.0, 4]]), spiked(5, 3.0)),
        (spiked(5, 3.0), spiked(5, 3.0)),
    ],
)
@pytest.mark.parametrize("law", [ensembles.Gaussian, ensembles.Uniform, ensembles.Sphere])
def test_laws_take_every_kind_of_spectrum(law, given_spectrum, same):
    assert law(given_spectrum) == law(same)
    assert law(given_spectrum).spectrum == same


BAD_VALUES = [0.0, -1.0, np.nan, np.inf, "1", None, True, 1e-300, 1e290, 1j, [1.0]]
BAD_COUNTS = [0, -3, 2.0, 2.5, "3", None, True, 10**16, 1j, np.nan, [2]]


@pytest.mark.parametrize("bad", BAD_VALUES)
def test_spectra_refuse_unusable_eigenvalues(bad):
    for name, call in (
        ("value", lambda: isotropic(3, bad)),
        ("value", lambda: spiked(3, 2.0, value=bad)),
        ("spike", lambda: spiked(3, bad)),
        ("value", lambda: power_law(3, 1.0, bad)),
        ("spectrum", lambda: ensembles.Gaussian([(bad, 3)])),
    ):
        with pytest.raises(InvalidInputError, match=rf"^{name}: "):
            call()


@pytest.mark.parametrize("bad", BAD_COUNTS)
def test_spectra_refuse_unusable_counts(bad):
    for name, call in (
        ("d", lambda: isotropic(bad)),
        ("d", lambda: spiked(bad, 2.0)),
        ("n_spikes", lambda: spiked(10, 2.0, bad)),
        ("d", lambda: power_law(bad, 1.0)),
        ("multiplicities", lambda: Spectrum([1.0], [bad])),
        ("spectrum", lambda: ensembles.Gaussian([(1.0, bad)])),
    ):
        with pytest.raises(InvalidInputError, match=rf"^{name}: "):
            call()


@pytest.mark.parametrize("bad", [-0.5, np.nan, np.inf, "1", None, True])
def test_power_law_refuses_unusable_exponents(bad):
    with pytest.raises(InvalidInputError, match=r"^exponent: "):
        power_law(10, bad)


def test_spectra_refuse_what_does_not_fit():
    for name, call in (
        ("n_spikes", lambda: spiked(3, 2.0, 4)),
        ("d", lambda: power_law(10**12, 1.0)),
        ("exponent", lambda: power_law(1000, 200.0)),
        ("values", lambda: Spectrum([])),
        ("values", lambda: Spectrum([1.0, 0.0])),
        ("values", lambda: Spectrum([[1.0]])),
        ("values", lambda: Spectrum("abc")),
        ("multiplicities", lambda: Spectrum([1.0], [1, 2])),
        ("multiplicities", lambda: Spectrum([1.0], 3)),
        ("multiplicities", lambda: Spectrum([1.0, 2.0], [10**15, 1])),
    ):
        with pytest.raises(InvalidInputError, match=rf"^{name}: "):
            call()


@pytest.mark.parametrize(
    "bad",
    [
        [],
        [[]],
        np.zeros((0, 2)),
        [1.0, -1.0],
        [1.0, np.nan],
        [(1.0, 2, 3)],
        [(1.0,)],
        [(1.0, 2), 3.0],
        np.ones((2, 3)),
        np.array([[1.0, 2.5]]),
        "isotropic",
        None,
        2.5,
        {"value": 1.0},
        [(1.0, 10**15), (2.0, 10**15)],
    ],
)
def test_laws_refuse_unusable_spectra(bad):
    with pytest.raises(InvalidInputError, match=r"^spectrum: "):
        ensembles.Gaussian(bad)
