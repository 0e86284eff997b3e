"""Where a run took its last pattern: what lemmas about a fixed pattern start from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relubias.dynamics import DescentTrajectory
from relubias.theory.step import Step

__all__ = ["Settled"]


class Settled:
    """The first step that was seen with the pattern of the last one, and one soon after.

    Parameters
    ----------
    within : int, default=64
        Number of steps that counts as soon.
    """

    def __init__(self, within: int = 64) -> None:
        self.within = within
        self._active: NDArray[np.bool_] | None = None
        self._seen: list[Step] = []  # first of the pattern, last two soon after, last of all

    def see(self, step: Step) -> None:
        """Look at a step."""
        active = step.primal > 0
        if self._active is None or not np.array_equal(active, self._active):
            self._active, self._seen = active, [step]
            return
        soon = [s for s in self._seen[1:] if s.time <= self._seen[0].time + self.within]
        self._seen = [self._seen[0], *soon[-2:], step]

    def since(self, run: DescentTrajectory) -> tuple[Step, Step | None]:
        """Return a step from which the last pattern held, and one soon after it or None.

        Parameters
        ----------
        run : DescentTrajectory
            The run, which is over and whose last switch is known.
        """
        seen = [s for s in self._seen if s.primal is not run.limit.primal] or self._seen
        first = next((s for s in seen if s.time >= run.last_switch), seen[-1])
        later = [s for s in seen if first.time < s.time <= first.time + self.within]
        return first, later[-1] if later else None
