"""One plain sentence at the end of a report."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from relubias._validate import Float
from relubias.theory.verdict import Role, Verdict

__all__ = ["conclude"]

_THEOREMS = {1: "theorem1", 3: "theorem3", 5: "theorem5"}


def conclude(verdicts: Sequence[Verdict], left_out: Sequence[tuple[str, str]], signs: Float) -> str:
    """Say whether the theorem about this network applies, and whether what it claims is true.

    Parameters
    ----------
    verdicts : sequence of Verdict
        All of a report.
    left_out : sequence of (str, str)
        Statements that do not apply, and why.
    signs : ndarray of shape (n_neurons,)
        Output signs.

    Returns
    -------
    str
        One sentence, with the decisive numbers.
    """
    found = {verdict.condition.partition(".")[2]: verdict for verdict in verdicts}
    number = next((k for k, name in _THEOREMS.items() if name in found), None)
    if number is None:
        return _silent(dict(left_out), signs)
    name = _THEOREMS[number]
    claim = found[name]
    about = [
        v
        for v in verdicts
        if v.role is Role.HYPOTHESIS
        and v.condition.partition(".")[2].startswith((f"{name}.", "assumption"))
        and (number == 5 or "assumption3" not in v.condition)
    ]
    return f"{_assumptions(about)}{_claimed(number, claim, about, _guaranteed(found, name))}"


def _silent(left_out: dict[str, str], signs: Float) -> str:
    """Say why no theorem applies."""
    number = 1 if signs.size == 1 else 3 if signs.size == 2 else 5
    reason = left_out.get(f"lai2026.{_THEOREMS[number]}", "")
    if not reason or (signs.size > 1 and np.unique(signs).size == 1):
        return "No theorem of the paper is about a network with these signs."
    return f"Theorem {number} says nothing here: {reason.rstrip('.')}."


def _assumptions(about: Sequence[Verdict]) -> str:
    failing = sorted((v for v in about if v.holds is False), key=lambda v: v.margin)
    if failing:
        worst = failing[0]
        short = worst.condition.partition(".")[2]
        return (
            f"{len(failing)} of {len(about)} assumptions fail, {short} by most "
            f"({worst.detail.rstrip('.')})"
        )
    open_ones = [v.condition.partition(".")[2] for v in about if v.holds is None]
    if open_ones:
        return f"No assumption fails, but {', '.join(open_ones)} cannot be decided"
    return "All assumptions hold"


def _claimed(number: int, claim: Verdict, about: Sequence[Verdict], guaranteed: bool) -> str:
    all_hold = all(v.holds for v in about)
    theorem = f"the conclusion of Theorem {number}"
    if claim.holds:
        joint = " and" if all_hold else "; yet"
        how = "guaranteed before the first step, and " if guaranteed else ""
        return f"{joint} {theorem} holds on this data: {how}certified."
    if claim.holds is None and guaranteed:
        return f"; {theorem} is guaranteed before the first step, whatever the run shows."
    if claim.holds is None:
        return f"; whether {theorem} holds is undecided: {claim.detail}"
    joint = "; yet" if all_hold else ", and"
    where = f" (first at {claim.first_violation})" if claim.first_violation else ""
    return f"{joint} {theorem} fails on this data{where}: {claim.detail}"


def _guaranteed(found: dict[str, Verdict], name: str) -> bool:
    names = (f"{name}.certificate", f"{name}.one_step", f"{name}.explicit")
    return any(n in found and found[n].holds is True for n in names)
