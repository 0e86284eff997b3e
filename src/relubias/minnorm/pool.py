r"""The constraints of two neurons of opposite signs, as rows with a Hessian that never changes.

For a label that is not zero let "own" be the neuron of its sign. The network fits the sample iff

.. math:: a = u_{own} - |y| \ge 0, \quad b = u_{own} - u_{other} - |y| \ge 0, \quad a\,b = 0,

whose convex hull drops :math:`ab = 0`; imposing :math:`a = 0` or :math:`b = 0` only frees the sign
of one multiplier. A zero label asks for :math:`u_+, u_- \le 0` or :math:`u_+ = u_- \ge 0`, whose
hull asks for nothing. With weights :math:`c_\pm` in
:math:`c_+\|w_+\|^2 + c_-\|w_-\|^2`, rows C and duals :math:`\lambda`,

.. math:: \beta_\pm = C_\pm^\top \lambda / c_\pm, \qquad
          H = C_+ C_+^\top \circ G / c_+ + C_- C_-^\top \circ G / c_-.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float

__all__ = ["OFF", "SHARED", "SOLE", "UNDECIDED", "Pool", "build_pool", "hull_pool", "own_and_other"]

UNDECIDED = 0
SOLE = 1
"""``a = 0``: only the own neuron is active. On a zero label: none is."""
SHARED = 2
"""``b = 0``: both neurons are active."""
OFF = SOLE


class Pool(NamedTuple):
    """Rows of constraints: coefficients of both predictions, sample, right-hand side."""

    plus: Float
    minus: Float
    sample: NDArray[np.intp]
    right: Float
    free: NDArray[np.bool_]
    hessian: Float
    weights: tuple[float, float]

    def duals(self, multipliers: Float, n_samples: int) -> Float:
        """Return the duals of both neurons, plus first."""
        dual = np.zeros((2, n_samples))
        np.add.at(dual[0], self.sample, multipliers * self.plus / self.weights[0])
        np.add.at(dual[1], self.sample, multipliers * self.minus / self.weights[1])
        return dual


def own_and_other(labels: Float, values: Float) -> tuple[Float, Float]:
    """Return what belongs to the neuron of each label's sign, and to the other; plus is row 0."""
    row, column = (labels <= 0).astype(np.intp), np.arange(labels.size)
    return values[row, column], values[1 - row, column]


def hull_pool(gram: Float, labels: Float, weights: tuple[float, float]) -> Pool:
    """Return the rows of the convex relaxation, none of them an equality."""
    return build_pool(gram, labels, weights, np.full(labels.size, UNDECIDED))


def build_pool(
    gram: Float, labels: Float, weights: tuple[float, float], branch: NDArray[np.int_]
) -> Pool:
    """Return the rows of the relaxation with samples decided as in `branch`.

    Rows come in the order: all rows a, all rows b, first and second rows of decided zero labels.
    """
    nonzero = np.flatnonzero(labels != 0)
    positive = labels[nonzero] > 0
    own_plus = np.where(positive, 1.0, 0.0)
    own_minus = 1.0 - own_plus
    off = np.flatnonzero((labels == 0) & (branch == OFF))
    tied = np.flatnonzero((labels == 0) & (branch == SHARED))
    one, none = np.ones(tied.size), np.zeros(tied.size)
    minus_one, zero = -np.ones(off.size), np.zeros(off.size)
    size = np.abs(labels[nonzero])
    rest = np.zeros(2 * (off.size + tied.size))

    plus = np.concatenate((own_plus, own_plus - own_minus, minus_one, zero, one, one))
    minus = np.concatenate((own_minus, own_minus - own_plus, zero, minus_one, -one, none))
    sample = np.concatenate((nonzero, nonzero, off, off, tied, tied))
    free = np.concatenate(
        (
            branch[nonzero] == SOLE,
            branch[nonzero] == SHARED,
            np.zeros(2 * off.size, dtype=np.bool_),
            np.ones(tied.size, dtype=np.bool_),
            np.zeros(tied.size, dtype=np.bool_),
        )
    )
    block = gram[np.ix_(sample, sample)]
    coefficient = np.outer(plus / weights[0], plus) + np.outer(minus / weights[1], minus)
    return Pool(
        plus, minus, sample, np.concatenate((size, size, rest)), free, block * coefficient, weights
    )
