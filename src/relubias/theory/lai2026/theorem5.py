"""Theorem 5: where gradient descent of several neurons goes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from relubias.theory._constants import check_constants
from relubias.theory.lai2026._limits import conclusions, pattern_of
from relubias.theory.lai2026._one_active_neuron import parts_of_certificate
from relubias.theory.lai2026._parts import conjunction, smallest
from relubias.theory.lai2026._shares import Shares
from relubias.theory.lai2026._steps import step_size_lower, step_size_upper
from relubias.theory.lai2026.assignment import shares_of, why_not_several_neurons
from relubias.theory.monitor import Invariant
from relubias.theory.setting import EPS, Setting
from relubias.theory.statement import Statement
from relubias.theory.verdict import Role, Verdict

__all__ = ["Theorem5"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Theorem5(Statement):
    r"""Several neurons fit the samples that they own, and no others.

    From a start as in Assumption 3, with :math:`c_0 y_{min} \le \epsilon_{k,i} \le y_{min}/C`, and
    a step size in the range of Theorem 1,

    .. math:: w_k^{(\infty)} = \arg\min \{\|w - w_k^{(1)}\| : X_{S_k} w = s_k y_{S_k}\}, \qquad
              x_i^\top w_k^{(\infty)} < 0 \quad (i \notin S_k).

    Parameters
    ----------
    start_constant : float, default=20
        Active coordinates are to start at most at ``y_min / (start_constant * m**power)``.
    power : float, default=1
        The dependence on the number m of neurons, which the paper leaves open: all of one sign add
        up in the network's output.
    parked : float, default=0.1
        Parked coordinates, of samples that another neuron of their sign owns, are to start at
        most at ``-parked * y_min``.
    step_constant : float, default=4
        The C of the lower bound of the step size; that of `relubias.step_size_bounds`.
    tolerance : float, default=1e-8
        How well the limit has to be the one of the theorem, in units of `y_max`: predictions on own
        samples, and L times the duals of all others.

    Raises
    ------
    InvalidInputError
        If a constant is negative or no number, or zero where it divides.

    Notes
    -----
    The prose of the statement is the paper's; formulas were derived again from it, and its
    constants are ours. **The lower bound is essential**, which is new: parked coordinates get no
    update in the first step, so nothing but the start makes their duals negative. The upper
    bound is asked of active coordinates alone: parked ones do not enter the output. Conditions:

    * ``.start.upper``, ``.start.lower``, ``.step_size.lower``, ``.step_size.upper``
      (hypotheses). Margins of the start: ``1 - eps / bound`` and ``eps / y_min - parked``.
    * ``.certificate`` (guarantee, new): sufficient for this data set, start and step size, from
      one step in closed form; stated and proved at `Theorem3`.
    * ``.limit`` (conclusion): the displayed limit alone.
    * ``lai2026.theorem5`` (conclusion): that, and the pattern from the first step on.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Theorem 5, eqs. (47)-(53).

    Examples
    --------
    >>> import numpy as np
    >>> from relubias import Problem, starts
    >>> problem = Problem(4.0 * np.eye(3) + 0.1, [1.0, 1.0, -1.0], signs=(1, 1, -1))
    >>> for parked in (0.3, 0.003):
    ...     start = starts.disjoint(problem, [0, 1, 2], 0.01, parked=parked)
    ...     verdicts = Theorem5().check(problem, start, step_size=0.2)
    ...     print([verdict.outcome for verdict in verdicts], verdicts[-1].first_violation)
    ['holds', 'holds', 'holds', 'holds', 'holds', 'holds', 'holds'] None
    ['holds', 'fails', 'holds', 'holds', 'not met', 'fails', 'fails'] step 2, neuron 0, sample 1
    """

    name: ClassVar[str] = "lai2026.theorem5"
    title: ClassVar[str] = "several neurons fit the samples that they own"

    start_constant: float = 20.0
    power: float = 1.0
    parked: float = 0.1
    step_constant: float = 4.0
    tolerance: float = 1e-8

    def __post_init__(self) -> None:
        check_constants(self, positive=("start_constant", "step_constant", "tolerance"))

    def refusal(self, setting: Setting) -> str:
        """Return why the theorem says nothing here; empty if it applies."""
        return why_not_several_neurons(setting)

    def invariants(self, setting: Setting) -> list[Invariant]:
        """Return the claim about the pattern."""
        return [pattern_of(shares_of(setting), self.name)]

    def verdicts(self, setting: Setting) -> list[Verdict]:
        """Return hypotheses, guarantee and conclusions."""
        shares = shares_of(setting)
        return [
            self._upper(setting, shares),
            self._lower(setting, shares),
            step_size_lower(setting, f"{self.name}.step_size.lower", self.step_constant),
            step_size_upper(setting, f"{self.name}.step_size.upper"),
            conjunction(
                f"{self.name}.certificate", Role.GUARANTEE, parts_of_certificate(setting, shares),
                "Sufficient for the theorem's conclusion, from one step in closed form and norms "
                f"(delta = {setting.delta.value:.4g}; margin in units of kappa y_min).",
            ),
            *conclusions(setting, shares, self.name, self.tolerance),
        ]  # fmt: skip

    def _upper(self, setting: Setting, shares: Shares) -> Verdict:
        per = self.start_constant * setting.m**self.power / setting.y_min
        parked = shares.off & setting.agrees
        active = np.where(parked, -math.inf, setting.initial)
        return conjunction(
            f"{self.name}.start.upper", Role.HYPOTHESIS,
            [smallest(1.0 - per * active, per * setting.initial_error + 4.0 * EPS)],
            f"Active coordinates are to start at most at y_min / ({self.start_constant:g} m^"
            f"{self.power:g}) = {1.0 / (per * setting.y_min):.4g} y_min; the largest is at "
            f"{float(active.max()) / setting.y_min:.4g} y_min.",
            {"start_constant": self.start_constant, "power": self.power},
        )  # fmt: skip

    def _lower(self, setting: Setting, shares: Shares) -> Verdict:
        parked = shares.off & setting.agrees
        depth = np.where(parked, -setting.initial, math.inf) / setting.y_min
        if parked.any():
            detail = (
                f"Parked coordinates are to start at most at -{self.parked:g} y_min; the largest "
                f"is at {-float(depth.min()):.4g} y_min (margin in units of y_min)."
            )
        else:
            detail = "No sample is parked: no two neurons have the sign of a label."
        return conjunction(
            f"{self.name}.start.lower", Role.HYPOTHESIS,
            [smallest(depth - self.parked, setting.initial_error / setting.y_min + 4.0 * EPS)],
            detail, {"parked": self.parked},
        )  # fmt: skip
