"""Steps of gradient descent under a pattern that does not change."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.dynamics import State
from relubias.problem import Problem
from relubias.theory.step import Step

__all__ = ["FrozenMotion"]

EPS = float(np.finfo(np.float64).eps)


class _Modes(NamedTuple):
    """Eigenbasis of the step: ``eta H v = mu v`` on the samples that are active somewhere."""

    mu: Float
    vectors: Float

    def summed(self, n_steps: int) -> Float:
        """Return ``sum_j (1 - mu)^j`` over the next steps, by mode."""
        mu = self.mu
        with np.errstate(divide="ignore", invalid="ignore"):
            slow = -np.expm1(n_steps * np.log1p(-np.minimum(mu, 0.5))) / mu
            fast = (1.0 - (1.0 - mu) ** n_steps) / mu
        return np.where(mu == 0.0, float(n_steps), np.where(mu < 0.5, slow, fast))


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
        self.on = active[:, self.support].astype(np.float64)
        self.push = -step_size * problem.signs[:, None] * self.on

    def after(self, step: Step, time: int) -> State:
        """Return the state at a time after that of `step`."""
        residual = self._residual(step)
        n_steps = time - step.time
        if n_steps > 1:
            mu, vectors = self._modes
            summed = _Modes(mu, vectors).summed(n_steps)
            residual = vectors @ (summed * (vectors.T @ residual))
        dual = step.dual.copy()
        dual[:, self.support] += self.push * residual
        return State(primal=dual @ self.problem.gram, dual=dual)

    def excess(self, step: Step, time: int) -> Float:
        """Bound how far primal values leave the interval between their values at both ends.

        A value whose increment keeps its sign does not leave it. Of the others, each mode moves
        them monotonically (or, where its factor is negative, by at most twice its first step):
        what rises and what falls can cancel at the ends only as far as the smaller of the two.
        """
        modes, n_steps = self._modes, time - step.time
        slow = modes.mu <= 1.0
        first = self._seen * (modes.vectors.T @ self._residual(step))  # increments, by mode
        changes = first * np.where(slow, modes.summed(n_steps), 2.0)
        back_and_forth = np.abs(changes[..., ~slow]).sum(axis=2)
        rising = np.maximum(changes[..., slow], 0.0).sum(axis=2)
        falling = np.maximum(-changes[..., slow], 0.0).sum(axis=2)
        bound = np.minimum(rising, falling) + back_and_forth
        is_monotone = self._keeps_sign(first[..., slow], modes.mu[slow], n_steps, back_and_forth)
        return np.where(is_monotone, 0.0, bound)

    @staticmethod
    def _keeps_sign(first: Float, mu: Float, n_steps: int, rest: Float) -> NDArray[np.bool_]:
        """Return which sums of decaying increments cannot change their sign within some steps.

        Relative to the common decay, the increment of a mode changes by its own decay alone.
        """
        common = 1.0 - float(mu.mean()) if mu.size else 0.0
        if common <= 0.0:
            return np.zeros(rest.shape, np.bool_)
        drift = np.abs(((1.0 - mu) / common) ** n_steps - 1.0)
        slack = np.abs(first) @ drift + 64 * mu.size * EPS * np.abs(first).sum(axis=2)
        return np.abs(first.sum(axis=2)) > slack + rest / common**n_steps

    def _residual(self, step: Step) -> Float:
        S = self.support
        return self.problem.signs @ (self.on * step.primal[:, S]) - self.problem.labels[S]

    @cached_property
    def _modes(self) -> _Modes:
        block = self.problem.gram[np.ix_(self.support, self.support)]
        mu, vectors = np.linalg.eigh(self.step_size * block * (self.on.T @ self.on))
        return _Modes(np.maximum(mu, 0.0), vectors)

    @cached_property
    def _seen(self) -> Float:
        """Change of every primal value by a unit of each mode, (n_neurons, n_samples, p)."""
        pushes = self.push[:, :, None] * self._modes.vectors
        return self.problem.gram[:, self.support] @ pushes
