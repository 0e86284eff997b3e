"""One positive neuron: the invariants of its run (Lemma 9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from relubias.theory._constants import check_constants
from relubias.theory.lai2026._one import why_not_one_neuron
from relubias.theory.lai2026._parts import watched
from relubias.theory.lai2026._shares import Shares
from relubias.theory.monitor import Invariant
from relubias.theory.setting import Setting
from relubias.theory.statement import Statement
from relubias.theory.verdict import Verdict

__all__ = ["Lemma9", "pattern_invariant"]

PATTERN = "lai2026.lemma9.f"

_ONLY_AN_OPEN_END = 1e-300
"""Sensitivity of b: duals of labels of the other sign never rise, so two looks bound what lies
between; only a run without an end leaves them open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lemma9(Statement):
    r"""Six invariants of one neuron: if they hold at a step t >= 1, they hold ever after.

    For a neuron of sign +1; with sign -1 the same for the negated labels.

    =====  ==================================================================================
    a      :math:`\alpha_i \ge c_a\,\kappa\,y_{min}` for :math:`y_i > 0`
    b      :math:`c_b\,\kappa\,y_{min} \le -L\beta_i \le C_b\,\kappa\,y_{max}` for :math:`y_i < 0`
    c      :math:`\|\alpha_+ - y_+\| \le C_c \sqrt{n_+}\,y_{max}`
    d      :math:`L\,\|\beta\| \le C_d \sqrt n\,y_{max}`
    e      :math:`\alpha_i \le -c_e\,\kappa\,y_{min}` for :math:`y_i < 0`
    f      the samples with :math:`\alpha_i > 0` are those with :math:`y_i > 0`
    =====  ==================================================================================

    Margins are the distance of the left and right side after division by the unit of the bound:
    :math:`\kappa y_{min}` in a, e, f and the lower half of b, :math:`\kappa y_{max}` in its upper
    half, :math:`\sqrt{n_+} y_{max}` in c, :math:`\sqrt n\,y_{max}` in d.

    Parameters
    ----------
    active : float, default=0.9
        :math:`c_a`; the paper's invariant is that of 0.
    frozen_least, frozen_most : float, default=0.7 and 1.3
        :math:`c_b` and :math:`C_b`.
    misfit : float, default=1.0
        :math:`C_c`.
    dual : float, default=2.2
        :math:`C_d`.
    inactive : float, default=0.56
        :math:`c_e`; the paper's invariant is that of 0.

    Raises
    ------
    InvalidInputError
        If a constant is negative or no number.

    Notes
    -----
    The invariants are the paper's, their formulas derived again from its prose. The constants are
    ours: with these defaults all six are proved for every run that meets
    ``lai2026.theorem1.explicit``, which `Theorem1` checks. Elsewhere a to e may fail with these
    constants while the pattern, f, is right.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Lemma 9.

    Examples
    --------
    >>> import relubias as rb
    >>> problem = rb.Problem([[4.0, 0.0], [0.0, 4.0]], [1.0, -1.0])
    >>> start = rb.starts.all_positive(problem, 0.1)
    >>> verdicts = Lemma9().check(problem, start, step_size=0.15)
    >>> [(verdict.condition[-1], round(verdict.margin, 4)) for verdict in verdicts]
    [('a', 0.1667), ('b', 0.2333), ('c', 0.64), ('d', 1.3896), ('e', 0.3733), ('f', 0.9333)]
    """

    name: ClassVar[str] = "lai2026.lemma9"
    title: ClassVar[str] = "six invariants of one neuron"

    active: float = 0.9
    frozen_least: float = 0.7
    frozen_most: float = 1.3
    misfit: float = 1.0
    dual: float = 2.2
    inactive: float = 0.56

    def __post_init__(self) -> None:
        check_constants(self)

    def refusal(self, setting: Setting) -> str:
        """Return why the lemma says nothing here; empty if it applies."""
        return why_not_one_neuron(setting)

    def invariants(self, setting: Setting) -> list[Invariant]:
        """Return the six claims about every step t >= 1."""
        shares = Shares(setting, setting.agrees)
        return [
            shares.active(
                f"{self.name}.a",
                self.active,
                "Samples with labels of the neuron's sign stay active",
            ),
            shares.frozen(
                f"{self.name}.b",
                (self.frozen_least, self.frozen_most),
                (shares.unit, setting.kappa * setting.y_max),
                "The duals of the other samples are pushed below zero: -L beta between "
                f"{self.frozen_least:g} kappa y_min and {self.frozen_most:g} kappa y_max (margin "
                "in these units).",
                sensitivity=_ONLY_AN_OPEN_END,
            ),
            shares.misfit(f"{self.name}.c", self.misfit),
            shares.bounded(f"{self.name}.d", self.dual),
            shares.inactive(
                f"{self.name}.e",
                self.inactive,
                "Samples with labels of the other sign are inactive",
            ),
            pattern_invariant(setting),
        ]

    def verdicts(self, setting: Setting) -> list[Verdict]:
        """Answer for the whole run, its limit included."""
        return watched(setting, *(f"{self.name}.{part}" for part in "abcdef"))


def pattern_invariant(setting: Setting) -> Invariant:
    """Return the claim that the pattern is that of the labels' signs from the first step on."""
    return Shares(setting, setting.agrees).pattern(
        PATTERN,
        "From the first step on the active samples are those with labels of the neuron's sign "
        "(margin: distance of the predictions from zero in units of kappa y_min).",
    )
