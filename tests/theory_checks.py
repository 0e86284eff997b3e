"""Hold the package's verdicts about one run against the oracles'."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

import relubias as rb
from relubias.theory import Setting
from relubias.theory.statement import evaluate
from tests.oracles.theory_claims import (
    CLAIMED,
    conclusions,
    extremes_of,
    gaps,
    hypotheses,
    owners,
)
from tests.oracles.theory_run import Instance, Seen

__all__ = ["ask", "contradictions", "margins_of_oracle", "problem_of", "worst_of"]

ATOL = 1e-12
"""What two sums of the same numbers may differ by, in natural units of size one."""


def problem_of(case: Instance) -> rb.Problem:
    """Return the package's problem."""
    return rb.Problem(case.gram, case.labels, case.signs)


def ask(case: Instance, statements: Iterable[Any], **more: Any) -> dict[str, Any]:
    """Return the package's verdicts by condition."""
    setting = Setting(
        problem_of(case), case.start, step_size=case.step_size, trace=case.trace, **more
    )
    return {v.condition: v for v in evaluate(list(statements), setting)}


def worst_of(case: Instance, seen: Sequence[Seen]) -> dict[str, float]:
    """Return the worst value of every claim of THEORY 5.4, the gap's included."""
    own = owners(case)
    worst = dict(extremes_of(case, seen, own).worst)
    for entry in gaps(case, seen[-1], own):
        for name in ("gap lo", "gap hi"):
            if name in entry:
                known = worst.get(name, entry[name])
                worst[name] = (min if name == "gap lo" else max)(known, entry[name])
    return worst


def margins_of_oracle(case: Instance, seen: Sequence[Seen]) -> dict[str, float]:
    """Return signed margins by the package's names, in the package's units, of a finished run.

    Of one neuron, or of one of each sign.
    """
    own = owners(case)
    m, margins = len(case.signs), {}
    ends = conclusions(case, seen, own)
    worst = extremes_of(case, seen, own).worst
    pattern = worst["f"]
    conclusion = pattern if ends["off the projection"] < 1e-12 * np.abs(case.labels).max() else -1.0
    if m == 1:
        parts = _parts(worst)
        margins |= {f"lai2026.lemma9.{name}": value for name, value in parts.items()}
        margins["lai2026.theorem1"] = conclusion
    else:
        p, q = (_parts(extremes_of(case, seen, own, neuron=int(k)).worst)
                for k in np.argsort(-case.signs))  # fmt: skip
        letters = {"a": p["a"], "b": q["a"], "c": p["b"], "d": q["b"], "g": p["e"], "h": q["e"],
                   "e": min(p["c"], q["c"]), "f": min(p["d"], q["d"])}  # fmt: skip
        margins |= {f"lai2026.lemma10.{name}": value for name, value in letters.items()}
        margins["lai2026.theorem3"] = conclusion
    margins |= _gap_margins(case, seen)
    part = 0.25 / m
    explicit = min(hypotheses(case, part=part).values())
    margins[f"lai2026.theorem{2 * m - 1}.explicit"] = explicit
    return margins


def _gap_margins(case: Instance, seen: Sequence[Seen]) -> dict[str, float]:
    """Return the margins of Theorem 2, or of Theorem 4 neuron by neuron, and of the sharp law."""
    margins = {}
    for sign, entry in zip(case.signs, gaps(case, seen[-1], owners(case)), strict=True):
        name = "lai2026.theorem2"
        if len(case.signs) == 2:
            name = f"lai2026.theorem4.{'positive' if sign > 0 else 'negative'}"
        known = "gap lo" in entry  # something is claimed: samples of the other sign exist
        margins |= {
            f"{name}.lower": entry["gap lo"] - 0.6 if known else np.inf,
            f"{name}.upper": 1.35 - entry["gap hi"] if known else np.inf,
            f"{name}.sharp": 0.1 - abs(entry["sharp"] - 1) if known else np.inf,
        }
    return margins


def _parts(worst: Mapping[str, float]) -> dict[str, float]:
    """Return the margins of one neuron's six invariants."""

    def least(*names: str) -> float:
        found = [
            (value - bound if relation == ">=" else bound - value)
            for name in names
            if (value := worst.get(name)) is not None
            for relation, bound in [CLAIMED[name]]
        ]
        return min(found, default=np.inf)

    pairs = {"a": "a", "c": "c", "d": "d", "e": "e", "f": "f"}
    return {part: least(name) for part, name in pairs.items()} | {"b": least("b lo", "b hi")}


def contradictions(
    verdicts: Mapping[str, Any], margins: Mapping[str, float], counts: Counter[str]
) -> list[str]:
    """Return where package and oracle disagree; count the answers.

    Outcomes must agree wherever the package has one, and margins within the error it states,
    except where one name stands for several parts.
    """
    wrong = []
    for condition, exact in margins.items():
        verdict = verdicts.get(condition)
        if verdict is None:
            wrong.append(f"{condition}: no verdict")
            continue
        counts[f"{condition} {verdict.outcome}"] += 1
        if verdict.holds is not None and verdict.holds != (exact > 0):
            wrong.append(f"{condition}: {verdict} but the oracle has {exact:.3g}")
        if not condition.endswith(("explicit", "theorem1", "theorem3")) and not _close(
            verdict, exact
        ):
            wrong.append(
                f"{condition}: margin {verdict.margin!r} +- {verdict.rounding_error:.1e}, "
                f"oracle {exact!r}"
            )
    return wrong


def _close(verdict: Any, exact: float) -> bool:
    if np.isinf(exact) or np.isinf(verdict.margin):
        return bool(verdict.margin == exact) or bool(np.isinf(verdict.rounding_error))
    return abs(verdict.margin - exact) <= verdict.rounding_error + ATOL * max(1.0, abs(exact))
