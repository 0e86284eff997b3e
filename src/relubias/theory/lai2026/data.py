"""What the paper assumes about the data: bounded labels and a high dimension."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from relubias.theory._constants import check_constants
from relubias.theory._rounded import Rounded, exact, relative
from relubias.theory.lai2026._one import no_features, rounded, zero_label
from relubias.theory.setting import Setting
from relubias.theory.statement import Statement
from relubias.theory.verdict import Role, Verdict

__all__ = ["Assumption1", "Assumption2"]

_SMALLEST = float(np.finfo(np.float64).smallest_subnormal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption1(Statement):
    r"""Bounded labels: :math:`0 < y_{min} \le |y_i| \le y_{max} < \infty`.

    The margin is :math:`y_{min} / y_{max}`. Labels are taken as exact, so it is open only where
    the quotient underflows.

    Notes
    -----
    The assumption is the paper's, its formula derived again from the prose. What matters
    downstream is the ratio: everything that a label ratio of 10 does, a dimension 100 times as
    large undoes.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Assumption 1.

    Examples
    --------
    >>> import relubias as rb
    >>> print(Assumption1().check(rb.Problem([[4.0, 0.0], [0.0, 4.0]], [1.0, -0.5]))[0])
    lai2026.assumption1: holds, margin 0.5. Absolute labels lie between 0.5 and 1.
    """

    name: ClassVar[str] = "lai2026.assumption1"
    title: ClassVar[str] = "bounded labels"

    def verdicts(self, setting: Setting) -> list[Verdict]:
        """Answer."""
        least, most = setting.y_min, setting.y_max
        margin = least / most if most > 0 else 0.0
        span = f"Absolute labels lie between {least:.4g} and {most:.4g}"
        zero = zero_label(setting)
        return [
            Verdict(
                condition=self.name,
                role=Role.HYPOTHESIS,
                margin=margin,
                rounding_error=_SMALLEST if least > 0 and margin < 1e-300 else 0.0,
                sample=int(np.abs(setting.labels).argmin()),
                detail=f"{span}{': ' if zero else ''}{zero.split(',')[0]}.",
            )
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption2(Statement):
    r"""High dimension, relative to the number of samples and the ratio of the labels.

    .. math:: d_2 \ge C_0^2\, n^2\, \frac{y_{max}^2}{y_{min}^2}, \qquad
              d_\infty \ge C_0\, n^{3/2}\, \frac{y_{max}}{y_{min}}.

    Margins are ``d_2 / required - 1`` and ``d_inf / required - 1``. Where the spectrum is not
    known, d_2 is estimated from the Gram matrix with two standard errors, and of d_inf only
    ``sqrt(d_2) <= d_inf <= d_2 <= d`` is used; the verdict is open where that cannot tell.

    Parameters
    ----------
    constant : float, default=48
        :math:`C_0`. Ours: 16 times the constant 3 of `Corollary1`, with which it gives
        delta sqrt(n) y_max / y_min <= 1/16, which the explicit version of `Theorem1` asks for
        at kappa = 1; at another kappa that takes 48 / kappa.

    Raises
    ------
    InvalidInputError
        If the constant is not positive.

    Notes
    -----
    The assumption is the paper's, derived again from the prose; neither the value of its constant
    nor its place in the two inequalities is known. "Fails by a factor of F in d" means that F
    times as many features with the same shape of spectrum, each eigenvalue F times as often,
    would do. The conclusion of Theorem 1 holds at far smaller dimensions; see
    `relubias.theory.lai2026.certificate`.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Assumption 2.

    Examples
    --------
    >>> import relubias as rb
    >>> problem = rb.Problem([[4.0, 0.0], [0.0, 4.0]], [1.0, -0.5])
    >>> for verdict in Assumption2().check(problem, spectrum=rb.ensembles.isotropic(10**4)):
    ...     print(verdict.detail)
    d_2 = 10,000 of the spectrum, required 36,864: fails by a factor of 3.69 in d.
    d_inf = 10,000 of the spectrum, required 272: holds with a factor of 36.8 in d to spare.
    """

    name: ClassVar[str] = "lai2026.assumption2"
    title: ClassVar[str] = "high dimension"

    constant: float = 48.0

    def __post_init__(self) -> None:
        check_constants(self, positive=("constant",))

    def refusal(self, setting: Setting) -> str:
        """Return why nothing is assumed here; empty if something is."""
        return zero_label(setting) or no_features(setting)

    def verdicts(self, setting: Setting) -> list[Verdict]:
        """Answer for both dimensions."""
        n, ratio = setting.n, setting.label_ratio
        root = self.constant * ratio
        wanted = {"d_2": (root * n) * (root * n), "d_inf": root * n**1.5}
        return [
            self._verdict(setting, which, relative(required, 16.0))
            for which, required in wanted.items()
        ]

    def _verdict(self, setting: Setting, which: str, required: Rounded) -> Verdict:
        dimension = rounded(setting.d_2 if which == "d_2" else setting.d_inf)
        margin = dimension / required - 1.0
        if math.isinf(required.value):  # beyond all dimensions
            margin = exact(-1.0)
        return Verdict(
            condition=f"{self.name}.{which}",
            role=Role.HYPOTHESIS,
            margin=margin.value,
            rounding_error=margin.error,
            constants={"C_0": self.constant},
            detail=f"{which} {_source(setting, dimension)}, required {_plain(required.value)}: "
            f"{_factor(dimension, required.value, margin.holds)}.",
        )


def _source(setting: Setting, dimension: Rounded) -> str:
    if setting.spectrum is not None:
        return f"= {_plain(dimension.value)} of the spectrum"
    if math.isnan(dimension.value):
        return "is not known"
    low, high = dimension.value - dimension.error, dimension.value + dimension.error
    return f"is between {_plain(low)} and {_plain(high)}, as estimated from the Gram matrix"


def _factor(dimension: Rounded, required: float, holds: bool | None) -> str:
    """Say by what factor a dimension misses or exceeds what is required."""
    if holds is None:
        return "open; pass the spectrum"
    if math.isinf(required):
        return "fails in every dimension"
    low, high = dimension.value - dimension.error, dimension.value + dimension.error
    is_known = dimension.error <= 1e-6 * dimension.value
    if holds:
        least = "" if is_known else "at least "
        return f"holds with a factor of {least}{_plain(low / required)} in d to spare"
    factor = _plain(required / high)
    if not is_known:
        factor += f" to {_plain(required / low)}"
    return f"fails by a factor of {factor} in d"


def _plain(number: float) -> str:
    """Return a number of three digits or more without an exponent, up to a million."""
    return f"{number:,.0f}" if 100.0 <= number < 1e6 else f"{number:.3g}"
