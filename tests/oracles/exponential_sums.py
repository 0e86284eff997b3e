"""The first sign change of a sum of geometric sequences, by Rolle's theorem for sequences.

While the pattern is fixed every preactivation is ``K_0 + sum_j K_j rho_j**t``. Dividing by the
slowest term and taking forward differences removes it, so between two sign changes of a sum
with one term less the quotient is monotone and changes sign at most once, where bisection finds
it. No bound, no tolerance; 512 bits make the coefficients.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import mpmath

__all__ = ["first_nonpositive", "first_switch"]

_PRECISION = 512
_ZERO = mpmath.ldexp(1, -250)  # relative size of a coefficient that vanishes by structure

Term = tuple[mpmath.mpf, mpmath.mpf]  # coefficient, ratio


def first_switch(
    *,
    gram: list[list[int]],
    gram_shift: int,
    residual: list[int],
    primal: list[list[int]],
    labels: list[int],
    signs: list[int],
    shift: int,
    pattern: Sequence[Sequence[bool]],
    step_size: tuple[int, int],
    horizon: int,
) -> int | None:
    """Return the first t >= 1 at which a sign differs from `pattern`, None if there is none.

    Integers stand for themselves divided by two to the power of their shift.
    """
    with mpmath.workprec(_PRECISION):
        n = len(labels)
        fitted = [i for i in range(n) if any(row[i] for row in pattern)]
        shared = [[sum(row[i] for row in pattern if row[j]) for j in range(n)] for i in range(n)]
        G = [[mpmath.ldexp(v, -gram_shift) for v in row] for row in gram]
        eta = mpmath.ldexp(step_size[0], -step_size[1])
        modes = _Modes(
            [[G[i][j] * shared[i][j] for j in fitted] for i in fitted],
            [mpmath.ldexp(residual[i], -shift) for i in fitted],
            eta,
        )
        best: int | None = None
        for k, row in enumerate(pattern):
            for i, on in enumerate(row):
                if gram[i][i] == 0:
                    continue
                sigma = 1 if on else -1
                if on and shared[i][i] == 1:  # u = s (r + y): exact where the label is zero
                    constant, drive = sigma * signs[k] * mpmath.ldexp(labels[i], -shift), None
                    row_of_i = [int(j == i) for j in fitted]
                    weights = [sigma * signs[k] * w for w in row_of_i]
                    terms, rest = modes.residual_terms(weights)
                    constant += rest
                else:
                    drive = [sigma * signs[k] * (G[i][j] if row[j] else 0) for j in fitted]
                    terms, total = modes.driven_terms(drive)
                    constant = sigma * mpmath.ldexp(primal[k][i], -shift) - total
                scale = max([abs(a) for a, _ in terms] + [abs(constant)], default=0)
                if abs(constant) <= scale * _ZERO:
                    constant = mpmath.mpf(0)
                terms = [(a, rho) for a, rho in terms if abs(a) > scale * _ZERO]
                t = _first_from_one(constant, terms, strict=on, horizon=best or horizon)
                if t is not None and (best is None or t < best):
                    best = t
        return best


class _Modes:
    """Eigenvalues and coefficients of the residual's linear recursion."""

    def __init__(
        self, H: list[list[mpmath.mpf]], residual: list[mpmath.mpf], eta: mpmath.mpf
    ) -> None:
        p = len(H)
        self.mu: list[mpmath.mpf] = []
        self.vectors: list[list[mpmath.mpf]] = []
        if p:
            values, Q = mpmath.eigsy(mpmath.matrix(H))
            largest = max(abs(v) for v in values)
            for j in range(p):
                self.mu.append(values[j] if abs(values[j]) > largest * _ZERO else mpmath.mpf(0))
                self.vectors.append([Q[i, j] for i in range(p)])
        self.coefficients = [mpmath.fdot(q, residual) for q in self.vectors]
        self.ratios = [1 - eta * mu for mu in self.mu]

    def residual_terms(self, weights: list[int]) -> tuple[list[Term], mpmath.mpf]:
        """Return the terms of ``weights @ r(t)`` and the part that never moves."""
        terms, constant = [], mpmath.mpf(0)
        for q, c, mu, rho in self._all():
            a = mpmath.fdot(weights, q) * c
            if mu == 0:
                constant += a
            else:
                terms.append((a, rho))
        return terms, constant

    def driven_terms(self, drive: list[mpmath.mpf]) -> tuple[list[Term], mpmath.mpf]:
        """Return the terms of ``-drive @ v(t)`` and minus its constant part."""
        terms, total = [], mpmath.mpf(0)
        for q, c, mu, rho in self._all():
            if mu == 0:
                continue  # a null mode moves no preactivation
            a = mpmath.fdot(drive, q) * c / mu
            total += a
            terms.append((a, rho))
        return terms, total

    def _all(self) -> zip:
        return zip(self.vectors, self.coefficients, self.mu, self.ratios, strict=True)


def _first_from_one(
    constant: mpmath.mpf, terms: list[Term], *, strict: bool, horizon: int
) -> int | None:
    """Return the first t >= 1 with value <= 0 (`strict`) or < 0; horizon bounds the answer."""
    start = [(a * rho, rho) for a, rho in terms if rho != 0]
    if all(rho > 0 for _, rho in start):
        t = first_nonpositive(constant, start, strict=strict, horizon=horizon)
        return None if t is None else t + 1
    found = []
    for phase in (0, 1):
        sampled = [(a * rho**phase, rho * rho) for a, rho in start]
        q = first_nonpositive(constant, sampled, strict=strict, horizon=horizon)
        if q is not None:
            found.append(1 + phase + 2 * q)
    return min(found, default=None)


def first_nonpositive(
    constant: mpmath.mpf, terms: Sequence[Term], *, strict: bool = True, horizon: int = 2**60
) -> int | None:
    """Return the first integer t >= 0 with ``constant + sum a * rho**t <= 0``, ratios in (0, 1).

    With ``strict=False`` the value must be negative. None if there is no such t up to `horizon`.
    """
    if constant + sum(min(a, mpmath.mpf(0)) for a, _ in terms) > 0:
        return None
    merged = _merge([(constant, mpmath.mpf(1)), *terms])
    if not merged:
        return 0 if strict else None
    for begin, _, sign in _stretches(merged, horizon):
        if sign < 0 or (strict and sign == 0):
            return begin
    return None


def _merge(terms: Sequence[Term]) -> list[Term]:
    """Sort by ratio, slowest first, and join equal ratios."""
    merged: list[Term] = []
    for a, rho in sorted(terms, key=lambda term: -term[1]):
        if merged and abs(rho - merged[-1][1]) <= merged[-1][1] * mpmath.ldexp(1, -400):
            merged[-1] = (merged[-1][0] + a, merged[-1][1])
        else:
            merged.append((a, rho))
    size = max(abs(a) for a, _ in merged)
    return [(a, rho) for a, rho in merged if abs(a) > size * _ZERO]


def _stretches(terms: list[Term], horizon: int) -> list[tuple[int, int, int]]:
    """Cut [0, horizon] into (begin, end, sign) on which the sum keeps one sign; ends inclusive."""
    slowest = terms[0][1]
    scaled = [(a, rho / slowest) for a, rho in terms]
    if len(terms) == 1:
        return [(0, horizon, _sign(terms[0][0]))]
    differences = [(a * (rho - 1), rho) for a, rho in scaled[1:]]
    cuts = [begin for begin, _, _ in _stretches(differences, horizon)] + [horizon]
    signs = {t: _sign_at(scaled, t) for t in cuts}
    points = {0, horizon}
    for a, b in pairwise(cuts):
        # Monotone on [a, b]: one passage through zero at most, maybe resting on it at one point.
        for level in (1, 0, -1):
            low, high = signs[a], signs[b]
            if (low >= level) != (high >= level):
                points.add(_bisect(scaled, a, b, level))
    ordered = sorted(points)
    values = {t: signs[t] if t in signs else _sign_at(scaled, t) for t in ordered}
    joined: list[tuple[int, int, int]] = []
    for t, following in zip(ordered, [*ordered[1:], horizon + 1], strict=True):
        if joined and joined[-1][2] == values[t]:
            joined[-1] = (joined[-1][0], following - 1, values[t])
        else:
            joined.append((t, following - 1, values[t]))
    return joined


def _bisect(terms: list[Term], a: int, b: int, level: int) -> int:
    """Return the first t in (a, b] at which ``sign >= level`` differs from what it is at a."""
    at_a = _sign_at(terms, a) >= level
    while b - a > 1:
        middle = (a + b) // 2
        if (_sign_at(terms, middle) >= level) == at_a:
            a = middle
        else:
            b = middle
    return b


def _sign_at(terms: list[Term], t: int) -> int:
    return _sign(mpmath.fsum(a * rho**t for a, rho in terms))


def _sign(value: mpmath.mpf) -> int:
    return (value > 0) - (value < 0)
