"""The shortest network of two neurons: a convex program for the right partition (Lemma 4)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from relubias._validate import Float
from relubias.minnorm import MinimumNormStatus
from relubias.theory._constants import check_constants
from relubias.theory._rounded import Rounded
from relubias.theory.lai2026._parts import Part, conjunction, smallest
from relubias.theory.lai2026._weights import within
from relubias.theory.lai2026.two_neurons import why_not_two_neurons
from relubias.theory.setting import EPS, Setting
from relubias.theory.statement import Statement
from relubias.theory.verdict import Role, Verdict

__all__ = ["Lemma4"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lemma4(Statement):
    r"""The shortest network of two neurons solves a convex program, for the right partition.

    With :math:`I_+ = S_1 \cup S_2` and :math:`I_- = S_3 \cup S_4`, where both neurons are active on
    :math:`S_2` and :math:`S_4`, the optimum of (8) is that of the quadratic program (9). For
    the neurons p and m of sign +1 and -1 its optimality conditions (34)-(35) are, with the
    multipliers :math:`\mu \ge 0` of the inequalities,

    =====  ==========================  ===========================  ==========================
    part   inequality                  :math:`\mu`                  complementary slackness
    =====  ==========================  ===========================  ==========================
    S_1    :math:`\alpha_m \le 0`      :math:`-\beta_m`             :math:`\mu\,\alpha_m = 0`
    S_2    :math:`\alpha_m \ge 0`      :math:`\beta_p + \beta_m`    :math:`\mu\,\alpha_m = 0`
    S_3    :math:`\alpha_p \le 0`      :math:`-\beta_p`             :math:`\mu\,\alpha_p = 0`
    S_4    :math:`\alpha_p \ge 0`      :math:`\beta_p + \beta_m`    :math:`\mu\,\alpha_p = 0`
    =====  ==========================  ===========================  ==========================

    Parameters
    ----------
    tolerance : float, default=1e-8
        Violation that counts as none, in units of `y_max`
        (of `y_min` in ``.decoupled``).

    Raises
    ------
    InvalidInputError
        If `tolerance` is not positive.

    Notes
    -----
    The prose is the paper's, the formulas were derived again from it. The partition is read off
    the shortest network. Conditions, all conclusions:

    * ``.feasible`` (labels are fitted), ``.stationary`` (:math:`G\beta = \alpha`), ``.sign``
      (:math:`\mu \ge 0`), ``.complementary``; margin ``(tolerance - x) / (tolerance + x)`` for the
      largest violation x. Since (9) is convex, the four together prove the network optimal for its
      partition.
    * ``.norm``: :math:`\|\beta_k\| \le C_g \sqrt n\,y_{max}/L`, step 1 of the proof; margin: 1
      minus the ratio.
    * ``.decoupled`` (new): no sample is shared, so that each neuron solves the problem of one
      neuron (7). Margin in units of `y_min`: over all samples of the other sign the smallest of
      :math:`\max(-\alpha, -L\beta)`, or minus the smaller prediction on a shared sample; plus
      `tolerance`, so that ties, as on orthogonal data, do not count as shared.

    Where the shortest network is not proved optimal, all but ``.feasible`` are left open.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Lemma 4, eqs. (8)-(9), (34)-(35).

    Examples
    --------
    >>> from relubias import Problem
    >>> problem = Problem([[4.0, 0.1], [0.1, 4.0]], [1.0, -1.0], signs=(1, -1))
    >>> for verdict in Lemma4().check(problem):
    ...     print(verdict.condition, verdict.outcome, round(verdict.margin, 3))
    lai2026.lemma4.feasible holds 1.0
    lai2026.lemma4.stationary holds 1.0
    lai2026.lemma4.sign holds 1.0
    lai2026.lemma4.complementary holds 1.0
    lai2026.lemma4.norm holds 0.31
    lai2026.lemma4.decoupled holds 0.025
    """

    name: ClassVar[str] = "lai2026.lemma4"
    title: ClassVar[str] = "the shortest pair solves a convex program"

    tolerance: float = 1e-8

    def __post_init__(self) -> None:
        check_constants(self, positive=("tolerance",))

    def refusal(self, setting: Setting) -> str:
        """Return why the lemma says nothing here; empty if it applies."""
        return why_not_two_neurons(setting)

    def verdicts(self, setting: Setting) -> list[Verdict]:
        """Return the optimality conditions, the bound of the norm and decoupling."""
        solution = setting.shortest
        known = solution.status in (MinimumNormStatus.OPTIMAL, MinimumNormStatus.FEASIBLE)
        parts = self._parts(setting) if known else dict.fromkeys(_DETAILS, Part(0.0, math.inf))
        if solution.status is MinimumNormStatus.FEASIBLE:
            fits = parts["feasible"]
            parts = {key: part._replace(error=math.inf) for key, part in parts.items()}
            parts["feasible"] = fits
        about = "" if solution.status is MinimumNormStatus.OPTIMAL else f" ({solution.status})"
        return [
            conjunction(
                f"{self.name}.{key}", Role.CONCLUSION, [part], f"{_DETAILS[key]}{about}.",
                {} if key == "norm" else {"tolerance": self.tolerance},
            )
            for key, part in parts.items()
        ]  # fmt: skip

    def _parts(self, setting: Setting) -> dict[str, Part]:
        """Return margin, error and place of every condition."""
        solution, L, y_max = setting.shortest, setting.trace, setting.y_max
        gram, signs, y = setting.problem.gram, setting.signs, setting.labels
        alpha, beta = solution.primal, L * solution.dual
        bound = solution.certificate.error_bound if math.isfinite(solution.norm) else math.inf
        diagonal = math.sqrt(float(np.diagonal(gram).max()))
        error = diagonal * bound + 4.0 * setting.n * EPS * y_max
        smallest_mu = max(float(setting.eigenvalues[0]), setting.eigenvalue_error)
        dual_error = math.sqrt(L / smallest_mu) * bound + 4.0 * setting.n * EPS * y_max

        other = ~setting.agrees  # the one neuron of each sample that need not fit it
        shared = other & (alpha > 0.0)
        multiplier = np.where(shared, beta.sum(axis=0), -beta)
        misfit = np.abs(signs @ np.maximum(alpha, 0.0) - y)[None]
        product = np.abs(solution.dual @ gram - alpha)
        sizes = np.abs(solution.dual) @ np.abs(gram)
        product_error = 2.0 * (setting.n + 2) * EPS * float(sizes.max())
        # mu times slack in units of y_max: both are, so the smaller of the two will do
        slackness = np.minimum(np.abs(multiplier), np.abs(alpha))
        gaps = np.where(shared, -alpha, np.maximum(-alpha, -beta))
        norms = np.linalg.norm(beta, axis=1)[:, None]
        most = setting.condition.value * math.sqrt(setting.n) * y_max
        both, y_min, tie = max(error, dual_error), setting.y_min, self.tolerance

        def none(violations: Float, off: float) -> Part:
            return self._none(np.where(other, violations, 0.0) / y_max, off / y_max)

        return {
            "feasible": self._none(misfit / y_max, error / y_max),
            "stationary": self._none(product / y_max, (error + product_error) / y_max),
            "sign": none(np.maximum(-multiplier, 0.0), dual_error),
            "complementary": none(slackness, both),
            "norm": smallest(1.0 - norms / most, dual_error / y_max),
            "decoupled": smallest(np.where(other, gaps, math.inf) / y_min + tie, both / y_min),
        }

    def _none(self, violations: Float, error: float) -> Part:
        """Return whether the largest violation counts as none."""
        k, i = np.unravel_index(int(violations.argmax()), violations.shape)
        margin = within(Rounded(float(violations[k, i]), error), self.tolerance)
        return Part(margin.value, margin.error, int(k), int(i))


_DETAILS = {
    "feasible": "The shortest network fits every label",
    "stationary": "Its predictions are those of its duals",
    "sign": "Multipliers of its inequalities are not negative",
    "complementary": "A multiplier is positive only where its inequality is tight",
    "norm": "L ||beta_k|| is at most C_g sqrt(n) y_max for both neurons (margin: 1 - ratio)",
    "decoupled": "No sample is shared by both neurons (margin in units of y_min)",
}
