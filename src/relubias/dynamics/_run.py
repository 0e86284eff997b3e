"""The moving parts of one run of gradient descent: state, counters, engine and jumps."""

from __future__ import annotations

import sys
import time
from types import ModuleType
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from relubias._compensated import two_prod
from relubias._validate import Float, fail
from relubias.dynamics import _codes as code
from relubias.dynamics import _plain
from relubias.dynamics._counters import growth_mode, new_counters
from relubias.dynamics._exact import ExactPath, Undecided
from relubias.dynamics._frozen import Frozen, frozen_motion
from relubias.dynamics._plain.freezing import settle
from relubias.dynamics._plain.jumping import add
from relubias.dynamics._plain.stepping import note_switches
from relubias.dynamics._units import scaled
from relubias.dynamics.certificate import Certificate, certify
from relubias.dynamics.sliding_tail import SlidingLimit, certify_tail
from relubias.dynamics.trajectory import SWITCH_DTYPE, State
from relubias.problem import Problem

__all__ = ["Run"]

_KERNELS = "relubias.dynamics._compiled"
_NUMPY_SECONDS = 0.4  # of stepping in NumPy, all runs together, before the kernels are loaded
_NUMPY_CHUNK = 64  # steps
_COMPILED_CHUNK = 2e8  # multiplications: a few tenths of a second
_MAX_KEPT_SWITCHES = 1_000_000
_MORE_SLIDING = 3  # times that a proof may add pairs to those that slide


class Run:
    """A run in units where the Gram diagonal, the labels and the start are of order one.

    Units are powers of two, so that nothing rounds on the way in or out, and scaling labels and
    start by a power of two scales everything bit for bit.
    """

    can_look_ahead: ClassVar[bool] = True
    """Whether `motion` and `jump` can bound the time to the next switch."""

    seconds_in_numpy: ClassVar[float] = 0.0
    """Time that this process has spent stepping in NumPy; it changes no answer."""

    def __init__(self, problem: Problem, start: Float, step_size: float) -> None:
        self.problem = problem
        self.gram_unit, self.label_unit = scaled(problem.gram, problem.labels, start)
        if not 1e-290 < self.label_unit / self.gram_unit < 1e290:
            raise fail(
                "labels",
                f"of size {self.label_unit:.0e} need weights out of range on features of squared "
                f"size {self.gram_unit:.0e}",
                "rescale labels or features",
            )
        self.gram = problem.gram / self.gram_unit
        self.labels = problem.labels / self.label_unit
        self.signs = problem.signs
        self.step_size = step_size * self.gram_unit
        if not 1e-50 < self.step_size < 1e50:
            raise fail(
                "step_size",
                f"is {step_size:g}, {self.step_size:.3g} times the inverse of the Gram diagonal",
                "use kappa / problem.scale with a kappa of order one",
            )
        self.largest_row = float(np.diagonal(self.gram).max())
        m, n = start.shape
        self.dual_high = start * (self.gram_unit / self.label_unit)
        self.dual_low = np.zeros((m, n))
        self.high, self.low = np.empty((m, n)), np.empty((m, n))
        self.engine: ModuleType = sys.modules.get(_KERNELS, _plain)
        self._multiply(self.dual_high, self.dual_low, self.gram, self.high, self.low)
        self.active = self.high > 0.0
        self.pair_last = np.zeros((m, n), np.int64)
        self.saved_high, self.saved_low = np.zeros((m, n)), np.zeros((m, n))
        self.counters = new_counters()
        self.rounding = np.array([0.0, *growth_mode(self.gram, self.step_size, m), 0.0])
        self._buffer = np.empty((max(4096, 4 * m * n), 4), np.int64)
        self.buffer = self._buffer
        self._kept: list[NDArray[np.int64]] = []
        self._n_kept = 0
        self.residual_high, self.residual_low = np.empty(n), np.empty(n)
        square = np.empty((n, n) if self.rounding[code.CAN_GROW] else (0, 0))
        self._work = (np.empty(n, np.int64), *(np.empty(n) for _ in range(4)), square)
        self.extremes = np.empty((0, m, n))
        self.support, self.push = np.zeros(n, np.int64), np.zeros(n)
        self.limit_high, self.limit_low = np.empty((m, n)), np.empty((m, n))
        self.n_iter = 0
        self.undecided_from = 0
        self._has_jumped = False
        self._exact: ExactPath | None = None
        self._start = self.dual_high.copy()

    # --- counters -----------------------------------------------------------------------------

    @property
    def time(self) -> int:
        """Steps so far."""
        return int(self.counters[code.TIME])

    @property
    def last_switch(self) -> int:
        """Step of the last switch."""
        return int(self.counters[code.LAST_SWITCH])

    @property
    def n_switches(self) -> int:
        """Switches so far."""
        return int(self.counters[code.N_SWITCHES])

    @property
    def is_quiet(self) -> bool:
        """Whether the last switch is long ago."""
        return self.time - self.last_switch > self.time // 10

    # --- stepping -----------------------------------------------------------------------------

    def advance(self, stop_time: int, tol: float) -> int:
        """Step to `stop_time` or for one chunk; return why the kernel stopped (see `_codes`)."""
        before = self.time
        if self.engine is _plain and Run.seconds_in_numpy > _NUMPY_SECONDS:
            self.load_kernels()
        started = time.perf_counter()
        chunk = _NUMPY_CHUNK
        if self.engine is not _plain:
            chunk = max(16, int(_COMPILED_CHUNK / (self.high.size * self.high.shape[1])))
        why = self._step(min(stop_time, before + chunk), tol)
        if self.engine is _plain:
            Run.seconds_in_numpy += time.perf_counter() - started
        self.n_iter += self.time - before
        if why == code.BUFFER_FULL:
            self._flush()
        return why

    def _step(self, stop_time: int, tol: float) -> int:
        """Call the kernel."""
        return int(
            self.engine.advance(
                self.gram, self.labels, self.signs, self.step_size, self.largest_row, tol,
                stop_time, self.high, self.low, self.dual_high,
                self.dual_low, self.active, self.pair_last, self.saved_high, self.saved_low,
                self.counters, self.rounding, self.buffer, self.residual_high,
                self.residual_low, *self._work, self.extremes,
            )
        )  # fmt: skip

    def renew_residual(self) -> None:
        """Compute the residual of the present state."""
        self.advance(self.time, -1.0)

    def resolve(self) -> bool:
        """Decide in exact arithmetic what the last step left open; say whether that was possible.

        The exact path follows the run from its start, or from the step where it was asked last.
        """
        if self._has_jumped:
            return False
        if self._exact is None:
            self._exact = self._new_exact_path()
        try:
            self._exact.run_to(self.time)
        except Undecided:
            return False
        self._take(self._exact)
        self._note_switches()
        return True

    def _new_exact_path(self) -> ExactPath:
        data = self.gram, self.labels, self.signs, self.step_size, self._start
        return ExactPath(*data)

    def _take(self, exact: ExactPath) -> None:
        """Continue from the exact state."""
        self.high[:], self.low[:], self.dual_high[:], self.dual_low[:] = exact.doubles()
        self.rounding[0] = code.STEP_ROUNDING * float(np.abs(self.high).max())
        if self.extremes.size:
            np.minimum(self.extremes[0], self.high, out=self.extremes[0])
            np.maximum(self.extremes[1], self.high, out=self.extremes[1])

    def watch(self) -> None:
        """Keep the range of every primal value from now on, and stop after every switch."""
        self.extremes = np.empty((3, *self.high.shape))
        self.forget_range()
        self.stop_at_switches(True)

    def stop_at_switches(self, stop: bool) -> None:
        """Make the kernels return after every step with a switch, or only when they have to."""
        self._flush()
        self.buffer = self.buffer[: self.high.size] if stop else self._buffer

    def forget_range(self) -> None:
        """Begin the range of primal values anew."""
        self.extremes[:2] = self.high
        self.extremes[2] = np.nan

    def leave_open(self) -> None:
        """Remember the first step with a sign that nothing decides."""
        self.undecided_from = self.time

    @property
    def is_trusted(self) -> bool:
        """Whether signs are taken as computed."""
        return bool(self.rounding[code.TRUSTED])

    def trust(self) -> None:
        """Take this sign and all that follow as computed."""
        self.rounding[code.TRUSTED] = 1.0
        self._note_switches()

    def _note_switches(self) -> None:
        note_switches(self.high, self.active, self.pair_last, self.counters, self.buffer)
        self.rounding[code.GROWTH] = 1.0 - self.rounding[code.CAN_GROW]

    def moving_residual(self) -> float:
        """Return the largest ``G A_k r``: the part of the residual that moves anything."""
        self.renew_residual()
        return float(np.abs((self.active * self.residual_high) @ self.gram).max())

    def load_kernels(self) -> None:
        """Continue with the compiled kernels; the bits stay the same."""
        from relubias.dynamics import _compiled

        self.engine = _compiled

    def _multiply(self, left: Float, left_low: Float, right: Float, out: Float, low: Float) -> None:
        self.engine.multiply(left, left_low, right, np.zeros_like(right), out, low)

    def _flush(self) -> None:
        room = _MAX_KEPT_SWITCHES - self._n_kept
        rows = self.buffer[: min(int(self.counters[code.N_BUFFERED]), room)].copy()
        self._kept.append(rows)
        self._n_kept += rows.shape[0]
        self.counters[code.N_BUFFERED] = 0

    # --- the frozen pattern -------------------------------------------------------------------

    def freeze_test(self) -> int:
        """Try the ball test; on success `limit_high`, `limit_low` and `push` hold the limit."""
        n = self.labels.size
        is_large = n > code.COMPILED_TEST_LIMIT
        squares = np.empty((0, 0) if is_large else (n, n)), np.empty((0, 0) if is_large else (n, n))
        arguments = (
            self.gram, self.labels, self.signs, self.step_size, self.high, self.low, self.active,
            self.residual_high, self.residual_low, *squares, self.support, self.push, np.empty(n),
            self.limit_high, self.limit_low,
        )  # fmt: skip
        if is_large:
            from relubias.dynamics._large import LAPACK

            found, order = _plain.freeze_test(*arguments, LAPACK)
        else:
            found, order = self.engine.freeze_test(*arguments)
        if found == code.FROZEN:
            self._spread(self.support[:order], self.push[:order])
        return int(found)

    def motion(self) -> Frozen:
        """Diagonalise the motion under the present pattern."""
        return frozen_motion(
            self.gram, self.labels, self.signs, self.step_size, self.high, self.active,
            (self.residual_high, self.residual_low),
        )  # fmt: skip

    def settle(self, frozen: Frozen) -> None:
        """Set the limit of a pattern that never changes again."""
        support = np.flatnonzero(self.active.any(axis=0))
        residual = self.residual_high[support], self.residual_low[support]
        basis = frozen.basis

        def solve(right: Float) -> Float:
            return basis.vectors @ (basis.apply(right[None])[0] / basis.mu)

        push, limit = settle(
            self.gram, self.signs, (self.high, self.low), self.active, residual, solve
        )
        self.limit_high, self.limit_low = limit
        self._spread(support, push)

    def _spread(self, support: NDArray[np.int64], push: Float) -> None:
        """Set the dual limit: every active neuron takes the push of its samples."""
        change = np.zeros_like(self.dual_high)
        change[:, support] = self.signs[:, None] * push
        self.limit_dual = np.where(
            self.active, self.dual_high + (self.dual_low - change), self.dual_high
        )

    def jump(self, n_steps: int) -> None:
        """Take `n_steps` steps at once, under the present pattern, in double-double."""
        self.counters[code.TIME] += n_steps
        self.n_iter += 1
        self._has_jumped = True
        if self.extremes.size:  # what lies between is not seen
            self.extremes[0], self.extremes[1], self.extremes[2] = -np.inf, np.inf, np.nan
        for position in (code.NEXT_ATTEMPT, code.LAST_ATTEMPT, code.QUIET_FROM):
            self.counters[position] = self.time
        self.counters[code.NEXT_SAVE] = self.time + code.FIRST_SAVE
        self.counters[code.SAVED_AT] = 0
        support = np.flatnonzero(self.active.any(axis=0))
        if support.size == 0:
            return
        on = self.active[:, support].astype(np.float64)
        block = self.gram[np.ix_(support, support)]
        hessian, hessian_low = two_prod(on.T @ on, block)
        residual = self.residual_high[support, None], self.residual_low[support, None]
        push, push_low, largest = self.engine.power_steps(
            np.ascontiguousarray(hessian), np.ascontiguousarray(hessian_low), self.step_size,
            np.ascontiguousarray(residual[0]), np.ascontiguousarray(residual[1]), n_steps,
        )  # fmt: skip
        part, part_low = on * push[:, 0], on * push_low[:, 0]
        move, move_low = np.empty_like(self.high), np.empty_like(self.high)
        self._multiply(part, part_low, np.ascontiguousarray(self.gram[support]), move, move_low)
        minus = -self.signs[:, None]
        moved = add((self.high, self.low), 1.0, (minus * move, minus * move_low))
        self.high[:], self.low[:] = moved
        old = self.dual_high[:, support], self.dual_low[:, support]
        new = add(old, 1.0, (minus * part, minus * part_low))
        self.dual_high[:, support], self.dual_low[:, support] = new
        path = np.abs(push).sum() * self.signs.size
        path += 2.0**-5 * support.size * largest * np.abs(residual[0]).sum()
        self.rounding[0] += code.STEP_ROUNDING * self.largest_row * float(path)
        self._note_switches()

    def sliding_tail(self) -> tuple[Certificate | None, SlidingLimit | None]:
        """Ask the independent code for a proof, and for the limit, of a run that chatters.

        Pairs that the proof cannot keep off their hyperplanes are taken to slide, too.
        """
        dual, sliding = self.state().dual, self.chatters()
        certificate, limit = self._tail_at(dual, sliding)
        for _ in range(_MORE_SLIDING):
            if certificate is None or limit is None or certificate.holds:
                break
            sliding = sliding | ~(limit.slack(self.active) > certificate.rounding_error)
            certificate, limit = self._tail_at(dual, sliding)
        return certificate, limit

    def _tail_at(
        self, dual: Float, sliding: NDArray[np.bool_]
    ) -> tuple[Certificate | None, SlidingLimit | None]:
        return certify_tail(self.problem, dual, self.step_size / self.gram_unit, sliding)

    # --- results in the user's units ----------------------------------------------------------

    def certify(self) -> Certificate:
        """Ask the independent code for a proof, from the state in the user's numbers."""
        step_size = self.step_size / self.gram_unit
        return certify(self.problem, self.state().dual, step_size=step_size)

    def state(self) -> State:
        """Return the present state."""
        return self._in_user_units(self.high, self.dual_high)

    def limit(self) -> State:
        """Return the limit found by the last successful test."""
        return self._in_user_units(self.limit_high, self.limit_dual)

    def _in_user_units(self, primal: Float, dual: Float) -> State:
        return State(
            primal=primal * self.label_unit, dual=dual * (self.label_unit / self.gram_unit)
        )

    def switches(self) -> NDArray[np.void]:
        """Return the switches kept so far, up to the first undecided sign."""
        self._flush()
        rows = np.concatenate(self._kept)
        switches = np.empty(rows.shape[0], SWITCH_DTYPE)
        for column, name in enumerate(("time", "neuron", "sample", "mode")):
            switches[name] = rows[:, column]
        if self.undecided_from:
            return switches[switches["time"] < self.undecided_from]
        return switches

    def chatters(self) -> NDArray[np.bool_]:
        """Return which pairs switched during the last tenth of the run."""
        return (self.pair_last > 0) & (self.pair_last >= self.time - self.time // 10)

    def chattering(self) -> NDArray[np.intp]:
        """Return these pairs as rows (neuron, sample)."""
        return np.argwhere(self.chatters())
