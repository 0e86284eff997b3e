"""What `relubias run` follows: gradient descent, gradient flow, or descent on both layers."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from relubias._validate import Float, as_dual, as_real
from relubias.cli._data import read_array
from relubias.cli._dynamics_options import DynamicsOptions
from relubias.cli._output import Section, number
from relubias.cli._report import active_counts
from relubias.errors import InvalidInputError
from relubias.problem import Problem

if TYPE_CHECKING:
    from relubias.dynamics import (
        BothLayersTrajectory,
        DescentTrajectory,
        FlowTrajectory,
        Trajectory,
    )

__all__ = ["Training", "training"]

_PART_OF_SMALLEST_LABEL = 0.01
_MAX_ITER = 10_000_000
_KAPPA = 0.9
_BOTH_LAYERS_STEP = 0.05  # the curvature of a balanced fit is about |y| times the mean norm
_PLOTTED_TIMES = 300

Facts = dict[str, Any]


def training(problem: Problem, by: DynamicsOptions) -> Training:
    """Return the kind of training that the options mean for these data."""
    by.refuse_contradictions()
    if by.flow:
        return Flow(problem, by)
    return BothLayers(problem, by) if by.both_layers else Descent(problem, by)


class Training(ABC):
    """One kind of training: its settings, its runs, and how they are told."""

    key: ClassVar[str]
    """Where its facts stand in the JSON; with spaces, its title."""

    def __init__(self, problem: Problem, by: DynamicsOptions) -> None:
        self.problem = problem
        self.by = by
        self.settings = self._settings(_start_scale(problem, by))

    @property
    def title(self) -> str:
        """Heading of its section."""
        return self.key.replace("_", " ")

    @property
    def has_shortest(self) -> bool:
        """Whether the minimum norm is that of the networks which are trained."""
        return True

    def prepare(self) -> None:
        """Compute the start."""
        self.start = _start(self.problem, self.by, self.settings["start_scale"])

    @abstractmethod
    def follow(self, record: Any = None) -> Trajectory:
        """Run it from the start."""

    @abstractmethod
    def facts(self, run: Any) -> Facts:
        """Return what the run has shown."""

    @abstractmethod
    def rows(self, facts: Facts) -> list[tuple[str, str]]:
        """Return the rows that are its own."""

    def arrays(self, run: Any) -> Facts:
        """Return what an .npz file keeps of the run."""
        return {
            "start": self.start,
            "limit_dual": run.limit.dual,
            "limit_primal": run.limit.primal,
            "switches": run.switches,
        }

    def drawable(self, run: Any) -> Trajectory:
        """Return the run with what a picture of it needs."""
        return self.follow(_plot_times(run.n_steps))

    def section(self, facts: Facts) -> Section:
        """Return the rows of the table on the screen."""
        scale, start = self.settings["start_scale"], self.settings["start"]
        return Section(
            self.title,
            [
                ("status", f"{facts['status']}: {facts['sentence']}"),
                ("start", start if scale is None else f"{start}, scale {number(scale)}"),
                *self.rows(facts),
                ("loss", number(facts["loss"], 10)),
                ("norm", number(facts["norm"], 10)),
                ("active", active_counts(facts["n_active"])),
            ],
        )

    def _settings(self, start_scale: float | None) -> Facts:
        by = self.by
        is_drawn = by.start == "gaussian" and by.start_file is None
        step_size = None if by.flow else self._step_size()
        return {
            "step_size": step_size,
            "kappa": None if step_size is None else step_size * self.problem.scale,
            "start": by.start if by.start_file is None else str(by.start_file),
            "start_scale": start_scale,
            "seed": by.seed if is_drawn else None,
            "max_iter": None if by.flow else (_MAX_ITER if by.max_iter is None else by.max_iter),
            "tol": by.tol,
        }

    def _step_size(self) -> float:
        by, scale = self.by, self.problem.scale
        if by.step_size is not None:
            return as_real("--step-size", by.step_size, minimum=0.0, strict=True)
        if by.kappa is not None:
            as_real("--kappa", by.kappa, minimum=0.0, strict=True)
        if scale == 0:
            raise InvalidInputError("--kappa: means nothing where every sample is zero")
        return self._default_step() if by.kappa is None else float(by.kappa) / scale

    def _default_step(self) -> float:
        return _KAPPA / self.problem.scale

    def _step_row(self) -> tuple[str, str]:
        step_size, kappa = self.settings["step_size"], self.settings["kappa"]
        return "step size", f"{number(step_size)} (kappa = {number(kappa)})"


class Descent(Training):
    """The first layer by finite steps."""

    key = "gradient_descent"

    def _settings(self, start_scale: float | None) -> Facts:
        more = {"momentum": self.by.momentum or 0.0, "batches": self.by.batches}
        return super()._settings(start_scale) | more

    def follow(self, record: Any = None) -> DescentTrajectory:
        from relubias.dynamics import gradient_descent

        names = ("step_size", "max_iter", "tol", "momentum", "batches")
        options = {name: self.settings[name] for name in names}
        return gradient_descent(self.problem, self.start, **options, record=record, progress=True)

    def facts(self, run: DescentTrajectory) -> Facts:
        return {
            "status": str(run.status),
            "sentence": run.explanation,
            "n_steps": run.n_steps,
            "n_switches": run.n_switches,
            "last_switch": run.last_switch,
            "loss": run.loss,
            "norm": _norm(run),
            "n_active": run.limit.active.sum(axis=1),
            "safe_step_size": run.safe_step_size,
        }

    def rows(self, facts: Facts) -> list[tuple[str, str]]:
        rows = [self._step_row()]
        if self.settings["momentum"]:
            rows.append(("momentum", number(self.settings["momentum"])))
        if self.settings["batches"] is not None:
            rows.append(("batches", f"of {self.settings['batches']} samples, in turn"))
        return [*rows, ("steps", str(facts["n_steps"])), ("switches", _switches(facts, "step "))]


class Flow(Training):
    """The first layer by gradient flow."""

    key = "gradient_flow"

    def _settings(self, start_scale: float | None) -> Facts:
        return super()._settings(start_scale) | {"max_events": self.by.max_events}

    def follow(self, record: Any = None) -> FlowTrajectory:
        from relubias.dynamics import gradient_flow

        return gradient_flow(
            self.problem,
            self.start,
            max_events=self.by.max_events,
            tol=self.by.tol,
            record=record,
            progress=True,
        )

    def facts(self, run: FlowTrajectory) -> Facts:
        return {
            "status": str(run.status),
            "sentence": run.explanation,
            "n_events": run.n_events,
            "n_switches": run.n_switches,
            "last_switch": run.last_switch,
            "loss": run.loss,
            "norm": _norm(run),
            "n_active": (run.modes > 0).sum(axis=1),
            "n_sliding": (run.modes == 0).sum(axis=1),
        }

    def rows(self, facts: Facts) -> list[tuple[str, str]]:
        return [
            ("events", str(facts["n_events"])),
            ("switches", _switches(facts, "time ")),
            ("sliding", active_counts(facts["n_sliding"])),
        ]

    def arrays(self, run: FlowTrajectory) -> Facts:
        return super().arrays(run) | {"modes": run.modes}

    def drawable(self, run: FlowTrajectory) -> FlowTrajectory:
        return run


class BothLayers(Training):
    """Both layers by finite steps."""

    key = "both_layers"

    def _settings(self, start_scale: float | None) -> Facts:
        scale = self.by.outer_scale
        if scale is not None:
            scale = as_real("--outer-scale", scale, minimum=0.0)
        return super()._settings(start_scale) | {"outer_scale": scale}

    def _default_step(self) -> float:
        size = float(np.linalg.norm(self.problem.labels)) or 1.0
        return _BOTH_LAYERS_STEP / (size * math.sqrt(self.problem.scale))

    @property
    def has_shortest(self) -> bool:
        return False

    @property
    def outer(self) -> Float:
        """Output weights at the start: of the size asked for, or balanced."""
        scale = self.settings["outer_scale"]
        if scale is None:
            squares = ((self.start @ self.problem.gram) * self.start).sum(axis=1)
            return self.problem.signs * np.sqrt(np.maximum(squares, 0.0))
        return scale * self.problem.signs

    def follow(self, record: Any = None) -> BothLayersTrajectory:
        from relubias.dynamics import train_both_layers

        options = {name: self.settings[name] for name in ("step_size", "max_iter", "tol")}
        return train_both_layers(
            self.problem, self.start, self.outer, **options, record=record, progress=True
        )

    def facts(self, run: BothLayersTrajectory) -> Facts:
        limit = run.limit
        return {
            "status": str(run.status),
            "sentence": run.explanation,
            "n_steps": run.n_steps,
            "n_switches": run.n_switches,
            "last_switch": run.last_switch,
            "loss": run.loss,
            "norm": math.sqrt(2.0 * limit.half_squared_norm),
            "n_active": limit.active.sum(axis=1),
            "outer": limit.outer,
            "balancedness": limit.balancedness,
            "balancedness_at_start": run.initial.balancedness,
            "sign_margin": run.sign_margin,
        }

    def rows(self, facts: Facts) -> list[tuple[str, str]]:
        scale = self.settings["outer_scale"]
        with np.errstate(invalid="ignore"):
            drift = np.abs(facts["balancedness"] - facts["balancedness_at_start"]).max()
        return [
            ("output weights", "balanced" if scale is None else f"of size {number(scale)}"),
            self._step_row(),
            ("steps", str(facts["n_steps"])),
            ("switches", _switches(facts, "step ")),
            ("imbalance", f"a^2 - |w|^2 moved by at most {number(float(drift))}"),
        ]

    def arrays(self, run: BothLayersTrajectory) -> Facts:
        return super().arrays(run) | {"outer": run.outer, "limit_outer": run.limit.outer}


def _norm(run: Trajectory) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.sqrt(np.maximum((run.limit.dual * run.limit.primal).sum(), 0.0)))


def _switches(facts: Facts, unit: str) -> str:
    last = facts["last_switch"]
    shown = str(last) if isinstance(last, int) else number(last)
    return f"{facts['n_switches']}, the last after {unit}{shown}" if facts["n_switches"] else "none"


def _start_scale(problem: Problem, by: DynamicsOptions) -> float | None:
    scale = by.start_scale
    if scale is None:
        sizes = np.abs(problem.labels[problem.labels != 0])
        scale = _PART_OF_SMALLEST_LABEL * float(sizes.min() if sizes.size else 1.0)
        if by.start == "gaussian" and problem.scale > 0:
            scale /= math.sqrt(problem.scale)
    scale = as_real("--start-scale", scale, minimum=0.0, strict=True)
    return scale if by.start_file is None else None


def _start(problem: Problem, by: DynamicsOptions, scale: float | None) -> Float:
    from relubias.dynamics import starts

    if by.start_file is not None:
        start = read_array(by.start_file, "start")
        return as_dual(str(by.start_file), start, problem.n_neurons, problem.n_samples)
    if by.start == "gaussian":
        return starts.gaussian(problem, scale, by.seed)
    if by.start == "disjoint":
        return starts.disjoint(problem, _owners(problem), scale)
    return starts.all_positive(problem, scale)


def _owners(problem: Problem) -> list[int]:
    """Return a neuron for each sample: those of the label's sign, in turn."""
    owners = np.zeros(problem.n_samples, dtype=int)
    for sign in (1.0, -1.0):
        samples = np.flatnonzero(np.sign(problem.labels) == sign)
        neurons = np.flatnonzero(problem.signs == sign)
        if samples.size and not neurons.size:
            kind = "positive" if sign > 0 else "negative"
            raise InvalidInputError(
                f"--start: disjoint has no neuron for the {kind} labels; add one with --signs"
            )
        owners[samples] = np.resize(neurons, samples.size)
    return owners.tolist()


def _plot_times(n_steps: int) -> list[int]:
    """Return at most a few hundred step counts from 0 to the end, evenly spread in logarithm."""
    times = np.geomspace(1, max(n_steps, 1), _PLOTTED_TIMES).astype(np.int64)
    return sorted({0, *times.tolist()})
