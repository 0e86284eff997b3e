"""What the paper says about Gram matrices of high-dimensional data, measured on this one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from relubias.theory._constants import check_constants
from relubias.theory._rounded import Rounded, exact, relative
from relubias.theory.lai2026._one import c_g, no_features, rounded
from relubias.theory.setting import Setting
from relubias.theory.statement import Statement
from relubias.theory.verdict import Role, Verdict

__all__ = ["Corollary1", "Lemma7", "Lemma8"]


def _inverse(dimension: tuple[float, float], factor: float) -> Rounded:
    """Return ``factor / dimension``, which is at least 0 and falls as the dimension grows."""
    value, error = dimension
    if math.isnan(value):
        return Rounded(math.nan, math.inf)
    low = max(value - error, 1.0)
    high = max(value + error, low)
    most, least = factor / low, factor / high
    return Rounded(0.5 * (most + least), 0.5 * (most - least)) * relative(1.0)


def _interaction(setting: Setting) -> Rounded:
    """Return ``max(sqrt(n / d_2), n / d_inf)``, the size of G / L - I up to a constant."""
    two, infinity = _inverse(setting.d_2, setting.n).sqrt(), _inverse(setting.d_inf, setting.n)
    return _larger(two, infinity)


def _larger(a: Rounded, b: Rounded) -> Rounded:
    if math.isnan(a.value) or math.isnan(b.value):
        return Rounded(math.nan, math.inf)
    low, high = max(a.value - a.error, b.value - b.error), max(a.value + a.error, b.value + b.error)
    return Rounded(0.5 * (low + high), 0.5 * (high - low))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lemma7(Statement):
    r"""Eigenvalues of the Gram matrix between a constant of the trace and its inverse.

    .. math:: \tfrac1c L - c \lambda_1 n \le \mu_n(G) \le \mu_1(G) \le c (L + \lambda_1 n).

    Margins are the differences of the two sides, in units of L. The measured
    :math:`C_g = \max(\mu_1/L, L/\mu_n)` is among the constants of the verdicts.

    Parameters
    ----------
    constant : float, default=2
        c. Ours: for Gaussian features the mean of each root of an extreme eigenvalue is bounded
        by :math:`\sqrt L \pm \sqrt{\lambda_1 n}` (Chevet, Gordon), whose squares lie within these
        bounds for c = 2.

    Raises
    ------
    InvalidInputError
        If the constant is not positive.

    Notes
    -----
    The statement is the paper's, derived again from the prose; it holds with probability at least
    ``1 - 2 exp(-n / c)``, so a failure is no contradiction.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Lemma 7.

    Examples
    --------
    >>> import relubias as rb
    >>> problem = rb.Problem([[5.0, 1.0], [1.0, 5.0]], [1.0, -0.5])
    >>> for verdict in Lemma7().check(problem, spectrum=rb.ensembles.isotropic(5)):
    ...     print(verdict.condition, round(verdict.margin, 3))
    lai2026.lemma7.lower 1.1
    lai2026.lemma7.upper 1.6
    """

    name: ClassVar[str] = "lai2026.lemma7"
    title: ClassVar[str] = "eigenvalues of the Gram matrix"

    constant: float = 2.0

    def __post_init__(self) -> None:
        check_constants(self, positive=("constant",))

    def refusal(self, setting: Setting) -> str:
        """Return why nothing is said here; empty if something is."""
        return no_features(setting)

    def verdicts(self, setting: Setting) -> list[Verdict]:
        """Answer for the smallest and the largest eigenvalue."""
        c, mu, error = self.constant, setting.eigenvalues, setting.eigenvalue_error
        smallest, largest = Rounded(float(mu[0]), error), Rounded(float(mu[-1]), error)
        share = _inverse(setting.d_inf, setting.n)  # lambda_1 n / L
        if math.isnan(share.value):  # all that is known is that it is not negative
            below, above = smallest - 1.0 / exact(c), c - largest
            below = below if below.holds else Rounded(below.value, math.inf)
            above = above if above.holds else Rounded(above.value, math.inf)
        else:
            below = smallest - 1.0 / exact(c) + c * share
            above = c * (1.0 + share) - largest
        found = {
            "lower": (below, f"Smallest eigenvalue {smallest.value:.4g} L"),
            "upper": (above, f"Largest eigenvalue {largest.value:.4g} L"),
        }
        side = f"lambda_1 n / L = {share.value:.3g}"
        if share.error > 1e-6 * share.value:
            ends = share.value - share.error, share.value + share.error
            side = f"lambda_1 n / L between {ends[0]:.3g} and {ends[1]:.3g}"
        elif math.isnan(share.value):
            side = "lambda_1 n / L not known"
        return [
            Verdict(
                condition=f"{self.name}.{end}",
                role=Role.CONCLUSION,
                margin=margin.value,
                rounding_error=margin.error,
                constants={"c": c, "C_g": c_g(setting).value},
                detail=f"{what}; {side} (margin in units of L).",
            )
            for end, (margin, what) in found.items()
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lemma8(Statement):
    r"""Deviation of the Gram matrix from a multiple of the identity, with its probability.

    .. math:: \Pr\bigl(\|G - L I\| \ge \tau L\bigr)
              \le 2 \cdot 9^n \exp\bigl(-c \min(\tau^2 d_2, \tau d_\infty)\bigr).

    Solved for :math:`\tau` at a given probability; the margin is ``1 - delta / tau``.

    Parameters
    ----------
    constant : float, default=1/64
        c. Ours: proved for Gaussian features, by a net of :math:`9^n` points and the bound of
        Laurent and Massart at each.
    probability : float, default=0.01
        Probability with which data of the assumed law may fail the condition.

    Raises
    ------
    InvalidInputError
        If a constant is not positive.

    Notes
    -----
    The statement is the paper's, derived again from its source's known form. A failure speaks
    against the law or the trace that were assumed.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Lemma 8.

    Examples
    --------
    >>> import relubias as rb
    >>> problem = rb.Problem([[5.0, 1.0], [1.0, 5.0]], [1.0, -0.5])
    >>> Lemma8().check(problem, spectrum=rb.ensembles.isotropic(5))[0].outcome
    'holds'
    """

    name: ClassVar[str] = "lai2026.lemma8"
    title: ClassVar[str] = "concentration of the Gram matrix"

    constant: float = 1 / 64
    probability: float = 0.01

    def __post_init__(self) -> None:
        check_constants(self, positive=("constant", "probability"))

    def refusal(self, setting: Setting) -> str:
        """Return why nothing is said here; empty if something is."""
        return no_features(setting)

    def verdicts(self, setting: Setting) -> list[Verdict]:
        """Answer at one probability."""
        exponent = (setting.n * math.log(9.0) + math.log(2.0 / self.probability)) / self.constant
        root, whole = _inverse(setting.d_2, exponent).sqrt(), _inverse(setting.d_inf, exponent)
        tau = _larger(root, whole) * relative(1.0, 8.0)
        delta = rounded(setting.delta)
        margin = _share_left(delta, tau)
        return [
            Verdict(
                condition=self.name,
                role=Role.CONCLUSION,
                margin=margin.value,
                rounding_error=margin.error,
                constants={"c": self.constant, "probability": self.probability},
                detail=f"delta = {delta.value:.4g}; "
                + (
                    "the dimensions are not known; pass the spectrum."
                    if math.isnan(tau.value)
                    else f"data of this law exceed {tau.value:.4g} with probability at most "
                    f"{self.probability:g} (margin relative to that)."
                ),
            )
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Corollary1(Statement):
    r"""Gram matrix and its inverse are close to multiples of the identity.

    .. math:: \|G - L I\| &\le C_\alpha L\, q, \qquad
              \|G^{-1} - L^{-1} I\| \le \tfrac{C_\alpha C_g}{L}\, q, \\
              q &= \max\bigl(\sqrt{n/d_2},\, n/d_\infty\bigr).

    Margins are one minus the left side over the right side. Among the constants of the verdicts
    are what was measured: delta, the :math:`C_\alpha` that the data need (at most, where the
    spectrum is not known), and :math:`C_g`.

    Parameters
    ----------
    constant : float, default=3
        :math:`C_\alpha`. Ours: what isotropic Gaussian data need at d = n as both grow,
        :math:`(\|G - LI\| / L) / \sqrt{n/d} \to 2 + \sqrt{n/d}`. At d = 2 n one data set in
        twenty needs more than 3.3 (n = 5), 2.9 (n = 30), 2.8 (n = 100); see
        ``tests/campaigns/gram_constants.py``. Proved is 18, for Gaussian features (`Lemma8`).

    Raises
    ------
    InvalidInputError
        If the constant is not positive.

    Notes
    -----
    The statement is the paper's, derived again from the prose. The second inequality follows from
    the first with the same constant, since every eigenvalue of G is at least L / C_g.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Corollary 1.

    Examples
    --------
    >>> import relubias as rb
    >>> problem = rb.Problem([[50.0, 10.0], [10.0, 50.0]], [1.0, -0.5])
    >>> gram, inverse = Corollary1().check(problem, spectrum=rb.ensembles.isotropic(50))
    >>> {name: round(value, 3) for name, value in gram.constants.items()}
    {'C_alpha': 3.0, 'delta': 0.2, 'C_alpha measured': 1.0, 'C_g': 1.25}
    """

    name: ClassVar[str] = "lai2026.corollary1"
    title: ClassVar[str] = "deviation of the Gram matrix and of its inverse"

    constant: float = 3.0

    def __post_init__(self) -> None:
        check_constants(self, positive=("constant",))

    def refusal(self, setting: Setting) -> str:
        """Return why nothing is said here; empty if something is."""
        return no_features(setting)

    def verdicts(self, setting: Setting) -> list[Verdict]:
        """Answer for the matrix and for its inverse."""
        q, delta, largest = _interaction(setting), rounded(setting.delta), c_g(setting)
        mu, error = setting.eigenvalues, setting.eigenvalue_error
        ends = [1.0 / Rounded(float(value), error) - 1.0 for value in (mu[0], mu[-1])]
        inverse = max((abs(end) for end in ends), key=lambda end: end.value)
        if math.isinf(largest.value):
            inverse = Rounded(math.nan, math.inf)
        found = {
            "gram": (delta, self.constant * q, "||G - L I|| / L ="),
            "inverse": (inverse, self.constant * largest * q, "L ||inv(G) - I / L|| ="),
        }
        return [self._verdict(setting, end, *numbers) for end, numbers in found.items()]

    def _verdict(
        self, setting: Setting, end: str, found: Rounded, bound: Rounded, what: str
    ) -> Verdict:
        margin = _share_left(found, bound)
        q = _interaction(setting)
        least = q.value - q.error
        return Verdict(
            condition=f"{self.name}.{end}",
            role=Role.CONCLUSION,
            margin=margin.value,
            rounding_error=margin.error,
            constants={
                "C_alpha": self.constant,
                "delta": setting.delta.value,
                "C_alpha measured": setting.delta.value / least if least > 0 else math.nan,
                "C_g": c_g(setting).value,
            },
            detail=f"{what} {_number(found)}, allowed {_number(bound)} (margin relative to that).",
        )


def _number(number: Rounded) -> str:
    """Return a number for people, or that it is not known."""
    return "(not known)" if math.isnan(number.value) else f"{number.value:.4g}"


def _share_left(found: Rounded, bound: Rounded) -> Rounded:
    """Return ``1 - found / bound``, as an interval where the bound is one."""
    low, high = bound.value - bound.error, bound.value + bound.error
    if not low > 0.0 or not math.isfinite(high):
        return Rounded(math.nan, math.inf)
    worst, best = 1.0 - found / low, 1.0 - found / high
    least, most = worst.value - worst.error, best.value + best.error
    return Rounded(0.5 * (least + most), 0.5 * (most - least))
