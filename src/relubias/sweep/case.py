"""One task of a sweep in full: its data, and whatever is computed from them on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.bias import BiasGap, bias_gap
from relubias.dynamics import gradient_descent, gradient_flow, starts
from relubias.dynamics.trajectory import Trajectory
from relubias.ensembles.labels import PlantedLabels
from relubias.minnorm import MinimumNorm, minimum_norm
from relubias.problem import Problem
from relubias.sweep._choices import Choice, resolve, resolve_step
from relubias.sweep._laws import feature_law, label_law, signs_of
from relubias.sweep._parameters import kinds_of, row_of
from relubias.sweep._seeds import seed_of, stem_of
from relubias.sweep.grid import Cell

if TYPE_CHECKING:
    from relubias.sweep.plan import Plan

__all__ = ["Case", "cases_of"]


class Case:
    """One task of a sweep; what a user's own measure gets.

    Parameters
    ----------
    task : int
        Its number.
    cell : Cell
        What it has in common with its replicates.
    replicate : int
        Which of them it is.
    seed : int
        Seed of its data and of its start.
    kinds : mapping of str to str
        Columns of the plan's parameters and their types.

    Attributes
    ----------
    task, replicate, seed : int
        As above; ``seed`` in any ``sample_gram``, label law or ``starts.gaussian`` gives the same
        draws.
    cell : Cell
        As above.

    Examples
    --------
    >>> from relubias.sweep import Plan
    >>> case = Plan(n=10, d=50, kappa=0.9, measure="gap").case(0)
    >>> case.problem
    Problem(n_samples=10, n_neurons=1, signs='+')
    >>> case.run.status.name
    'CERTIFIED'
    """

    def __init__(
        self, task: int, cell: Cell, replicate: int, seed: int, kinds: Mapping[str, str]
    ) -> None:
        self.task = task
        self.cell = cell
        self.replicate = replicate
        self.seed = seed
        self._kinds = kinds
        self._end: Callable[[], Any] | None = None
        self._source = self

    @cached_property
    def gram(self) -> Float:
        """Gram matrix, (n_samples, n_samples)."""
        cell = self.cell
        law = feature_law(cell.features.name, cell.spectrum, cell.d)
        return law.sample_gram(cell.n, self.seed)

    @cached_property
    def labels(self) -> Float:
        """Labels, (n_samples,)."""
        law = label_law(self.cell.labels)
        if isinstance(law, PlantedLabels):
            return law(self.cell.n, self.seed, gram=self.gram)
        return law(self.cell.n, self.seed)

    @cached_property
    def problem(self) -> Problem:
        """Data and output signs."""
        if self._source is not self:
            return self._source.problem
        return Problem(self.gram, self.labels, signs_of(self.cell.signs))

    @cached_property
    def start_choice(self) -> Choice:
        """The start, with the values of its expressions."""
        return resolve("start", self.cell.start, self._known)

    @cached_property
    def start(self) -> Float:
        """Dual start, (n_neurons, n_samples)."""
        name, scale = self.start_choice.name, self.start_choice.get("scale")
        if name == "all_positive":
            return starts.all_positive(self.problem, scale)
        if name == "proportional":
            return starts.all_positive(self.problem, scale * np.abs(self.labels))
        if name == "gaussian":
            return starts.gaussian(self.problem, scale, self.seed)
        parked = self.start_choice.get("parked")
        return starts.disjoint(self.problem, in_turn(self.problem), scale, parked=parked)

    @cached_property
    def step_size(self) -> float | None:
        """Step size, in inverse squared units of the features; None for a flow."""
        cell = self.cell
        if cell.algorithm.name == "flow":
            return None
        if cell.eta is not None:
            return resolve_step("eta", cell.eta, self._known)
        return resolve_step("kappa", cell.kappa, self._known) / cell.trace

    def _known(self, name: str) -> int | float:
        """Return a number that expressions of starts and steps may use."""
        match name:
            case "n" | "d" | "trace":
                return getattr(self.cell, name)
            case "lambda_max":
                return float(np.linalg.eigvalsh(self.gram)[-1])
            case "m":
                return len(self.cell.signs)
            case "y_min":
                return float(np.abs(self.labels).min())
            case "y_max":
                return float(np.abs(self.labels).max())
            case _:
                sign = 1.0 if name == "norm_positive" else -1.0
                return float(np.linalg.norm(self.labels[sign * self.labels > 0]))

    @cached_property
    def run(self) -> Trajectory:
        """The run, to its limit."""
        options = dict(self.cell.algorithm.options)
        if self.step_size is None:
            return gradient_flow(self.problem, self.start, **options)  # pyright: ignore[reportArgumentType]
        return gradient_descent(self.problem, self.start, step_size=self.step_size, **options)  # pyright: ignore[reportArgumentType]

    @property
    def end(self) -> Any:
        """Where the run ends: what a `Trajectory` says without its path.

        It has ``status``, ``limit``, ``loss``, ``n_switches``, ``last_switch``, ``start`` and, of
        descent, ``n_steps`` and ``step_size``. In a sweep it is cheaper than `run`, and the same.
        """
        return self.run if self._end is None else self._end()

    @cached_property
    def minimum_norm(self) -> MinimumNorm:
        """The shortest network that fits."""
        if self._source is not self:
            return self._source.minimum_norm
        return minimum_norm(self.problem)

    @cached_property
    def gap(self) -> BiasGap:
        """How far the limit of the run is from the shortest network."""
        return bias_gap(self.problem, self.end, self.minimum_norm, trace=self.cell.trace)

    def join(self, end: Callable[[], Any] | None, source: Case) -> None:
        """Take part in a batch; without an `end` leave it again.

        Parameters
        ----------
        end : callable or None
            Returns where the run ends.
        source : Case
            The first task that sees the same data; this one, if it is the first.
        """
        self._end, self._source = end, source

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of the row, by column."""
        return row_of(self._kinds, self.cell, self.replicate)

    def __repr__(self) -> str:
        listed = ", ".join(f"{key}={value!r}" for key, value in self.parameters.items())
        return f"Case({self.task}, {listed})"


def in_turn(problem: Problem) -> NDArray[np.intp]:
    """Return an owner of each sample: the neurons of its label's sign take turns."""
    owner = np.zeros(problem.n_samples, np.intp)
    for sign in (1.0, -1.0):
        neurons = np.flatnonzero(problem.signs == sign)
        samples = np.flatnonzero(np.sign(problem.labels) == sign)
        if neurons.size:  # otherwise starts.disjoint says what is wrong
            owner[samples] = neurons[np.arange(samples.size) % neurons.size]
    return owner


def cases_of(plan: Plan, tasks: Iterable[int]) -> list[Case]:
    """Return tasks of a plan, with nothing computed."""
    cases: list[Case] = []
    kinds = kinds_of(plan)
    cell, stem = None, None
    for task in tasks:
        here, replicate = plan.cell(task)
        if here is not cell:
            cell, stem = here, stem_of(plan.seed, here, plan.shared)
        cases.append(Case(int(task), here, replicate, seed_of(stem, replicate), kinds))
    return cases
