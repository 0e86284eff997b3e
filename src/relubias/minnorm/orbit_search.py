r"""Branch and bound for networks of any width, over the activation patterns of orbits of neurons.

A node says on which samples the neurons of each orbit are active; its bound is that of
`fractional_counts`. With the prices of that bound, a neuron with sample i active (or inactive)
earns so much less than the best one: where the difference exceeds the gap, no neuron of the orbit
is active (inactive) there in any better network. That decides most samples without branching.
Otherwise the sample is decided on which the number of active neurons is most fractional, into "at
least so many are active" and "at least all others are not".
"""

from __future__ import annotations

import heapq
import itertools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm.fractional_counts import Column, NodeBound, best_prices, bound_at
from relubias.minnorm.orbits import Orbit, decide, first_orbits, is_coverable
from relubias.minnorm.pattern_boxes import LOW
from relubias.minnorm.pattern_exchange import Exchange
from relubias.minnorm.pattern_network import PatternNetwork, Patterns, as_patterns
from relubias.minnorm.pattern_prices import Pricer
from relubias.minnorm.scaling import Units
from relubias.minnorm.search import Search
from relubias.minnorm.search_tree import SearchTree

_DISTINCT = 1e-9
_UNREACHABLE = 1e11
"""Squared norms from which on rounding decides whether a network fits at all."""

__all__ = ["TOLERANCE", "OrbitSearch", "SearchOutcome"]

TOLERANCE = 1e-9
"""Networks whose squared norm is smaller by less than this share are not told from the best one."""
_EXACT = 1e-12
"""By this share the bound of a node has to exceed the best squared norm, which leaves no doubt;
nodes that the best network solves are told apart by its patterns."""


class SearchOutcome(NamedTuple):
    """The best network found, and what is known of all others."""

    network: PatternNetwork | None
    bound: float
    """Lower bound of the squared norm, in unit scale."""
    is_proved: bool
    is_unique: bool
    """Whether the network is the only one of its norm, to rounding."""
    n_nodes: int
    tree: SearchTree


class _Node(NamedTuple):
    record: int
    orbits: list[Orbit]
    found: NodeBound


class _Records:
    """The tree as it grows."""

    def __init__(self, n_samples: int) -> None:
        self.rows: list[tuple[int, int, int, int, int]] = []
        self.bounds: list[float] = []
        self.prices: list[Float] = []
        self.nothing = np.zeros(n_samples)

    def add(self, parent: int, neuron: int, sample: int, choice: int, count: int) -> int:
        """Append a node; its bound is still unknown."""
        self.rows.append((parent, neuron, sample, choice, count))
        self.bounds.append(0.0)
        self.prices.append(self.nothing)
        return len(self.rows) - 1

    def close(self, node: int, bound: float, prices: Float) -> None:
        """Set what is known below a node, and the prices that prove it."""
        self.bounds[node], self.prices[node] = bound, prices

    def tree(self, units: Units) -> SearchTree:
        """Return the record, with norms in the units of the data."""
        parent, neuron, sample, choice, count = np.array(self.rows, dtype=np.int_).T
        norms = [math.sqrt(bound) if bound > 0 else 0.0 for bound in self.bounds]
        return SearchTree(
            parent=parent,
            neuron=neuron,
            sample=sample,
            choice=choice.astype(np.int8),
            count=count,
            bound=np.array([units.norm(b) if math.isfinite(b) else b for b in norms]),
            prices=np.array(self.prices),
        )


class OrbitSearch:
    """One search, in unit scale."""

    def __init__(
        self,
        gram: Float,
        labels: Float,
        signs: Float,
        units: Units,
        search: Search,
        features: Float | None = None,
    ) -> None:
        self.gram, self.labels, self.units, self.search = gram, labels, units, search
        self.orbits = first_orbits(labels, signs)
        self.pricer = Pricer(gram, search)
        self.exchange = Exchange(self.pricer, labels, self.orbits, features, search.stops)
        self.records = _Records(labels.size)
        self.best: PatternNetwork | None = None
        self.heap: list[tuple[float, int, _Node]] = []
        self.order = itertools.count()
        self.n_nodes = 0
        self.solved: dict[int, Patterns] = {}
        """Nodes whose bound is the norm of a network, to rounding, and its patterns."""

    @property
    def cutoff(self) -> float:
        """Bounds from which on a node is of no interest."""
        return _UNREACHABLE if self.best is None else self.best.square * (1 + _EXACT)

    def offer(self, patterns: Patterns, *, improve: bool = True) -> PatternNetwork | None:
        """Take the best network with these patterns, improved, if it is better than the best."""
        network = self.exchange.fit(patterns)
        if network is None:
            return None
        worth_it = self.best is None or network.square < 1.05 * self.best.square
        better = self.exchange.improve(network) if improve and worth_it else network
        if self.best is None or better.square < self.best.square:
            self.best = better
        return network

    def run(self) -> SearchOutcome:
        """Search until nothing better is left, or time is up."""
        root = self.records.add(-1, -1, -1, 0, 0)
        prices = self.labels if self.best is None else self.best.prices
        self._enter(root, self.orbits, prices, [])
        while self.heap and self.heap[0][0] < self.cutoff and not self.search.stops():
            bound, _, node = heapq.heappop(self.heap)
            self._note(bound)
            self._branch(node)
        return self._outcome()

    def _outcome(self) -> SearchOutcome:
        tree = self.records.tree(self.units)
        bounds = np.array(self.records.bounds)[tree.leaves]
        bound = float(bounds.min())
        if self.best is None:
            return SearchOutcome(None, bound, False, False, self.n_nodes, tree)
        proved = bound >= self.best.square * (1 - TOLERANCE)
        low = tree.leaves[bounds < self.best.square]
        unique = proved and all(
            node in self.solved and self.solved[node] == self.best.patterns for node in low
        )
        bound = min(bound, self.best.square)
        return SearchOutcome(self.best, bound, proved, unique, self.n_nodes, tree)

    def _note(self, bound: float) -> None:
        if self.best is not None:
            incumbent = self.units.norm(math.sqrt(self.best.square))
            self.search.note(incumbent, self.units.norm(math.sqrt(bound)), self.n_nodes)

    def _enter(
        self, record: int, orbits: list[Orbit], prices: Float, columns: list[Column]
    ) -> None:
        """Bound a node, and keep it if it may hold a better network."""
        self.n_nodes += 1
        found = best_prices(
            self.pricer,
            self.labels,
            orbits,
            prices,
            columns,
            self.cutoff,
            self.search.stops,
        )
        is_solved = False
        if self.best is None or found.bound < self.best.square:
            found, is_solved = self._rounded(record, orbits, found)
        self.records.close(record, found.bound, found.prices)
        if found.bound >= self.cutoff or is_solved:
            return
        record, fixed = self._fix(record, orbits, found)
        place = [_index_of(fixed, orbit.members[0]) for orbit in orbits]
        columns = [column._replace(orbit=place[column.orbit]) for column in found.columns]
        node = _Node(record, fixed, found._replace(columns=columns, pricing=[]))
        heapq.heappush(self.heap, (found.bound, next(self.order), node))

    def _rounded(
        self, record: int, orbits: list[Orbit], found: NodeBound
    ) -> tuple[NodeBound, bool]:
        """Offer the network nearest to the masses of a bound, and try its prices as a bound.

        The node is solved if they agree: nothing below it is better than that network.
        """
        networks = [self.best]
        if found.columns:
            networks.append(self.offer(_whole_counts(orbits, found.columns, self.labels)))
        for network in networks:
            if network is None or self.best is None or found.bound >= self.best.square:
                continue
            if network.square > self.best.square * (1 + _EXACT):
                continue
            other = bound_at(self.pricer, self.labels, orbits, network.prices)
            if other.bound >= network.square * (1 - TOLERANCE):
                if _has_best_patterns(network, orbits, other):
                    self.solved[record] = network.patterns
                return other, True
        return found, False

    def _fix(self, record: int, orbits: list[Orbit], found: NodeBound) -> tuple[int, list[Orbit]]:
        """Decide samples whose other side would cost more than the gap."""
        if found.scale == 0.0:
            return record, orbits
        slack = (self.cutoff - found.bound) / found.scale**2
        fixed = orbits
        for orbit, pricing in zip(orbits, found.pricing, strict=True):
            raw = orbit.sign * found.prices / found.scale
            floor = pricing.bound - slack * (1 + 1e-9)
            for sample in np.flatnonzero((orbit.decided < 0) & (raw > 0)):
                excluded = self._excluded(raw, orbit, pricing.sides, int(sample), floor)
                index = _index_of(fixed, orbit.members[0])
                if excluded is None or fixed[index].decided[sample] >= 0:
                    continue
                side = 1 - excluded
                record = self._record_fixed(record, fixed[index], int(sample), side, found)
                fixed = decide(fixed, index, int(sample), side, fixed[index].size)
        return record, fixed

    def _excluded(
        self, prices: Float, orbit: Orbit, sides: Float | None, sample: int, floor: float
    ) -> int | None:
        """Return the side of a sample on which a neuron earns no more than `floor`."""
        for side in (0, 1):
            if sides is not None:
                if sides[side, sample] <= floor:
                    return side
                continue
            decided = orbit.decided.copy()
            decided[sample] = side
            if not self.search.stops() and self.pricer.earns_at_most(prices, decided, floor):
                return side
        return None

    def _record_fixed(
        self, parent: int, orbit: Orbit, sample: int, side: int, found: NodeBound
    ) -> int:
        """Record a decision for a whole orbit and the other branch, which is closed."""
        choice = 2 * side - 1
        neuron = orbit.members[0]
        closed = self.records.add(parent, neuron, sample, -choice, 1)
        self.records.close(closed, self.cutoff, found.prices)
        kept = self.records.add(parent, neuron, sample, choice, orbit.size)
        self.records.close(kept, found.bound, found.prices)
        return kept

    def _branch(self, node: _Node) -> None:
        choice = _most_fractional(node, self.labels)
        if choice is None:  # everything is decided; the bound stays what it is
            return
        index, sample, at_most = choice
        orbit = node.orbits[index]
        for side, count in ((1, at_most + 1), (0, orbit.size - at_most)):
            orbits = decide(node.orbits, index, sample, side, count)
            record = self.records.add(node.record, orbit.members[0], sample, 2 * side - 1, count)
            if not is_coverable(orbits, self.labels, sample):
                self.records.close(record, math.inf, self.records.nothing)
                continue
            columns = _allowed(node.found.columns, node.orbits, orbits)
            self._enter(record, orbits, node.found.prices, columns)


def _index_of(orbits: list[Orbit], neuron: int) -> int:
    return next(k for k, orbit in enumerate(orbits) if neuron in orbit.members)


def _has_best_patterns(network: PatternNetwork, orbits: list[Orbit], found: NodeBound) -> bool:
    """Whether every neuron that earns most at the network's prices is one of the network's."""
    size = float(np.abs(network.dual).max())
    for orbit, pricing in zip(orbits, found.pricing, strict=True):
        own = network.outputs[network.program.signs == orbit.sign]
        for value, outputs in zip(pricing.values, pricing.outputs, strict=True):
            if value < pricing.bound * (1 - _DISTINCT):
                continue
            misfit = np.abs(own - outputs).max(axis=1).min(initial=math.inf)
            if misfit > 1e-9 * size * outputs.size:
                return False
    return True


def _allowed(columns: list[Column], parents: list[Orbit], orbits: list[Orbit]) -> list[Column]:
    """Return for each orbit the columns of its sign that its decisions allow."""
    allowed: list[Column] = []
    for index, orbit in enumerate(orbits):
        active, off = orbit.decided == 1, orbit.decided == 0
        for column in columns:
            outputs = column.outputs
            if parents[column.orbit].sign != orbit.sign:
                continue
            if (outputs[active] > 0).all() and not outputs[off].any():
                allowed.append(column._replace(orbit=index, mass=0.0))
    return allowed


def _pattern_masses(
    orbit: Orbit, index: int, columns: list[Column]
) -> list[tuple[NDArray[np.bool_], float]]:
    """Return the patterns that an orbit uses and their masses."""
    masses: dict[bytes, float] = {}
    for column in columns:
        if column.orbit == index and column.mass > 0:
            active = ((column.state == LOW) | (orbit.decided == 1)) & (orbit.decided != 0)
            masses[active.tobytes()] = masses.get(active.tobytes(), 0.0) + column.mass
    return [(np.frombuffer(bits, dtype=np.bool_), mass) for bits, mass in masses.items()]


def _whole_counts(orbits: list[Orbit], columns: list[Column], labels: Float) -> Patterns:
    """Share the neurons of each orbit among the patterns in use, as suits their masses best."""
    rows: list[tuple[float, NDArray[np.bool_], int]] = []
    for index, orbit in enumerate(orbits):
        used = _pattern_masses(orbit, index, columns)
        if not used:
            used = [(orbit.decided == 1, 1.0)]
        masses = np.array([mass for _, mass in used])
        counts = np.zeros(masses.size, dtype=np.intp)
        for _ in range(orbit.size):  # mass**2 / count falls most
            with np.errstate(divide="ignore"):
                counts[int(np.argmax(masses**2 / (counts * (counts + 1.0)) + masses * 1e-300))] += 1
        rows += [
            (orbit.sign, active, int(count))
            for (active, _), count in zip(used, counts, strict=True)
        ]
    return as_patterns(_covering(rows, orbits, labels))


def _covering(
    rows: list[tuple[float, NDArray[np.bool_], int]], orbits: list[Orbit], labels: Float
) -> list[tuple[float, NDArray[np.bool_], int]]:
    """Make a neuron active on every label that none of its sign is active on."""
    allowed = {orbit.sign: np.zeros(labels.size, dtype=np.bool_) for orbit in orbits}
    for orbit in orbits:
        allowed[orbit.sign] |= orbit.decided != 0
    for i in np.flatnonzero(labels):
        right = [k for k, (sign, _, count) in enumerate(rows) if sign * labels[i] > 0 and count]
        if right and not any(rows[k][1][i] for k in right):
            sign, active, count = rows[right[0]]
            active = active.copy()
            active[i] = True
            rows[right[0]] = sign, active, count
    return rows


def _most_fractional(node: _Node, labels: Float) -> tuple[int, int, int] | None:
    """Return orbit, sample and the largest number of active neurons of the lower branch."""
    best, choice = 0.0, None
    prices = np.abs(node.found.prices)
    size = prices * np.maximum(np.abs(labels), 0.05 * float(np.abs(labels).max()))
    for index, orbit in enumerate(node.orbits):
        used = _pattern_masses(orbit, index, node.found.columns)
        total = sum(mass for _, mass in used)
        expected = np.zeros(labels.size)
        for active, mass in used:
            expected += orbit.size * mass / total * active
        for sample in np.flatnonzero(orbit.decided < 0):
            part = expected[sample] - math.floor(expected[sample])
            score = min(part, 1 - part)
            score += 1e-3 * min(expected[sample], orbit.size - expected[sample])
            score = max(score, 1e-9) * max(size[sample], 1e-300)
            if score > best:
                at_most = min(int(expected[sample] + 1e-9), orbit.size - 1)
                best, choice = score, (index, int(sample), at_most)
    return choice
