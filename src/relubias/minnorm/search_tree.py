"""The record of a branch and bound, enough to check it leaf by leaf without searching again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["SearchTree"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SearchTree:
    r"""Every node of a search: what was decided, and the lower bound that closed it.

    Attributes
    ----------
    parent : ndarray of int, shape (n_nodes,)
        Index of the parent; -1 for the root, which comes first. Parents precede children.
    neuron : ndarray of int, shape (n_nodes,)
        Neuron that the decision is about: 0 for one neuron of each sign; otherwise the first of
        the neurons of its sign that no decision above the node tells apart. -1 at the root.
    sample : ndarray of int, shape (n_nodes,)
        Sample decided between the parent and this node; -1 at the root.
    choice : ndarray of int8, shape (n_nodes,)
        One neuron of each sign: 1 where the neuron of the label's sign fits the sample alone
        (a label 0: both inactive), 2 where both are active. More neurons: +1 where the first
        `count` of the neurons that `neuron` stands for are active, -1 where they are inactive.
        0 at the root.
    count : ndarray of int, shape (n_nodes,), or None
        How many neurons the decision is about, if there are more than two. The two children of
        a node are about `a` active and `b` inactive ones of ``a + b - 1``, so nothing is lost.
    bound : ndarray of shape (n_nodes,)
        Lower bound of the norm of every network below the node, in units of the data; infinite
        where there is none.
    theta : ndarray of shape (n_samples,), or None
        One neuron of each sign: coefficients of the products a * b added to half the squared
        norm, zero on every network, in unit scale (samples scaled by powers of two to squared
        lengths in [1/2, 2), labels below 1).
    prices : ndarray of shape (n_nodes, n_samples), or None
        More neurons: half of what a unit of output is paid, in unit scale. Then no network below
        the node has a smaller squared norm than ``(prices @ y)**2`` over the sum of what its
        neurons can earn, each on its own; this proves `bound`. Zero where `bound` is infinite
        because no neuron is left for some label.
    """

    parent: NDArray[np.int_]
    neuron: NDArray[np.int_]
    sample: NDArray[np.int_]
    choice: NDArray[np.int8]
    bound: Float
    theta: Float | None = None
    count: NDArray[np.int_] | None = None
    prices: Float | None = None

    @property
    def leaves(self) -> NDArray[np.intp]:
        """Nodes without children."""
        has_child = np.zeros(self.parent.size, dtype=np.bool_)
        has_child[self.parent[self.parent >= 0]] = True
        return np.flatnonzero(~has_child)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the lower bound of every node against its depth.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure if omitted.

        Returns
        -------
        matplotlib.axes.Axes
            Leaves are filled squares, nodes that were split hollow dots.

        Raises
        ------
        InvalidInputError
            If `ax` is no rectangular Axes.
        """
        from relubias.minnorm._plot_proofs import draw_tree

        return draw_tree(self, ax)

    def __repr__(self) -> str:
        return f"SearchTree(n_nodes={self.parent.size}, n_leaves={self.leaves.size})"
