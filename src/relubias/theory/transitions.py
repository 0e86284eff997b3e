"""The paper's transition diagram, counted along a run: where one step moves an example."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.theory.step import Step

__all__ = ["Region", "Transitions", "regions"]


class Region(IntEnum):
    """Where an example is, seen from one neuron."""

    AGREEING = 0
    """Active, and its label has the neuron's sign: absorbing by Lemma 5."""
    DISAGREEING = 1
    """Active, and its label has not: its dual falls with every step."""
    FROZEN = 2
    """Inactive with a dual below minus the threshold: absorbing by Lemma 6."""
    SMALL = 3
    """Inactive with a small dual: nothing is said."""

    @property
    def words(self) -> str:
        """The region, for people."""
        return _WORDS[self]


_WORDS = ("active, agreeing", "active, disagreeing", "frozen", "inactive, small dual")


def regions(
    primal: Float, dual: Float, agrees: NDArray[np.bool_], threshold: float | Float
) -> NDArray[np.int64]:
    r"""Return the region of every pair of a neuron and an example.

    Parameters
    ----------
    primal, dual : ndarray of shape (n_neurons, n_samples)
        A state.
    agrees : ndarray of bool, shape (n_neurons, n_samples)
        Whether the label has the neuron's sign.
    threshold : float, or array that broadcasts with `dual`
        Inactive examples with a dual at most minus this count as frozen.

    Returns
    -------
    ndarray of int, shape (n_neurons, n_samples)
        Values of `Region`.
    """
    off = np.where(dual <= -threshold, int(Region.FROZEN), int(Region.SMALL))
    on = np.where(agrees, int(Region.AGREEING), int(Region.DISAGREEING))
    return np.where(primal > 0.0, on, off)


class Transitions:
    """Counts of one-step moves between regions.

    Parameters
    ----------
    agrees : ndarray of bool, shape (n_neurons, n_samples)
        Whether the label has the neuron's sign.
    threshold : float
        Inactive examples with a dual at most minus this count as frozen.

    Attributes
    ----------
    counts : ndarray of int, shape (4, 4)
        Moves from a region (row) to a region (column), in the order of `Region`.
    """

    def __init__(self, agrees: NDArray[np.bool_], threshold: float) -> None:
        self.counts = np.zeros((4, 4), np.int64)
        self._agrees, self._threshold = agrees, threshold
        self._before: NDArray[np.int64] | None = None

    def see(self, step: Step) -> None:
        """Count the moves of one step."""
        now = regions(step.primal, step.dual, self._agrees, self._threshold)
        if step.previous is not None and self._before is not None:
            moves = np.bincount((4 * self._before + now).ravel(), minlength=16)
            self.counts += moves.reshape(4, 4)
        self._before = now
