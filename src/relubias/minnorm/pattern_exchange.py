"""Better networks by changing the pattern of one neuron at a time.

At the best network of its patterns, a unit of output on sample i is worth its price. A neuron
that could earn more with another pattern promises a smaller norm; the promises are kept to first
order in the number of neurons that change.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm.orbits import Orbit
from relubias.minnorm.pattern_boxes import LOW
from relubias.minnorm.pattern_network import PatternNetwork, Patterns, fit_patterns
from relubias.minnorm.pattern_prices import Pricer

__all__ = ["Exchange"]

_IMPROVEMENT = 1e-12
_MAX_TRIALS = 12
_REMEMBERED = 200


class Exchange:
    """Local search over the patterns of a network."""

    def __init__(
        self,
        pricer: Pricer,
        labels: Float,
        orbits: list[Orbit],
        features: Float | None,
        stops: Callable[[], bool],
    ) -> None:
        self.pricer, self.labels, self.features, self.stops = pricer, labels, features, stops
        self.gram = pricer.gram
        self.first = {orbit.sign: orbit.decided for orbit in orbits}
        self.known: dict[frozenset[tuple[tuple[float, bytes], int]], PatternNetwork | None] = {}

    def fit(self, patterns: Patterns) -> PatternNetwork | None:
        """Return the best network with these patterns, or None."""
        key = frozenset(patterns.items())
        if key not in self.known:
            if len(self.known) >= _REMEMBERED:
                del self.known[next(iter(self.known))]
            self.known[key] = fit_patterns(self.gram, self.labels, patterns, self.features)
        return self.known[key]

    def improve(self, network: PatternNetwork) -> PatternNetwork:
        """Change one pattern at a time while the norm falls."""
        while not self.stops():
            better = self._neighbour(network)
            if better is None:
                break
            network = better
        return network

    def _neighbour(self, network: PatternNetwork) -> PatternNetwork | None:
        for patterns in self._promising(network)[:_MAX_TRIALS]:
            other = self.fit(patterns)
            if other is not None and other.square < network.square * (1 - _IMPROVEMENT):
                return other
        return None

    def _promising(self, network: PatternNetwork) -> list[Patterns]:
        """Return neighbours, the most promising first."""
        program = network.program
        earned = np.einsum("ci,ij,cj->c", network.dual, self.gram, network.dual)
        ranked: list[tuple[float, Patterns]] = []
        for sign, decided in self.first.items():
            classes = np.flatnonzero(program.signs == sign)
            for value, active in self._candidates(network, sign, decided, classes):
                for k in classes:
                    gain = value - float(earned[k])
                    patterns = _moved(network.patterns, sign, program.active[k], active)
                    if patterns is not None:
                        ranked.append((gain, patterns))
        ranked.sort(key=lambda entry: -entry[0])
        return [patterns for _, patterns in ranked]

    def _candidates(
        self,
        network: PatternNetwork,
        sign: float,
        decided: NDArray[np.int8],
        classes: NDArray[np.intp],
    ) -> list[tuple[float, NDArray[np.bool_]]]:
        """Return patterns that earn much at the network's prices, and those of its own neurons."""
        pricing = self.pricer.best(sign * network.prices, decided)
        found = [
            (float(value), (state == LOW) | (decided == 1))
            for value, state in zip(pricing.values, pricing.states, strict=True)
        ]
        earned = np.einsum("ci,ij,cj->c", network.dual, self.gram, network.dual)
        found += [(float(earned[k]), network.program.active[k]) for k in classes]
        return found


def _moved(
    patterns: Patterns, sign: float, old: NDArray[np.bool_], new: NDArray[np.bool_]
) -> Patterns | None:
    """Return the patterns after one neuron changes, None if nothing does."""
    if np.array_equal(old, new):
        return None
    source, target = (sign, old.tobytes()), (sign, new.astype(np.bool_).tobytes())
    moved = dict(patterns)
    moved[source] -= 1
    if moved[source] == 0:
        del moved[source]
    moved[target] = moved.get(target, 0) + 1
    return dict(sorted(moved.items(), key=lambda item: (-item[0][0], item[0][1])))
