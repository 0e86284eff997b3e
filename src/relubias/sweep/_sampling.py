"""Data of many tasks at once, with the bits that each task's own draw has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from relubias._validate import Float
from relubias.ensembles._grams import split, wishart, wishart_draws
from relubias.ensembles.labels import PlantedLabels
from relubias.ensembles.laws import Gaussian
from relubias.sweep._laws import feature_law, label_law
from relubias.sweep._streams import streams
from relubias.sweep.grid import Cell

__all__ = ["draw_grams", "draw_labels"]

_LARGEST_STACK = 5_000_000
"""Entries of the Gram matrices that are assembled together."""


def draw_grams(cell: Cell, seeds: Sequence[int]) -> Float:
    """Return ``law.sample_gram(n, seed)`` for every seed."""
    law, n = feature_law(cell.features.name, cell.spectrum, cell.d), cell.n
    generators = streams(seeds, "features")
    if isinstance(law, Gaussian) and len(seeds) * n * n <= _LARGEST_STACK:
        wide, drawn = split(law.spectrum, n)
        if drawn is None and len(wide) == 1:
            value, multiplicity = wide[0]
            draws = [wishart_draws(n, multiplicity, rng) for rng in generators]
            matrices = wishart(np.stack([a for a, _ in draws]), np.stack([b for _, b in draws]))
            return 0.0 + value * matrices
    return np.stack([law.sample_gram(n, rng) for rng in generators])


def draw_labels(cell: Cell, seeds: Sequence[int], grams: Float) -> Float:
    """Return the labels of every seed; planted ones depend on the Gram matrices."""
    law, n = label_law(cell.labels), cell.n
    if isinstance(law, PlantedLabels):
        return np.stack([law(n, s, gram=gram) for s, gram in zip(seeds, grams, strict=True)])
    return np.stack([law(n, rng) for rng in streams(seeds, "labels")])
