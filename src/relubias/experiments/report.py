"""The report: one HTML page that needs nothing but itself."""

from __future__ import annotations

import base64
import math
import platform
from collections.abc import Sequence
from typing import TYPE_CHECKING

from relubias import _html as html
from relubias.experiments.registry import KEYS, Agreement, Finding, Measured

if TYPE_CHECKING:
    from relubias.experiments.runner import Result
    from relubias.experiments.store import Store

__all__ = ["render"]

_ROWS_SHOWN = 8

_INTRODUCTION = (
    "Gradient descent on a shallow ReLU network whose first layer trains: where does it go, and "
    "how far is that from the shortest network that fits? This page recomputes the figures of Lai, "
    "Wang, Tao and Muthukumar (COLT 2026), says for each what the paper claims and what was "
    "measured, and adds what goes beyond it."
)
_NOTATION = (
    "kappa: step size times ||lambda||_1, the trace of the feature covariance (the dimension d for "
    "isotropic features). n_-, y_-: number and vector of the negative labels. w*: the shortest "
    "solution. eps: initial predictions. The sharp law: the gap between the limit and w* is, to "
    "leading order, the norm over negative labels of kappa |y_i| - (1 - kappa) eps_i, divided by "
    "sqrt(||lambda||_1). Bands hold 90% of the runs, or are 90% intervals of a share; intervals in "
    "tables are 95%."
)


def render(store: Store, results: Sequence[Result]) -> str:
    """Return the report as one HTML document.

    Parameters
    ----------
    store : Store
        Where the figures are.
    results : sequence of Result
        What to report, in this order.

    Returns
    -------
    str
        The page; it loads nothing.
    """
    missing = [key for key in KEYS if key not in {result.experiment.key for result in results}]
    parts = [
        html.tag("p", html.prose(_INTRODUCTION)),
        html.tag("p", "<b>Notation.</b> " + html.prose(_NOTATION)),
        _contents(results),
        _differences(results),
        *(_section(store, result) for result in results),
    ]
    if missing:
        text = f"Not computed in this folder with these settings: {', '.join(missing)}."
        parts.append(html.tag("p", html.prose(text), "missing"))
    seconds = sum(result.seconds for result in results)
    about = (
        f"relubias {store.version}, scale {store.scale}, seed {store.seed}, Python "
        f"{platform.python_version()}; tables computed in {seconds:.0f} s."
    )
    return html.page("relubias: the paper's figures, measured", about, "\n".join(parts))


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _badge(agreement: Agreement) -> str:
    mark = {Agreement.AGREES: "✓", Agreement.DIFFERS: "≠", Agreement.BEYOND: "+"}[agreement]
    kind = str(agreement).replace(" ", "-")
    return f'<span class="badge {kind}"><span aria-hidden="true">{mark}</span> {agreement}</span>'


def _kinds(findings: Sequence[Finding]) -> str:
    """Return one badge per kind of finding, in a fixed order."""
    present = {finding.agreement for finding in findings}
    return " ".join(_badge(kind) for kind in Agreement if kind in present)


def _contents(results: Sequence[Result]) -> str:
    rows = [
        f'<li><a href="#{r.experiment.key}">{html.prose(r.experiment.title)}</a> '
        f"{_kinds(r.findings)}</li>"
        for r in results
    ]
    return f'<nav aria-label="Contents"><h2>Contents</h2><ul>{"".join(rows)}</ul></nav>'


def _differences(results: Sequence[Result]) -> str:
    """Return the sentences where the measurement differs from the paper, all in one place."""
    rows = [
        f"<li>{html.prose(finding.sentence)} "
        f'<a href="#{r.experiment.key}">{html.prose(_short_title(r))}</a></li>'
        for r in results
        for finding in r.findings
        if finding.agreement is Agreement.DIFFERS
    ]
    if not rows:
        return ""
    heading = html.tag("h2", "Where the measurement differs from the paper")
    return f'<section class="differences">{heading}<ul>{"".join(rows)}</ul></section>'


def _short_title(result: Result) -> str:
    head, _, tail = result.experiment.title.partition(": ")
    return tail if head == "Beyond the paper" else head


def _section(store: Store, result: Result) -> str:
    experiment = result.experiment
    png = base64.b64encode(store.figure(experiment.key, "png").read_bytes()).decode("ascii")
    caption = html.prose(experiment.caption)
    verdict = "".join(
        f"<li>{_badge(finding.agreement)} {html.prose(finding.sentence)}</li>"
        for finding in result.findings
    )
    return "\n".join(
        [
            f'<section id="{experiment.key}">',
            html.tag("h2", html.prose(experiment.title)),
            html.tag("p", html.prose(_sentence(experiment.provenance)), "provenance"),
            f'<figure><img alt="{html.escape(experiment.caption)}" '
            f'src="data:image/png;base64,{png}"><figcaption>{caption}</figcaption></figure>',
            html.tag("h3", "The paper"),
            html.tag("p", html.prose(experiment.claim)),
            html.tag("h3", "Measured"),
            f'<ul class="verdict">{verdict}</ul>',
            _measured_table(result.measured),
            html.tag("p", "<b>Settings.</b> " + html.prose(experiment.settings)),
            f"<p><b>Redraw.</b> <code>{html.escape(experiment.command)}</code></p>",
            "</section>",
        ]
    )


def _measured_table(measured: dict[str, Measured]) -> str:
    """Return a table of the measured figures; what goes past the first rows is folded."""
    rows = [
        f"<tr><td>{html.prose(m.label)}</td><td class=num>{_number(m.value)}</td>"
        f"<td class=num>{_interval(m)}</td><td>{html.prose(m.expected)}</td></tr>"
        for m in measured.values()
    ]
    head = "<tr><th>quantity</th><th>measured</th><th>95% interval</th><th>expected</th></tr>"

    def table(some: Sequence[str]) -> str:
        body = "".join(some)
        return (
            f'<div class="scroll"><table><thead>{head}</thead><tbody>{body}</tbody></table></div>'
        )

    if len(rows) <= _ROWS_SHOWN + 2:
        return table(rows)
    rest = table(rows[_ROWS_SHOWN:])
    folded = f"<details><summary>{len(rows) - _ROWS_SHOWN} more figures</summary>{rest}</details>"
    return table(rows[:_ROWS_SHOWN]) + folded


def _number(value: float) -> str:
    if math.isnan(value):
        return "\N{EN DASH}"
    if value == int(value) and abs(value) < 1e6:
        return html.prose(f"{int(value):,}")
    return html.prose(f"{value:.4g}")


def _interval(measured: Measured) -> str:
    if math.isnan(measured.low):
        return ""
    return f"{_number(measured.low)} to {_number(measured.high)}"
