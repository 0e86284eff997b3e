"""Tasks of one shape, computed together; every row has the bits of its task alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.bias import BiasGap
from relubias.dynamics import gradient_descent_batch
from relubias.dynamics._many_starts import all_positive_duals
from relubias.dynamics.trajectory import State, Status
from relubias.minnorm import MinimumNorm
from relubias.sweep._laws import signs_of
from relubias.sweep._sampling import draw_grams, draw_labels
from relubias.sweep.case import Case

__all__ = ["Batch", "Ends"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Ends:
    """Where the runs of a batch end, an entry per task.

    Attributes
    ----------
    status : ndarray of str, shape (B,)
        Names of `relubias.Status`.
    n_switches : ndarray of int, shape (B,)
        Numbers of switches.
    last_switch : ndarray of shape (B,)
        Step or time of the last one, 0 where there was none.
    primal, dual : ndarray of shape (B, n_neurons, n_samples)
        Limits, or last states.
    loss : ndarray of shape (B,)
        Risk there.
    n_steps : ndarray of int, shape (B,), or None
        Steps of descent; None for a flow.
    """

    status: NDArray[np.str_]
    n_switches: NDArray[np.int64]
    last_switch: NDArray[Any]
    primal: Float
    dual: Float
    loss: Float
    n_steps: Any


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _End:
    """One entry of `Ends`, with the names that a run of descent has."""

    status: Status
    n_switches: int
    last_switch: int
    limit: State
    loss: float
    n_steps: int
    start: Float
    step_size: float


class Batch:
    """Tasks with the same number of samples, signs and algorithm.

    Parameters
    ----------
    cases : sequence of Case
        The tasks; they get their data from here.
    in_full : bool
        Whether whole trajectories are needed, and not only their ends.
    """

    def __init__(self, cases: Sequence[Case], *, in_full: bool) -> None:
        self.cases = cases
        self.algorithm = cases[0].cell.algorithm
        self.signs = np.array(signs_of(cases[0].cell.signs), dtype=np.float64)
        is_plain = self.algorithm.name == "descent" and not self.algorithm.get("momentum")
        self.in_full = in_full or not is_plain
        self._draw()
        for place, case in enumerate(cases):
            case.join(partial(self.end, place), cases[self.source[place]])

    def end(self, place: int) -> Any:
        """Return where one run ends."""
        if self.in_full:
            return self.cases[place].run
        ends, case = self.ends, self.cases[place]
        return _End(
            status=Status(str(ends.status[place])),
            n_switches=int(ends.n_switches[place]),
            last_switch=int(ends.last_switch[place]),
            limit=State(primal=ends.primal[place], dual=ends.dual[place]),
            loss=float(ends.loss[place]),
            n_steps=int(ends.n_steps[place]),
            start=self.starts[place],
            step_size=float(case.step_size or 0.0),
        )

    def _draw(self) -> None:
        """Draw the data; tasks that see the same data have the same case as their `source`."""
        first: dict[Any, int] = {}
        self.source: list[int] = []
        for b, case in enumerate(self.cases):
            self.source.append(first.setdefault((case.seed, case.cell.data), b))
        own = [self.cases[b] for b in dict.fromkeys(self.source)]
        for _, group in groupby(own, key=lambda case: id(case.cell)):
            members = list(group)
            seeds = [case.seed for case in members]
            grams = draw_grams(members[0].cell, seeds)
            labels = draw_labels(members[0].cell, seeds, grams)
            for case, gram, y in zip(members, grams, labels, strict=True):
                case.gram, case.labels = gram, y
        for case, source in zip(self.cases, self.source, strict=True):
            case.gram, case.labels = self.cases[source].gram, self.cases[source].labels
        self.grams = np.stack([case.gram for case in self.cases])
        self.labels = np.stack([case.labels for case in self.cases])

    @cached_property
    def starts(self) -> Float:
        """Dual starts, (B, n_neurons, n_samples)."""
        positive = [
            b for b, case in enumerate(self.cases) if case.cell.start.name == "all_positive"
        ]
        if positive:
            scales = np.array([self.cases[b].start_choice.get("scale") for b in positive])
            duals, trusted = all_positive_duals(self.grams[positive], scales)
            for b, dual, is_trusted in zip(positive, duals, trusted, strict=True):
                if is_trusted:
                    self.cases[b].start = np.repeat(dual[None], self.signs.size, axis=0)
        return np.stack([case.start for case in self.cases])

    @property
    def with_starts(self) -> Sequence[Case]:
        """The tasks, after their starts were computed together."""
        return self.cases if self.starts.size else []

    @cached_property
    def runs(self) -> list[Any]:
        """Whole trajectories."""
        return [case.run for case in self.with_starts]

    @cached_property
    def ends(self) -> Ends:
        """Where the runs end."""
        return _of_runs(self.runs) if self.in_full else self._of_kernel()

    def _of_kernel(self) -> Ends:
        batch = gradient_descent_batch(
            self.grams,
            self.labels,
            self.signs,
            self.starts,
            step_size=np.array([case.step_size for case in self.cases]),
            max_iter=self.algorithm.get("max_iter"),
            tol=self.algorithm.get("tol"),
        )
        return Ends(
            status=batch.status,
            n_switches=batch.n_switches,
            last_switch=batch.last_switch,
            primal=batch.primal,
            dual=batch.dual,
            loss=batch.loss,
            n_steps=batch.n_steps,
        )

    @cached_property
    def minimum_norms(self) -> list[MinimumNorm]:
        """The shortest networks."""
        return [case.minimum_norm for case in self.cases]

    @cached_property
    def gaps(self) -> list[BiasGap | None]:
        """Distances of limits from shortest networks; None where there is none."""
        return [
            case.gap if np.isfinite(solution.norm) else None
            for case, solution in zip(self.cases, self.minimum_norms, strict=True)
        ]


def _of_runs(runs: Sequence[Any]) -> Ends:
    has_steps = hasattr(runs[0], "n_steps")
    return Ends(
        status=np.array([run.status.value for run in runs], dtype=np.str_),
        n_switches=np.array([run.n_switches for run in runs], dtype=np.int64),
        last_switch=np.array([run.last_switch for run in runs]),
        primal=np.stack([run.limit.primal for run in runs]),
        dual=np.stack([run.limit.dual for run in runs]),
        loss=np.array([run.loss for run in runs]),
        n_steps=np.array([run.n_steps for run in runs], dtype=np.int64) if has_steps else None,
    )
