"""A report as a page."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from relubias._html import escape, minus, page, prose, tag
from relubias.theory.transitions import Region

if TYPE_CHECKING:
    from relubias.theory.report import Report
    from relubias.theory.verdict import Verdict

__all__ = ["report_body", "report_page"]

_BADGES = {"holds": "agrees", "fails": "differs", "not met": "missing", "undecided": "missing"}


def report_page(report: Report) -> str:
    """Return the whole document."""
    facts = report.summary().splitlines()[:4]
    about = "; ".join(facts)
    return page("Assumptions, lemmas and theorems on this data", about, report_body(report))


def report_body(report: Report) -> str:
    """Return the parts of the page."""
    return "\n".join(
        [
            tag("div", tag("p", prose(report.conclusion)), "differences"),
            tag("h2", "Verdicts, the smallest margin first"),
            tag("div", _verdicts(report.sorted_verdicts), "scroll"),
            _picture(report.plot, "Margin of every condition"),
            tag("h2", "What was predicted, and what happened"),
            tag("div", _predictions(report), "scroll"),
            tag("h2", "Transition diagram of this run"),
            _picture(report.plot_transitions, "One-step moves of examples between four regions"),
            tag("div", _moves(report), "scroll"),
        ]
    )


def _verdicts(verdicts: Sequence[Verdict]) -> str:
    head = ("", "condition", "margin", "error", "where", "what it says")
    rows: list[Sequence[str]] = []
    for v in verdicts:
        kind = _BADGES[v.outcome]
        where = escape(str(v.place))
        if v.first_violation is not None and v.first_violation != v.place:
            where += f"; first violated at {escape(str(v.first_violation))}"
        rows.append(
            (
                f'<span class="badge {kind}">{v.outcome}</span>',
                tag("span", escape(v.condition.partition(".")[2]), "nb"),
                minus(f"{v.margin:.4g}"),
                minus(f"{v.rounding_error:.0e}") if v.rounding_error > 0 else "",
                where,
                prose(v.detail),
            )
        )
    return _table(head, rows)


def _predictions(report: Report) -> str:
    head = ("quantity", "predicted", "measured", "ratio", "source")
    return _table(
        head,
        [
            (
                prose(p.quantity),
                minus(f"{p.predicted:.5g}"),
                minus(f"{p.measured:.5g}"),
                "" if math.isnan(p.ratio) else minus(f"{p.ratio:.4f}"),
                escape(p.source),
            )
            for p in report.predictions
        ],
    )


def _moves(report: Report) -> str:
    names = [region.words for region in Region]
    rows = [
        (escape(name), *(f"{int(count):,}" for count in row))
        for name, row in zip(names, report.transitions, strict=True)
    ]
    return _table(("from \\ to", *names), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = tag("tr", "".join(tag("th", cell) for cell in head))
    body = "".join(tag("tr", "".join(tag("td", cell) for cell in row)) for row in rows)
    return tag("table", f"<thead>{top}</thead><tbody>{body}</tbody>")


def _picture(draw: Callable[[], Any], text: str) -> str:
    import matplotlib.pyplot as plt

    figure = draw().figure
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    plt.close(figure)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return tag("figure", f'<img alt="{escape(text)}" src="data:image/png;base64,{data}">')
