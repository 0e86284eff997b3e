"""A diagnosis as a page."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from relubias._html import escape, minus, page, prose, tag
from relubias._style import counted
from relubias.diagnosis._findings import percent
from relubias.diagnosis._text import facts

if TYPE_CHECKING:
    from relubias.diagnosis.diagnosis import Diagnosis

__all__ = ["diagnosis_body", "diagnosis_page"]

_MOST_NEURONS = 32

_HOW_TO_READ = (
    "Outer weights are folded into the neurons, so that every neuron has an output weight of +1 or "
    "-1 and weights of the length |a| ||w||; distances and norms are of these.",
    "A bias is the weight of a constant feature 1; the output bias is subtracted from the labels.",
    "Gradient descent is that of the theory: full batch, first layer only, one step size for all "
    "folded neurons. Models that were trained otherwise are held against it.",
    "A sample is ignored by a neuron that is not active on it; it is ignored for ever if no step "
    "size up to the one in question can wake it, which is proved for the given numbers, rounding "
    "included.",
    "The loss is half the sum of squared residuals.",
)


def diagnosis_page(d: Diagnosis) -> str:
    """Return the whole document."""
    about = "; ".join(value for _, value in facts(d)[:2])
    return page("What bias this network shows", about, diagnosis_body(d))


def diagnosis_body(d: Diagnosis) -> str:
    """Return the parts of the page."""
    items = "".join(tag("li", prose(finding)) for finding in d.findings)
    rows = [(escape(name), _spoken(value)) for name, value in facts(d)]
    parts = [
        tag("div", tag("ol", items), "differences"),
        tag("div", _table(("", ""), rows), "scroll"),
        _section(
            "distances",
            "Distances to other networks",
            _picture(d.plot_distances, "Distance from the network to others"),
            _distances(d),
        ),
    ]
    if d.test_errors:
        parts.append(
            _section(
                "errors",
                f"Errors on {counted(d.n_test, 'held-out sample')}",
                _picture(d.plot_errors, "Errors on held-out and training samples"),
                tag("div", _errors(d), "scroll"),
            )
        )
    parts += [
        _section(
            "activity",
            "What each neuron ignores",
            _picture(d.plot, "Which samples each neuron sees and ignores"),
            tag("div", _neurons(d), "scroll"),
        ),
        _section("reading", "How to read this", _bullets(prose(line) for line in _HOW_TO_READ)),
    ]
    if d.network.notes:
        notes = _bullets(escape(note) for note in d.network.notes)
        parts.append(_section("notes", "How the model was read", notes))
    return "\n".join(parts)


def _section(name: str, heading: str, *parts: str) -> str:
    inside = "\n".join((tag("h2", escape(heading)), *parts))
    return f'<section id="{name}">\n{inside}\n</section>'


def _bullets(lines: Iterable[str]) -> str:
    return tag("ul", "".join(tag("li", line) for line in lines))


def _distances(d: Diagnosis) -> str:
    head = ("network", "distance", "rounding", "relative", "cosine", "norm")
    table = _table(
        head,
        [
            (
                tag("span", escape(c.name), "nb"),
                _number(c.distance),
                minus(f"{c.rounding_error:.0e}"),
                minus(percent(c.relative)),
                "" if math.isnan(c.cosine) else minus(f"{c.cosine:.5f}"),
                _number(c.norm),
            )
            for c in d.comparisons
        ],
        aligned=len(head),
    )
    return tag("div", table, "scroll") + _bullets(
        f"{tag('strong', escape(c.name))}: {_spoken(c.sentence)}." for c in d.comparisons
    )


def _errors(d: Diagnosis) -> str:
    head = ("predictor", "held out", "training", "R<sup>2</sup>", "less than the model's by")
    rows: list[Sequence[str]] = []
    for k, e in enumerate(d.test_errors):
        apart = ""
        if k and math.isfinite(e.difference_error):
            apart = minus(f"{-e.difference:.3g} ± {e.difference_error:.2g} (squared)")
        r2 = "" if math.isnan(e.r2) else minus(f"{e.r2:.4g}")
        rows.append((escape(e.name), _number(e.rmse), _number(e.train_rmse), r2, apart))
    chosen = "chosen by the leave-one-out error of" if d.ridge.was_chosen else "as given; it has"
    note = (
        f"Ridge regression has a free intercept and the penalty {d.ridge.penalty:.4g}, {chosen} "
        f"{d.ridge.error:.4g}."
    )
    return _table(head, rows, aligned=4) + tag("p", prose(note), "provenance")


def _neurons(d: Diagnosis) -> str:
    a = d.activity
    lengths = np.linalg.norm(d.network.vectors, axis=1)
    order = np.argsort(-lengths, kind="stable")[:_MOST_NEURONS]
    head = ("neuron", "sign", "norm", "in the span", "active", "ignored", "for ever")
    other = d.find("minimum norm")
    if other is not None:
        head += ("from minimum norm", "cosine")
    rows: list[Sequence[str]] = []
    for k in np.sort(order):
        row = [
            str(int(d.network.kept[k])),
            "+" if d.problem.signs[k] > 0 else minus("-"),
            _number(float(lengths[k])),
            percent(float(d.span.share[k])),
            str(int((a.sign[k] > 0).sum())),
            str(int((a.sign[k] < 0).sum())),
            str(int((a.frozen[k] > 0).sum())),
        ]
        if other is not None:
            cosine = float(other.cosines[k])
            row += [
                _number(float(other.per_neuron[k])),
                "" if math.isnan(cosine) else minus(f"{cosine:.4f}"),
            ]
        rows.append(row)
    table = _table(head, rows, aligned=len(head))
    if lengths.size > _MOST_NEURONS:
        text = f"The {_MOST_NEURONS} longest of {lengths.size} neurons; the others are in a frame."
        table += tag("p", text, "provenance")
    return table


def _number(value: float) -> str:
    return _spoken(f"{value:.5g}")


def _spoken(text: str) -> str:
    """Return text with powers of ten and true minus signs, names left alone."""
    marked = prose(text.replace("_", "\x00"))
    return marked.replace("\x00", "_")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], aligned: int = 0) -> str:
    top = tag("tr", "".join(tag("th", cell) for cell in head)) if any(head) else ""
    body = "".join(
        tag("tr", "".join(tag("td", cell, "num" * (k < aligned)) for k, cell in enumerate(row)))
        for row in rows
    )
    return tag("table", f"<thead>{top}</thead><tbody>{body}</tbody>")


def _picture(draw: Callable[[], Any], text: str) -> str:
    import matplotlib.pyplot as plt

    figure = draw().figure
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150, metadata={"Software": None})
    plt.close(figure)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return tag("figure", f'<img alt="{escape(text)}" src="data:image/png;base64,{data}">')
