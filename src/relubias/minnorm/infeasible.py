r"""Why no network fits: combinations of samples that contradict the labels.

A vector z with :math:`X^\top z = 0`, :math:`z_i \le 0` where only :math:`x_i^\top w \le 0` is
asked, and :math:`z^\top y > 0` proves that no w satisfies the constraints of one neuron
(Farkas). Equal samples with different labels contradict each other for every network.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm.active_set import NullTest

__all__ = ["contradicting_multiples", "contradiction", "features_null_test", "tidy_ray"]

_EPS = float(np.finfo(np.float64).eps)


def features_null_test(features: Float) -> NullTest:
    """Return the test that knows the features, and so tells far smaller lengths from zero."""
    lengths = np.linalg.norm(features, axis=1)

    def squared_length(z: Float, lead: int) -> float:
        others = np.flatnonzero(z)
        others = others[others != lead]
        row: Float = features[lead] * z[lead]
        if others.size:
            answer = np.linalg.lstsq(features[others].T, -row, rcond=None)[0]
            x = np.asarray(answer, dtype=np.float64)
            row = row + x @ features[others]
            noise = float(np.abs(x) @ lengths[others])
        else:
            noise = 0.0
        value = float(np.linalg.norm(row))
        noise = 8 * _EPS * np.sqrt(z.size) * (noise + abs(float(z[lead])) * float(lengths[lead]))
        return value**2 if value > noise else 0.0

    return squared_length


def tidy_ray(
    ray: Float, gram: Float, linear: Float, bound: NDArray[np.bool_], null_test: NullTest
) -> Float:
    """Drop entries of the ray that are rounding only, as long as it stays a proof.

    `ray` is non-negative on the rows in `bound`. The answer is scaled to unit largest entry.
    """
    z = ray / np.abs(ray).max()
    z[bound] = np.maximum(z[bound], 0.0)
    for level in (1e-6, 1e-9, 1e-12):
        tidy = np.where(np.abs(z) > level, z, 0.0)
        tidy = _polished(tidy, gram)
        tidy[bound] = np.maximum(tidy[bound], 0.0)
        if linear @ tidy > 0 and null_test(tidy, int(np.argmax(np.abs(tidy)))) == 0.0:
            return tidy
    return z


def _polished(z: Float, gram: Float) -> Float:
    """Solve for the entries of a one-dimensional null vector, the largest one held fixed."""
    rows = np.flatnonzero(z)
    lead = rows[np.argmax(np.abs(z[rows]))]
    others = rows[rows != lead]
    if others.size == 0:
        return z
    block = gram[np.ix_(others, others)]
    answer = z.copy()
    answer[others] = np.linalg.lstsq(block, -gram[others, lead] * z[lead], rcond=None)[0]
    near = np.abs(answer - z).max() <= 1e-6
    return answer if near else z


def contradiction(gram: Float, target: Float) -> Float | None:
    """Return the combination of samples that no network at all can fit, or None.

    Every network gives equal samples one output, and the zero sample the output 0.
    """
    z = np.zeros(target.size)
    lost = np.flatnonzero((np.diagonal(gram) == 0) & (target != 0))
    if lost.size:
        z[lost[0]] = 1.0
        return z
    diagonal = np.diagonal(gram)  # equal rows have equal diagonals
    order = np.argsort(diagonal, kind="stable")
    repeated = diagonal[order[1:]] == diagonal[order[:-1]]
    if not repeated.any():
        return None
    rows = np.sort(order[np.append(repeated, False) | np.append(False, repeated)])
    sums = (gram[rows] * np.sin(1.0 + np.arange(target.size))).sum(axis=1)  # and bit-equal sums
    order = rows[np.argsort(sums, kind="stable")]
    sums = np.sort(sums)
    for k in np.flatnonzero(np.diff(sums) == 0):
        i, j = order[k], order[k + 1]
        if target[i] != target[j] and np.array_equal(gram[i], gram[j]):
            z[i] = 1.0 if abs(target[i]) >= abs(target[j]) else -1.0
            z[j] = -z[i]
            return z
    return None


def contradicting_multiples(gram: Float, target: Float) -> Float | None:
    """Return two samples, one a positive multiple of the other, that no network can fit, or None.

    Networks are positively homogeneous. What rounding may have made of the multiple decides
    nothing: then labels have to disagree clearly.
    """
    norms = np.sqrt(np.diagonal(gram))
    length = np.where(norms == 0, np.inf, norms)
    cosine = (gram / length) / length[:, None]
    for i, j in np.argwhere(np.triu(cosine >= 1.0 - 1e-14, 1)):
        ratio = gram[i, j] / gram[j, j]
        multiple = ratio * gram[j]
        size = norms[i] * norms
        if (np.abs(gram[i] - multiple) > 16 * _EPS * size).any():
            continue
        difference = target[i] - ratio * target[j]
        clear = 8 * _EPS if np.array_equal(gram[i], multiple) else 5e-10
        if abs(difference) <= clear * (abs(target[i]) + abs(ratio * target[j])):
            continue
        z = np.zeros(target.size)
        z[i], z[j] = np.sign(difference), -np.sign(difference) * ratio
        return z / np.abs(z).max()
    return None
