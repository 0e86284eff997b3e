"""Change of units by powers of two, which no rounding error can enter.

Duals scale like labels over squared lengths, so absolute tolerances mean nothing until both are
of unit size. Networks are positively homogeneous: a sample and its label may be divided by the
same number without any change to the weights. Powers of two make it exact, so scaling the labels
by one scales the answer bit for bit.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from relubias._validate import Float, fail

__all__ = ["Units", "in_unit_scale", "label_units", "row_scale", "scaled_gram"]


class Units(NamedTuple):
    """The way back: sample i was multiplied by ``row[i]``, then all labels by ``2**-label``."""

    row: Float
    label: int

    def dual(self, scaled: Float) -> Float:
        """Return duals in the units of the data."""
        return np.ldexp(scaled * self.row, self.label)

    def scaled_dual(self, dual: Float) -> Float:
        """Return duals in unit scale."""
        return np.ldexp(dual / self.row, -self.label)

    def primal(self, scaled: Float) -> Float:
        """Return predictions in the units of the data."""
        return np.ldexp(scaled / self.row, self.label)

    def norm(self, scaled: float) -> float:
        """Return a norm (or a distance) of weights in the units of the data."""
        return math.ldexp(scaled, self.label)


def row_scale(gram: Float) -> Float:
    """Return powers of two that bring the diagonal into [1/2, 2); 1 where it is zero."""
    mantissa, exponent = np.frexp(np.diagonal(gram))
    return np.ldexp(1.0, np.where(mantissa > 0, -(exponent // 2), 0))


def scaled_gram(gram: Float, factor: Float) -> Float:
    """Return ``diag(factor) @ gram @ diag(factor)``, exact for powers of two and signs."""
    if (factor == 1.0).all():
        return gram
    scaled = gram * factor[:, None]
    scaled *= factor
    return scaled


def label_units(gram: Float, labels: Float, *, by_row: bool = True) -> tuple[Float, Units]:
    """Return labels below 1 and the units in which they and the Gram matrix are.

    With `by_row` false, all samples are scaled alike and the largest diagonal entry is in
    [1/2, 2), which keeps least squares what they are.

    Raises
    ------
    InvalidInputError
        If the duals, of size labels over squared lengths, are not representable.
    """
    row = row_scale(gram)
    if not by_row:
        row = np.full(row.size, row[int(np.argmax(np.diagonal(gram)))])
    mantissa, exponent = np.frexp(labels)
    exponent = exponent + np.frexp(row)[1] - 1
    label = int(exponent[mantissa != 0].max(initial=-2000))
    label = 0 if label == -2000 else label
    reach = label + np.frexp(row)[1]
    if (reach > 1000).any() or (reach < -1000).all():
        i = int(np.argmax(np.abs(labels)))
        raise fail(
            "labels",
            f"are of size {abs(labels[i]):.3g} while the Gram diagonal is {gram[i, i]:.3g} there",
            "rescale one of them: their ratio, the size of the duals, is not representable",
        )
    return np.ldexp(labels * row, -label), Units(row, label)


def in_unit_scale(gram: Float, labels: Float, *, by_row: bool = True) -> tuple[Float, Float, Units]:
    """Return the Gram matrix with its diagonal in [1/2, 2), labels below 1, and the way back."""
    scaled, units = label_units(gram, labels, by_row=by_row)
    return scaled_gram(gram, units.row), scaled, units
