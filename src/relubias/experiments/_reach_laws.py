r"""How large the dimension must be, from first principles: nothing here is fitted.

All labels are of size one, half of them negative, and the samples isotropic Gaussian, so that the
deviation E of the Gram matrix has entries of variance 1/d and an operator norm close to
:math:`2\sqrt{n/d} + n/d`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from scipy.optimize import brentq
from scipy.special import log_ndtr

__all__ = ["LAWS", "assumption_law", "certificate_law", "conclusion_law", "explicit_law"]


def assumption_law(n: float, kappa: float, first: float, constant: float = 48.0) -> float:
    """Return the dimension that Assumption 2 asks for; it does not depend on the step."""
    del kappa, first
    return max((constant * n) ** 2, constant * n**1.5)


def explicit_law(n: float, kappa: float, first: float) -> float:
    """Return where ``||E||`` reaches ``kappa / (16 sqrt(n))``, and what else is asked of it."""
    del first
    delta = min(1.0 / 16.0, kappa / (16.0 * math.sqrt(n)), 1.0 / kappa - 1.0)
    return _dimension(n, delta)


def certificate_law(n: float, kappa: float, first: float) -> float:
    """Return where the bounds of the run-time certificate close, for such labels."""
    root = math.sqrt(n / 2)
    push = kappa * (1.0 + first) - first

    def slack(log_delta: float) -> float:
        delta = math.exp(log_delta)
        g = math.sqrt(n / 2) * math.hypot(1.0 - first, 1.0 + first)
        r_1 = (1.0 - kappa) * (1.0 - first) * root + kappa * delta * g
        spread = delta / (1.0 - delta) * first * math.sqrt(n)
        b_hi = push * root + spread
        fitted = (root + r_1 + delta * b_hi) / (1.0 - delta)
        closes = push - spread - delta * math.hypot(fitted, b_hi)
        return min(closes, 1.0 - delta * g, 1.0 - delta * r_1)

    return _dimension(n, math.exp(brentq(slack, math.log(1e-9), math.log(0.9))))


def conclusion_law(n: float, kappa: float, first: float) -> float:
    r"""Return where the pattern is right from the first step on with probability 1/2.

    After the first step a prediction is the push on its own sample, :math:`\kappa`, plus a sum of
    n interactions of variance :math:`\kappa^2/d`; in the limit a negative one is its push plus
    interactions with duals of size 1 on one half and :math:`\kappa` on the other. Taken as
    independent and Gaussian, none has the wrong sign with probability

    .. math:: \Phi\bigl(\sqrt{d/n}\bigr)^{n_+}\;
              \Phi\bigl(\kappa\sqrt{2d / (n (1 + \kappa^2))}\bigr)^{n_-} .

    For large n this is one half at :math:`d \approx n \ln n\,(1 + \kappa^2)/\kappa^2`.
    """
    push = kappa * (1.0 + first) - first

    def excess(log_d: float) -> float:
        d = math.exp(log_d)
        settled = log_ndtr(math.sqrt(d / n)) * (n / 2)
        stays = log_ndtr(push * math.sqrt(2.0 * d / (n * (1.0 + push**2)))) * (n / 2)
        return float(settled + stays) + math.log(2.0)

    return math.exp(brentq(excess, math.log(0.1 * n), math.log(1e9 * n)))


def _dimension(n: float, delta: float) -> float:
    """Return the d at which the operator norm of E is typically delta."""
    return n / (math.sqrt(1.0 + delta) - 1.0) ** 2


LAWS: dict[str, Callable[[float, float, float], float]] = {
    "assumption": assumption_law,
    "explicit": explicit_law,
    "certificate": certificate_law,
    "conclusion": conclusion_law,
}
