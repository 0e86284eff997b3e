r"""Best-first search over the decisions of samples, with a lower bound at any moment.

Every node is bounded when it is solved, in batches, by `node_bounds`; what the search reports is
the smallest bound over nodes that have no children. So the order of the search, the kernels and
their tolerances decide how good the bound is, never whether it holds.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm.node import FAILED, SOLVED, Engine, Node, plain
from relubias.minnorm.node_bounds import NodeBounds
from relubias.minnorm.pool import OFF, SHARED, SOLE, UNDECIDED
from relubias.minnorm.record import Record
from relubias.minnorm.tableau import Tableau

__all__ = ["Tree"]

Branch = NDArray[np.int_]

_STRICT = 1e-9
"""Nodes within this share of the incumbent's squared norm are opened all the same."""
_POLISH = 500
"""Nodes spent on opening them, beyond half of those already searched."""
_MAX_REPAIRS = 5
_SIDE = 0.1  # weight of the larger of two predicted degradations


class Tree(Record):
    """A branch and bound over one frozen root.

    Attributes
    ----------
    bounds : NodeBounds
        Half the squared norm that no network below each node undercuts.
    incumbent : float
        Half the squared norm of the best network so far.
    branch : ndarray of int or None
        Its decisions, if this tree found it.
    """

    def __init__(
        self, table: Tableau, bounds: NodeBounds, engine: Engine, incumbent: float
    ) -> None:
        self.table, self.bounds, self.engine, self.incumbent = table, bounds, engine, incumbent
        self.branch: Branch | None = None
        super().__init__(table.rows.of_sample.shape[0])
        self.root_value = -math.inf
        self.is_finished = False
        self._heap: list[tuple[float, int]] = []
        self._flips: dict[int, NDArray[np.int32]] = {}
        self._current = math.inf

    @property
    def running_bound(self) -> float:
        """Bound by the kernels' values, for progress; `proved` has those that hold."""
        open_ones = min(self._heap[0][0] if self._heap else math.inf, self._current)
        return min(open_ones, self.incumbent)

    def proved(self) -> Float:
        """Return the bound of every node: half the squared norm, at least that of its parent."""
        self.bounds.flush()
        bound = self.bounds.bounds
        for index in range(1, len(bound)):
            bound[index] = max(bound[index], bound[self.parent[index]])
        return np.array(bound)

    def run(self, pause: Callable[[], bool], max_nodes: float = math.inf) -> None:
        """Search until finished, `pause()` is true, or there are `max_nodes` nodes."""
        if not self.parent:
            node = Node(self.table, self.table.rows.undecided())
            self.root_value = node.value
            self._record(-1, -1, 0, node)
            self._file(node, 0)
        polish_until = math.inf
        while self._heap and self.n_nodes < max_nodes and not pause():
            value, index = self._heap[0]
            if value >= self._cutoff():
                break
            if value >= self.incumbent * (1 - _STRICT):
                if math.isinf(polish_until):
                    polish_until = 1.5 * self.n_nodes + _POLISH
                if self.n_nodes > polish_until:
                    break
            heapq.heappop(self._heap)
            self._plunge(index, max_nodes, pause)
        self._current = math.inf
        self.is_finished = not self._heap or self._heap[0][0] >= self.incumbent * (1 - _STRICT)

    def run_with_repairs(self, pause: Callable[[], bool], max_nodes: float) -> None:
        """Search, and search again below leaves that rounding left without proof."""
        self.run(pause, max_nodes)
        for _ in range(_MAX_REPAIRS):
            if not self.is_finished or not self._reopen():
                return
            self.run(pause)

    def _reopen(self) -> bool:
        """Solve leaves that were closed without proof again, from the root; whether any opened."""
        proved, n_open = self.proved(), len(self._heap)
        waiting = {index for _, index in self._heap}
        for index in self.leaves().tolist():
            if proved[index] >= self.incumbent * (1 - _STRICT) or index in waiting:
                continue
            node = Node(self.table, self._kinds(self.decisions(index)))
            status = plain().ascend(self.table, node, self._cutoff())
            self.bounds.improve(index, node.kind, node.multiplier, node.slack)
            if status == SOLVED and node.value < self._cutoff():
                self._file(node, index)
        self.bounds.flush()
        return len(self._heap) > n_open

    def _cutoff(self) -> float:
        return self.incumbent * (1 + _STRICT)

    def _plunge(self, index: int, max_nodes: float, pause: Callable[[], bool]) -> None:
        """Open a node, then its better child, and so on; file the other children."""
        branch = self.decisions(index)
        node: Node | None = Node(self.table, self._kinds(branch))
        node.restore(self.table, self._flips.pop(index))
        while node is not None:
            self._current = node.value
            children = self._open(node, index, branch)
            if self.n_nodes >= max_nodes or pause():
                for child, child_index in children:
                    self._file(child, child_index)
                return
            children.sort(key=lambda pair: pair[0].value)
            for child, child_index in children[1:]:
                self._file(child, child_index)
            node = None
            if children:
                node, index = children[0]
                branch[self.sample[index]] = self.choice[index]

    def _open(self, node: Node, index: int, branch: Branch) -> list[tuple[Node, int]]:
        """Solve both children; return those that stay open."""
        cost = node.cost
        if cost is None:
            cost = self.engine.degradations(self.table, node, branch == UNDECIDED)
        gap = max(self.incumbent - node.value, 0.0)
        capped = np.minimum(cost, gap) if math.isfinite(gap) else cost
        score = capped.min(axis=0) + _SIDE * capped.max(axis=0)
        score[cost.max(axis=0) > 0] += 1e-300
        sample = int(np.argmax(score))
        if not score[sample] > 0.0:
            self._solved(node, branch)
            return []
        open_ones: list[tuple[Node, int]] = []
        first = SOLE if cost[0, sample] <= cost[1, sample] else SHARED
        for choice in (first, SOLE + SHARED - first):
            child = node.copy()
            self.table.rows.decide(child.kind, sample, choice)
            status = self.engine.ascend(self.table, child, self._cutoff())
            child_index = self._record(index, sample, choice, child)
            if status == FAILED:
                child.value = node.value
            if child.value < self._cutoff():
                decided = branch.copy()
                decided[sample] = choice
                child.cost = self.engine.degradations(self.table, child, decided == UNDECIDED)
                if status != SOLVED or child.cost.any():
                    open_ones.append((child, child_index))
                else:
                    self._solved(child, decided)
        return open_ones

    def _solved(self, node: Node, branch: Branch) -> None:
        """Take a node whose relaxation is a network as the incumbent, if it is better."""
        if node.value >= self.incumbent:
            return
        self.incumbent = node.value
        branch = branch.copy()
        rows = self.table.rows
        a, b = rows.of_sample[rows.nonzero, 0], rows.of_sample[rows.nonzero, 1]
        nearer = np.where(node.slack[a] <= node.slack[b], SOLE, SHARED)
        open_ones = branch[rows.nonzero] == UNDECIDED
        branch[rows.nonzero[open_ones]] = nearer[open_ones]
        branch[rows.zero[branch[rows.zero] == UNDECIDED]] = OFF
        self.branch = branch

    def _record(self, parent: int, sample: int, choice: int, node: Node) -> int:
        index = self.record(parent, sample, choice)
        known = -math.inf if parent < 0 else self.bounds.bounds[parent]
        self.bounds.add(node.kind, node.multiplier, node.slack, known)
        return index

    def _file(self, node: Node, index: int) -> None:
        heapq.heappush(self._heap, (node.value, index))
        self._flips[index] = node.flips[: node.n_flips].astype(np.int32)

    def _kinds(self, branch: Branch) -> NDArray[np.int8]:
        kind = self.table.rows.undecided()
        for sample in np.flatnonzero(branch).tolist():
            self.table.rows.decide(kind, sample, int(branch[sample]))
        return kind
