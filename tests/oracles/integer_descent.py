"""Gram-space gradient descent in Python's big integers, with its own error bound.

Inputs are binary floats, hence exact. The dual lives on a grid of spacing ``2**-F`` with ``F``
at least 384 bits below the problem's scale; the primal ``dual @ gram`` and the residual are
exact functions of it. One step rounds only ``step_size * residual``, by at most half a grid
spacing an entry. For a fixed pattern a step is a linear map of the weights with norm
``max(1, abs(1 - step_size * mu))``, so the distance to the exact weights obeys a scalar
recursion, and a sign is `undecided` exactly when ``abs(u)`` is below what that distance allows.

Long stretches of one pattern are crossed in one jump: `exponential_sums` finds the first
switch, exact powers of the step matrix give the state there, and its signs confirm it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from operator import mul
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.oracles import exponential_sums

__all__ = ["FAR", "Descent", "Float", "Pattern", "rounded"]

Float = NDArray[np.float64]
Pattern = tuple[tuple[bool, ...], ...]
FAR = 2**60  # switches later than this count as never
_SLACK = 1e-9  # pads the eigenvalues NumPy gives


@dataclass(slots=True)
class _PatternData:
    """What depends on the activation pattern alone."""

    active: list[list[int]]  # per neuron
    columns: list[list[list[int]]]  # [neuron][sample] -> Gram entries against the active ones
    fitted: list[int]  # samples on which some neuron is active
    growth: int  # norm of one step on the weights, times 2**50
    largest: float  # step_size times the largest eigenvalue
    powers: list[tuple[list[list[int]], list[list[int]]]] = field(default_factory=list)
    is_semidefinite: bool | None = None


class Descent:
    """The state of one run; `step` and `jump` advance it, everything else only looks."""

    def __init__(
        self, gram: Any, labels: Any, signs: Any, start: Any, step_size: float, *, bits: int = 384
    ) -> None:
        G = [[_ratio(g) for g in row] for row in np.asarray(gram, dtype=float).tolist()]
        y = [_ratio(v) for v in np.asarray(labels, dtype=float).tolist()]
        B = [[_ratio(b) for b in row] for row in np.asarray(start, dtype=float).tolist()]
        self.n, self.m = len(y), len(B)
        self.signs = [int(s) for s in np.asarray(signs).tolist()]
        self.eta, self.eta_shift = _ratio(step_size)
        self.g = max(shift for row in G for _, shift in row)
        self.G = [[num << (self.g - shift) for num, shift in row] for row in G]
        spread = _log2(max((abs(a) for row in self.G for a in row), default=0)) - self.g
        size = max((_log2(abs(a)) - shift for a, shift in y), default=0)
        self.F = max(
            bits + max(0, math.ceil(spread - size), math.ceil(-size)),
            max(shift for row in B for _, shift in row),
            max(shift for _, shift in y) - self.g,
        )
        self.Y = [num << (self.F + self.g - shift) for num, shift in y]
        self.B = [[num << (self.F - shift) for num, shift in row] for row in B]
        self.U = [[sum(map(mul, row, column)) for column in self.G] for row in self.B]

        as_float = np.asarray(gram, dtype=float)
        self.gram = as_float
        self.step_size = float(step_size)
        mu = float(np.linalg.eigvalsh(as_float)[-1]) if self.n else 0.0
        self.rounding = math.ceil(math.sqrt(self.m * self.n * max(mu, 0.0)))
        self.row_norm = [math.isqrt(self.G[i][i] << self.g) + 1 for i in range(self.n)]
        self.live = [i for i in range(self.n) if as_float[i, i] > 0]
        self.time = 0
        self.computed = 0
        self.error = 0  # bound on the distance of the weights, in grid spacings
        self.is_exact = True
        self._data: dict[Pattern, _PatternData] = {}
        largest = max([abs(v) for v in self.Y] + [abs(u) for row in self.U for u in row])
        self.scale = largest or 1
        self.closest = largest << 64
        self.closest_at: tuple[int, int, int] | None = None
        self.undecided: list[tuple[int, int, int]] = []
        self._cap = 0
        self._margins = [0] * self.n
        self.pattern: Pattern = self._judge()

    # ---- signs -----------------------------------------------------------------------------

    def _judge(self) -> Pattern:
        """Read off the pattern; note the closest decision and those within the error bound."""
        if self.error > self._cap:
            self._cap = 2 * self.error
            self._margins = [
                4 * self._cap * self.row_norm[i] if i in self.live else 0 for i in range(self.n)
            ]
        for k, row in enumerate(self.U):
            nearest = min((abs(row[i]) for i in self.live), default=self.closest)
            if nearest < self.closest:
                self.closest = nearest
                self.closest_at = (self.time, k, [abs(u) for u in row].index(nearest))
            if not self.is_exact and nearest <= max(self._margins):
                self.undecided += [
                    (self.time, k, i) for i in self.live if abs(row[i]) <= self._margins[i]
                ]
        return tuple(tuple(u > 0 for u in row) for row in self.U)

    def data(self) -> _PatternData:
        """Return what depends on the present pattern, from a cache."""
        if self.pattern not in self._data:
            active = [[i for i, on in enumerate(row) if on] for row in self.pattern]
            mask = np.array(self.pattern, dtype=float)
            H = self.gram * (mask.T @ mask)
            largest = self.step_size * float(np.linalg.eigvalsh(H)[-1])
            self._data[self.pattern] = _PatternData(
                active,
                [[[row[i] for i in on] for row in self.G] for on in active],
                [i for i in range(self.n) if any(row[i] for row in self.pattern)],
                math.ceil((max(1.0, largest - 1.0) + _SLACK) * 2**50),
                largest,
            )
        return self._data[self.pattern]

    # ---- advancing -------------------------------------------------------------------------

    def residual(self) -> list[int]:
        """Return prediction minus label, exact, in units of ``2**-(F + g)``."""
        r = [-v for v in self.Y]
        for s, row, on in zip(self.signs, self.U, self.pattern, strict=True):
            for i, u in enumerate(row):
                if on[i]:
                    r[i] += s * u
        return r

    def step(self) -> list[tuple[int, int, int, int]]:
        """Advance by one step and return the switches it made."""
        data = self.data()
        r = self.residual()
        shift = self.eta_shift + self.g
        raw = {i: self.eta * r[i] for i in data.fitted}
        if self.is_exact and any(v & ((1 << shift) - 1) for v in raw.values()):
            self.is_exact = False
        half = (1 << shift) >> 1
        increment = {i: (v + half) >> shift for i, v in raw.items()}
        for k, s in enumerate(self.signs):
            moves = [s * increment[i] for i in data.active[k]]
            for i, move in zip(data.active[k], moves, strict=True):
                self.B[k][i] -= move
            self.U[k] = [
                u - sum(map(mul, column, moves))
                for u, column in zip(self.U[k], data.columns[k], strict=True)
            ]
        if not self.is_exact:
            self.error = (self.error * data.growth >> 50) + self.rounding
        self.time += 1
        self.computed += 1
        return self._arrive()

    def _arrive(self) -> list[tuple[int, int, int, int]]:
        before, self.pattern = self.pattern, self._judge()
        if before == self.pattern:
            return []
        return [
            (self.time, k, i, 1 if self.pattern[k][i] else -1)
            for k in range(self.m)
            for i in range(self.n)
            if before[k][i] != self.pattern[k][i]
        ]

    def jump(self, steps: int) -> list[tuple[int, int, int, int]]:
        """Advance by many steps of the present pattern and return the switches at the end.

        The caller knows that no sign changes before the last of these steps.
        """
        if steps <= 0:
            return []
        self.B, self.U = self.state_after(steps)
        self.is_exact = False
        self.error = 3 * self.error + 2 * self.rounding  # the pattern's step never expands
        self.time += steps
        self.computed += 1
        return self._arrive()

    def state_after(self, steps: int) -> tuple[list[list[int]], list[list[int]]]:
        """Return dual and primal after `steps` of the present pattern, by exact powering."""
        if steps > FAR:
            raise OverflowError("too many steps for the working precision")
        data, work, guard = self.data(), self.F + 256, 128
        r = self.residual()
        vector = [r[i] << guard for i in data.fitted]
        total = [0] * len(vector)
        for bit in range(steps.bit_length()):
            if len(data.powers) <= bit:
                data.powers.append(self._next_power(data, work))
            if steps >> bit & 1:
                power, series = data.powers[bit]
                total = [
                    t + (sum(map(mul, row, vector)) >> work)
                    for t, row in zip(total, series, strict=True)
                ]
                vector = [sum(map(mul, row, vector)) >> work for row in power]
        shift = self.eta_shift + self.g + guard
        half = 1 << (shift - 1)
        move = {i: (self.eta * t + half) >> shift for i, t in zip(data.fitted, total, strict=True)}
        B = [
            [b - s * move[i] if on[i] else b for i, b in enumerate(row)]
            for s, row, on in zip(self.signs, self.B, self.pattern, strict=True)
        ]
        return B, [[sum(map(mul, row, column)) for column in self.G] for row in B]

    def _next_power(self, data: _PatternData, work: int) -> tuple[list[list[int]], list[list[int]]]:
        """Return ``M**(2**k)`` and ``sum of M**t for t < 2**k``, M the step on residuals."""
        if not data.powers:
            P = data.fitted
            shared = [[sum(a[i] and a[j] for a in self.pattern) for j in P] for i in P]
            shift = work - self.eta_shift - self.g
            one = 1 << work
            M = [
                [
                    (one if i == j else 0) - _scaled(self.eta * self.G[i][j] * shared[a][b], shift)
                    for b, j in enumerate(P)
                ]
                for a, i in enumerate(P)
            ]
            return M, [[one if a == b else 0 for b in range(len(P))] for a in range(len(P))]
        M, S = data.powers[-1]
        product = _matmul(M, S, work)
        return _matmul(M, M, work), [
            [a + b for a, b in zip(x, y, strict=True)] for x, y in zip(S, product, strict=True)
        ]

    # ---- the end ---------------------------------------------------------------------------

    def limit(self) -> tuple[list[list[Fraction]], list[list[Fraction]], Fraction] | None:
        """Return dual and primal limits of the present pattern and the squared distance to them.

        The least-squares system is solved exactly; None if the step is too large to converge or
        rounding made the matrix indefinite.
        """
        data = self.data()
        if data.largest >= 2 - _SLACK:
            return None
        P = data.fitted
        r = self.residual()
        H = [
            [Fraction(self.G[i][j] * sum(a[i] and a[j] for a in self.pattern)) for j in P]
            for i in P
        ]
        if data.is_semidefinite is None:
            data.is_semidefinite = _is_semidefinite(H)
        if not data.is_semidefinite:
            return None
        rhs = [Fraction(r[i]) for i in P]
        v = _solve(H, rhs)  # in units of 2**-F
        distance = sum((a * b for a, b in zip(rhs, v, strict=True)), Fraction(0))
        if any(x for x in _residual(H, v, rhs)):  # singular and inconsistent: project
            squared = [[sum(map(mul, a, b), Fraction(0)) for b in H] for a in H]
            v = _solve(squared, [sum(map(mul, a, rhs), Fraction(0)) for a in H])
            Hv = [sum(map(mul, a, v), Fraction(0)) for a in H]
            distance = sum((a * b for a, b in zip(Hv, v, strict=True)), Fraction(0))
        move = dict(zip(P, v, strict=True))
        dual = [
            [b - s * move[i] if on[i] else Fraction(b) for i, b in enumerate(row)]
            for s, row, on in zip(self.signs, self.B, self.pattern, strict=True)
        ]
        primal = [[sum(map(mul, row, column), Fraction(0)) for column in self.G] for row in dual]
        return dual, primal, distance

    def is_inside_a_ball(self, distance: Fraction) -> bool:
        """Whether the ball around the weights that holds the rest of the path crosses no sign.

        The distance to the limit never grows, so the path stays within twice `distance`.
        """
        reach = [4 * distance * self.G[i][i] for i in range(self.n)]
        return all(
            u * u > reach[i] if i in self.live else True
            for row in self.U
            for i, u in enumerate(row)
        )

    def next_switch(self) -> int | None:
        """Return the number of steps to the next switch; None if there is never one."""
        return exponential_sums.first_switch(
            gram=self.G,
            gram_shift=self.g,
            residual=self.residual(),
            primal=self.U,
            labels=self.Y,
            signs=self.signs,
            shift=self.F + self.g,
            pattern=self.pattern,
            step_size=(self.eta, self.eta_shift),
            horizon=FAR,
        )

    # ---- what came out ---------------------------------------------------------------------

    def floats(
        self, primal: list[list[int]] | None = None, dual: list[list[int]] | None = None
    ) -> tuple[Float, Float]:
        """Return primal and dual (the present ones by default), each entry rounded once."""
        return rounded(primal or self.U, self.F + self.g), rounded(dual or self.B, self.F)


def _ratio(value: float) -> tuple[int, int]:
    """Return ``(a, b)`` with ``value == a / 2**b``."""
    numerator, denominator = float(value).as_integer_ratio()
    return numerator, denominator.bit_length() - 1


def _log2(value: int) -> float:
    return math.log2(value) if value else 0.0


def _scaled(value: int, shift: int) -> int:
    return value << shift if shift >= 0 else value >> -shift


def rounded(values: list[list[Any]], shift: int) -> Float:
    """Divide by ``2**shift``, rounding once."""
    return np.array([[float(Fraction(v) / (1 << shift)) for v in row] for row in values])


def _matmul(A: list[list[int]], B: list[list[int]], shift: int) -> list[list[int]]:
    columns = list(zip(*B, strict=True))
    return [[sum(map(mul, row, column)) >> shift for column in columns] for row in A]


def _residual(H: list[list[Fraction]], v: list[Fraction], rhs: list[Fraction]) -> list[Fraction]:
    return [sum(map(mul, row, v), Fraction(0)) - b for row, b in zip(H, rhs, strict=True)]


def _solve(H: list[list[Fraction]], rhs: list[Fraction]) -> list[Fraction]:
    """Return a solution of ``H v = rhs`` with 0 on dependent columns (exact elimination)."""
    rows = [[*row, b] for row, b in zip(H, rhs, strict=True)]
    p, pivots, top = len(rows), [], 0
    for column in range(p):
        pivot = next((i for i in range(top, p) if rows[i][column]), None)
        if pivot is None:
            continue
        rows[top], rows[pivot] = rows[pivot], rows[top]
        head = rows[top]
        for i in range(p):
            if i != top and rows[i][column]:
                factor = rows[i][column] / head[column]
                rows[i] = [a - factor * b for a, b in zip(rows[i], head, strict=True)]
        pivots.append(column)
        top += 1
    v = [Fraction(0)] * p
    for i, column in enumerate(pivots):
        v[column] = rows[i][p] / rows[i][column]
    return v


def _is_semidefinite(H: list[list[Fraction]]) -> bool:
    """Decide it by exact symmetric elimination."""
    rows = [row.copy() for row in H]
    for j, head in enumerate(rows):
        if head[j] < 0 or (head[j] == 0 and any(head[j + 1 :])):
            return False
        for row in rows[j + 1 :]:
            if row[j]:
                factor = row[j] / head[j]
                row[j:] = [a - factor * b for a, b in zip(row[j:], head[j:], strict=True)]
    return True
