"""The shortest network that has the model's own activation pattern: a convex program."""

from __future__ import annotations

import numpy as np

from relubias._validate import Float
from relubias.diagnosis._data import Data
from relubias.minnorm.pattern_network import as_patterns, fit_patterns
from relubias.minnorm.scaling import in_unit_scale
from relubias.minnorm.solution import fitted_labels

__all__ = ["shortest_with_pattern"]

_MOST_ROWS = 1500
"""Constraints, a pair of a neuron and a sample each, up to which the program is solved."""


def shortest_with_pattern(data: Data) -> Float | None:
    """Return the weights of the shortest network with the activation pattern of the model.

    Parameters
    ----------
    data : Data
        The network on its samples.

    Returns
    -------
    ndarray of shape (m, p) or None
        None where no network with this pattern fits the labels, or the program is too large.
    """
    active, signs = data.active, data.signs
    m, n = active.shape
    keys = [(float(sign), row.tobytes()) for sign, row in zip(signs, active, strict=True)]
    if len(set(keys)) * n > _MOST_ROWS:
        return None
    gram, labels, units = in_unit_scale(data.problem.gram, fitted_labels(data.problem))
    patterns = as_patterns((sign, row, 1) for (sign, _), row in zip(keys, active, strict=True))
    features = data.features * units.row[:, None]
    found = fit_patterns(gram, labels, patterns, features)
    if found is None:
        return None
    place = {key: k for k, key in enumerate(found.patterns)}
    dual = units.dual(found.dual)
    return np.array([dual[place[key]] for key in keys]).reshape(m, n) @ data.features
