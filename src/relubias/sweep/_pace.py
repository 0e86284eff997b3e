"""How fast a sweep goes, and how long it still takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Pace", "duration"]


@dataclass(slots=True)
class Pace:
    """Counts tasks against the clock.

    Attributes
    ----------
    total : int
        Tasks of the run.
    done : int
        Tasks that are stored, by this run or before.
    failed : int
        Tasks among them that failed.
    clock : callable
        Seconds on a clock that never goes back.
    """

    total: int
    done: int = 0
    failed: int = 0
    clock: Callable[[], float] = time.monotonic
    _begin: float = field(init=False)
    _found: int = field(init=False)

    def __post_init__(self) -> None:
        self._begin, self._found = self.clock(), self.done

    @property
    def fraction(self) -> float:
        """Share of the tasks that is stored."""
        return self.done / self.total if self.total else 1.0

    def sentence(self) -> str:
        """Return where the sweep is, its rate, and the time left at that rate."""
        parts = [f"{self.done:,} of {self.total:,} tasks"]
        elapsed, own = self.clock() - self._begin, self.done - self._found
        if own and elapsed > 0:
            parts.append(f"{_rounded(own / elapsed)}/s")
            if self.done < self.total:
                left = (self.total - self.done) * elapsed / own
                parts.append(f"{duration(left)} left")
        if self.failed:
            parts.append(f"{self.failed:,} failed")
        return ", ".join(parts)


def _rounded(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"


def duration(seconds: float) -> str:
    """Return a length of time in its two largest units."""
    whole = round(seconds)
    for size, unit, smaller, name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // smaller} {name}"
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"
