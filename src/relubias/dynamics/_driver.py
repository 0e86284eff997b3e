"""One run from start to end: the decisions between the kernels' calls."""

from __future__ import annotations

import numpy as np

from relubias._progress import Report
from relubias.dynamics import _codes as code
from relubias.dynamics._frozen import Frozen, safe_steps
from relubias.dynamics._recorder import Recorder
from relubias.dynamics._run import Run
from relubias.dynamics.certificate import Certificate
from relubias.dynamics.sliding_tail import SlidingLimit
from relubias.dynamics.trajectory import State, Status, Tail

__all__ = ["Driver", "Ending"]

_FLOOR = 1e-24  # residual below which no switch is waited for: double-double ends at 1e-31
_FAR = 20  # quiet stretches that a jump has to cover to be worth looking for the next one soon
_EXACT = 1e-13  # of the largest primal value: a limit known this well is as good as exact
_DEEPEST = 1e-18  # of the labels: a chattering run is not followed below this residual
_STATIONARY = 1e-8  # of the tolerance: a chattering state that moves less has reached its limit

Ending = tuple[Status, Tail, Certificate | None]


class Driver:
    """Follow a run: step, test, look ahead, jump."""

    def __init__(
        self, run: Run, recorder: Recorder, max_iter: int, tol: float, report: Report
    ) -> None:
        self.run = run
        self.recorder = recorder
        self.max_iter = max_iter
        # the tolerance is relative to the labels; without labels, to the start
        size = float(np.abs(run.labels).max())
        self.unit = size if size > 0 else 1.0
        self.tol = tol * self.unit
        self.goal = self.tol  # lower than the tolerance while a proof needs it
        self.sliding: SlidingLimit | None = None
        self.proved: SlidingLimit | None = None
        self.report = report
        self.patience = code.QUIET_STRETCH  # switch-free iterations before the next look ahead
        self.quiet_since = 0  # iteration of the last switch, jump or look
        self.seen_switches = 0
        self.look_until_switch = -1  # ignore the tolerance while this is the number of switches

    def follow(self, until: int = 2**62) -> Ending:
        """Advance until a status is known, or to the step `until`."""
        run = self.run
        while True:
            self.recorder.observe()
            if run.time >= until:
                return Status.MAX_ITER, Tail.QUIET, None
            left = self.max_iter - run.n_iter
            if left <= 0:
                return self._out_of_iterations()
            tol = _FLOOR if run.n_switches == self.look_until_switch else self.goal
            why = run.advance(min(run.time + left, self.recorder.next_time), tol)
            self.report(min(1.0, run.n_iter / max(self.max_iter, 1)), f"{run.time} steps")
            if why == code.DIVERGED:
                return Status.DIVERGED, Tail.EXPLODED, None
            if why == code.UNDECIDED and self._is_stationary_on_hyperplanes():
                return self._chatters() or (Status.TOLERANCE, Tail.CHATTER, None)
            if why == code.CYCLE:
                return Status.MAX_ITER, Tail.LIMIT_CYCLE, None
            if why in (code.ATTEMPT, code.SMALL_RESIDUAL):
                ending = self._decide(is_small=why == code.SMALL_RESIDUAL)
                if ending is not None:
                    return ending

    def _is_stationary_on_hyperplanes(self) -> bool:
        """Settle a sign that double-double leaves open, unless the run has reached its limit."""
        run = self.run
        moving = run.moving_residual()
        is_over = moving <= _STATIONARY * self.tol
        if is_over or not run.resolve():
            run.leave_open()
            is_over = is_over or moving <= self.tol
            if not is_over:
                run.trust()
        return is_over

    def _decide(self, *, is_small: bool) -> Ending | None:
        """Test the pattern for good; otherwise look ahead and jump where that is cheaper."""
        run = self.run
        found = run.freeze_test()
        if found == code.FROZEN:
            return self._certified()
        if is_small and not run.is_quiet:
            return self._chatters()
        if is_small and run.n_switches == self.look_until_switch:
            return self._is_unproved()
        if not run.can_look_ahead:
            return self._is_unproved() if is_small else None
        if run.n_switches != self.seen_switches:
            self.seen_switches = run.n_switches
            self.quiet_since = max(self.quiet_since, run.n_iter - (run.time - run.last_switch))
        is_due = run.n_iter - self.quiet_since >= self.patience
        if found != code.NEEDS_EIGENBASIS and not is_small and not is_due:
            return None
        return self._look_ahead(is_small=is_small, switch_comes=found == code.SWITCH_COMES)

    def _chatters(self) -> Ending | None:
        """Prove where a run goes that keeps switching; None to follow it further for a proof."""
        run = self.run
        certificate, self.sliding = run.sliding_tail()
        failed = Status.TOLERANCE, Tail.CHATTER, None
        if certificate is None or self.sliding is None or run.undecided_from:
            return failed
        exact = _EXACT * float(np.abs(self.sliding.state.primal).max())
        if certificate.holds and certificate.radius <= exact:
            self.proved = self.sliding
            tail = Tail.CHATTER if self.sliding.sliding.any() else Tail.SETTLED
            return Status.CERTIFIED, tail, certificate
        if np.isneginf(certificate.margin) or self.goal <= _DEEPEST * self.unit:
            return failed
        deeper = 0.25 * exact / certificate.radius if certificate.holds else 1e-2
        self.goal = max(self.goal * min(deeper, 0.25), _DEEPEST * self.unit)
        return None

    def _is_unproved(self) -> Ending | None:
        """End a quiet run within the tolerance, unless pairs that come near zero can be proved."""
        ending = self._chatters()
        if ending is None or ending[0] is Status.CERTIFIED:
            return ending
        return Status.TOLERANCE, Tail.QUIET, None

    def limit_estimate(self) -> State | None:
        """Return the sliding limit of a run that chatters, if it is consistent."""
        run = self.run
        if self.sliding is None:
            self.sliding = run.sliding_tail()[1]
        if self.sliding is None:
            return None
        on = run.active.any(axis=0)
        largest = float(np.abs(run.residual_high[on]).max(initial=0.0)) * run.label_unit
        one_step = 2.0 * run.step_size / run.gram_unit * largest
        is_consistent = self.sliding.is_consistent(run.active, one_step)
        return self.sliding.state if is_consistent else None

    def _look_ahead(self, *, is_small: bool, switch_comes: bool) -> Ending | None:
        """Bound the time to the next switch in the eigenbasis; jump where that is cheaper."""
        run = self.run
        frozen = run.motion()
        steps, is_forever = safe_steps(frozen)
        lifetime = int(min(frozen.lifetime, 2.0**62))
        until_record = min(self.recorder.next_time - run.time, lifetime)
        if is_forever and steps <= (lifetime if self.recorder.sees_the_end else until_record):
            if steps:
                run.jump(steps)
                run.renew_residual()
            run.settle(frozen)
            ending = self._certified()
            if ending is None and frozen.residual <= self.tol:
                ending = self._is_unproved()
            distance = min(self._time_scale(frozen), until_record)
            if ending is None and distance > 0:  # too close to a hyperplane to certify: move on
                run.jump(distance)
            return ending
        is_small = is_small or (frozen.is_stable and frozen.residual <= self.tol)
        if is_small and not switch_comes:
            return self._is_unproved()
        steps = min(steps, until_record)
        if self._is_worth_a_jump(steps):
            run.jump(steps)
        is_far = steps > _FAR * code.QUIET_STRETCH  # else looking costs more than it saves
        self.patience = code.QUIET_STRETCH if is_far else 2 * self.patience
        self.quiet_since = run.n_iter
        if is_small:
            self.look_until_switch = run.n_switches
        return None

    def _time_scale(self, frozen: Frozen) -> int:
        """Return the steps in which the slowest mode decays by a factor e."""
        return int(min(1.0 / (self.run.step_size * float(frozen.basis.mu[0])) + 1.0, 2.0**60))

    def _is_worth_a_jump(self, n_steps: int) -> bool:
        """Whether repeated squaring costs less than stepping."""
        order = int(self.run.active.any(axis=0).sum())
        cost_of_step = self.run.high.size
        return n_steps * cost_of_step > 5 * max(n_steps, 1).bit_length() * order * order

    def _certified(self) -> Ending | None:
        """Confirm by the independent certificate, from the state in the user's numbers."""
        run = self.run
        if run.undecided_from:  # the past of this pattern is not certain
            return (Status.TOLERANCE, Tail.UNDECIDED, None) if self._is_small() else None
        certificate = run.certify()
        if certificate.holds is not True:
            return (Status.TOLERANCE, Tail.QUIET, None) if self._is_small() else None
        return Status.CERTIFIED, Tail.SETTLED, certificate

    def _is_small(self) -> bool:
        on = self.run.active.any(axis=0)
        return float(np.abs(self.run.residual_high[on]).max(initial=0.0)) <= self.tol

    def _out_of_iterations(self) -> Ending:
        self.run.renew_residual()
        if self.run.freeze_test() == code.FROZEN:
            ending = self._certified()
            if ending is not None:
                return ending
        if self._is_small():
            return Status.TOLERANCE, Tail.QUIET if self.run.is_quiet else Tail.CHATTER, None
        return Status.MAX_ITER, Tail.QUIET if self.run.is_quiet else Tail.CHATTER, None
