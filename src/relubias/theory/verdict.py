"""What a check answers: a signed margin, its rounding error, and what follows from the two."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["Place", "Role", "Verdict", "decided"]


class Role(StrEnum):
    """What a verdict is about; the value is the word people read."""

    HYPOTHESIS = "hypothesis"
    """Something that a statement assumes."""
    CONCLUSION = "conclusion"
    """What a statement claims, measured on this problem."""
    INVARIANT = "invariant"
    """A claim about every step, with its smallest margin over the run."""
    GUARANTEE = "guarantee"
    """A sufficient condition, computed before a single step is taken."""


class Place(NamedTuple):
    """Where a margin was read; -1 for what does not apply.

    Attributes
    ----------
    step : int
        Number of steps taken.
    neuron, sample : int
        Indices.
    """

    step: int = -1
    neuron: int = -1
    sample: int = -1

    def __str__(self) -> str:
        named = zip(("step", "neuron", "sample"), self, strict=True)
        return ", ".join(f"{name} {index}" for name, index in named if index >= 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    r"""The answer of one condition on one problem.

    Attributes
    ----------
    condition : str
        Its name, such as ``lai2026.theorem1`` or ``lai2026.lemma9.a``.
    role : Role
        Hypothesis, conclusion, invariant or guarantee.
    margin : float
        Signed and dimensionless: positive where the condition holds, negative where it fails, in
        the natural unit that `detail` names. Infinite where nothing had to be shown.
    rounding_error : float
        How far `margin` may be off: by rounding, and where `detail` says so by what is not known
        (an estimated dimension, a run without a certificate). Infinite where nothing is known.
    step : int
        Number of steps after which the margin is smallest; -1 if it is about no step.
    neuron, sample : int
        Where the margin is smallest; -1 if it is about none.
    first_violation : Place or None
        For invariants: the first step at which the margin was not positive.
    constants : mapping of str to float
        Every constant that the paper leaves unspecified, with the value used.
    detail : str
        One sentence for people.
    """

    condition: str
    role: Role
    margin: float
    rounding_error: float = 0.0
    step: int = -1
    neuron: int = -1
    sample: int = -1
    first_violation: Place | None = None
    constants: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    detail: str

    @property
    def holds(self) -> bool | None:
        """Whether the condition holds; None where the margin is within its error of zero."""
        return decided(self.margin, self.rounding_error)

    @property
    def place(self) -> Place:
        """Where the margin is smallest."""
        return Place(self.step, self.neuron, self.sample)

    @property
    def outcome(self) -> str:
        """`holds` as a word; a guarantee that is not met refutes nothing."""
        if self.holds is None:
            return "undecided"
        if self.holds:
            return "holds"
        return "not met" if self.role is Role.GUARANTEE else "fails"

    def __str__(self) -> str:
        error = f" +- {self.rounding_error:.1g}" if self.rounding_error > 0 else ""
        return f"{self.condition}: {self.outcome}, margin {self.margin:.4g}{error}. {self.detail}"


def decided(margin: float, error: float) -> bool | None:
    """Return whether a margin is positive, as far as its error lets it be told.

    A margin of exactly zero, known exactly, is not positive: conditions are strict.

    Parameters
    ----------
    margin : float
        Signed margin.
    error : float
        How far it may be off.

    Returns
    -------
    bool or None

    Examples
    --------
    >>> decided(0.5, 0.1), decided(-0.5, 0.1), decided(0.5, 0.6), decided(0.0, 0.0)
    (True, False, None, False)
    """
    if math.isnan(margin) or math.isnan(error):
        return None
    if margin > error or margin == math.inf:
        return True
    if margin < -error or margin == error == 0.0 or margin == -math.inf:
        return False
    return None
