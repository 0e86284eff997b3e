"""Tasks of one shape, computed together; every row has the bits of its task alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.bias import BiasGap, bias_gap
from relubias.dynamics import gradient_descent_batch
from relubias.dynamics.trajectory import State
from relubias.minnorm import MinimumNorm
from relubias.sweep._laws import signs_of
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
    n_steps: NDArray[np.int64] | None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _End:
    """One entry of `Ends` with what `bias_gap` reads of a run of descent."""

    limit: State
    start: Float
    step_size: float


class Batch:
    """Tasks with the same number of samples, signs and algorithm.

    Parameters
    ----------
    cases : sequence of Case
        The tasks.
    in_full : bool
        Whether whole trajectories are needed, and not only their ends.
    """

    def __init__(self, cases: Sequence[Case], *, in_full: bool) -> None:
        self.cases = cases
        self.algorithm = cases[0].cell.algorithm
        is_plain = self.algorithm.name == "descent" and not self.algorithm.get("momentum")
        self.in_full = in_full or not is_plain

    @cached_property
    def grams(self) -> Float:
        return np.stack([case.gram for case in self.cases])

    @cached_property
    def labels(self) -> Float:
        return np.stack([case.labels for case in self.cases])

    @cached_property
    def starts(self) -> Float:
        return np.stack([case.start for case in self.cases])

    @cached_property
    def signs(self) -> Float:
        return np.array(signs_of(self.cases[0].cell.signs), dtype=np.float64)

    @cached_property
    def runs(self) -> list[Any]:
        return [case.run for case in self.cases]

    @cached_property
    def ends(self) -> Ends:
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
        """The shortest networks; tasks that see the same data share them."""
        found: dict[Any, MinimumNorm] = {}
        for case in self.cases:
            key = case.data_key
            if key in found:
                case.minimum_norm = found[key]
            found[key] = case.minimum_norm
        return [case.minimum_norm for case in self.cases]

    @cached_property
    def gaps(self) -> list[BiasGap | None]:
        """Distances of limits from shortest networks; None where there is none."""
        return [self._gap(b) for b in range(len(self.cases))]

    def _gap(self, b: int) -> BiasGap | None:
        case, solution = self.cases[b], self.minimum_norms[b]
        if not np.isfinite(solution.norm):
            return None
        if self.in_full:
            return case.gap
        ends = self.ends
        end = _End(
            limit=State(primal=ends.primal[b], dual=ends.dual[b]),
            start=self.starts[b],
            step_size=float(case.step_size or 0.0),
        )
        return bias_gap(case.problem, end, solution, trace=case.cell.trace)


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
