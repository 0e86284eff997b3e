"""Lemmas 5 and 6: what one step of gradient descent cannot undo."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from relubias._validate import Float
from relubias.theory._constants import check_constants
from relubias.theory.lai2026._parts import unusable, watched
from relubias.theory.lai2026._steps import step_size_upper
from relubias.theory.monitor import Invariant
from relubias.theory.setting import Setting
from relubias.theory.statement import Statement
from relubias.theory.step import Step
from relubias.theory.verdict import Role, Verdict

__all__ = ["Lemma5", "Lemma6"]

_NOTHING: Float = np.empty(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lemma5(Statement):
    r"""Agreeing samples that are active stay active.

    If after t steps sample i is active on a neuron of its sign, the step size is at most
    :math:`1/(C_g L)` and :math:`\|f(X) - y\| \le C \sqrt n\, y_{max}`, then it is active after
    t + 1 steps. The prose of the statement is the paper's; the formulas were derived again from
    it, and the constant is ours.

    Parameters
    ----------
    risk : float, default=4.0
        The constant C, dimensionless. The paper leaves it unspecified.

    Raises
    ------
    InvalidInputError
        If a constant is negative or no number.

    Notes
    -----
    **The paper's proof needs one more condition**, which is new here: no *other* neuron of the
    same sign may be active on the sample. By eq. (10), for a neuron of sign s,

    .. math:: \alpha_i^+ = \alpha_i - \kappa s (f_i - y_i) - \kappa s (E D r)_i,

    and the first two terms are :math:`(1-\kappa)\alpha_i + \kappa|y_i|` plus what neurons of the
    other sign add. A second neuron of the same sign takes :math:`\kappa` times its prediction
    away: orthogonal data with L = 1000, one label 1, predictions (0.01, 3) and
    :math:`\kappa = 0.9` give (-1.799, 1.191) after one step.

    Conditions: ``lai2026.lemma5.step_size`` (hypothesis); ``lai2026.lemma5.explicit``
    (guarantee: with :math:`C \delta_* < 1` the lemma is proved for this data set by (11));
    ``lai2026.lemma5`` (with the new condition, along the run); ``lai2026.lemma5.unconditional``
    (the paper's version, without it). Margins along the run are in units of the smallest
    absolute label. Where the step size is too large nothing is claimed.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Lemma 5, eqs. (10)-(11).

    Examples
    --------
    >>> from relubias import Problem
    >>> problem = Problem([[1000.0]], [1.0], signs=(1, 1))
    >>> verdicts = Lemma5().check(problem, [[1e-5], [3e-3]], step_size=0.9e-3)
    >>> [verdict.outcome for verdict in verdicts if "un" in verdict.condition]
    ['fails']
    >>> verdicts[-1].place
    Place(step=1, neuron=0, sample=0)
    """

    name: ClassVar[str] = "lai2026.lemma5"
    title: ClassVar[str] = "agreeing samples that are active stay active"

    risk: float = 4.0

    def __post_init__(self) -> None:
        check_constants(self)

    def refusal(self, setting: Setting) -> str:
        """Return why the lemma says nothing here; empty if it applies."""
        return unusable(setting)

    def invariants(self, setting: Setting) -> list[Invariant]:
        """Return both versions, to be watched along the run."""
        m, n = setting.m, setting.n
        agrees, y_min = setting.agrees, setting.y_min
        same = (setting.signs[:, None] == setting.signs).astype(np.float64)
        most = (self.risk * setting.y_max) ** 2 * n
        alone = bool((same.sum(axis=0) == 1.0).all())
        applies = step_size_upper(setting, self.name).holds is not False

        def margins(step: Step, *, careful: bool) -> Float:
            before = step.previous
            if before is None or not applies or float(before.residual @ before.residual) > most:
                return _NOTHING
            active = before.primal > 0.0
            claimed = active & agrees
            if careful and not alone:
                claimed &= (same @ active) == 1.0
            return np.where(claimed, step.primal, math.inf).ravel() / y_min

        too_large = "" if applies else " Nothing is claimed: the step size exceeds 1 / (C_g L)."
        where = np.repeat(np.arange(m), n), np.tile(np.arange(n), m)

        def invariant(condition: str, detail: str, *, careful: bool) -> Invariant:
            return Invariant(
                condition=condition,
                margin=lambda step: margins(step, careful=careful),
                detail=detail + too_large,
                neurons=where[0],
                samples=where[1],
                rounding_error=setting.state_error / y_min,
                sensitivity=1.0 / y_min,
                constants={"risk": self.risk},
            )

        return [
            invariant(
                self.name,
                "An agreeing sample on which no other neuron of its sign is active stays active "
                "(margin: primal value one step later, in units of the smallest label).",
                careful=True,
            ),
            invariant(
                f"{self.name}.unconditional",
                "Every agreeing sample that is active stays active, other neurons of its sign or "
                "not, as the paper says (same unit).",
                careful=False,
            ),
        ]

    def verdicts(self, setting: Setting) -> list[Verdict]:
        """Return premise, guarantee and both versions along the run."""
        star = setting.delta_star
        step_size = step_size_upper(setting, f"{self.name}.step_size")
        explicit = Verdict(
            condition=f"{self.name}.explicit",
            role=Role.GUARANTEE,
            margin=1.0 - self.risk * star.value,
            rounding_error=self.risk * star.error,
            constants={"risk": self.risk},
            detail=(
                f"risk * delta_star = {self.risk * star.value:.4g}; below 1 the lemma is proved "
                "for this data set and every step size up to 1 / L."
            ),
        )
        return [
            step_size,
            explicit,
            *(
                seen if step_size.holds is not False else _vacuous(seen)
                for seen in watched(setting, self.name, f"{self.name}.unconditional")
            ),
        ]


def _vacuous(seen: Verdict) -> Verdict:
    """Return the verdict of a claim whose premise fails at every step."""
    return dataclasses.replace(seen, margin=math.inf, rounding_error=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lemma6(Statement):
    r"""Duals that are sufficiently negative are frozen.

    If :math:`\beta_{k,i} \le -c_1 y_{min}/L` and :math:`\|\beta_k\| \le c_2 \sqrt n\,
    y_{max}/L`, then :math:`\alpha_{k,i} < 0`, so that the dual does not move in the next step.
    The prose of the statement is the paper's; the formulas were derived again from it, and the
    constants are ours.

    Parameters
    ----------
    dual : float, default=0.1
        The constant :math:`c_1`, dimensionless.
    norm : float, default=2.2
        The constant :math:`c_2`, dimensionless; that of invariant d of Lemma 9.

    Raises
    ------
    InvalidInputError
        If a constant is negative or no number, or `dual` is zero.

    Notes
    -----
    By (12), :math:`\alpha_{k,i} = L\beta_{k,i} + L(E\beta_k)_i`. Conditions:

    * ``lai2026.lemma6.explicit`` (guarantee): with :math:`c_2 \delta_* < c_1` the lemma is proved
      for this data set by (13).
    * ``lai2026.lemma6``: the paper's form at every step; margin :math:`-\alpha_{k,i}/y_{min}`.
    * ``lai2026.lemma6.sharp`` (new): every dual of at most :math:`-c_1 y_{min}/L` passes the sharp
      test :math:`-L\beta_{k,i} > L|(E\beta_k)_i|`; margin: the difference over
      :math:`y_{min}`.
    * ``lai2026.lemma6.absorbing`` (new): a dual that passes the sharp test keeps its sample
      inactive one step later, too, although other duals have moved. This is how the transition
      diagram is read; it is no consequence of the lemma alone.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Lemma 6, eqs. (12)-(13).

    Examples
    --------
    >>> import numpy as np
    >>> from relubias import Problem, starts
    >>> problem = Problem(4.0 * np.eye(2), [1.0, -1.0])
    >>> start = starts.all_positive(problem, 0.1)
    >>> for verdict in Lemma6().check(problem, start, step_size=0.6 / 4):
    ...     print(verdict.condition, verdict.outcome, round(verdict.margin, 3))
    lai2026.lemma6.explicit holds 1.0
    lai2026.lemma6 holds 0.56
    lai2026.lemma6.sharp holds 0.56
    lai2026.lemma6.absorbing holds 0.56
    """

    name: ClassVar[str] = "lai2026.lemma6"
    title: ClassVar[str] = "sufficiently negative duals are frozen"

    dual: float = 0.1
    norm: float = 2.2

    def __post_init__(self) -> None:
        check_constants(self, positive=("dual",))

    def refusal(self, setting: Setting) -> str:
        """Return why the lemma says nothing here; empty if it applies."""
        return unusable(setting)

    def invariants(self, setting: Setting) -> list[Invariant]:
        """Return the paper's form, the sharp form and what the diagram says."""
        m, n, L = setting.m, setting.n, setting.trace
        y_min = setting.y_min
        low, most = -self.dual * y_min, (self.norm * setting.y_max) ** 2 * n

        def frozen(step: Step) -> Float:
            scaled = L * step.dual
            claimed = scaled <= low
            claimed[np.einsum("ki,ki->k", scaled, scaled) > most] = False
            return np.where(claimed, step.primal, -math.inf).ravel() / -y_min

        def sharp(step: Step) -> Float:
            scaled = L * step.dual
            test = scaled + np.abs(step.primal - scaled)
            return np.where(scaled <= low, test, -math.inf).ravel() / -y_min

        def absorbing(step: Step) -> Float:
            before = step.previous
            if before is None:
                return _NOTHING
            scaled = L * before.dual
            passed = scaled + np.abs(before.primal - scaled) < 0.0
            return np.where(passed, step.primal, -math.inf).ravel() / -y_min

        where = np.repeat(np.arange(m), n), np.tile(np.arange(n), m)
        by_dual = (1.0 + 2.0 * setting.condition.value * math.sqrt(n)) / y_min
        constants = {"dual": self.dual, "norm": self.norm}
        unit = "in units of the smallest label"
        return [
            Invariant(
                condition=self.name, margin=frozen, first_step=0, sensitivity=1.0 / y_min,
                rounding_error=setting.state_error / y_min,
                detail="A dual of at most -dual y_min / L keeps its sample inactive (margin: minus "
                f"the primal value, {unit}).",
                neurons=where[0], samples=where[1], constants=constants,
            ),
            Invariant(
                condition=f"{self.name}.sharp", margin=sharp, first_step=0, sensitivity=by_dual,
                rounding_error=3.0 * setting.state_error / y_min,
                detail="A dual of at most -dual y_min / L outweighs its interaction with all "
                f"others (margin: the difference, {unit}).",
                neurons=where[0], samples=where[1], constants={"dual": self.dual},
            ),
            Invariant(
                condition=f"{self.name}.absorbing", margin=absorbing, sensitivity=1.0 / y_min,
                rounding_error=setting.state_error / y_min,
                detail="A dual that outweighs its interaction keeps its sample inactive one step "
                f"later, too (margin: minus the primal value then, {unit}).",
                neurons=where[0], samples=where[1],
            ),
        ]  # fmt: skip

    def verdicts(self, setting: Setting) -> list[Verdict]:
        """Return guarantee and the three forms along the run."""
        star = setting.delta_star
        ratio = self.norm / self.dual
        explicit = Verdict(
            condition=f"{self.name}.explicit",
            role=Role.GUARANTEE,
            margin=1.0 - ratio * star.value,
            rounding_error=ratio * star.error,
            constants={"dual": self.dual, "norm": self.norm},
            detail=(
                f"norm / dual * delta_star = {ratio * star.value:.4g}; below 1 the lemma is "
                "proved for this data set."
            ),
        )
        return [
            explicit,
            *watched(setting, self.name, f"{self.name}.sharp", f"{self.name}.absorbing"),
        ]
