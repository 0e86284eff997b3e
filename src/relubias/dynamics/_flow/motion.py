r"""The motion between two events, in closed form.

Neuron k keeps the samples of its set :math:`S_k` on their hyperplanes, so it sees the others
through the Schur complement :math:`\tilde G_k = G - G_{:S} G_{SS}^{-1} G_{S:}`. With r the residual
on the samples P that some neuron is active on,

.. math:: \dot u_k = -s_k \tilde G_k (A_k \circ r), \qquad
          \dot r = -\tilde H r, \quad \tilde H = \sum_k D_{A_k} \tilde G_k D_{A_k},

and sample i of :math:`S_k` is held by the force
:math:`-s_k (G_{SS}^{-1} G_{S:} (A_k \circ r))_i`.
Everything is a sum of exponentials of the eigenvalues of :math:`\tilde H`; for large blocks a
Krylov basis grown from r replaces the eigenvectors.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.dynamics._flow.hyperplanes import Hyperplanes
from relubias.dynamics._flow.modes import Modes, modes_of
from relubias.dynamics._flow.rows import RowCollector, Rows, lift

__all__ = ["LEAVES_LOW", "LEAVES_UP", "REACHES", "Motion", "State"]

REACHES, LEAVES_LOW, LEAVES_UP = 0, 1, 2
"""What an event is: a hyperplane is reached, or left to the inactive or to the active side."""

_HELD = 1e-11  # part of a squared length that is left where a sample depends on held ones


class State(NamedTuple):
    """A point of the flow in merged samples.

    Attributes
    ----------
    primal : ndarray of shape (m, q)
    dual : ndarray of shape (m, q)
        Change since the start.
    residual : ndarray of shape (q,)
        Carried along rather than recomputed, so that it keeps its digits as it tends to zero.
    modes : ndarray of int8, shape (m, q)
        +1 active, 0 held on the hyperplane, -1 inactive.
    """

    primal: Float
    dual: Float
    residual: Float
    modes: NDArray[np.int8]


class Motion:
    """The motion from a state, as long as no mode changes."""

    def __init__(
        self, planes: Hyperplanes, signs: Float, state: State, *, is_dense: bool = False
    ) -> None:
        self.planes, self.signs, self.state = planes, signs, state
        self.on = state.modes > 0
        gram = planes.gram
        self.held = [np.flatnonzero((row == 0) & planes.leads) for row in state.modes]
        # factor[k] = L^-1 G_S: with G_SS = L L^T, hence G~ = G - factor.T @ factor
        self.factor = [_factor(gram, S) for S in self.held]
        self.support = np.flatnonzero(self.on.any(axis=0))
        H = np.zeros((self.support.size, self.support.size))
        for on, Y in zip(self.on[:, self.support], self.factor, strict=True):
            A = np.flatnonzero(on)
            samples = self.support[A]
            block = gram[np.ix_(samples, samples)]
            if Y.shape[0]:
                block = block - Y[:, samples].T @ Y[:, samples]
            H[np.ix_(A, A)] += block
        self.modes: Modes = modes_of(H, state.residual[self.support], is_dense=is_dense)

    @property
    def is_still(self) -> bool:
        """Whether nothing moves."""
        return self.modes.rates.size == 0

    def _reach(self, k: int, coordinates: Float) -> Float:
        """Return ``G~_k A_k x`` for columns x over the support: all samples by columns."""
        on = self.on[k, self.support]
        samples, part = self.support[on], coordinates[on]
        moved = self.planes.gram[:, samples] @ part
        Y = self.factor[k]
        if Y.shape[0]:
            moved -= Y.T @ (Y[:, samples] @ part)
            moved[self.held[k]] = 0.0
        return moved

    def _hold(self, k: int, coordinates: Float) -> Float:
        """Return ``G_SS^-1 G_S: A_k x`` for columns x over the support: held samples by columns."""
        S, Y = self.held[k], self.factor[k]
        on = self.on[k, self.support]
        reach = Y[:, self.support[on]] @ coordinates[on]
        return _back(Y[:, S], reach)

    # --- when it ends -------------------------------------------------------------------------

    def rows(self, fresh: NDArray[np.bool_]) -> list[Rows]:
        """Return every function whose zero ends this motion."""
        neurons = range(self.signs.size)
        rows = RowCollector(self.modes.rates)
        for k in neurons:
            self._values(rows, k, fresh[k])
            if self.held[k].size:
                self._forces(rows, k)
        return rows.groups()

    def _values(self, rows: RowCollector, k: int, fresh: NDArray[np.bool_]) -> None:
        """Rows of primal values, oriented so that they are positive."""
        modes, state, planes = self.modes, self.state, self.planes
        side = state.modes[k].astype(np.float64)
        move = self._reach(k, modes.vectors) * modes.weights  # what each mode adds to -s_k u_k
        falls = (side * self.signs[k])[:, None] * (move / modes.rates)
        value = side * state.primal[k]
        alone = self.on[k] & (self.on.sum(axis=0) == 1) & (planes.labels == 0.0)
        left = np.diagonal(planes.gram) - (self.factor[k] ** 2).sum(axis=0)
        off = state.modes[k] < 0
        unsided = (planes.partner >= 0) & off & off[planes.partner]  # a start on the hyperplane
        moving = (side != 0) & (planes.leads | unsided) & (left > _HELD * np.diagonal(planes.gram))
        moving &= np.abs(falls).max(axis=1, initial=0.0) > 0.0
        above = lift(value, np.abs(falls).sum(axis=1), fresh)
        plain, alone = np.flatnonzero(moving & ~alone), np.flatnonzero(moving & alone)
        rows.add(value[plain], above[plain], falls[plain], REACHES, k, plain)
        amplitudes, ends = self._residual_rows(alone)  # there u = s r
        rows.add_ending(self.signs[k] * amplitudes, self.signs[k] * ends, REACHES, k, alone)

    def _forces(self, rows: RowCollector, k: int) -> None:
        """Rows of the distances of the holding forces from their bounds."""
        amplitudes, ends = self.force(k)
        S, partner = self.held[k], self.planes.partner[self.held[k]]
        upper, upper_end = self._residual_rows(S)
        lower, lower_end = self._residual_rows(np.where(partner >= 0, partner, S))
        sign = self.signs[k]
        ratio = -sign * self.planes.ratio[S]
        lower, lower_end = ratio[:, None] * lower, ratio * lower_end
        rows.add_ending(amplitudes - lower, ends - lower_end, LEAVES_LOW, k, S)
        rows.add_ending(sign * upper - amplitudes, sign * upper_end - ends, LEAVES_UP, k, S)

    def force(self, k: int) -> tuple[Float, Float]:
        """Return the forces that hold neuron k: amplitudes by mode, and the constant part."""
        modes = self.modes
        amplitudes = -self.signs[k] * self._hold(k, modes.vectors) * modes.weights
        ends = np.zeros(self.held[k].size)
        if modes.constant.any():
            ends = -self.signs[k] * self._hold(k, modes.constant[:, None])[:, 0]
        return amplitudes, ends

    def _residual_rows(self, samples: NDArray[np.intp]) -> tuple[Float, Float]:
        """Return the residual of samples: amplitudes by mode, and the constant part."""
        modes = self.modes
        position = np.searchsorted(self.support, samples)
        position[position == self.support.size] = 0
        known = np.isin(samples, self.support)
        amplitudes = np.where(known[:, None], modes.vectors[position] * modes.weights, 0.0)
        return amplitudes, np.where(known, modes.constant[position], self.state.residual[samples])

    # --- where it leads -----------------------------------------------------------------------

    def after(self, time: float) -> State:
        """Return the state after `time`; infinity gives the limit."""
        modes, state = self.modes, self.state
        gone = -np.expm1(-modes.rates * time) if np.isfinite(time) else np.ones(modes.rates.size)
        push = modes.vectors @ (gone / modes.rates * modes.weights)
        primal, dual, residual = state.primal.copy(), state.dual.copy(), state.residual.copy()
        for k, sign in enumerate(self.signs):
            part = np.where(self.on[k, self.support], push, 0.0)
            primal[k] -= sign * self._reach(k, part)
            primal[k, state.modes[k] == 0] = 0.0
            dual[k, self.support] -= sign * part
            if self.held[k].size:
                dual[k, self.held[k]] += sign * self._hold(k, part[:, None])[:, 0]
        left = np.exp(-modes.rates * time) if np.isfinite(time) else np.zeros(modes.rates.size)
        residual[self.support] = modes.constant + modes.vectors @ (left * modes.weights)
        alone = self.on & (self.on.sum(axis=0) == 1) & (self.planes.labels == 0.0)
        primal[alone] = (self.signs[:, None] * residual)[alone]  # keeps its digits
        return State(primal, dual, residual, state.modes)


def _factor(gram: Float, held: NDArray[np.intp]) -> Float:
    """Return ``L^-1 G_S:`` with ``G_SS = L L^T``."""
    if held.size == 0:
        return np.zeros((0, gram.shape[0]))
    from scipy.linalg import solve_triangular

    lower = np.linalg.cholesky(gram[np.ix_(held, held)])
    return solve_triangular(lower, gram[held], lower=True, check_finite=False)


def _back(upper: Float, right: Float) -> Float:
    """Solve with the transposed Cholesky factor, which is ``L^-1 G_SS = L^T``."""
    from scipy.linalg import solve_triangular

    return solve_triangular(upper, right, lower=False, check_finite=False)
