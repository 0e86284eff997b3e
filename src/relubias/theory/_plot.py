"""How a report looks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from relubias._margins import draw_rows
from relubias._style import counted, own_axes, own_style, picture, title
from relubias.theory._machine import draw_machine
from relubias.theory.transitions import Region

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from relubias.theory.lai2026.explicit import RunCertificate
    from relubias.theory.report import Report
    from relubias.theory.verdict import Verdict

__all__ = ["draw_certificate", "draw_margins", "draw_transitions"]

_WORDS = {True: "holds", False: "not met", None: "undecided"}


def _shown(report: Report) -> list[Verdict]:
    return [v for v in report.sorted_verdicts if not math.isnan(v.margin)]


@picture(height=lambda report: 1.4 + 0.19 * max(len(_shown(report)), 4))
def draw_margins(report: Report, axes: Any) -> None:
    """Draw every margin on a line of its own."""
    rows = [
        (v.condition.partition(".")[2], v.margin, v.rounding_error, v.outcome)
        for v in _shown(report)
    ]
    draw_rows(axes, rows)
    outcomes = [verdict.outcome for verdict in report.verdicts]
    verbs = (("fails", "fail"), ("not met", "not met"), ("undecided", "undecided"))
    parts = [f"{outcomes.count(word)} {verb}" for word, verb in verbs if word in outcomes]
    n_held = outcomes.count("holds")
    found = f"{n_held} of {counted(len(outcomes), 'condition')} hold"
    title(axes, "; ".join([found, *parts]))


@picture(height=lambda found: 1.4 + 0.3 * max(len(found.margins), 2))
def draw_certificate(found: RunCertificate, axes: Any) -> None:
    """Draw the margin of every sufficient condition."""
    rows: list[tuple[str, float, float, str]] = []
    for name, margin in found.margins.items():
        error = found.rounding_errors[name]
        holds = None if abs(margin) <= error else margin > 0
        rows.append((name, margin, error, "undecided" if math.isnan(margin) else _WORDS[holds]))
    draw_rows(axes, rows)
    head = {
        True: "guaranteed before the first step: the pattern is that of the labels' signs",
        False: f"not guaranteed by these bounds: {found.decided_by!r} is not met",
        None: f"undecided: {found.decided_by!r} is within its rounding error",
    }[found.holds]
    title(axes, head)


def draw_transitions(report: Report, ax: Axes | None) -> Axes:
    """Draw the counted state machine."""
    with own_style(ax):
        axes = own_axes(ax, 7.0, 3.2)
        draw_machine(axes, report.transitions, size=8.5 if ax is None else 7.5)
        n_moves = int(report.transitions.sum())
        kept = [int(report.transitions[r, r]) for r in (Region.AGREEING, Region.FROZEN)]
        left = int(report.transitions[[Region.AGREEING, Region.FROZEN]].sum()) - sum(kept)
        found = f"the absorbing regions were left {counted(left, 'time')}" if left else (
            "no sample left an absorbing region"
        )  # fmt: skip
        title(axes, f"{found} in {counted(n_moves, 'move')}")
        return axes
