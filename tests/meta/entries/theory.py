"""The statements of the paper, and the check of all of them."""

from __future__ import annotations

import relubias as rb
from tests.meta.entries._base import (
    ONE,
    SOLUTION,
    START,
    Argument,
    Entry,
    problem,
    start,
    step_size,
)

ENTRIES: dict[str, Entry] = {}
ENTRIES["theory.lai2026.certificate"] = Entry(
    rb.theory.lai2026.certificate,
    {
        "problem": Argument(ONE, "problem"),
        "start": Argument(START[:1], "dual"),
        "step_size": step_size,
        "trace": Argument(None, "optional positive"),
    },
)
_CONSTANTS = {
    "Assumption2": ("constant",),
    "Corollary1": ("constant",),
    "Lemma3": ("tolerance",),
    "Lemma7": ("constant",),
    "Lemma8": ("constant", "probability"),
    "Remark1": ("constant",),
    "Theorem1": ("start_constant", "step_constant", "tolerance"),
}
for _name, _fields in _CONSTANTS.items():
    ENTRIES[f"theory.lai2026.{_name}"] = Entry(
        getattr(rb.theory.lai2026, _name), {name: Argument(0.5, "positive") for name in _fields}
    )
for _name in ("Lemma1", "Lemma2", "Lemma11"):
    ENTRIES[f"theory.lai2026.{_name}"] = Entry(
        getattr(rb.theory.lai2026, _name),
        {"tolerance": Argument(1e-8, "positive"), "since": Argument(1, "optional count")},
    )
ENTRIES["theory.lai2026.Lemma9"] = Entry(
    rb.theory.lai2026.Lemma9,
    {
        name: Argument(1.0, "non-negative")
        for name in ("active", "frozen_least", "frozen_most", "misfit", "dual", "inactive")
    },
)
ENTRIES["theory.lai2026.Theorem2"] = Entry(
    rb.theory.lai2026.Theorem2,
    {
        **{name: Argument(0.5, "non-negative") for name in ("lower", "upper", "sharp")},
        "tolerance": Argument(1e-8, "positive"),
    },
)
_SIX = ("active", "frozen_least", "frozen_most", "misfit", "dual", "inactive")
_MANY = {  # fields that may be zero, and fields that divide
    "Lemma4": ((), ("tolerance",)),
    "Lemma5": (("risk",), ()),
    "Lemma6": (("norm",), ("dual",)),
    "Lemma10": (_SIX, ()),
    "Lemma12": (_SIX, ()),
    "Theorem3": ((), ("start_constant", "step_constant", "tolerance")),
    "Theorem4": (("lower", "upper", "sharp"), ()),
    "Theorem5": (("power", "parked"), ("start_constant", "step_constant", "tolerance")),
    "Theorem6": (("constant", "power", "sharp"), ()),
}
for _name, (_free, _strict) in _MANY.items():
    ENTRIES[f"theory.lai2026.{_name}"] = Entry(
        getattr(rb.theory.lai2026, _name),
        {
            **{name: Argument(0.5, "non-negative") for name in _free},
            **{name: Argument(0.5, "positive") for name in _strict},
        },
    )

_run = {
    "problem": problem,
    "start": start,
    "step_size": step_size,
    "trace": Argument(100.0, "optional positive"),
    "n_dense": Argument(3, "count"),
    "max_iter": Argument(1000, "count"),
    "tol": Argument(1e-10, "positive"),
}
_run_fixed = {"shortest": SOLUTION}
ENTRIES["check"] = Entry(rb.check, _run, _run_fixed)
ENTRIES["theory.Setting"] = Entry(
    lambda **arguments: rb.theory.Setting(**arguments).kappa,
    {name: argument for name, argument in _run.items() if name != "start"},
    {"start": START},
)
ENTRIES["theory.Statement.check"] = Entry(rb.theory.lai2026.Theorem3().check, _run, _run_fixed)
