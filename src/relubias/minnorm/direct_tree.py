r"""Search over the decisions of samples where the Gram matrix is too nearly singular to invert.

Every node is a program of its own, solved from nothing by `program` and bounded by its
certificate: slow, for few samples. A node may be infeasible; if all leaves are, no network fits.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable

import numpy as np

from relubias._validate import Float
from relubias.minnorm.certificate import MinimumNormCertificate, certify_multipliers
from relubias.minnorm.dive import Dive, Leaf
from relubias.minnorm.pair_proof import Found, note_halves, prove
from relubias.minnorm.pool import SHARED, SOLE, UNDECIDED
from relubias.minnorm.record import Record
from relubias.minnorm.scaling import Units
from relubias.minnorm.search import Search

__all__ = ["DirectTree", "search_directly"]

_STRICT = 1e-9
_MAX_NODES = 5000
_WORK = 2e11  # floating-point operations


class DirectTree(Record):
    """A branch and bound that solves every node from nothing.

    Attributes
    ----------
    leaf : Leaf or None
        The best network so far.
    incumbent : float
        Half its squared norm.
    is_finished : bool
        Whether every leaf is closed.
    max_nodes : int
        Nodes after which it gives up.
    conflict : set of int
        Samples that the proofs of infeasible nodes combine, and samples decided.
    """

    def __init__(self, dive: Dive, leaf: Leaf | None) -> None:
        super().__init__(dive.labels.size)
        self.dive, self.leaf = dive, leaf
        self.incumbent = math.inf if leaf is None else leaf.value
        self.half_squares: list[float] = []
        self.is_finished = False
        self.conflict: set[int] = set()
        self.max_nodes = int(min(_MAX_NODES, max(50, _WORK / (6 * (2 * dive.labels.size) ** 3))))
        self._heap: list[tuple[float, int]] = []
        self._open: dict[int, Leaf] = {}

    @property
    def running_bound(self) -> float:
        """Half the squared norm that no network undercuts."""
        return min(self._heap[0][0] if self._heap else self.incumbent, self.incumbent)

    def proved(self) -> Float:
        """Return the bound of every node: half the squared norm."""
        return np.array(self.half_squares)

    def run(self, pause: Callable[[], bool]) -> None:
        """Search until finished, `pause()` is true, or too many nodes were solved."""
        if not self.parent:
            self._solve(-1, -1, 0)
        while self._heap and self.n_nodes < self.max_nodes and not pause():
            if self._heap[0][0] >= self._cutoff():
                break
            _, index = heapq.heappop(self._heap)
            sample = self._choose(self._open.pop(index))
            for choice in (SOLE, SHARED):
                self._solve(index, sample, choice)
        self.is_finished = not self._heap or self._heap[0][0] >= self._cutoff()

    def _cutoff(self) -> float:
        return self.incumbent * (1 - _STRICT)

    def _choose(self, node: Leaf) -> int:
        """Return the undecided sample that costs most either way."""
        samples, sole_cost, shared_cost = self.dive.misfits(node)
        if not node.solution.fits or samples.size == 0:
            return int(np.flatnonzero(node.branch == UNDECIDED)[0])
        return int(samples[int(np.argmax(np.minimum(sole_cost, shared_cost)))])

    def _solve(self, parent: int, sample: int, choice: int) -> None:
        branch = self.decisions(parent)
        if parent >= 0:
            branch[sample] = choice
        index = self.record(parent, sample, choice)
        node = self.dive.solve(branch)
        known = 0.0 if parent < 0 else self.half_squares[parent]
        if node.solution.ray is not None:
            self.half_squares.append(math.inf)
            used = node.pool.sample[np.flatnonzero(node.solution.ray)]
            self.conflict.update(used.tolist(), np.flatnonzero(branch).tolist())
            return
        pool, is_open = node.pool, True
        if node.solution.solved:
            norm = certify_multipliers(
                pool.hessian, pool.right, pool.free, 1.0, node.solution.multipliers
            ).lower_bound
            known = max(known, norm * norm / 2 * (1 - 1e-15))
            if self.dive.misfits(node)[0].size == 0 and self.dive.outputs_labels(node):
                is_open = False
                self._consider(node)
        self.half_squares.append(known)
        if is_open and (branch == UNDECIDED).any():
            heapq.heappush(self._heap, (known, index))
            self._open[index] = node

    def _consider(self, node: Leaf) -> None:
        if node.value < self.incumbent:
            self.incumbent, self.leaf = node.value, node


def search_directly(dive: Dive, leaf: Leaf | None, units: Units, search: Search) -> Found:
    """Search by solving every node from nothing, from a network that fits if one is known."""
    tree = DirectTree(dive, leaf)

    def pause() -> bool:
        note_halves(search, units, tree.incumbent, tree.running_bound, tree.n_nodes)
        return search.stops()

    tree.run(pause)
    theta = np.zeros(dive.labels.size)
    if tree.leaf is not None:
        return Found(tree.leaf, prove(dive, tree.leaf, [(tree, theta)], units), tree.n_nodes)
    bounds = np.sqrt(2.0 * tree.proved())
    is_infeasible = tree.is_finished and bool(np.isinf(bounds[tree.leaves()]).all())
    certificate = MinimumNormCertificate(
        kind="infeasible" if is_infeasible else "bound only",
        error_bound=math.inf,
        duality_gap=math.inf,
        lower_bound=float(bounds[tree.leaves()].min()),
        tree=tree.tree(np.ldexp(bounds, units.label), theta),
    )
    conflict = np.array(sorted(tree.conflict), dtype=np.intp) if is_infeasible else None
    return Found(None, certificate, tree.n_nodes, conflict)
