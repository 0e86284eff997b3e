"""What was found, as plain sentences, the most important first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from relubias._style import counted
from relubias.diagnosis.comparison import Comparison
from relubias.diagnosis.descent_limit import LimitStatus
from relubias.diagnosis.optimum import Rest
from relubias.minnorm import MinimumNormStatus

if TYPE_CHECKING:
    from relubias.diagnosis.diagnosis import Diagnosis

__all__ = ["findings_of", "percent"]

_SAME_DIRECTION = 0.999
"""Cosine from which on two networks are said to point the same way."""
_ILL = 1e8
"""Condition number from which on a matrix is called badly conditioned."""


def findings_of(d: Diagnosis) -> tuple[str, ...]:
    """Return the sentences."""
    groups = (
        _rest(d),
        _minimum_norm(d),
        _test_errors(d),
        _ignored(d),
        _selection(d),
        _training(d),
        _linear(d),
        _span(d),
        _curvature(d),
    )
    return tuple(sentence for group in groups for sentence in group)


def percent(share: float) -> str:
    """Return a share as people read it."""
    if math.isnan(share):
        return "-"
    if math.isinf(share):
        return "infinitely many times"
    value = 100 * share
    if value == 0 or 0.1 <= abs(value) < 99.95:
        return f"{value:.3g}%"
    if 99.95 <= value <= 100:
        return "100%" if value == 100 else f"{math.floor(value * 1000) / 1000:g}%"
    return (
        f"{value:.2g}%" if abs(value) < 100 else f"{value:.0f}%" if value < 1e4 else f"{share:.3g}x"
    )


def _rest(d: Diagnosis) -> list[str]:
    o, limit = d.optimum, d.limit
    size = f"residuals up to {percent(o.misfit)} of the largest label"
    allowed = f"(tolerance {o.tolerance:.0e})"
    if o.rest is Rest.GLOBAL_MINIMUM:
        what = "fits the labels" if o.floor == 0 else "fits the labels as well as any can"
        floor = "" if o.floor == 0 else f"; the loss cannot go below {o.floor:.4g}"
        return [f"The network is at a global minimum: it {what}, with {size} {allowed}{floor}."]
    if o.rest is Rest.MOVING:
        left = percent(o.still_to_lose / o.loss)
        text = (
            f"The network is still moving: gradient descent would remove {left} of the loss "
            f"{o.loss:.4g} even if no activation switched"
        )
        if limit.status is LimitStatus.PROVED and not limit.from_start:
            text += f", and ends with a loss of {limit.loss:.4g}"
        return [text + "."]
    if d.find("minimum norm") is not None:
        other = f"although networks with the same signs have a loss of {o.floor:.4g}"
    elif o.is_global is False:
        other = "although smaller losses exist"
    else:
        other = "and whether a smaller one exists is not known"
    if o.rest is Rest.LOCAL_MINIMUM:
        return [f"The network is at a local minimum with a loss of {o.loss:.4g}, {other}."]
    return [
        f"Gradient descent has come to rest at a loss of {o.loss:.4g}, {other}; "
        f"{counted(o.n_kinks, 'activation')} too close to switching to tell a minimum from a "
        "saddle."
    ]


def _minimum_norm(d: Diagnosis) -> list[str]:
    c = d.find("minimum norm")
    if c is None:
        return [_no_minimum_norm(d) + "."]
    if c.is_exact and (c.relative <= d.tolerance or c.distance == 0.0):
        return [f"The network is the minimum-norm network: they differ by {_apart(c)}."]
    if c.norm == 0.0:
        return [f"The minimum-norm network is 0; the network has the norm {d.norm:.4g}."]
    longer = f"{d.norm / c.norm:.3g} times its norm"
    if c.is_exact:
        return [
            f"The minimum-norm network is {_apart(c)} away (cosine {_cosine(c)}); the network has "
            f"{longer}."
        ]
    bound = 0.0 if d.shortest is None else d.shortest.lower_bound
    text = (
        f"The shortest network known to fit the labels is {_apart(c)} away (cosine "
        f"{_cosine(c)}); the network has {longer}."
    )
    if bound > 0:
        text += f" Networks down to a norm of {bound:.4g} are not excluded."
    if c.at_least > 0 and d.norm > c.norm:
        text += f" The shortest of all is {c.at_least:.4g} or more away."
    return [text]


def _cosine(c: Comparison) -> str:
    return "undefined" if math.isnan(c.cosine) else f"{c.cosine:.4f}"


def _no_minimum_norm(d: Diagnosis) -> str:
    """Return why no network is known that fits."""
    if d.shortest is None:
        return f"The minimum norm is not known: {d.why_no_shortest}"
    if d.shortest.status is MinimumNormStatus.UNDECIDED:
        text = "The minimum norm is not known: the search found no network that fits the labels"
        if d.optimum.misfit <= d.tolerance:
            text += f" but this one, of norm {d.norm:.4g}"
        return text
    shown = ", ".join(str(i) for i in d.shortest.conflict[:8])
    more = ", ..." if d.shortest.conflict.size > 8 else ""
    text = (
        "No network with these signs fits the labels, so there is no minimum norm: samples "
        f"{shown}{more} contradict each other"
    )
    if (closest := d.find("closest fit")) is not None:
        text += f"; from the closest fit the network is {_apart(closest)} away"
    return text


def _apart(c: Comparison) -> str:
    if c.distance == 0.0:
        return "0"
    rounding = f" (rounding {c.rounding_error:.0e})" if c.distance < 1e3 * c.rounding_error else ""
    return f"{c.distance:.4g}{rounding}, {percent(c.relative)} of its norm,"


def _test_errors(d: Diagnosis) -> list[str]:
    if not d.test_errors:
        return []
    model, others = d.test_errors[0], d.test_errors[1:]
    groups = {True: "better", False: "worse", None: "not clearly different"}
    parts: list[str] = []
    for verdict, words in groups.items():
        named = [f"{e.name} {e.rmse:.4g}" for e in others if e.is_better is verdict]
        if named:
            parts.append(f"{words}: {', '.join(named)}")
    return [
        f"On {counted(d.n_test, 'held-out sample')} the model's error is {model.rmse:.4g} "
        f"(training {model.train_rmse:.4g}); {'; '.join(parts)}."
    ]


def _ignored(d: Diagnosis) -> list[str]:
    a = d.activity
    m, n = a.sign.shape
    ignored = int((a.sign < 0).sum())
    waking = int((a.frozen < 0).sum())
    total = f"{percent(ignored / (m * n))} of the {m * n:,} pairs of a neuron and a sample"
    if ignored == 0:
        text = "Every neuron is active on every sample"
    elif a.is_settled:
        text = f"Ignored are {total}, and all of them stay so: no activation ever switches again"
    else:
        woken = f"{waking:,}" if waking else "none"
        text = f"Ignored are {total}; the next step wakes {woken}, and "
        doubtful = int(a.doubtful.sum())
        if doubtful < a.sign.size:
            rest = "pair that may" if doubtful == 1 else "pairs that may"
            text += f"whether the others stay so hangs on {doubtful:,} {rest} switch"
        else:
            text += "whether the others stay so is not known"
    if ignored and a.is_settled and math.isfinite(a.margin):
        text += f" (margin {percent(a.margin)} of the largest label)"
    found = [text + "."]
    if a.uncovered.size:
        who = counted(a.uncovered.size, "sample")
        verb = "is" if a.uncovered.size == 1 else "are"
        lost = float((d.problem.labels[a.uncovered] ** 2).sum()) / 2
        found.append(
            f"{who} {verb} ignored by every neuron, which costs a loss of {lost:.4g} that no step "
            "changes."
        )
    if a.dead.size:
        verb = "is" if a.dead.size == 1 else "are"
        found.append(
            f"{counted(a.dead.size, 'neuron')} {verb} active on no sample and never will be."
        )
    return found


def _selection(d: Diagnosis) -> list[str]:
    s = d.selection
    n = d.problem.n_samples
    subset = f"{s.support.size} of {counted(n, 'sample')}"
    origin = "the start" if s.has_start else "zero"
    part = f", {percent(s.relative)} of the distance from {origin} to it"
    away = f"{s.distance:.4g}{part if math.isfinite(s.relative) else ''} (tolerance "
    away += f"{d.tolerance:.0e})"
    if s.is_projection:
        return [
            f"The network is the projection of {origin} on what fits the {subset} that it "
            f"selected: they differ by {away}."
        ]
    if s.is_projection is None:
        return [
            f"Whether the network is the projection of {origin} on what fits the {subset} that it "
            "selected, rounding does not allow to tell."
        ]
    why = "samples that it ignores now, or another training, moved it" if s.has_start else (
        "its start, or samples that it ignores now, moved it"
    )  # fmt: skip
    return [
        f"The network is not the projection of {origin} on what fits the {subset} that it "
        f"selected: they differ by {away}; {why}."
    ]


def _training(d: Diagnosis) -> list[str]:
    found: list[str] = []
    s = d.selection
    if d.start is not None:
        outer, before = d.network.outer, d.start.outer
        if not np.array_equal(outer, before) or d.network.output_bias != d.start.output_bias:
            size = float(np.linalg.norm(outer - before) / np.linalg.norm(before))
            found.append(
                f"The output layer was trained as well (outer weights changed by {percent(size)}, "
                f"output bias {d.start.output_bias:.4g} to {d.network.output_bias:.4g}), which the "
                "theory of the first layer does not describe."
            )
        if d.n_flipped:
            who = counted(d.n_flipped, "neuron")
            found.append(
                f"{who} changed the sign of the outer weight since the start, so the start is not "
                "held against the network."
            )
        share = s.outside_change / s.change if s.change > 0 else 0.0
        if share > 10 * d.tolerance:
            found.append(
                f"{percent(share)} of the change since the start lies outside the span of the "
                "samples: no gradient descent on the first layer does that; weight decay, "
                "adaptive steps or a trained output layer do."
            )
        c = d.find("descent from its start")
        if c is not None and d.limit.status is not LimitStatus.UNFINISHED:
            same = "ends here" if c.relative <= d.tolerance else "ends elsewhere"
            found.append(
                f"Full-batch gradient descent from its start with step {d.step_size:.3g} {same}: "
                f"{_apart(c)} away (tolerance {d.tolerance:.0e})."
            )
    size = np.abs(d.network.outer[d.network.kept])
    if size.max() > 1.01 * size.min():
        found.append(
            f"Outer weights differ by a factor of up to {size.max() / size.min():.3g}, so training "
            "the first layer moved neurons at different speeds, which folding hides."
        )
    return found


def _linear(d: Diagnosis) -> list[str]:
    c = d["linear, all samples"]
    if not c.cosine >= _SAME_DIRECTION:
        return []
    return [
        f"The network is nearly linear: it points along the linear fit of all labels (cosine "
        f"{c.cosine:.5f})."
    ]


def _span(d: Diagnosis) -> list[str]:
    s = d.span
    if s.rank == s.n_dimensions:
        return [
            f"The samples span all {counted(s.rank, 'dimension')} of the weights, so no part of "
            "them is left from the start for want of data."
        ]
    return [
        f"{percent(s.total)} of the squared norm lies in the span of the samples (rank {s.rank} of "
        f"{s.n_dimensions} dimensions); the rest, of norm {s.outside_norm:.4g}, no gradient step "
        "changes."
    ]


def _curvature(d: Diagnosis) -> list[str]:
    h = d.curvature
    if h.rank == 0:
        return ["No neuron is active on any sample, so gradient descent stands still."]
    bad = ", which is badly conditioned" if h.condition > _ILL else ""
    text = f"H has the condition number {h.condition:.3g} on {h.rank} directions{bad}"
    if h.steps_left == 0:
        return [f"{text}; nothing is left to move."]
    left = f"{h.steps_left:,.0f}" if h.steps_left < 1e6 else f"{h.steps_left:.2g}"
    if math.isinf(h.steps_left):
        return [f"{text}; steps of {h.step_size:.3g} never get there."]
    return [f"{text}; about {left} steps of {h.step_size:.3g} are left with this pattern."]
