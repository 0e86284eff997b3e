"""`relubias reproduce`: recompute the paper's figures and write the report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from relubias.experiments import Reproduction

__all__ = ["reproduce"]


def reproduce(
    *,
    full: bool = False,
    quick: bool = False,
    only: str | None = None,
    out: Path = Path("reproduction"),
    seed: int = 0,
    fresh: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Recompute the paper's figures, judge them, and write a report.

    Writes report.html, summary.json, tables/*.csv and figures/*.{png,pdf}. Finished experiments are
    kept: run it again to go on. Names: fig1 to fig8, stepsize, initialisation, freezing, limit.

    Example: relubias reproduce --only fig2,fig4 --out figures

    Parameters
    ----------
    full : bool
        More seeds and wider ranges, such as dimensions up to 10^12 (tens of minutes).
    quick : bool
        A smoke run with a few seeds.
    only : str, optional
        Names, separated by commas.
    out : Path
        Folder to write to.
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
        raise fail("full", "contradicts quick", "choose one")
    keys = None if only is None else [name.strip() for name in only.split(",") if name.strip()]
    scale = Scale.FULL if full else Scale.QUICK if quick else Scale.DEFAULT
    done = run(keys, out=out, scale=scale, seed=seed, fresh=fresh, progress=True)
    print(_screen(done))
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
