"""`relubias reproduce`: recompute the paper's figures and write the report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from relubias.cli._options import errors_name_options, whole_number
from relubias.cli._output import emit

if TYPE_CHECKING:
    from relubias.experiments import Reproduction

__all__ = ["reproduce"]

_FLAG = Parameter(negative="", show_default=False)


def reproduce(
    *,
    full: Annotated[bool, _FLAG] = False,
    quick: Annotated[bool, _FLAG] = False,
    only: str | None = None,
    out: Path = Path("reproduction"),
    seed: Annotated[int, Parameter(converter=whole_number)] = 0,
    fresh: Annotated[bool, _FLAG] = False,
) -> int:
    """Recompute the paper's figures, judge them, and write a report.

    Parameters
    ----------
    full : bool
        More seeds and wider ranges, such as dimensions up to 10^12 (tens of minutes).
    quick : bool
        A smoke run with a few seeds.
    only : str, optional
        Names, separated by commas: fig1 to fig8, table1, stepsize, initialisation, freezing, limit,
        flow_gap, flow_limit, vardi_shamir, theorem6, equal_split, boursier, dana, reach, tightness,
        parked.
    out : Path
        Folder for report.html, summary.json, tables and figures; finished ones are kept.
    seed : int
        Seed of all draws.
    fresh : bool
        Compute even what is finished.

    Returns
    -------
    int
        The exit status.
    """
    from relubias._validate import fail
    from relubias.experiments import Scale
    from relubias.experiments import reproduce as run

    if full and quick:
        raise fail("--full", "contradicts --quick", "choose one")
    keys = None if only is None else [name.strip() for name in only.split(",") if name.strip()]
    scale = Scale.FULL if full else Scale.QUICK if quick else Scale.DEFAULT
    with errors_name_options():
        done = run(keys, out=out, scale=scale, seed=seed, fresh=fresh, progress=True)
    emit(_screen(done) + "\n")
    return 0


def _screen(done: Reproduction) -> str:
    """Return the verdicts and where everything is, as text."""
    from textwrap import fill

    lines: list[str] = []
    for result in done.results:
        lines += ["", result.experiment.title]
        for finding in result.findings:
            head = f"  {finding.agreement}: "
            lines.append(fill(finding.sentence, 100, initial_indent=head, subsequent_indent="    "))
    counts = f"{len(done.computed)} computed, {len(done.kept)} kept"
    return "\n".join([*lines[1:], "", f"{counts}; report: {done.report}; figures: {done.summary}"])
