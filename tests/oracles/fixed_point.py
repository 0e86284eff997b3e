"""Whole runs on the integer grid of `integer_descent`: switches, records, limit, doubts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tests.oracles.integer_descent import FAR, Descent, Float, rounded

__all__ = ["Descent", "Run", "simulate"]


@dataclass(slots=True, kw_only=True)
class Run:
    """What one run saw; arrays are rounded once, from the exact grid, to float64.

    ``closest`` is the smallest ``abs(u) / max(abs(labels), abs(primal start))`` at any sign
    decision and ``closest_at`` its (time, neuron, sample). ``is_terminal``: proven that no
    switch follows, and ``limit_primal``, ``limit_dual`` are exact up to the last rounding.
    """

    switches: list[tuple[int, int, int, int]]
    n_steps: int
    n_computed: int
    is_terminal: bool
    primal: Float
    dual: Float
    limit_primal: Float | None
    limit_dual: Float | None
    records: dict[int, tuple[Float, Float]]
    closest: float
    closest_at: tuple[int, int, int] | None
    undecided: list[tuple[int, int, int]]
    error_bound: float

    @property
    def last_switch(self) -> int:
        """Time of the last switch, 0 if there is none."""
        return self.switches[-1][0] if self.switches else 0


def simulate(
    gram: Any,
    labels: Any,
    signs: Any,
    start: Any,
    step_size: float,
    *,
    max_steps: int = 10_000,
    max_time: int = FAR,
    record: Iterable[int] = (),
    bits: int = 384,
    patience: int = 100,
    jumps: bool = True,
) -> Run:
    """Run until no switch can follow, `max_steps` are computed or `max_time` is reached.

    After `patience` steps without a switch the rest of the pattern's life is crossed in one
    jump (``jumps=False``: only steps). The first undecided sign ends the run: what comes before
    ``n_steps`` is right, more `bits` lead further.
    """
    driver = _Driver(
        Descent(gram, labels, signs, start, step_size, bits=bits), max_steps, max_time, record
    )
    quiet = 0
    while driver.goes_on():
        if jumps and quiet >= patience:
            quiet = 0
            if driver.crosses_the_quiet():
                continue
        quiet = 0 if driver.step() else quiet + 1
    return driver.result()


class _Driver:
    """Bookkeeping of one run: when to record, when to stop, what has switched."""

    def __init__(
        self, state: Descent, max_steps: int, max_time: int, record: Iterable[int]
    ) -> None:
        self.state = state
        self.max_steps, self.max_time = max_steps, max_time
        self.wanted = sorted({int(t) for t in record}, reverse=True)
        self.records: dict[int, tuple[Float, Float]] = {}
        self.switches: list[tuple[int, int, int, int]] = []
        self.explosion = state.scale << 200
        self.limits: tuple[list[list[Fraction]], list[list[Fraction]], Fraction] | None = None
        self.is_terminal = False

    def goes_on(self) -> bool:
        """Record if the time has come; say whether to go on."""
        state = self.state
        while self.wanted and self.wanted[-1] == state.time:
            self.records[self.wanted.pop()] = state.floats()
        return not (
            self.is_terminal
            or state.undecided
            or state.time >= self.max_time
            or state.computed >= self.max_steps
            or max(abs(u) for row in state.U for u in row) > self.explosion
        )

    def step(self) -> bool:
        """Advance by one step; say whether something switched."""
        made = self.state.step()
        self.switches += made
        return bool(made)

    def crosses_the_quiet(self) -> bool:
        """Prove the run terminal or jump to the next switch; False if neither is possible."""
        limits = self.state.limit()
        if limits is None:
            return False
        ahead = None if self.state.is_inside_a_ball(limits[2]) else self.state.next_switch()
        if ahead is None:
            self.is_terminal, self.limits = True, limits
            for time in self.wanted:  # signs no longer matter: zero labels decay below any grid
                dual, primal = self.state.state_after(time - self.state.time)
                self.records[time] = self.state.floats(primal, dual)
            return True
        target = self.state.time + ahead
        stop = min(target, self.max_time)
        while self.wanted and self.wanted[-1] < stop:
            self._jump_to(self.wanted[-1])
            self.records[self.wanted.pop()] = self.state.floats()
        self._jump_to(stop - 1)
        if self.step() != (stop == target):
            raise ArithmeticError(f"the switch predicted for time {target} is not there")
        return True

    def _jump_to(self, time: int) -> None:
        if self.state.jump(time - self.state.time):
            raise ArithmeticError(f"a switch at or before time {time}, against the prediction")

    def result(self) -> Run:
        """Round what came out."""
        state = self.state
        limit_dual = limit_primal = None
        if self.limits is not None:
            limit_dual = rounded(self.limits[0], state.F)
            limit_primal = rounded(self.limits[1], state.F + state.g)
        primal, dual = state.floats()
        error = Fraction(4 * state.error * max(state.row_norm), 1 << (state.F + state.g))
        return Run(
            switches=self.switches,
            n_steps=state.time,
            n_computed=state.computed,
            is_terminal=self.is_terminal,
            primal=primal,
            dual=dual,
            limit_primal=limit_primal,
            limit_dual=limit_dual,
            records=self.records,
            closest=state.closest / state.scale,
            closest_at=state.closest_at,
            undecided=state.undecided,
            error_bound=float(error),
        )
