"""The nodes of a search for two neurons, as they are solved."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm.pool import UNDECIDED
from relubias.minnorm.search_tree import SearchTree

__all__ = ["Record"]

_LARGEST = 200_000  # nodes


class Record:
    """What was decided at every node, root first.

    Attributes
    ----------
    parent, sample, choice : list of int
        As in `SearchTree`.
    """

    def __init__(self, n_samples: int) -> None:
        self.n_samples = n_samples
        self.parent: list[int] = []
        self.sample: list[int] = []
        self.choice: list[int] = []

    @property
    def n_nodes(self) -> int:
        """Nodes solved so far."""
        return len(self.parent)

    def record(self, parent: int, sample: int, choice: int) -> int:
        """Add a node and return its index."""
        self.parent.append(parent)
        self.sample.append(sample)
        self.choice.append(choice)
        return self.n_nodes - 1

    def leaves(self) -> NDArray[np.intp]:
        """Return the nodes without children."""
        is_leaf = np.ones(self.n_nodes, dtype=np.bool_)
        parent = np.array(self.parent)
        is_leaf[parent[parent >= 0]] = False
        return np.flatnonzero(is_leaf)

    def decisions(self, index: int) -> NDArray[np.int_]:
        """Return what is decided at a node; nothing at the root and above."""
        branch = np.full(self.n_samples, UNDECIDED)
        while index > 0:
            branch[self.sample[index]] = self.choice[index]
            index = self.parent[index]
        return branch

    def tree(self, bounds: Float, theta: Float) -> SearchTree | None:
        """Return the record with the norm's bounds in units of the data.

        None beyond 200,000 nodes: such a record would fill the memory.
        """
        if self.n_nodes > _LARGEST:
            return None
        return SearchTree(
            parent=np.array(self.parent),
            neuron=np.where(np.array(self.parent) < 0, -1, 0),
            sample=np.array(self.sample),
            choice=np.array(self.choice, dtype=np.int8),
            bound=bounds,
            theta=theta,
        )
