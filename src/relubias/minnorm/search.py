"""Budget of one search: a deadline, a gap that is small enough, Ctrl-C, and what to report."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

from relubias._progress import Report

__all__ = ["Search", "interruptible"]

_REPORT_EVERY = 0.2  # seconds
_GRACE = 1.0  # seconds in which a bound that is nearly ready may be finished


class Search:
    """Budget of one call of `minimum_norm`: deadline, gap, interrupt and report.

    Attributes
    ----------
    incumbent : float
        Norm of the best network so far, in the units of the data; infinite before there is one.
    bound : float
        No network that fits has a smaller norm.
    n_nodes : int
        Nodes searched so far.
    """

    def __init__(
        self, deadline: float = math.inf, rel_gap: float = 0.0, report: Report | None = None
    ) -> None:
        self.deadline, self.rel_gap, self._report = deadline, rel_gap, report
        self.incumbent, self.bound, self.n_nodes = math.inf, 0.0, 0
        self.is_interrupted = False
        self._next_report = 0.0
        self._fraction = 0.0
        self._first_gap = math.nan

    @property
    def gap(self) -> float:
        """Relative gap between incumbent and bound; 1 before there is a network."""
        if not math.isfinite(self.incumbent):
            return 1.0
        return max(1.0 - self.bound / self.incumbent, 0.0) if self.incumbent > 0 else 0.0

    def note(self, incumbent: float, bound: float, n_nodes: int) -> None:
        """Take note of the best norm and lower bound so far, in the units of the data."""
        self.incumbent = min(self.incumbent, incumbent)
        self.bound = max(self.bound, bound)
        self.n_nodes = n_nodes
        now = time.monotonic()
        if self._report is not None and now >= self._next_report:
            self._next_report = now + _REPORT_EVERY
            self._report(self._progress(), self.sentence())

    def sentence(self) -> str:
        """Return incumbent, bound, gap and nodes as text."""
        return (
            f"norm {self.incumbent:.9g}, bound {self.bound:.9g}, gap {self.gap:.2g}, "
            f"{self.n_nodes} nodes"
        )

    def stops(self) -> bool:
        """Whether to stop: deadline passed, gap closed to `rel_gap`, or interrupted."""
        return (
            self.is_interrupted
            or time.monotonic() >= self.deadline
            or (self.rel_gap > 0 and self.gap <= self.rel_gap)
        )

    def is_overdue(self) -> bool:
        """Whether even a bound that is half evaluated has to end."""
        return self.is_interrupted or time.monotonic() >= self.deadline + _GRACE

    def part(self) -> Search:
        """Return the budget of a part of the work, whose norms and bounds are its own affair."""
        return _Part(self)

    def _progress(self) -> float:
        """Return the share of the first gap that is closed by now."""
        if math.isfinite(self.incumbent) and math.isnan(self._first_gap):
            self._first_gap = self.gap
        if self._first_gap > self.rel_gap:
            closed = (self._first_gap - self.gap) / (self._first_gap - self.rel_gap)
            self._fraction = min(max(self._fraction, closed), 0.99)
        return self._fraction


class _Part(Search):
    """The deadline and the interrupts of another search."""

    def __init__(self, whole: Search) -> None:
        super().__init__(whole.deadline, whole.rel_gap)
        self.whole = whole

    def stops(self) -> bool:
        return self.whole.is_interrupted or super().stops()

    def is_overdue(self) -> bool:
        return self.whole.is_interrupted or super().is_overdue()


@contextmanager
def interruptible(search: Search) -> Generator[None]:
    """Turn the first Ctrl-C inside the block into ``search.is_interrupted``.

    Before there is a network, at the second Ctrl-C, outside the main thread, and where someone
    else handles Ctrl-C, it does what it always does.
    """
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or (
        usual is not signal.default_int_handler
    ):
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        if search.is_interrupted or not math.isfinite(search.incumbent):
            signal.default_int_handler(number, frame)
        search.is_interrupted = True

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
