"""A run with momentum, mini-batches, or both."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from relubias._compensated import two_prod
from relubias._validate import Float
from relubias.dynamics import _codes as code
from relubias.dynamics._coasting import coasted, frozen_sums
from relubias.dynamics._eigenbasis import eigenbasis
from relubias.dynamics._exact import ExactPath
from relubias.dynamics._exact_varying import VaryingExactPath
from relubias.dynamics._options import Batches
from relubias.dynamics._plain.arithmetic import Pair
from relubias.dynamics._plain.freezing import settle
from relubias.dynamics._plain.jumping import add, product
from relubias.dynamics._plain.stepping import residual_of
from relubias.dynamics._run import Run
from relubias.dynamics.certificate import Certificate, certify
from relubias.dynamics.sliding_tail import SlidingLimit, certify_tail, sliding_limit
from relubias.problem import Problem

__all__ = ["VaryingRun", "new_run"]

_MAX_AMPLIFIED = 2.0**1000


def new_run(
    problem: Problem, start: Float, step_size: float, momentum: float, batches: Batches | None
) -> Run:
    """Return the run that the arguments need; one batch of everything is plain descent."""
    several = batches is not None and len(batches) > 1
    if momentum == 0.0 and not several:
        return Run(problem, start, step_size)
    return VaryingRun(problem, start, step_size, momentum, batches if several else None)


class VaryingRun(Run):
    """A run whose steps repeat part of the last one, or see one batch at a time.

    Rounding errors of descent with momentum have no useful bound: no norm decreases under every
    sequence of patterns. A shadow in plain doubles takes the same steps under the same patterns;
    what rounding did to it, measured, is far more than what it does in double-double.
    """

    can_look_ahead: ClassVar[bool] = False

    def __init__(
        self,
        problem: Problem,
        start: Float,
        step_size: float,
        momentum: float,
        batches: Batches | None,
    ) -> None:
        super().__init__(problem, start, step_size)
        m, n = start.shape
        self.momentum, self.batches = momentum, batches
        self.batch_of = np.zeros(n, np.int64)
        for b, batch in enumerate(batches or ()):
            self.batch_of[batch] = b
        self.n_batches = len(batches or (0,))
        self.fast_high, self.fast_low = np.zeros((m, n)), np.zeros((m, n))
        self.dual_fast_high, self.dual_fast_low = np.zeros((m, n)), np.zeros((m, n))
        self.shadow, self.shadow_fast = self.high.copy(), np.zeros((m, n))
        self.taking = np.zeros((m, n), np.bool_)
        self.moves = np.zeros(self.n_batches)
        if momentum > 0.0:
            self.rounding[code.GROWTH], self.rounding[code.CAN_GROW] = 1.0, 0.0
        self.growths = np.full(self.n_batches, 1.0 - self.rounding[code.CAN_GROW])
        self._amplified = 1.0  # what rounding errors before the last exact state have grown by
        self._tested: tuple[int, Certificate] | None = None

    # --- stepping -----------------------------------------------------------------------------

    def _step(self, stop_time: int, tol: float) -> int:
        return int(
            self.engine.advance_varying(
                self.gram, self.labels, self.signs, self.step_size, self.momentum, self.batch_of,
                self.largest_row, tol, stop_time, self.high, self.low, self.dual_high,
                self.dual_low, self.fast_high, self.fast_low, self.dual_fast_high,
                self.dual_fast_low, self.shadow, self.shadow_fast, self.active, self.taking,
                self.pair_last, self.saved_high, self.saved_low, self.counters, self.rounding,
                self.growths, self.moves, self.buffer, self.residual_high, self.residual_low,
                *self._work,
            )
        )  # fmt: skip

    def moving_residual(self) -> float:
        """Return the largest part of residual and velocity that moves anything."""
        fast = self.momentum * float(np.abs(self.fast_high).max())
        return max(super().moving_residual(), fast)

    def _new_exact_path(self) -> ExactPath:
        data = self.gram, self.labels, self.signs, self.step_size, self._start
        return VaryingExactPath(*data, self.momentum, self.batch_of)

    def resolve(self) -> bool:
        """Decide in exact arithmetic what the last step left open, where that is possible."""
        if self._exact is None:
            self._exact = self._new_exact_path()
        if isinstance(self._exact, VaryingExactPath) and self.momentum > 0.0:
            amplified = self._amplified * max(1.0, float(self.rounding[0]) * 2.0**53)
            if not amplified < _MAX_AMPLIFIED:
                return False
            self._exact.amplification = self._amplified = amplified
        return super().resolve()

    def _take(self, exact: ExactPath) -> None:
        super()._take(exact)
        if isinstance(exact, VaryingExactPath):
            fast = exact.fast_doubles()
            self.fast_high[:], self.fast_low[:] = fast[:2]
            self.dual_fast_high[:], self.dual_fast_low[:] = fast[2:]
        if self.momentum > 0.0:  # the shadow starts afresh, too
            self.shadow[:], self.shadow_fast[:] = self.high, self.fast_high
            self.rounding[0] = 0.0

    def _note_switches(self) -> None:
        super()._note_switches()
        self.growths[:] = 1.0 - self.rounding[code.CAN_GROW]

    # --- the frozen pattern -------------------------------------------------------------------

    def certify(self) -> Certificate:
        """Ask the independent code for a proof, from the state in the user's numbers."""
        if self._tested is None or self._tested[0] != self.time:
            certificate = certify(
                self.problem,
                self.state().dual,
                step_size=self.step_size / self.gram_unit,
                velocity=self.dual_fast_high * (self.label_unit / self.gram_unit),
                momentum=self.momentum,
                batches=self._batches_ahead(),
            )
            self._tested = self.time, certificate
        return self._tested[1]

    def _batches_ahead(self) -> list[NDArray[np.intp]] | None:
        """Return the batches from the next one on."""
        if self.batches is None:
            return None
        phase = self.time % self.n_batches
        return [*self.batches[phase:], *self.batches[:phase]]

    def freeze_test(self) -> int:
        """Try the certificate; on success the limit is in `limit_high` and its likes."""
        if not self.certify().holds:
            return code.BALL_FAILS
        primal, dual = self._coasted()
        push, self.limit_high, self.limit_low = self._frozen_limit(primal)
        change = np.where(self.active, self.signs[:, None] * push, 0.0)
        self.limit_dual = dual[0] + (dual[1] - change)
        return code.FROZEN

    def _frozen_limit(self, start: Pair) -> tuple[Float, Float, Float]:
        """Return the push on every sample, and the primal limit, of plain descent from a state."""
        push = np.zeros_like(self.labels)
        support = np.flatnonzero(self.active.any(axis=0))
        if support.size == 0:
            return push, *start
        on = self.active[:, support].astype(np.float64)
        basis = eigenbasis(on.T @ on, self.gram[np.ix_(support, support)])
        residual = residual_of(self.labels, self.signs, *start, self.active)

        def solve(right: Float) -> Float:
            return basis.vectors @ (basis.apply(right[None])[0] / basis.mu)

        left = residual[0][support], residual[1][support]
        push[support], limit = settle(self.gram, self.signs, start, self.active, left, solve)
        return push, *limit

    def _coasted(self) -> tuple[Pair, Pair]:
        """Return where the velocity alone leads: primal and dual."""
        return (
            coasted(self.high, self.low, self.fast_high, self.fast_low, self.momentum),
            coasted(
                self.dual_high, self.dual_low, self.dual_fast_high, self.dual_fast_low,
                self.momentum,
            ),
        )  # fmt: skip

    def jump(self, n_steps: int) -> None:
        """Take `n_steps` steps at once, under a pattern that never changes again."""
        phases = self._batches_ahead() or [np.arange(self.labels.size)]
        support = np.flatnonzero(self.active.any(axis=0))
        self.counters[code.TIME] += n_steps
        self.n_iter += 1
        on = self.active[:, support].astype(np.float64)
        hessian = two_prod(on.T @ on, self.gram[np.ix_(support, support)])
        drift = residual_of(
            np.zeros_like(self.labels), self.signs, self.fast_high, self.fast_low, self.active
        )
        residual = self.residual_high[support, None], self.residual_low[support, None]
        total, push, decay, decays = frozen_sums(
            hessian, residual, (drift[0][support, None], drift[1][support, None]),
            self.step_size, self.momentum, [np.isin(support, batch) for batch in phases], n_steps,
        )  # fmt: skip
        rows = np.ascontiguousarray(self.gram[support])
        rows_low = np.zeros_like(rows)
        minus = -self.signs[:, None]
        fast = self.fast_high, self.fast_low
        dual_fast = self.dual_fast_high, self.dual_fast_low
        for state, start, is_dual in (
            ((self.high, self.low), fast, False),
            ((self.dual_high, self.dual_low), dual_fast, True),
        ):
            for target, scale, pushed in ((state, decays, total), (start, decay, push)):
                part = on * pushed[0][:, 0], on * pushed[1][:, 0]
                moved = part if is_dual else product(part, (rows, rows_low))
                at = support if is_dual else slice(None)
                scaled = _times(start, scale)
                base = add(target, 1.0, scaled) if target is state else scaled
                base[0][:, at], base[1][:, at] = add(
                    (base[0][:, at], base[1][:, at]), 1.0, (minus * moved[0], minus * moved[1])
                )
                target[0][:], target[1][:] = base

    # --- a run that chatters ------------------------------------------------------------------

    def _tail_at(
        self, dual: Float, sliding: NDArray[np.bool_]
    ) -> tuple[Certificate | None, SlidingLimit | None]:
        if self.momentum > 0.0:  # a limit without proof
            coasting = self._coasted()[1][0] * (self.label_unit / self.gram_unit)
            return None, sliding_limit(self.problem, dual, sliding, coasting)
        step_size = self.step_size / self.gram_unit
        return certify_tail(self.problem, dual, step_size, sliding, self.batches)


def _times(pair: Pair, factor: Pair) -> Pair:
    """Multiply by a double-double number."""
    term, error = two_prod(pair[0], np.broadcast_to(factor[0], pair[0].shape).copy())
    return term, error + (pair[0] * factor[1] + pair[1] * factor[0])
