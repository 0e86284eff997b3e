"""Steps of gradient descent under a pattern that never changes again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.dynamics import State
from relubias.problem import Problem
from relubias.theory.step import Step

__all__ = ["FrozenMotion"]


class FrozenMotion:
    """Linear motion under a frozen activation pattern, in double precision.

    The residual on the samples that are active somewhere evolves by ``r <- (I - eta H) r``.

    Parameters
    ----------
    problem : Problem
    active : ndarray of bool, shape (n_neurons, n_samples)
        The pattern.
    step_size : float
    """

    def __init__(self, problem: Problem, active: NDArray[np.bool_], step_size: float) -> None:
        self.problem, self.step_size = problem, step_size
        self.support = np.flatnonzero(active.any(axis=0))
        self.push = -step_size * problem.signs[:, None] * active[:, self.support]
        self.on = active[:, self.support].astype(np.float64)
        self._basis: tuple[Float, Float] | None = None

    def after(self, step: Step, time: int) -> tuple[int, State]:
        """Return the time and the state there, for a time after that of `step`."""
        S = self.support
        r = self.problem.signs @ (self.on * step.primal[:, S]) - self.problem.labels[S]
        dual = step.dual.copy()
        dual[:, S] += self.push * (
            r if time == step.time + 1 else self._summed(r, time - step.time)
        )
        return time, State(primal=dual @ self.problem.gram, dual=dual)

    def _summed(self, residual: Float, n_steps: int) -> Float:
        """Return the sum of the residuals of the next steps, ``sum_j (I - eta H)^j r``."""
        if self._basis is None:
            block = self.problem.gram[np.ix_(self.support, self.support)]
            mu, vectors = np.linalg.eigh(self.step_size * block * (self.on.T @ self.on))
            self._basis = np.maximum(mu, 0.0), vectors
        mu, vectors = self._basis
        with np.errstate(divide="ignore", invalid="ignore"):
            slow = -np.expm1(n_steps * np.log1p(-np.minimum(mu, 0.5))) / mu
            fast = (1.0 - (1.0 - mu) ** n_steps) / mu
        summed = np.where(mu == 0.0, float(n_steps), np.where(mu < 0.5, slow, fast))
        return vectors @ (summed * (vectors.T @ residual))
