"""A search tree, checked leaf by leaf: the leaves cover everything, and each has its bound."""

from __future__ import annotations

import math
import time
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from relubias.minnorm._checks.exact import Data
from relubias.minnorm._checks.pair_leaves import PairLeaves
from relubias.minnorm._checks.parts_leaves import PartsLeaves
from relubias.minnorm.search_tree import SearchTree

__all__ = ["TreeCheck", "check_tree", "mistake_in_tree"]

_EXTRA_NODES = 200
"""Nodes that may be added below one leaf whose bound a single dual value does not reach."""
_INFEASIBLE_REACH = 1e5

Choices = NDArray[np.int8]


class TreeCheck(NamedTuple):
    """What the leaves prove together, in unit scale."""

    holds: bool | None
    bound: float
    n_verified: int
    margin: float
    sentence: str


class _Options(Protocol):
    @property
    def deadline(self) -> float: ...


class Leaves(Protocol):
    """Lower bounds of networks with samples decided."""

    def start(self) -> Choices:
        """Return the decisions at the root."""
        ...

    def decide(self, choices: Choices, neuron: int, sample: int, choice: int) -> Choices:
        """Return the decisions after one more."""
        ...

    def mistake(self, choices: Choices, neuron: int, sample: int) -> str:
        """Return why this decision cannot come next; empty if it can."""
        ...

    def bound(self, choices: Choices, reach: float) -> tuple[float, tuple[int, int] | None]:
        """Return a lower bound, at most `reach`, and the neuron and sample to decide next."""
        ...

    @property
    def options(self) -> tuple[int, int]:
        """The two ways to decide."""
        ...


def check_tree(
    data: Data, tree: SearchTree, needed: float, reach: float, options: _Options
) -> TreeCheck:
    """Check coverage and prove `needed` at every leaf (that nothing fits, if it is infinite)."""
    if math.isinf(needed):
        needed = reach = _INFEASIBLE_REACH * data.target.size
    leaves = _leaves_of(data, tree)
    wrong = mistake_in_tree(tree, leaves) if leaves else "the search tree has another shape"
    if leaves is None or wrong:
        return TreeCheck(None, 0.0, 0, -math.inf, f"the search tree proves nothing: {wrong}")
    decided = _decisions(tree, leaves)
    total, verified, lowest = tree.leaves.size, 0, math.inf
    for leaf in tree.leaves:
        if time.monotonic() > options.deadline:
            sentence = f"time ran out after {verified} of {total} leaves of the search tree"
            return TreeCheck(None, 0.0, verified, -math.inf, sentence)
        value = _proved(leaves, decided[int(leaf)], needed, reach)
        lowest = min(lowest, value)
        verified += value >= needed
    margin = lowest / needed - 1.0 if needed > 0 else 1.0
    if verified == total:
        sentence = f"all {total} leaves of the search tree were verified"
        return TreeCheck(True, lowest, verified, margin, sentence)
    sentence = f"{total - verified} of {total} leaves of the search tree were not verified"
    return TreeCheck(None, lowest, verified, margin, sentence)


def _leaves_of(data: Data, tree: SearchTree) -> Leaves | None:
    n = data.target.size
    theta = np.asarray(tree.theta, dtype=np.float64)
    signs = np.sort(data.signs)
    if theta.shape == (n,) and signs.size == 2 and signs[0] != signs[1]:
        return PairLeaves(data, theta)
    return PartsLeaves(data, theta) if theta.shape == (2, n) else None


def mistake_in_tree(tree: SearchTree, leaves: Leaves) -> str:
    """Return why the leaves may not cover every network; empty if they do."""
    size = tree.parent.size
    fields = (tree.neuron, tree.sample, tree.choice, tree.bound)
    if size == 0 or any(field.shape != (size,) for field in fields) or tree.parent[0] != -1:
        return "it has no root, or its records disagree in length"
    later = tree.parent[1:]
    if ((later < 0) | (later >= np.arange(1, size))).any():
        return "a node comes before its parent"
    children: dict[int, list[int]] = {}
    for node in range(1, size):
        children.setdefault(int(tree.parent[node]), []).append(node)
    decided = [leaves.start()]
    for node in range(1, size):
        pair = children[int(tree.parent[node])]
        first = pair[0]
        same = all(
            tree.sample[k] == tree.sample[first] and tree.neuron[k] == tree.neuron[first]
            for k in pair
        )
        if not same or sorted(int(tree.choice[k]) for k in pair) != list(leaves.options):
            return f"node {tree.parent[node]} is not split into both choices of one sample"
        neuron, sample = int(tree.neuron[node]), int(tree.sample[node])
        before = decided[int(tree.parent[node])]
        wrong = leaves.mistake(before, neuron, sample)
        if wrong:
            return f"at node {node} {wrong}"
        decided.append(leaves.decide(before, neuron, sample, int(tree.choice[node])))
    return ""


def _decisions(tree: SearchTree, leaves: Leaves) -> list[Choices]:
    decided = [leaves.start()]
    for node in range(1, tree.parent.size):
        decided.append(
            leaves.decide(
                decided[int(tree.parent[node])],
                int(tree.neuron[node]),
                int(tree.sample[node]),
                int(tree.choice[node]),
            )
        )
    return decided


def _proved(leaves: Leaves, choices: Choices, needed: float, reach: float) -> float:
    """Return the bound below a leaf; decide more samples if one dual value is too weak."""
    stack, lowest, budget = [choices], math.inf, _EXTRA_NODES
    while stack:
        current = stack.pop()
        value, following = leaves.bound(current, reach)
        budget -= 1
        if value >= needed or following is None or budget < 0:
            lowest = min(lowest, value)
            if value < needed:
                return min([lowest, *(leaves.bound(left, reach)[0] for left in stack)])
            continue
        stack += [leaves.decide(current, *following, choice) for choice in leaves.options]
    return lowest
