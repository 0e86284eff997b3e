"""Two neurons of opposite signs: the invariants of a run (Lemma 10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from relubias.theory._constants import check_constants
from relubias.theory.lai2026._parts import unusable, watched
from relubias.theory.lai2026._shares import Shares
from relubias.theory.monitor import Invariant
from relubias.theory.setting import Setting
from relubias.theory.statement import Statement
from relubias.theory.verdict import Verdict

__all__ = ["Lemma10", "why_not_two_neurons"]


def why_not_two_neurons(setting: Setting) -> str:
    """Return why statements about two neurons say nothing here; empty if they do."""
    if setting.m != 2 or setting.signs.sum() != 0.0:
        signs = "".join("+" if s > 0 else "-" for s in setting.signs)
        return f"is about two neurons of opposite signs, and the network has {signs}"
    return unusable(setting)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lemma10(Statement):
    r"""Eight invariants of two neurons: if they hold at a step t >= 1, they hold ever after.

    With p the neuron of sign +1 and m that of sign -1, in either order:

    =====  ==================================================================================
    a, b   :math:`\alpha_{p,i} \ge c_a\,\kappa\,y_{min}` for :math:`y_i > 0`, and
           :math:`\alpha_{m,i}` for :math:`y_i < 0`
    c, d   :math:`c_b\,\kappa\,y_{min} \le -L\beta_{p,i} \le C_b\,\kappa\,y_{max}` for
           :math:`y_i < 0`, and :math:`\beta_{m,i}` for :math:`y_i > 0`
    e      :math:`\|\alpha_{p,+} - y_+\| \le C_c \sqrt{n_+}\,y_{max}` and
           :math:`\|\alpha_{m,-} + y_-\| \le C_c \sqrt{n_-}\,y_{max}`
    f      :math:`L\,\|\beta_p\|,\ L\,\|\beta_m\| \le C_d \sqrt n\,y_{max}`
    g, h   :math:`\alpha_{p,i} \le -c_e\,\kappa\,y_{min}` for :math:`y_i < 0`, and
           :math:`\alpha_{m,i}` for :math:`y_i > 0`
    =====  ==================================================================================

    Margins are the distance of the left and right side after division by the unit of the bound.

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
    The invariants are the paper's, their formulas derived again from its prose (e with
    :math:`\sqrt n` there). The constants are ours: with these defaults all eight are proved for
    every run that meets ``lai2026.theorem3.explicit`` (see `Theorem3`). Elsewhere a to h may fail
    with these constants while the pattern is right.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Lemma 10.

    Examples
    --------
    >>> import relubias as rb
    >>> problem = rb.Problem([[4.0, 0.0], [0.0, 4.0]], [1.0, -1.0], signs=(1, -1))
    >>> start = rb.starts.all_positive(problem, 0.0625)
    >>> verdicts = Lemma10().check(problem, start, step_size=0.125)
    >>> [round(verdict.margin, 4) for verdict in verdicts]
    [0.225, 0.225, 0.175, 0.175, 0.5625, 1.4282, 0.315, 0.315]
    """

    name: ClassVar[str] = "lai2026.lemma10"
    title: ClassVar[str] = "eight invariants of two neurons"

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
        return why_not_two_neurons(setting)

    def invariants(self, setting: Setting) -> list[Invariant]:
        """Return the eight claims about every step t >= 1."""
        shares = Shares(setting, setting.agrees)
        kappa = setting.kappa
        units = kappa * setting.y_min, kappa * setting.y_max
        order = np.argsort(-setting.signs)  # the positive neuron first

        def each(kind: str, parts: str) -> list[Invariant]:
            return [
                self._claim(shares, f"{self.name}.{part}", kind, int(k), units)
                for part, k in zip(parts, order, strict=True)
            ]

        return [
            *each("active", "ab"),
            *each("frozen", "cd"),
            shares.misfit(f"{self.name}.e", self.misfit),
            shares.bounded(f"{self.name}.f", self.dual),
            *each("inactive", "gh"),
        ]

    def _claim(
        self, shares: Shares, condition: str, kind: str, neuron: int, units: tuple[float, float]
    ) -> Invariant:
        both = ("positive", "negative")
        word, others = both if shares.setting.signs[neuron] > 0 else both[::-1]
        if kind == "active":
            detail = f"Samples with {word} labels stay active on the {word} neuron"
            return shares.active(condition, self.active, detail, [neuron])
        if kind == "inactive":
            detail = f"Samples with {others} labels are inactive on the {word} neuron"
            return shares.inactive(condition, self.inactive, detail, [neuron])
        return shares.frozen(
            condition, (self.frozen_least, self.frozen_most), units,
            f"The {word} neuron's duals of samples with {others} labels are pushed below zero: "
            f"-L beta between {self.frozen_least:g} kappa y_min and {self.frozen_most:g} kappa "
            "y_max (margin in these units).",
            [neuron],
        )  # fmt: skip

    def verdicts(self, setting: Setting) -> list[Verdict]:
        """Answer for the whole run, its limit included."""
        return watched(setting, *(f"{self.name}.{part}" for part in "abcdefgh"))
