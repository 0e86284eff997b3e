"""A search tree, checked leaf by leaf: the leaves cover everything, and each has its bound."""

from __future__ import annotations

import math
import time
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from relubias.minnorm._checks.exact import Data
from relubias.minnorm._checks.pair_leaves import PairLeaves
from relubias.minnorm._checks.priced_leaves import PricedLeaves
from relubias.minnorm.search_tree import SearchTree

__all__ = ["TreeCheck", "check_tree"]

_INFEASIBLE_REACH = 1e5

Choices = NDArray[np.int8]


class TreeCheck(NamedTuple):
    """What the leaves prove together, in unit scale."""

    holds: bool | None
    bound: float
    n_verified: int
    margin: float
    sentence: str


class Leaves(Protocol):
    """Lower bounds of networks with samples decided."""

    def start(self) -> Choices:
        """Return the decisions at the root."""
        ...

    def children(self, choices: Choices, tree: SearchTree, nodes: list[int]) -> list[Choices] | str:
        """Return the decisions at the children, or why these do not cover everything."""
        ...

    def proved(
        self, choices: Choices, tree: SearchTree, leaf: int, needed: float, reach: float
    ) -> float:
        """Return a lower bound of the norm below a leaf, at most `reach`."""
        ...


def check_tree(
    data: Data, tree: SearchTree, needed: float, reach: float, deadline: float
) -> TreeCheck:
    """Check coverage and prove `needed` at every leaf (that nothing fits, if it is infinite)."""
    if math.isinf(needed):
        needed = reach = _INFEASIBLE_REACH * data.target.size
    leaves = _leaves_of(data, tree)
    decided = _replayed(tree, leaves) if leaves else "it has another shape than the data"
    if leaves is None or isinstance(decided, str):
        return TreeCheck(None, 0.0, 0, -math.inf, f"the search tree proves nothing: {decided}")
    total, verified, lowest = len(decided), 0, math.inf
    for leaf, choices in decided.items():
        if time.monotonic() > deadline:
            sentence = f"time ran out after {verified} of {total} leaves of the search tree"
            return TreeCheck(None, 0.0, verified, -math.inf, sentence)
        value = leaves.proved(choices, tree, leaf, needed, reach)
        lowest = min(lowest, value)
        verified += value >= needed
    margin = lowest / needed - 1.0 if needed > 0 else 1.0
    if verified == total:
        sentence = f"all {total} leaves of the search tree were verified"
        return TreeCheck(True, lowest, verified, margin, sentence)
    sentence = f"{total - verified} of {total} leaves of the search tree were not verified"
    return TreeCheck(None, lowest, verified, margin, sentence)


def _leaves_of(data: Data, tree: SearchTree) -> Leaves | None:
    n, signs = data.target.size, np.sort(data.signs)
    if tree.prices is not None and tree.count is not None:
        return PricedLeaves(data) if tree.prices.shape == (tree.parent.size, n) else None
    if tree.theta is None or tree.theta.shape != (n,) or signs.size != 2 or signs[0] == signs[1]:
        return None
    return PairLeaves(data, tree.theta)


def _replayed(tree: SearchTree, leaves: Leaves) -> dict[int, Choices] | str:
    """Return the decisions at every leaf, or why they may not cover every network."""
    size = tree.parent.size
    fields = (tree.neuron, tree.sample, tree.choice, tree.bound, tree.count)
    if size == 0 or any(field is not None and field.shape != (size,) for field in fields):
        return "its records disagree in length"
    if tree.parent[0] != -1 or (tree.parent[1:] < 0).any():
        return "it has no single root"
    if (tree.parent[1:] >= np.arange(1, size)).any():
        return "a node comes before its parent"
    children: dict[int, list[int]] = {}
    for node in range(1, size):
        children.setdefault(int(tree.parent[node]), []).append(node)
    decided = {0: leaves.start()}
    for node, nodes in sorted(children.items()):
        following = leaves.children(decided.pop(node), tree, nodes)
        if isinstance(following, str):
            return f"at node {node} {following}"
        decided |= dict(zip(nodes, following, strict=True))
    return decided
