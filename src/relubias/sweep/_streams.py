"""Generators of many seeds at once: the very streams of `_validate.as_stream`, sooner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

from relubias._validate import as_stream

__all__ = ["streams"]

_Words = NDArray[np.uint32]

_POOL = 4  # words of a seed sequence's pool
_INIT_A, _MULT_A, _INIT_B, _MULT_B = 0x43B0D7E5, 0x931E8875, 0x8B51F9DD, 0x58F38DED
_MIX_LEFT, _MIX_RIGHT = 0xCA01F9DD, 0x4973F715
_MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645
_WORD, _DOUBLE = 2**32 - 1, 2**128 - 1


def streams(seeds: Sequence[int], purpose: str) -> Iterator[Generator]:
    """Yield the generator of each seed for one purpose; each is good until the next is taken.

    Parameters
    ----------
    seeds : sequence of int
        In [0, 2**64).
    purpose : str
        As in `relubias._validate.as_stream`.

    Yields
    ------
    numpy.random.Generator
        At the start of the stream that ``as_stream("seed", seed, purpose)`` gives.

    Notes
    -----
    NumPy's SeedSequence and PCG64 are specified and stay as they are; hashing a thousand seeds in
    one go and setting the state costs a quarter of making a thousand generators. The first
    stream is compared with NumPy's own, which would be used instead if it differed.
    """
    if not seeds:
        return
    first = as_stream("seed", seeds[0], purpose)
    generator = Generator(PCG64(SeedSequence(0)))
    bits = generator.bit_generator
    state = bits.state
    for place, (initial, increment) in enumerate(_states(seeds, purpose)):
        state["state"]["state"], state["state"]["inc"] = initial, increment
        if place == 0 and state["state"] != first.bit_generator.state["state"]:
            yield from (as_stream("seed", seed, purpose) for seed in seeds)
            return
        bits.state = state
        yield generator


def _states(seeds: Sequence[int], purpose: str) -> Iterator[tuple[int, int]]:
    """Yield state and increment of PCG64 as it starts from each seed."""
    number = np.array(seeds, dtype=np.uint64)
    low, high = (number & np.uint64(_WORD)).astype(np.uint32), (number >> np.uint64(32))
    zero = np.zeros_like(low)
    entropy = [low, high.astype(np.uint32), zero, zero]
    entropy += [np.full_like(low, word) for word in purpose.encode()]
    words = np.stack(_generated(_pool(entropy), 8), axis=1)
    for row in words.tolist():
        a, b, c, d = (row[i] | row[i + 1] << 32 for i in range(0, 8, 2))
        increment = ((c << 64 | d) << 1 | 1) & _DOUBLE
        yield (((a << 64 | b) + increment) * _MULTIPLIER + increment) & _DOUBLE, increment


def _pool(entropy: Sequence[_Words]) -> list[_Words]:
    """Mix words of entropy, as `numpy.random.SeedSequence` does."""
    constant = _INIT_A

    def hashed(value: _Words) -> _Words:
        nonlocal constant
        value = value ^ np.uint32(constant)
        constant = constant * _MULT_A & _WORD
        value = value * np.uint32(constant)
        return value ^ value >> np.uint32(16)

    def mixed(x: _Words, y: _Words) -> _Words:
        value = np.uint32(_MIX_LEFT) * x - np.uint32(_MIX_RIGHT) * y
        return value ^ value >> np.uint32(16)

    pool = [hashed(word) for word in entropy[:_POOL]]
    for source in range(_POOL):
        for target in range(_POOL):
            if source != target:
                pool[target] = mixed(pool[target], hashed(pool[source]))
    for word in entropy[_POOL:]:
        for target in range(_POOL):
            pool[target] = mixed(pool[target], hashed(word))
    return pool


def _generated(pool: Sequence[_Words], size: int) -> list[_Words]:
    """Return the first words of the state that the pool generates."""
    constant, words = _INIT_B, list[_Words]()
    for i in range(size):
        word = pool[i % _POOL] ^ np.uint32(constant)
        constant = constant * _MULT_B & _WORD
        word = word * np.uint32(constant)
        words.append(word ^ word >> np.uint32(16))
    return words
