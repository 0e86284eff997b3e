r"""The best network with given activation patterns: a convex program.

Neurons with the same pattern and sign are equal at the optimum, so they count as one class of
size m. With :math:`u = G\beta` and classes c,

.. math:: \min \sum_c m_c \beta_c^\top G \beta_c \quad\text{s.t.}\quad
          \sum_{c \text{ active on } i} s_c m_c u_{ci} = y_i, \qquad
          u_{ci} \ge 0 \text{ (active)}, \quad u_{ci} \le 0 \text{ (inactive)}.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm.active_set import NullTest, gram_null_test
from relubias.minnorm.infeasible import features_null_test
from relubias.minnorm.program import ProgramSolution, solve_program

__all__ = ["PatternNetwork", "PatternProgram", "Patterns", "as_patterns", "fit_patterns"]

_EPS = float(np.finfo(np.float64).eps)
_LARGEST_MISFIT = 1e-4

Patterns = dict[tuple[float, bytes], int]
"""How many neurons have each sign and pattern (bytes of a bool array)."""


class PatternProgram(NamedTuple):
    """Rows of the constraints in the form of `pivoting`."""

    hessian: Float
    right: Float
    free: NDArray[np.bool_]
    sample: NDArray[np.intp]
    weight: Float
    """Coefficient of each class in each row, (n_rows, n_classes)."""
    counts: Float
    signs: Float
    active: NDArray[np.bool_]
    """Patterns, (n_classes, n_samples)."""


class PatternNetwork(NamedTuple):
    """The best network with its patterns, in unit scale."""

    patterns: Patterns
    square: float
    """Sum of squared norms."""
    prices: Float
    """Multipliers of the outputs, 0 where no neuron is active."""
    dual: Float
    """Dual of one neuron of each class, (n_classes, n_samples)."""
    outputs: Float
    """Outputs of one neuron of each class, (n_classes, n_samples)."""
    program: PatternProgram
    multipliers: Float


def as_patterns(rows: Iterable[tuple[float, NDArray[np.bool_], int]]) -> Patterns:
    """Count neurons by sign and pattern."""
    patterns: Patterns = {}
    for sign, active, count in rows:
        if count > 0:
            key = sign, active.astype(np.bool_).tobytes()
            patterns[key] = patterns.get(key, 0) + count
    return dict(sorted(patterns.items(), key=lambda item: (-item[0][0], item[0][1])))


def _pattern_program(gram: Float, labels: Float, patterns: Patterns) -> PatternProgram | None:
    """Return the rows; None if no neuron of the right sign is active on some label."""
    signs = np.array([sign for sign, _ in patterns])
    active = np.array([np.frombuffer(bits, dtype=np.bool_) for _, bits in patterns])
    counts = np.array([float(count) for count in patterns.values()])
    covered = active.any(axis=0)
    agrees = (active & (signs[:, None] * labels > 0)).any(axis=0)
    if (~agrees & (labels != 0)).any():
        return None
    fitted = np.flatnonzero(covered)
    alone = active & (active.sum(axis=0) == 1) & (signs[:, None] * labels > 0)
    owner, where = np.nonzero(~alone)
    sample = np.concatenate((fitted, where))
    weight = np.zeros((sample.size, signs.size))
    weight[: fitted.size] = np.where(active[:, fitted], (signs * counts)[:, None], 0.0).T
    weight[np.arange(fitted.size, sample.size), owner] = np.where(active[owner, where], 1.0, -1.0)
    right = np.concatenate((labels[fitted], np.zeros(where.size)))
    free = np.zeros(sample.size, dtype=np.bool_)
    free[: fitted.size] = True
    hessian = ((weight / counts) @ weight.T) * gram[np.ix_(sample, sample)]
    return PatternProgram(hessian, right, free, sample, weight, counts, signs, active)


def fit_patterns(
    gram: Float, labels: Float, patterns: Patterns, features: Float | None = None
) -> PatternNetwork | None:
    """Solve the program of the module's text.

    Parameters
    ----------
    gram : ndarray of shape (n_samples, n_samples)
        Gram matrix in unit scale.
    labels : ndarray of shape (n_samples,)
        Outputs of the network.
    patterns : dict
        Number of neurons by sign and pattern.
    features : ndarray of shape (n_samples, n_features), optional
        In unit scale; used where samples are dependent.

    Returns
    -------
    PatternNetwork or None
        None if no network with these patterns fits, or none was found.
    """
    program = _pattern_program(gram, labels, patterns)
    if program is None:
        return None

    def null_test() -> NullTest:
        if features is None:
            return gram_null_test(program.hessian)
        rows = features[program.sample]
        factors = (program.weight / np.sqrt(program.counts)).T
        return features_null_test(np.hstack([rows * factor[:, None] for factor in factors]))

    solution = solve_program(program.hessian, program.right, program.free, null_test=null_test)
    if not solution.fits:
        return None
    network = _network(gram, program, patterns, solution)
    return network if _does_fit(gram, labels, network) else None


def _does_fit(gram: Float, labels: Float, network: PatternNetwork) -> bool:
    """Whether the network outputs the labels, as far as rounding lets it."""
    program = network.program
    misfit = np.abs((program.signs * program.counts) @ network.outputs - labels).max()
    noise = 64 * labels.size * _EPS * float((np.abs(network.dual) @ np.abs(gram)).max())
    size = float(np.abs(labels).max())
    return bool(misfit <= min(1e-9 * size + noise * program.counts.sum(), _LARGEST_MISFIT * size))


def _network(
    gram: Float, program: PatternProgram, patterns: Patterns, solution: ProgramSolution
) -> PatternNetwork:
    x, n_samples = solution.multipliers, gram.shape[0]
    dual = np.zeros((program.counts.size, n_samples))
    for k, row in enumerate(dual):
        np.add.at(row, program.sample, x * program.weight[:, k] / program.counts[k])
    prices = np.zeros(n_samples)
    prices[program.sample[program.free]] = x[program.free]
    square = max(math.fsum(x * program.right), 0.0)
    outputs = np.where(program.active, np.maximum(dual @ gram, 0.0), 0.0)
    return PatternNetwork(patterns, square, prices, dual, outputs, program, x)
