r"""Lower bounds that let the number of neurons of each activation pattern be a fraction.

Paying :math:`2\lambda_i` per unit of what the network outputs on sample i leaves every neuron on
its own. With V of `pattern_prices`, :math:`s` the sign and :math:`m` the size of an orbit,

.. math:: \sum_k \|w_k\|^2 \ge L(\lambda) = 2\lambda^\top y - \sum_{orbits} m V(s\lambda),
          \qquad \max_t L(t\lambda) = \frac{(\lambda^\top y)^2}{\sum m V(s\lambda)} ,

for every network that fits, whatever the prices. The best prices give the least norm of networks
of any width that keep the total of each orbit, so the bound is the better the more neurons there
are. They are found by a bundle method: :math:`r = \sqrt V` is a maximum of linear functions
:math:`\lambda^\top p`, with p the outputs of a neuron of unit norm, and

.. math:: \max_\lambda\; \lambda^\top y - \tfrac12 \sum m r^2
          - \tfrac12 (\lambda - \hat\lambda)^\top M (\lambda - \hat\lambda)
          \quad\text{s.t.}\quad r \ge s\lambda^\top p \text{ for all known } p

has for its dual a non-negative least-squares problem. M is the curvature of the patterns in use
at :math:`\hat\lambda`, so the steps are Newton's once these patterns are right.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm.orbits import Orbit
from relubias.minnorm.pattern_boxes import FREE, LOW
from relubias.minnorm.pattern_prices import Pricer, Pricing

__all__ = ["Column", "NodeBound", "best_prices", "bound_at"]

_EPS = float(np.finfo(np.float64).eps)
_MAX_ITERATIONS = 40
_CONVERGED = 1e-13
_PATIENCE = 8
_FAR = 1e4
"""Cutoffs so much above the bound, where no network is known yet, are out of reach."""
_MAX_WEIGHT = 1e3
_MIN_WEIGHT = 1e-9


class Column(NamedTuple):
    """A neuron of unit norm and how much of it the orbit uses."""

    orbit: int
    outputs: Float
    state: NDArray[np.int8]
    length: float
    """Square root of what its pattern earns."""
    mass: float


class NodeBound(NamedTuple):
    """The best bound found for one node, and the prices that prove it."""

    bound: float
    """Lower bound of the squared norm."""
    prices: Float
    pricing: list[Pricing]
    """What neurons of each orbit can earn at `prices`, scaled by ``1 / scale**2``."""
    scale: float
    columns: list[Column]
    """The neurons in use, with masses."""


def bound_at(
    pricer: Pricer,
    labels: Float,
    orbits: list[Orbit],
    prices: Float,
    tolerance: float = 0.0,
) -> NodeBound:
    """Return the bound that some prices, scaled as is best, prove."""
    pricing = [pricer.best(orbit.sign * prices, orbit.decided, tolerance) for orbit in orbits]
    paid = sum(orbit.size * p.bound for orbit, p in zip(orbits, pricing, strict=True))
    income = float(prices @ labels)
    income -= 2 * labels.size * _EPS * float(np.abs(prices) @ np.abs(labels))
    if income <= 0:
        return NodeBound(0.0, prices * 0.0, pricing, 0.0, [])
    if paid <= 0:
        return NodeBound(math.inf, prices, pricing, 1.0, [])
    scale = income / paid
    bound = income * scale * (1 - 8 * _EPS)
    return NodeBound(bound, prices * scale, pricing, scale, [])


def best_prices(
    pricer: Pricer,
    labels: Float,
    orbits: list[Orbit],
    prices: Float,
    columns: list[Column],
    cutoff: float,
    stops: Callable[[], bool],
) -> NodeBound:
    """Look for the prices with the largest bound, until it reaches `cutoff`.

    Parameters
    ----------
    pricer : Pricer
        What neurons can earn.
    labels : ndarray of shape (n_samples,)
        Outputs of the network.
    orbits : list of Orbit
        What is decided.
    prices : ndarray of shape (n_samples,)
        First guess.
    columns : list of Column
        Neurons known to be allowed, by orbit.
    cutoff : float
        Bounds above need not be improved.
    stops : callable
        Whether time is up.

    Returns
    -------
    NodeBound
        The best one seen.
    """
    best = bound_at(pricer, labels, orbits, prices)
    if best.bound == 0.0:
        best = bound_at(pricer, labels, orbits, labels)
    bundle = _Bundle(labels, orbits, columns, pricer.gram)
    for iteration in range(_MAX_ITERATIONS):
        if best.bound >= cutoff or stops():
            break
        step = bundle.step(best)
        if step is None:
            break
        trial = bound_at(pricer, labels, orbits, step.prices)
        gain = trial.bound - best.bound
        bundle.learn(trial, gain, step.promise - best.bound)
        if step.promise - best.bound <= _CONVERGED * best.bound:
            break
        if iteration >= _PATIENCE and gain < 0.1 * best.bound and cutoff > _FAR * best.bound:
            best = trial if gain > 0 else best
            break
        left = max(step.promise - max(trial.bound, best.bound), gain)
        if gain > 0:
            best = trial
            hopeless = best.bound + 5 * left < cutoff and bundle.weight < 1e-2
            if iteration >= 4 and hopeless:
                break
    return best._replace(columns=bundle.columns)


class _Step(NamedTuple):
    prices: Float
    promise: float
    """The bound if the columns known so far were all there are."""


class _Bundle:
    """Known columns, the curvature's ridge, and the masses of the last step."""

    def __init__(
        self, labels: Float, orbits: list[Orbit], columns: list[Column], gram: Float
    ) -> None:
        self.labels, self.orbits, self.gram, self.columns = labels, orbits, gram, columns
        self.counts = np.array([float(orbit.size) for orbit in orbits])
        self.signs = np.array([orbit.sign for orbit in orbits])
        self.weight = 0.1
        self.has_masses = False

    def step(self, at: NodeBound) -> _Step | None:
        """Solve the problem of the module's text around the prices of `at`."""
        from scipy.optimize import nnls

        columns = self._columns(at)
        if not columns:
            return None
        owner = np.array([column.orbit for column in columns])
        outputs = np.array([column.outputs for column in columns]).T * self.signs[owner]
        factor = np.linalg.cholesky(self._curvature(columns))
        upper = np.linalg.solve(factor, outputs)
        totals = (owner == np.arange(self.counts.size)[:, None]) / np.sqrt(self.counts)[:, None]
        matrix = np.concatenate((upper, totals))
        right = np.concatenate(
            (np.linalg.solve(factor, self.labels) + factor.T @ at.prices, 0.0 * self.counts)
        )
        try:
            masses = np.asarray(nnls(matrix, right, maxiter=30 * len(columns))[0])
        except RuntimeError:
            return None
        used = np.flatnonzero(masses > 0)
        self.columns = [columns[j]._replace(mass=float(masses[j])) for j in used]
        self.has_masses = True
        missing = self.labels - outputs @ masses
        prices = at.prices + np.linalg.solve(factor.T, np.linalg.solve(factor, missing))
        earned = prices @ outputs
        lengths = np.array([earned[owner == k].max(initial=0.0) for k in range(self.counts.size)])
        income, paid = float(prices @ self.labels), float(self.counts @ lengths**2)
        promise = income**2 / paid if income > 0 and paid > 0 else math.inf
        return _Step(prices, promise)

    def _columns(self, at: NodeBound) -> list[Column]:
        """Return what is known: the patterns at the current prices, then older columns."""
        last = {(c.orbit, c.state.tobytes()): c.mass for c in self.columns}
        fresh: list[Column] = []
        for k, pricing in enumerate(at.pricing):
            for j, value in enumerate(pricing.values):
                if value <= 0:
                    continue
                length = math.sqrt(value)
                mass = last.get((k, pricing.states[j].tobytes()), 0.0)
                if not self.has_masses and j == 0:
                    mass = self.counts[k] * length * at.scale
                fresh.append(
                    Column(
                        k,
                        pricing.outputs[j] / length,
                        pricing.states[j],
                        length * at.scale,
                        mass,
                    )
                )
        return fresh + [column._replace(mass=0.0) for column in self.columns]

    def _curvature(self, columns: list[Column]) -> Float:
        """Return the curvature of the lengths at the current prices, with a ridge."""
        n = self.labels.size
        total = np.zeros((n, n))
        for column in columns:
            if column.mass <= 0:
                continue
            low = np.flatnonzero(column.state == LOW)
            free = np.flatnonzero(column.state == FREE)
            block = self.gram[np.ix_(low, low)]
            if free.size:
                inner = self.gram[np.ix_(free, free)]
                inner = inner + 1e-14 * np.diag(np.diagonal(inner))
                side = self.gram[np.ix_(free, low)]
                block = block - side.T @ np.linalg.solve(inner, side)
            p = column.outputs[low]
            total[np.ix_(low, low)] += column.mass / column.length * (block - np.outer(p, p))
        total = (total + total.T) / 2
        ridge = self.weight * max(float(np.trace(total)) / n, 1e-12)
        total[np.diag_indices(n)] += ridge
        return total if _is_definite(total) else ridge * np.eye(n)

    def learn(self, trial: NodeBound, gain: float, promised: float) -> None:
        """Adapt the ridge to how well the promise was kept; keep the columns of a failed step."""
        if gain > 0.1 * promised:
            self.weight = max(self.weight / 10, _MIN_WEIGHT)
        elif gain < 0.01 * promised:
            self.weight = min(self.weight * 3, _MAX_WEIGHT)
        if gain > 0:
            return
        for k, pricing in enumerate(trial.pricing):
            for value, outputs, state in zip(
                pricing.values[:2], pricing.outputs, pricing.states, strict=False
            ):
                if value > 0:
                    length = math.sqrt(value)
                    self.columns.append(
                        Column(k, outputs / length, state, length * trial.scale, 0.0)
                    )


def _is_definite(matrix: Float) -> bool:
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return False
    return True
