"""Generators of many seeds at once are NumPy's own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from relubias._validate import as_stream
from relubias.sweep import _streams

SEEDS = st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=8)


@given(SEEDS, st.sampled_from(["features", "labels", "start", "teacher", "x" * 40]))
def test_streams_are_those_of_single_seeds(seeds, purpose):
    for seed, generator in zip(seeds, _streams.streams(seeds, purpose), strict=True):
        expected = as_stream("seed", seed, purpose)
        assert generator.bit_generator.state == expected.bit_generator.state
        assert generator.standard_normal(3).tolist() == expected.standard_normal(3).tolist()
        generator.integers(0, 7, size=3, dtype="int32")  # leaves half a word behind


@given(seeds=SEEDS)
def test_numpy_has_the_last_word(seeds):
    """Were the hash to change, NumPy's own streams are used."""
    original = _streams._MULTIPLIER
    _streams._MULTIPLIER = original + 2
    try:
        states = [g.bit_generator.state for g in _streams.streams(seeds, "labels")]
    finally:
        _streams._MULTIPLIER = original
    assert states == [as_stream("s", seed, "labels").bit_generator.state for seed in seeds]


def test_no_seeds_give_no_streams():
    assert list(_streams.streams([], "labels")) == []
