"""`relubias run`: where training goes on the user's data, and how far from minimum norm."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from relubias._style import screen_style
from relubias.cli._dynamics import training
from relubias.cli._dynamics_options import DynamicsOptions
from relubias.cli._messages import say
from relubias.cli._options import DataOptions, OutputOptions, errors_name_options
from relubias.cli._output import Section, emit, number, results_folder, strict_json
from relubias.cli._report import (
    data_facts,
    data_section,
    minimum_norm_facts,
    minimum_norm_section,
    versions,
)
from relubias.errors import InvalidInputError

if TYPE_CHECKING:
    from relubias.bias import BiasGap
    from relubias.dynamics import Trajectory

__all__ = ["run"]

_PLOT_FORMATS = (".png", ".pdf", ".svg")


def run(
    data: Path,
    /,
    *,
    of: DataOptions = DataOptions(),  # noqa: B008 - frozen
    by: DynamicsOptions = DynamicsOptions(),  # noqa: B008 - frozen
    to: OutputOptions = OutputOptions(),  # noqa: B008 - frozen
    plot: Annotated[Path | None, Parameter(group="Output")] = None,
) -> int:
    """Say where gradient descent or flow goes on your data, and how far from minimum norm.

    Parameters
    ----------
    data : Path
        Labels and features or their Gram matrix (.npz, .npy, .csv, .parquet, .h5, .zarr).
    of : DataOptions
        What the file holds.
    by : DynamicsOptions
        How the network is trained.
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
    from relubias.dynamics import Status
    from relubias.minnorm import MinimumNormStatus, minimum_norm

    if plot is not None and plot.suffix.lower() not in _PLOT_FORMATS:
        raise InvalidInputError(f"--plot: is {str(plot)!r}; end it with .png, .pdf or .svg")
    by.refuse_contradictions()
    problem = of.problem(data)
    chosen = training(problem, by)
    with contextlib.ExitStack() as stack:
        stack.enter_context(errors_name_options())
        chosen.prepare()
        folder = stack.enter_context(results_folder(to.out)) if to.out else None
        picture = stack.enter_context(results_folder(plot.parent)) if plot else None
        trajectory = chosen.follow()
        solution = minimum_norm(problem, progress=True) if chosen.has_shortest else None
        gap = None
        fitted = (MinimumNormStatus.OPTIMAL, MinimumNormStatus.FEASIBLE)
        if solution and solution.status in fitted and trajectory.status is not Status.DIVERGED:
            gap = bias_gap(problem, trajectory, solution)
        facts: dict[str, Any] = {
            "command": "run",
            "versions": versions(),
            "data": data_facts(data, problem),
            "settings": chosen.settings,
            chosen.key: chosen.facts(trajectory),
            "minimum_norm": minimum_norm_facts(solution) if solution else None,
            "bias_gap": None if gap is None else _gap_facts(gap),
        }
        text = strict_json(facts)
        if folder:
            shortest: dict[str, Any] = {}
            if solution:
                shortest["minimum_norm_dual"] = solution.dual
                shortest["minimum_norm_primal"] = solution.primal
            folder.add_json("run.json", text)
            folder.add_arrays(
                "run.npz",
                gram=problem.gram,
                labels=problem.labels,
                signs=problem.signs,
                **chosen.arrays(trajectory),
                **shortest,
            )
        if picture and plot:
            drawn = chosen.drawable(trajectory)
            picture.add(plot.name, lambda file: _draw(drawn, file, plot.suffix[1:].lower()))
    sections = [data_section(facts["data"]), chosen.section(facts[chosen.key])]
    if solution:
        sections.append(minimum_norm_section(facts["minimum_norm"]))
    if gap is not None:
        sections.append(_gap_section(facts["bias_gap"]))
    emit(text if to.json else sections)
    is_certified = trajectory.status is Status.CERTIFIED
    is_optimal = solution is None or solution.status is MinimumNormStatus.OPTIMAL
    if not is_certified:
        say(f"{chosen.title}: {trajectory.status}: {trajectory.explanation}")
    if solution and not is_optimal:
        say(f"minimum norm: {solution.status}: {solution.status.sentence}")
    return 0 if is_certified and is_optimal else 1


def _gap_facts(gap: BiasGap) -> dict[str, Any]:
    names = ("distance", "rounding_error", "relative", "prediction", "ratio", "kappa", "rho")
    return {name: getattr(gap, name) for name in names}


def _gap_section(gap: dict[str, Any]) -> Section:
    distance = f"{number(gap['distance'], 10)} (rounding below {gap['rounding_error']:.1e})"
    rows = [
        ("distance", distance, gap["distance"]),
        ("relative", f"{number(gap['relative'])} of the minimum norm", gap["relative"]),
        ("predicted", number(gap["prediction"]), gap["prediction"]),
        ("ratio", f"{number(gap['ratio'])} measured to predicted", gap["ratio"]),
        ("kappa", number(gap["kappa"]), gap["kappa"]),
        ("rho", f"{number(gap['rho'])} (largest start to smallest label)", gap["rho"]),
    ]  # what means nothing for these data is left out
    return Section(
        "distance from minimum norm",
        [(name, text) for name, text, value in rows if not math.isnan(value)],
    )


def _draw(trajectory: Trajectory, file: Any, kind: str) -> None:
    from matplotlib.figure import Figure

    with screen_style():
        figure = Figure(figsize=(7, 4.5), layout="constrained")
        trajectory.plot(figure.subplots())  # pyright: ignore[reportUnknownMemberType]
        figure.savefig(file, format=kind, dpi=200)  # pyright: ignore[reportUnknownMemberType]
