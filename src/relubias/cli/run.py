"""`relubias run`: where gradient descent goes on the user's data, and how far from minimum norm."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from cyclopts import Group, Parameter

from relubias._validate import Float, as_dual, as_real
from relubias.cli._data import read_array
from relubias.cli._messages import say
from relubias.cli._options import DataOptions, OutputOptions, errors_name_options, whole_number
from relubias.cli._output import Section, emit, number, results_folder, strict_json
from relubias.cli._report import (
    active_counts,
    data_facts,
    data_section,
    minimum_norm_facts,
    minimum_norm_section,
    versions,
)
from relubias.errors import InvalidInputError
from relubias.problem import Problem

if TYPE_CHECKING:
    from relubias.bias import BiasGap
    from relubias.dynamics import DescentTrajectory

__all__ = ["DescentOptions", "run"]

_DESCENT = Group("Gradient descent", sort_key=2)

_KAPPA = 0.9
_PART_OF_SMALLEST_LABEL = 0.01
_PLOT_FORMATS = (".png", ".pdf", ".svg")


@Parameter(name="*", group=_DESCENT, negative=())
@dataclass(frozen=True, kw_only=True)
class DescentOptions:
    """How gradient descent starts, steps and stops."""

    kappa: float | None = None
    """Step size times the mean squared norm of a sample [default: 0.9]."""

    step_size: float | None = None
    """Step size itself, instead of --kappa."""

    start: Literal["all_positive", "gaussian", "disjoint"] = "all_positive"
    """Every sample active, Gaussian weights, or each sample owned by one neuron in turn."""

    start_scale: float | None = None
    """Primal values at the start; for gaussian, deviation of weights [default: 0.01 min |y|]."""

    start_file: Path | None = None
    """Dual start of shape (neurons, samples), as .npy or as "start" in .npz; replaces --start."""

    seed: Annotated[int, Parameter(converter=whole_number)] = 0
    """Seed of the gaussian start."""

    max_iter: Annotated[int, Parameter(converter=whole_number)] = 10_000_000
    """Iterations to compute; a jump over any number of steps counts as one."""

    tol: float = 1e-10
    """Residual at which an uncertified run may stop, relative to the largest label."""


def run(
    data: Path,
    /,
    *,
    of: DataOptions = DataOptions(),  # noqa: B008 - frozen
    by: DescentOptions = DescentOptions(),
    to: OutputOptions = OutputOptions(),  # noqa: B008 - frozen
    plot: Annotated[Path | None, Parameter(group="Output")] = None,
) -> int:
    """Say where gradient descent goes on your data, and how far from minimum norm.

    Parameters
    ----------
    data : Path
        File with labels and features or their Gram matrix (.npz, .npy, .csv, .parquet).
    of : DataOptions
        What the file holds.
    by : DescentOptions
        How gradient descent runs.
    to : OutputOptions
        Where the answer goes.
    plot : Path, optional
        File for a picture of the trajectory (.png, .pdf, .svg).

    Returns
    -------
    int
        The exit status.
    """
    from relubias.bias import bias_gap
    from relubias.dynamics import Status, gradient_descent
    from relubias.minnorm import MinimumNormStatus, minimum_norm

    if plot is not None and plot.suffix.lower() not in _PLOT_FORMATS:
        raise InvalidInputError(f"--plot: is {str(plot)!r}; end it with .png, .pdf or .svg")
    problem = of.problem(data)
    settings = _settings(problem, by)
    with contextlib.ExitStack() as stack:
        stack.enter_context(errors_name_options())
        start = _start(problem, by, settings)
        folder = stack.enter_context(results_folder(to.out)) if to.out else None
        picture = stack.enter_context(results_folder(plot.parent)) if plot else None

        def descend(record: Any = None) -> DescentTrajectory:
            return gradient_descent(
                problem,
                start,
                step_size=settings["step_size"],
                max_iter=by.max_iter,
                tol=by.tol,
                record=record,
                progress=True,
            )

        trajectory = descend()
        solution = minimum_norm(problem, progress=True)
        is_fitted = solution.status in (MinimumNormStatus.OPTIMAL, MinimumNormStatus.FEASIBLE)
        is_finite = trajectory.status is not Status.DIVERGED
        gap = bias_gap(problem, trajectory, solution) if is_fitted and is_finite else None
        facts = {
            "command": "run",
            "versions": versions(),
            "data": data_facts(data, problem),
            "settings": settings,
            "gradient_descent": _descent_facts(trajectory),
            "minimum_norm": minimum_norm_facts(solution),
            "bias_gap": None if gap is None else _gap_facts(gap),
        }
        text = strict_json(facts)
        if folder:
            folder.add_json("run.json", text)
            folder.add_arrays(
                "run.npz",
                gram=problem.gram,
                labels=problem.labels,
                signs=problem.signs,
                start=start,
                limit_dual=trajectory.limit.dual,
                limit_primal=trajectory.limit.primal,
                minimum_norm_dual=solution.dual,
                minimum_norm_primal=solution.primal,
                switches=trajectory.switches,
            )
        if picture and plot:
            drawn = descend(_plot_times(trajectory.n_steps))
            picture.add(plot.name, lambda file: _draw(drawn, file, plot.suffix[1:].lower()))
    emit(text if to.json else _sections(facts))
    is_certified = trajectory.status is Status.CERTIFIED
    is_optimal = solution.status is MinimumNormStatus.OPTIMAL
    if not is_certified:
        say(f"gradient descent: {trajectory.status}: {trajectory.explanation}")
    if not is_optimal:
        say(f"minimum norm: {solution.status}: {solution.status.sentence}")
    return 0 if is_certified and is_optimal else 1


def _settings(problem: Problem, by: DescentOptions) -> dict[str, Any]:
    """Return the step size and the start that the options mean for these data."""
    if by.kappa is not None and by.step_size is not None:
        raise InvalidInputError("--kappa: came together with --step-size; pass one of them")
    if by.step_size is not None:
        step_size = as_real("--step-size", by.step_size, minimum=0.0, strict=True)
    else:
        kappa = _KAPPA if by.kappa is None else by.kappa
        step_size = as_real("--kappa", kappa, minimum=0.0, strict=True)
        if problem.scale == 0:
            raise InvalidInputError("--kappa: means nothing where every sample is zero")
        step_size /= problem.scale
    scale = by.start_scale
    if scale is None:
        sizes = np.abs(problem.labels[problem.labels != 0])
        scale = _PART_OF_SMALLEST_LABEL * float(sizes.min() if sizes.size else 1.0)
        if by.start == "gaussian":
            scale /= math.sqrt(problem.scale)
    scale = as_real("--start-scale", scale, minimum=0.0, strict=True)
    return {
        "step_size": step_size,
        "kappa": step_size * problem.scale,
        "start": by.start if by.start_file is None else str(by.start_file),
        "start_scale": scale if by.start_file is None else None,
        "seed": by.seed if by.start == "gaussian" and by.start_file is None else None,
        "max_iter": by.max_iter,
        "tol": by.tol,
    }


def _start(problem: Problem, by: DescentOptions, settings: dict[str, Any]) -> Float:
    from relubias.dynamics import starts

    if by.start_file is not None:
        start = read_array(by.start_file, "start")
        return as_dual(str(by.start_file), start, problem.n_neurons, problem.n_samples)
    scale = settings["start_scale"]
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


def _descent_facts(trajectory: DescentTrajectory) -> dict[str, Any]:
    limit = trajectory.limit
    with np.errstate(over="ignore", invalid="ignore"):
        norm = float(np.sqrt(np.maximum((limit.dual * limit.primal).sum(), 0.0)))
    return {
        "status": str(trajectory.status),
        "sentence": trajectory.explanation,
        "n_steps": trajectory.n_steps,
        "n_switches": trajectory.n_switches,
        "last_switch": trajectory.last_switch,
        "loss": trajectory.loss,
        "norm": norm,
        "n_active": limit.active.sum(axis=1),
        "safe_step_size": trajectory.safe_step_size,
    }


def _gap_facts(gap: BiasGap) -> dict[str, Any]:
    names = ("distance", "rounding_error", "relative", "prediction", "ratio", "kappa", "rho")
    return {name: getattr(gap, name) for name in names}


def _sections(facts: dict[str, Any]) -> list[Section]:
    settings, descent, gap = facts["settings"], facts["gradient_descent"], facts["bias_gap"]
    scale = settings["start_scale"]
    start = settings["start"] if scale is None else f"{settings['start']}, scale {number(scale)}"
    step = f"{number(settings['step_size'])} (kappa = {number(settings['kappa'])})"
    switches = f"{descent['n_switches']}, the last after step {descent['last_switch']}"
    sections = [
        data_section(facts["data"]),
        Section(
            "gradient descent",
            [
                ("status", f"{descent['status']}: {descent['sentence']}"),
                ("start", start),
                ("step size", step),
                ("steps", str(descent["n_steps"])),
                ("switches", switches if descent["n_switches"] else "none"),
                ("loss", number(descent["loss"], 10)),
                ("norm", number(descent["norm"], 10)),
                ("active", active_counts(descent["n_active"])),
            ],
        ),
        minimum_norm_section(facts["minimum_norm"]),
    ]
    if gap is not None:
        distance = f"{number(gap['distance'], 10)} (rounding below {gap['rounding_error']:.1e})"
        sections.append(
            Section(
                "distance from minimum norm",
                [
                    ("distance", distance),
                    ("relative", f"{number(gap['relative'])} of the minimum norm"),
                    ("predicted", number(gap["prediction"])),
                    ("ratio", f"{number(gap['ratio'])} measured to predicted"),
                    ("kappa", number(gap["kappa"])),
                    ("rho", f"{number(gap['rho'])} (largest start to smallest label)"),
                ],
            )
        )
    return sections


def _plot_times(n_steps: int) -> list[int]:
    """Return at most a few hundred step counts from 0 to the end, evenly spread in logarithm."""
    return sorted({0, *np.geomspace(1, max(n_steps, 1), 300).astype(np.int64).tolist()})


def _draw(trajectory: DescentTrajectory, file: Any, kind: str) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    trajectory.plot(figure.subplots())  # pyright: ignore[reportUnknownMemberType]
    figure.savefig(file, format=kind, dpi=200)  # pyright: ignore[reportUnknownMemberType]
