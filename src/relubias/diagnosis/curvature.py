"""The matrix H that moves the network while no activation switches, and what is left to move."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.diagnosis._data import Data

__all__ = ["Curvature", "curvature_of"]

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Curvature:
    r"""The matrix :math:`H = G \circ A^\top A` of the activation pattern A, and the residual in it.

    While no activation switches, gradient descent with step :math:`\eta` multiplies the part of
    the residual along the eigenvector of :math:`\mu_j` by :math:`1 - \eta\mu_j` in every step.

    Attributes
    ----------
    support : ndarray of int, shape (n_support,)
        Samples on which some neuron is active.
    eigenvalues : ndarray of shape (rank,)
        Eigenvalues of H on these samples that are not rounding, in increasing order, in squared
        units of the features.
    modes : ndarray of shape (n_support, rank)
        Their eigenvectors.
    amplitudes : ndarray of shape (rank,)
        The residual along each, in units of the labels.
    moving, stuck : float
        Norms of the part of the residual that descent still removes, and of the part that it
        cannot, in units of the labels.
    distance : float
        How far the weights are from where descent takes them while no activation switches.
    steps_left : float
        Steps until `moving` is below the tolerance; infinite if that never happens.
    step_size : float
        The step in question, in inverse squared units of the features.
    """

    support: NDArray[np.intp]
    eigenvalues: Float
    modes: Float
    amplitudes: Float
    moving: float
    stuck: float
    distance: float
    steps_left: float
    step_size: float

    @property
    def condition(self) -> float:
        """Largest over smallest eigenvalue; nan if nothing is active."""
        if self.eigenvalues.size == 0:
            return math.nan
        return float(self.eigenvalues[-1] / self.eigenvalues[0])

    @property
    def rank(self) -> int:
        """Number of directions in which the outputs on the samples can move."""
        return self.eigenvalues.size

    def __repr__(self) -> str:
        return (
            f"Curvature(rank={self.rank}, condition={self.condition:.3g}, "
            f"steps_left={self.steps_left:.3g})"
        )


def curvature_of(data: Data, step_size: float | None) -> Curvature:
    """Decompose H on the samples that are active somewhere.

    Parameters
    ----------
    data : Data
        The network on its samples.
    step_size : float, optional
        Step of gradient descent; half the largest that is stable under every pattern if omitted.

    Returns
    -------
    Curvature
        Eigenvalues, what is left to move, and for how long.
    """
    active = data.active
    support = np.flatnonzero(active.any(axis=0))
    on = active[:, support].astype(np.float64)
    eta = default_step(data) if step_size is None else step_size
    mu, Q = np.zeros(0), np.zeros((support.size, 0))
    if support.size:
        gram = data.problem.gram[np.ix_(support, support)]
        mu, Q = np.linalg.eigh(gram * (on.T @ on))
        moving = mu > 16 * support.size * _EPS * mu[-1]
        mu, Q = mu[moving], Q[:, moving]
    residual = data.residual[support]
    amplitudes = residual @ Q
    rest = data.residual.copy()
    rest[support] -= Q @ amplitudes
    goal = data.tolerance * data.size
    return Curvature(
        support=support,
        eigenvalues=mu,
        modes=Q,
        amplitudes=amplitudes,
        moving=float(np.linalg.norm(amplitudes)),
        stuck=float(np.linalg.norm(rest)),
        distance=float(np.linalg.norm(amplitudes / np.sqrt(mu))),
        steps_left=_steps_left(np.abs(1.0 - eta * mu), amplitudes, goal),
        step_size=eta,
    )


def default_step(data: Data) -> float:
    """Return half the largest step that is stable under every activation pattern."""
    largest = float(np.linalg.eigvalsh(data.problem.gram)[-1])
    return 1.0 / (data.problem.n_neurons * largest) if largest > 0 else 1.0


def _steps_left(factors: Float, amplitudes: Float, goal: float) -> float:
    """Return the number of steps after which the residual that moves is at most `goal`."""

    def left(steps: float) -> float:
        with np.errstate(under="ignore"):
            return float(np.linalg.norm(amplitudes * factors**steps))

    if left(0.0) <= goal:
        return 0.0
    if np.linalg.norm(amplitudes[factors >= 1.0]) > 0.0:
        return math.inf
    high = 1.0
    while left(high) > goal:
        high *= 2.0
        if high > 1e18:
            return math.inf
    low = high / 2.0
    while high - low > max(0.5, 1e-3 * high):
        middle = (low + high) / 2.0
        low, high = (middle, high) if left(middle) > goal else (low, middle)
    return float(math.ceil(high))
