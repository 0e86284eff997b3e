"""What is remembered of one invariant: the smallest margin, where, and the first violation."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.theory.step import Step
from relubias.theory.verdict import Place, Role, Verdict

__all__ = ["Between", "Invariant", "Watched"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Invariant:
    """A claim about every step.

    Attributes
    ----------
    condition : str
        Name of its verdict.
    margin : callable
        ``margin(step)`` returns signed margins as a flat array; infinite where nothing is
        claimed, empty to pass the step over.
    detail : str
        One sentence for people.
    neurons, samples : ndarray of int, shape (n_margins,), or None
        What each margin is about. Where both are given, a margin is a monotone function of that
        one primal value, premises apart.
    rounding_error : float
        Bound on what rounding does to a margin.
    first_step : int
        Step from which the claim is made.
    sensitivity : float
        How much a margin may change, at most, when every primal value moves by one: for what lies
        between two looks, and beyond the last.
    constants : mapping of str to float
        Constants with the values used.
    """

    condition: str
    margin: Callable[[Step], Float]
    detail: str
    neurons: NDArray[np.intp] | None = None
    samples: NDArray[np.intp] | None = None
    rounding_error: float = 0.0
    first_step: int = 1
    sensitivity: float = math.inf
    constants: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


class Between(NamedTuple):
    """What primal values did since the last look, at steps that were not looked at.

    Attributes
    ----------
    excess : ndarray of shape (n_neurons, n_samples)
        How far they left the interval between their values at the two looks.
    away : ndarray of shape (n_neurons, n_samples)
        How far they were, at most, from their values now.
    """

    excess: Float
    away: Float


class Watched:
    """The smallest margin of one invariant so far, and its first violation.

    Parameters
    ----------
    invariant : Invariant
        What is watched.
    """

    __slots__ = ("_before", "first_violation", "invariant", "lowest", "margin", "place")

    def __init__(self, invariant: Invariant) -> None:
        self.invariant = invariant
        self.margin = math.inf
        self.lowest = math.inf  # bound on the margin at steps that were not looked at
        self.place = Place()
        self.first_violation: Place | None = None
        self._before: Float | None = None  # margins at the last look

    def see(self, step: Step, between: Between | None) -> None:
        """Evaluate the invariant at one step, and bound it since the last."""
        if step.time < self.invariant.first_step:
            return
        margins = self.invariant.margin(step)
        if margins.size == 0:
            return
        least = int(margins.argmin())
        margin = float(margins[least])
        if margin < self.margin:
            self.margin, self.place = margin, self._place(step.time, least)
        if margin <= 0.0 and self.first_violation is None:
            self.first_violation = self._place(step.time, least)
        if between is not None and self.margin > 0.0:
            self.lowest = min(self.lowest, self._bound(margins, between))
        self._before = margins

    def _bound(self, margins: Float, between: Between) -> float:
        """Bound the margins between two looks, as far as the ends do not.

        A monotone function of one value is smallest at an end of its range, and that lies at most
        the excess beyond the values at the two looks.
        """
        invariant = self.invariant
        if invariant.neurons is None or invariant.samples is None:
            return float(margins.min()) - invariant.sensitivity * float(between.away.max())
        where = invariant.neurons, invariant.samples
        excess = between.excess[where]
        open_ones = excess > 0.0
        if not open_ones.any():
            return math.inf
        bounds = margins - invariant.sensitivity * between.away[where]
        before = self._before
        if before is not None and before.shape == margins.shape:
            ends = np.minimum(before, margins) - invariant.sensitivity * excess
            is_claimed = np.isfinite(before) & np.isfinite(margins)
            bounds = np.where(is_claimed, ends, bounds)
        return float(bounds[open_ones].min())

    def _place(self, time: int, index: int) -> Place:
        neurons, samples = self.invariant.neurons, self.invariant.samples
        return Place(
            time,
            -1 if neurons is None else int(neurons[index]),
            -1 if samples is None else int(samples[index]),
        )

    def verdict(self, open_end: float) -> Verdict:
        """Return the verdict of a run whose primal values move by `open_end` after the last look.

        What no look showed leaves the verdict open unless it is already violated.
        """
        invariant, margin = self.invariant, self.margin
        error, detail = invariant.rounding_error, invariant.detail
        if margin > 0.0:
            unseen = margin - min(self.lowest, margin) if math.isfinite(margin) else 0.0
            if unseen > error:
                detail += " Some steps were not looked at; a larger n_dense shows them."
            tail = invariant.sensitivity * open_end if open_end > 0.0 else 0.0
            if not math.isfinite(tail):
                detail += " Steps after the end of the run are not known."
            error = max(error, unseen) + tail
        if math.isinf(margin):
            is_about_nothing = invariant.neurons is not None and invariant.neurons.size == 0
            is_open = not (math.isfinite(open_end) or is_about_nothing)
            detail += " Nothing had to be shown at any step" + (" so far." if is_open else ".")
            margin = math.nan if is_open else margin
        return Verdict(
            condition=invariant.condition,
            role=Role.INVARIANT,
            margin=margin,
            rounding_error=error,
            step=self.place.step,
            neuron=self.place.neuron,
            sample=self.place.sample,
            first_violation=self.first_violation,
            constants=invariant.constants,
            detail=detail,
        )
