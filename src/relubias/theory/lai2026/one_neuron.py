"""One positive neuron: the invariants of its run (Lemma 9)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from relubias._validate import Float
from relubias.theory._constants import check_constants
from relubias.theory.lai2026._one import OneNeuron, why_not_one_neuron
from relubias.theory.monitor import Invariant
from relubias.theory.setting import Setting
from relubias.theory.statement import Statement
from relubias.theory.step import Step
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
        one = OneNeuron(setting)
        plus, minus, y = one.plus, one.minus, one.y[one.plus]
        unit = one.kappa.value * setting.y_min
        y_max, L, n = setting.y_max, one.L, one.n
        noise = setting.state_error
        per_root = y_max * math.sqrt(max(plus.size, 1))
        per_dual = y_max * math.sqrt(n)
        stretch = math.sqrt(n) / one.mu_min  # L times a dual, over the primal values

        def active(step: Step) -> Float:
            return step.primal[0, plus] / unit - self.active

        def frozen(step: Step) -> Float:
            pushed = -L * step.dual[0, minus]
            return np.concatenate(
                (
                    pushed / unit - self.frozen_least,
                    self.frozen_most - pushed / (one.kappa.value * y_max),
                )
            )

        def misfit(step: Step) -> Float:
            if plus.size == 0:
                return y
            away = step.primal[0, plus] - y
            return np.array([self.misfit - math.sqrt(away @ away) / per_root])

        def dual(step: Step) -> Float:
            beta = step.dual[0]
            return np.array([self.dual - L * math.sqrt(beta @ beta) / per_dual])

        def inactive(step: Step) -> Float:
            return -step.primal[0, minus] / unit - self.inactive

        def claim(
            part: str, margin: Callable[[Step], Float], detail: str, **more: object
        ) -> Invariant:
            return Invariant(condition=f"{self.name}.{part}", margin=margin, detail=detail, **more)  # pyright: ignore[reportArgumentType]

        return [
            claim(
                "a", active, f"Samples with labels of the neuron's sign stay active: their "
                f"predictions are above {self.active:g} kappa y_min at every step "
                "(margin in units of kappa y_min).",
                samples=plus, neurons=np.zeros_like(plus), constants={"active": self.active},
                rounding_error=noise / unit, sensitivity=1.0 / unit,
            ),
            claim(
                "b", frozen, f"The duals of the other samples are pushed below zero: -L beta "
                f"between {self.frozen_least:g} kappa y_min and {self.frozen_most:g} kappa y_max "
                "(margin in these units).",
                samples=np.tile(minus, 2), neurons=np.zeros(2 * minus.size, np.intp),
                constants={"frozen_least": self.frozen_least, "frozen_most": self.frozen_most},
                rounding_error=noise / unit, sensitivity=_ONLY_AN_OPEN_END,
            ),
            claim(
                "c", misfit, f"The misfit on labels of the neuron's sign is at most "
                f"{self.misfit:g} sqrt(n_+) y_max (margin in units of sqrt(n_+) y_max).",
                constants={"misfit": self.misfit},
                rounding_error=noise / y_max, sensitivity=1.0 / y_max,
            ),
            claim(
                "d", dual, f"L ||beta|| is at most {self.dual:g} sqrt(n) y_max "
                "(margin in units of sqrt(n) y_max).",
                constants={"dual": self.dual},
                rounding_error=noise / y_max, sensitivity=stretch / per_dual,
            ),
            claim(
                "e", inactive, f"Samples with labels of the other sign are inactive: their "
                f"predictions are below -{self.inactive:g} kappa y_min at every step t >= 1 "
                "(margin in units of kappa y_min).",
                samples=minus, neurons=np.zeros_like(minus), constants={"inactive": self.inactive},
                rounding_error=noise / unit, sensitivity=1.0 / unit,
            ),
            pattern_invariant(one),
        ]  # fmt: skip

    def verdicts(self, setting: Setting) -> list[Verdict]:
        """Answer for the whole run, its limit included."""
        _ = setting.trajectory
        return [setting.monitor.verdict(f"{self.name}.{part}") for part in "abcdef"]


def pattern_invariant(one: OneNeuron) -> Invariant:
    """Return the claim that the pattern is that of the labels' signs from the first step on."""
    unit = one.kappa.value * one.setting.y_min
    oriented = np.where(one.y > 0, 1.0, -1.0) / unit
    return Invariant(
        condition=PATTERN,
        margin=lambda step: step.primal[0] * oriented,
        detail="From the first step on the active samples are those with labels of the neuron's "
        "sign (margin: distance of the predictions from zero in units of kappa y_min).",
        neurons=np.zeros(one.n, np.intp),
        samples=np.arange(one.n),
        rounding_error=one.setting.state_error / unit,
        sensitivity=1.0 / unit,
    )
