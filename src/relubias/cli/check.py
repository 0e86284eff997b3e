"""`relubias check`: every statement of the paper on the user's data."""

from __future__ import annotations

import contextlib
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from relubias.cli._data import read_array
from relubias.cli._dynamics import Descent
from relubias.cli._dynamics_options import DynamicsOptions, StepOptions
from relubias.cli._messages import say
from relubias.cli._options import DataOptions, OutputOptions, errors_name_options
from relubias.cli._output import Section, emit, number, results_folder, strict_json
from relubias.cli._report import data_facts, data_section, versions
from relubias.errors import InvalidInputError

if TYPE_CHECKING:
    from relubias.theory import Report, Verdict

__all__ = ["check"]


def check(
    data: Path,
    /,
    *,
    of: DataOptions = DataOptions(),  # noqa: B008 - frozen
    by: StepOptions = StepOptions(),  # noqa: B008 - frozen
    trace: float | None = None,
    spectrum: Path | None = None,
    time_limit: float = 10.0,
    strict: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    to: OutputOptions = OutputOptions(),  # noqa: B008 - frozen
    html: Annotated[Path | None, Parameter(group="Output")] = None,
) -> int:
    """Check every assumption, lemma and theorem of the paper on your data.

    Ends with one plain conclusion. Exit status 1 if the run is not certified, or with --strict if
    any verdict fails; guarantees that
    are not met do not count.

    Parameters
    ----------
    data : Path
        Labels and features or their Gram matrix (.npz, .npy, .csv, .parquet, .h5, .zarr).
    of : DataOptions
        What the file holds.
    by : StepOptions
        How the network is trained.
    trace : float, optional
        Trace of the feature covariance, where it is known; else the mean of the Gram diagonal.
    spectrum : Path, optional
        File with the eigenvalues of the feature covariance (.npy, or as "spectrum" in .npz).
    time_limit : float, default=10
        Seconds for the minimum norm of two and more neurons.
    strict : bool, default=False
        Exit with status 1 if any verdict fails.
    to : OutputOptions
        Where the answer goes.
    html : Path, optional
        File for the report as a page with pictures (.html).

    Returns
    -------
    int
        The exit status.
    """
    from relubias.dynamics import Status
    from relubias.theory import check as check_problem

    if html is not None and html.suffix.lower() not in (".html", ".htm"):
        raise InvalidInputError(f"--html: is {str(html)!r}; end it with .html")
    by.refuse_contradictions()
    problem = of.problem(data)
    descent = Descent(problem, DynamicsOptions(**asdict(by)))
    with contextlib.ExitStack() as stack:
        stack.enter_context(errors_name_options())
        descent.prepare()
        folder = stack.enter_context(results_folder(to.out)) if to.out else None
        page = stack.enter_context(results_folder(html.parent)) if html else None
        report = check_problem(
            problem,
            descent.start,
            step_size=descent.settings["step_size"],
            trace=trace,
            spectrum=None if spectrum is None else read_array(spectrum, "spectrum"),
            max_iter=descent.settings["max_iter"],
            tol=by.tol,
            time_limit=time_limit,
            progress=True,
        )
        facts: dict[str, Any] = {
            "command": "check",
            "versions": versions(),
            "data": data_facts(data, problem),
            "settings": descent.settings | {"trace": report.trace, "time_limit": time_limit},
            "report": _facts(report),
        }
        text = strict_json(facts)
        if folder:
            folder.add_json("check.json", text)
        if page and html:
            document = report.to_html().encode()
            page.add(html.name, lambda file: file.write(document))
    sections = [
        data_section(facts["data"]),
        _setting_section(report),
        Section("verdicts, smallest margin first", [_row(v) for v in report.sorted_verdicts]),
        Section("predicted and measured", [_beside(p) for p in report.predictions]),
        Section("conclusion", [("", report.conclusion)]),
    ]
    emit(text if to.json else sections)
    run = report.trajectory
    is_certified = run.status is Status.CERTIFIED
    if not is_certified:
        say(f"gradient descent: {run.status}: {run.explanation}")
    return 0 if is_certified and not (strict and report.failing()) else 1


def _facts(report: Report) -> dict[str, Any]:
    names = ("kappa", "rho", "trace", "trace_source", "delta", "delta_star", "d_2", "d_inf")
    run = report.trajectory
    return {
        **{name: getattr(report, name) for name in names},
        "status": str(run.status),
        "n_steps": run.n_steps,
        "last_switch": run.last_switch,
        "n_steps_seen": report.n_seen,
        "verdicts": [_verdict_facts(v) for v in report.sorted_verdicts],
        "left_out": [{"statement": name, "reason": why} for name, why in report.left_out],
        "predictions": [p._asdict() | {"ratio": p.ratio} for p in report.predictions],
        "transitions": report.transitions,
        "conclusion": report.conclusion,
    }


def _verdict_facts(verdict: Verdict) -> dict[str, Any]:
    violation = verdict.first_violation
    return {
        "condition": verdict.condition,
        "role": str(verdict.role),
        "holds": verdict.holds,
        "outcome": verdict.outcome,
        "margin": verdict.margin,
        "rounding_error": verdict.rounding_error,
        **verdict.place._asdict(),
        "first_violation": None if violation is None else violation._asdict(),
        "constants": dict(verdict.constants),
        "detail": verdict.detail,
    }


def _setting_section(report: Report) -> Section:
    run = report.trajectory
    dimensions = [
        f"{name} {number(value)}"
        for name, value in (("d_2", report.d_2), ("d_inf", report.d_inf))
        if not math.isnan(value)
    ]
    return Section(
        "setting",
        [
            ("step", f"kappa {number(report.kappa)}"),
            ("start", f"rho {number(report.rho)} (largest start to smallest label)"),
            ("L", f"{number(report.trace)} ({report.trace_source})"),
            ("deviation", f"delta {number(report.delta)}, delta* {number(report.delta_star)}"),
            ("dimensions", ", ".join(dimensions)),
            ("run", f"{run.status} after {run.n_steps} steps, last switch {run.last_switch}"),
        ],
    )


def _row(verdict: Verdict) -> tuple[str, str]:
    from relubias.theory.report import shouted

    short = verdict.condition.partition(".")[2]
    where = f" ({verdict.place})" if str(verdict.place) else ""
    margin = f"{number(verdict.margin, 3):>9}"
    return short, f"{shouted(verdict):9}  {margin}{where}  {verdict.detail}"


def _beside(prediction: Any) -> tuple[str, str]:
    predicted, measured = number(prediction.predicted), number(prediction.measured)
    return prediction.quantity, f"{measured} (predicted {predicted}; {prediction.source})"
