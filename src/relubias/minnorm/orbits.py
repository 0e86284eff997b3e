"""Neurons of one sign about which the same is decided: interchangeable, so one stands for all.

A decision says that at least so many neurons of an orbit are active on a sample, or that at
least all others are inactive on it; nothing is lost, and no two branches are mirror images of one
decision.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float

__all__ = ["Orbit", "decide", "first_orbits", "is_coverable"]

Decided = NDArray[np.int8]


class Orbit(NamedTuple):
    """Interchangeable neurons."""

    sign: float
    members: tuple[int, ...]
    """Ascending; the first one represents all."""
    decided: Decided
    """Per sample: 1 active, 0 inactive, -1 undecided."""

    @property
    def size(self) -> int:
        """How many neurons there are."""
        return len(self.members)


def first_orbits(labels: Float, signs: Float) -> list[Orbit]:
    """Return an orbit for each sign that occurs, with what no network can avoid decided.

    With one sign only, no neuron may be active where the label is 0; a neuron alone in its sign
    has to be active on the labels of that sign.
    """
    orbits: list[Orbit] = []
    for sign in (1.0, -1.0):
        members = tuple(int(k) for k in np.flatnonzero(signs == sign))
        if not members:
            continue
        decided = np.full(labels.size, -1, dtype=np.int8)
        if len(members) == signs.size:
            decided[labels == 0] = 0
        if len(members) == 1:
            decided[sign * labels > 0] = 1
        orbits.append(Orbit(sign, members, decided))
    return orbits


def decide(orbits: list[Orbit], index: int, sample: int, side: int, count: int) -> list[Orbit]:
    """Return the orbits after `count` neurons of one become active (1) or inactive (0)."""
    orbit = orbits[index]
    decided = orbit.decided.copy()
    decided[sample] = side
    parts = [Orbit(orbit.sign, orbit.members[:count], decided)]
    if count < orbit.size:
        parts.append(Orbit(orbit.sign, orbit.members[count:], orbit.decided))
    merged: list[Orbit] = []
    for part in orbits[:index] + parts + orbits[index + 1 :]:
        for k, other in enumerate(merged):
            if part.sign == other.sign and np.array_equal(part.decided, other.decided):
                members = tuple(sorted(other.members + part.members))
                merged[k] = Orbit(part.sign, members, part.decided)
                break
        else:
            merged.append(part)
    return merged


def is_coverable(orbits: list[Orbit], labels: Float, sample: int) -> bool:
    """Whether some neuron of the label's sign may still be active on the sample."""
    label = labels[sample]
    return label == 0 or any(
        orbit.sign * label > 0 and orbit.decided[sample] != 0 for orbit in orbits
    )
