r"""One sample per direction: what gradient flow sees of parallel samples.

Samples :math:`x_j = c_j x` with :math:`c_j > 0` are active together, so they act like the single
sample :math:`q x` with label :math:`\sum_j c_j y_j / q`, :math:`q^2 = \sum_j c_j^2`. Samples with
:math:`c_j < 0` share the hyperplane and are active on its other side: their merged sample is the
partner of the first. Samples that are zero never see any neuron.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float

__all__ = ["Hyperplanes", "merge_parallel"]

_PARALLEL = 64 * float(np.finfo(np.float64).eps)  # largest difference of normalised Gram rows


class Hyperplanes(NamedTuple):
    """Merged samples, one for each direction.

    Attributes
    ----------
    gram : ndarray of shape (q, q)
    labels : ndarray of shape (q,)
    first : ndarray of shape (q,)
        A sample of each direction.
    weight : ndarray of shape (n_samples, q)
        ``weight[j, a]`` is :math:`c_j / q_a` where sample j belongs to direction a.
    factor : ndarray of shape (q,)
        Merged primal value over that of `first`.
    partner : ndarray of shape (q,)
        The opposite direction, or -1.
    ratio : ndarray of shape (q,)
        Length of the partner over the length of the merged sample; 0 without one.
    """

    gram: Float
    labels: Float
    first: NDArray[np.intp]
    weight: Float
    factor: Float
    partner: NDArray[np.intp]
    ratio: Float

    @property
    def leads(self) -> NDArray[np.bool_]:
        """Whether a direction speaks for its hyperplane: all but the second of two opposites."""
        return (self.partner < 0) | (self.partner > np.arange(self.partner.size))


def merge_parallel(gram: Float, labels: Float) -> Hyperplanes:
    """Find samples that are multiples of each other and merge those of one direction."""
    n = labels.size
    length = np.sqrt(np.diagonal(gram))
    seen = np.flatnonzero(length > 0.0)
    unit = gram[np.ix_(seen, seen)] / np.outer(length[seen], length[seen])
    direction = np.full(n, -1)
    opposite: dict[int, int] = {}
    first: list[int] = []
    cosine = np.abs(unit) >= 1.0 - _PARALLEL
    for a, i in enumerate(seen):
        for b in np.flatnonzero(cosine[a, :a]):
            sign = np.sign(unit[a, b])
            if np.abs(unit[a] - sign * unit[b]).max() > _PARALLEL:
                continue
            other = int(direction[seen[b]])
            if sign > 0:
                direction[i] = other
                break
            opposite[len(first)] = other
        if direction[i] < 0:
            direction[i] = len(first)
            first.append(int(i))
    return _merged(gram, labels, length, direction, np.array(first, np.intp), opposite)


def _merged(
    gram: Float,
    labels: Float,
    length: Float,
    direction: NDArray[np.intp],
    first: NDArray[np.intp],
    opposite: dict[int, int],
) -> Hyperplanes:
    q = first.size
    weight = np.zeros((labels.size, q))
    owned = np.flatnonzero(direction >= 0)
    weight[owned, direction[owned]] = length[owned] / length[first[direction[owned]]]
    factor = np.sqrt((weight**2).sum(axis=0))
    factor[(weight > 0).sum(axis=0) == 1] = 1.0
    weight /= factor
    partner, ratio = np.full(q, -1), np.zeros(q)
    for a, b in opposite.items():
        if partner[b] >= 0:
            continue
        partner[a], partner[b] = b, a
        size = factor * length[first]
        ratio[a], ratio[b] = size[b] / size[a], size[a] / size[b]
    merged, size = weight.T @ labels, np.abs(weight).T @ np.abs(labels)
    merged[np.abs(merged) <= _PARALLEL * size] = 0.0  # labels that cancel
    return Hyperplanes(
        gram=gram[np.ix_(first, first)] * np.outer(factor, factor),
        labels=merged,
        first=first,
        weight=weight,
        factor=factor,
        partner=partner,
        ratio=ratio,
    )
