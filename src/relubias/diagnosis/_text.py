"""A diagnosis on one screen."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

from relubias._style import counted
from relubias.diagnosis._findings import percent

if TYPE_CHECKING:
    from relubias.diagnosis.diagnosis import Diagnosis

__all__ = ["facts", "screen"]

_WIDTH = 100
_LINES = 45


def facts(d: Diagnosis) -> list[tuple[str, str]]:
    """Return what was read and where it is, as names and values."""
    o, net = d.optimum, d.network
    plus = int((d.problem.signs > 0).sum())
    minus = d.problem.n_neurons - plus
    bias = "with biases" if net.has_bias else "no biases"
    if net.output_bias != 0.0:
        bias += f", output bias {net.output_bias:.4g}"
    left = f", {counted(net.dead.size, 'neuron')} without output left out" if net.dead.size else ""
    return [
        (
            "network",
            f"{d.problem.n_neurons} neurons (+{plus} -{minus}), {bias}{left}",
        ),
        (
            "samples",
            f"{d.problem.n_samples} of {counted(net.n_features, 'feature')}",
        ),
        ("read from", net.source),
        ("agreement", _agreement(d)),
        (
            "state",
            f"{o.rest}: loss {o.loss:.5g}, RMSE {o.rmse:.4g}, gradient {o.gradient_norm:.2e}, "
            f"norm {d.norm:.5g}",
        ),
    ]


def _agreement(d: Diagnosis) -> str:
    a = d.agreement
    if math.isinf(a.tolerance) or math.isinf(a.relative):
        return f"outputs within {a.max_abs:.1e} of the model's, which are 0"
    return f"outputs within {a.relative:.1e} of the model's (rounding explains {a.tolerance:.1e})"


def screen(d: Diagnosis) -> str:
    """Return the diagnosis as text that fits a screen."""
    lines: list[str] = []
    for name, value in facts(d):
        lines += textwrap.wrap(
            value, _WIDTH, initial_indent=f"{name:<10} ", subsequent_indent=" " * 11, max_lines=2
        )
    lines += ["", *_distances(d)]
    if d.test_errors:
        lines += ["", *_errors(d)]
    lines.append("")
    for number, finding in enumerate(d.findings, 1):
        wrapped = textwrap.wrap(
            finding, _WIDTH - 4, initial_indent=f"{number:>2}. ", subsequent_indent="    "
        )
        left = len(d.findings) - number
        if len(lines) + len(wrapped) + (left > 0) > _LINES:
            lines.append(f"    and {left + 1} more in `findings`")
            break
        lines += wrapped
    return "\n".join(lines)


def _distances(d: Diagnosis) -> list[str]:
    width = max(len(c.name) for c in d.comparisons) + 2
    lines = [f"{'distance to':<{width}}{'absolute':>11}{'relative':>10}{'cosine':>9}  rounding"]
    for c in d.comparisons:
        sure = "" if c.is_exact else "  best known"
        cosine = "-" if math.isnan(c.cosine) else f"{c.cosine:.4f}"
        lines.append(
            f"{c.name:<{width}}{c.distance:>11.5g}{percent(c.relative):>10}{cosine:>9}  "
            f"{c.rounding_error:.0e}{sure}"
        )
    return lines


def _errors(d: Diagnosis) -> list[str]:
    width = max(len(e.name) for e in d.test_errors) + 2
    head = f"{'error (RMSE)':<{width}}{'held out':>11}{'training':>11}{'R2':>9}"
    lines = [f"{head}  than the model"]
    words = {True: "better", False: "worse", None: "no clear difference"}
    for k, e in enumerate(d.test_errors):
        r2 = "-" if math.isnan(e.r2) else f"{e.r2:.3f}" if abs(e.r2) < 1000 else f"{e.r2:.1e}"
        compared = words[e.is_better] if k else ""
        row = f"{e.name:<{width}}{e.rmse:>11.5g}{e.train_rmse:>11.4g}{r2:>9}  {compared}"
        lines.append(row.rstrip())
    return lines
