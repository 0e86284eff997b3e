"""The shortest neuron that fits: a linear interpolator on some subset (Lemma 3)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from relubias._threads import one_blas_thread
from relubias.minnorm import MinimumNormStatus
from relubias.theory._constants import check_constants
from relubias.theory._rounded import Rounded, exact
from relubias.theory.lai2026._one import OneNeuron, no_features
from relubias.theory.lai2026._weights import Projection, closeness, within
from relubias.theory.setting import EPS, Setting
from relubias.theory.statement import Statement
from relubias.theory.verdict import Role, Verdict

__all__ = ["Lemma3"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lemma3(Statement):
    r"""The shortest neuron is the linear least-norm interpolator on a set S that holds I_+.

    .. math:: w^* = X_S^\top (X_S X_S^\top)^{-1} \tilde y_S, \qquad
              \tilde y_i = \max(y_i, 0), \quad S \supseteq I_+ .

    S is read off the answer: the positive labels and the samples whose dual is not zero. Four
    conditions of optimality are evaluated from that, each from the data anew:

    * ``.stationary``: the answer is the interpolator on S (15a), (16); relative distance in weight
      space.
    * ``.feasible``: it fits the positive labels and is at most 0 on the others (15b), in units of
      y_max.
    * ``.sign``: duals of S outside I_+ are negative (15c); the margin is the smallest
      ``-L beta_i / y_max``, infinite where S is I_+.
    * ``.complementary``: off I_+, dual or prediction vanishes; largest product, in units of
      y_max^2 / L.

    Margins are ``(tolerance - x) / (tolerance + x)`` for the violation x, but for ``.sign``. A
    neuron of sign -1 is that of sign +1 for the negated labels.

    Parameters
    ----------
    tolerance : float, default=1e-9
        Violation that counts as none, in the units above.

    Raises
    ------
    InvalidInputError
        If the tolerance is not positive.

    Notes
    -----
    The formula of the interpolator is the paper's; the conditions of optimality were derived
    again. Together they prove that the answer is the shortest neuron: the program is convex.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Lemma 3, eqs. (7), (15)-(16).

    Examples
    --------
    >>> import relubias as rb
    >>> problem = rb.Problem([[4.0, 1.0], [1.0, 4.0]], [1.0, -0.5])
    >>> [verdict.outcome for verdict in Lemma3().check(problem)]
    ['holds', 'holds', 'holds', 'holds']
    """

    name: ClassVar[str] = "lai2026.lemma3"
    title: ClassVar[str] = "the shortest neuron interpolates on a subset"

    tolerance: float = 1e-9

    def __post_init__(self) -> None:
        check_constants(self, positive=("tolerance",))

    def refusal(self, setting: Setting) -> str:
        """Return why the lemma says nothing here; empty if it applies."""
        if setting.m != 1:
            return f"is about one neuron, and the network has {setting.m}"
        if not setting.labels.any():
            return "every label is zero, and so is the neuron"
        return no_features(setting)

    def verdicts(self, setting: Setting) -> list[Verdict]:
        """Answer for the minimum norm."""
        found = setting.shortest
        if found.status is not MinimumNormStatus.OPTIMAL:
            unknown, why = Rounded(math.nan, math.inf), f"{found.status}: {found.status.sentence}."
            parts = ("stationary", "feasible", "sign", "complementary")
            return [self._verdict(part, unknown, why) for part in parts]
        one = OneNeuron(setting)
        with one_blas_thread(one.n):
            return self._of_answer(one)

    def _of_answer(self, one: OneNeuron) -> list[Verdict]:
        setting, y_max, L = one.setting, one.setting.y_max, one.L
        gram, dual = setting.problem.gram, setting.shortest.dual[0]
        target = np.maximum(one.y, 0.0)
        rest = np.flatnonzero(one.y <= 0)
        others = rest[dual[rest] != 0]
        subset = np.union1d(one.plus, others)
        solved = Projection.of(gram, np.zeros(one.n), subset, target)
        near, distance = closeness(one, dual, solved, self.tolerance)

        primal = gram @ dual
        noise = (one.n + 4) * EPS * float((np.abs(gram) @ np.abs(dual)).max())
        misfit = float(np.abs(primal[one.plus] - target[one.plus]).max(initial=0.0))
        above = float(primal[rest].max(initial=0.0))
        fits = within(Rounded(max(misfit, above) / y_max, noise / y_max), self.tolerance)

        # the answer lies within error_bound of the optimum, its duals within that over a root
        blur = setting.shortest.certificate.error_bound * math.sqrt(L / one.mu_min) / y_max
        signs = -L * dual[others] / y_max
        sign = Rounded(float(signs.min()), blur) if others.size else exact(math.inf)
        products = np.abs(L * dual[rest] / y_max) * np.abs(primal[rest] / y_max)
        largest = float(np.abs(L * dual[rest]).max(initial=0.0)) / y_max
        vanish = Rounded(float(products.max(initial=0.0)), largest * noise / y_max)

        size = f"S has {subset.size} samples, {one.plus.size} of them with labels of its sign"
        return [
            self._verdict(
                "stationary", near,
                f"{size}; the answer differs from the interpolator on S by {distance:.1e} of its "
                "norm.",
            ),
            self._verdict(
                "feasible", fits,
                f"Labels of the neuron's sign are missed by at most {misfit / y_max:.1e} y_max; "
                f"other predictions exceed 0 by at most {max(above, 0.0) / y_max:.1e} y_max.",
                int(rest[primal[rest].argmax()]) if above > misfit else -1,
            ),
            self._verdict(
                "sign", sign,
                f"The smallest -L beta among the {others.size} samples of S with other labels is "
                f"{sign.value:.3g} y_max."
                if others.size else "S holds no sample with another label, so nothing is claimed.",
                int(others[signs.argmin()]) if others.size else -1,
            ),
            self._verdict(
                "complementary", within(vanish, self.tolerance),
                f"The largest product of dual and prediction on the other labels is "
                f"{vanish.value:.1e} y_max^2 / L.",
                int(rest[products.argmax()]) if rest.size else -1,
            ),
        ]  # fmt: skip

    def _verdict(self, part: str, margin: Rounded, detail: str, sample: int = -1) -> Verdict:
        return Verdict(
            condition=f"{self.name}.{part}",
            role=Role.CONCLUSION,
            margin=margin.value,
            rounding_error=margin.error,
            sample=sample,
            neuron=0 if sample >= 0 else -1,
            constants={} if part == "sign" else {"tolerance": self.tolerance},
            detail=detail,
        )
