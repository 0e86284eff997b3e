"""Fields of a plan: checked one by one, and as TOML holds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from relubias._validate import fail, shown
from relubias.sweep._choices import (
    Choice,
    as_dimensions,
    as_list,
    as_signs_text,
    as_steps,
    suggestion,
)
from relubias.sweep.grid import AXES

__all__ = [
    "as_feature_counts",
    "as_fields",
    "as_name",
    "as_sign_texts",
    "as_step_sizes",
    "plain",
    "reference",
]


def plain(values: Sequence[Any]) -> Any:
    """Return values as TOML holds them: one without a list, choices as names or tables."""
    entries = [_plain_choice(v) if isinstance(v, Choice) else v for v in values]
    return entries[0] if len(entries) == 1 else entries


def _plain_choice(choice: Choice) -> str | dict[str, Any]:
    return {"name": choice.name, **dict(choice.options)} if choice.options else choice.name


def reference(entry: str | Callable[..., Any]) -> str:
    return entry if isinstance(entry, str) else f"{entry.__module__}:{entry.__qualname__}"


def as_name(value: Any) -> str:
    allowed = isinstance(value, str) and value.replace("-", "").replace("_", "").isalnum()
    if not allowed or not value.isascii() or len(value) > 60:
        raise fail("name", f"is {shown(value)}", "pass up to 60 letters, digits, - and _")
    return value


def as_sign_texts(value: Any) -> tuple[str, ...]:
    entries = as_list("signs", value)
    if not entries or not all(isinstance(entry, (str, list, tuple)) for entry in entries):
        entries = [entries]
    return tuple(as_signs_text("signs", entry) for entry in entries)


def as_fields(field: str, value: Any) -> tuple[str, ...]:
    names = as_list(field, value)
    for name in names:
        if name not in AXES:
            raise fail(field, f"names {shown(name)}", suggestion(str(name), AXES))
    return tuple(sorted(set(names), key=AXES.index))


def as_feature_counts(value: Any, spectra: Sequence[Choice]) -> tuple[int | str, ...] | None:
    with_pairs = [choice.name == "pairs" for choice in spectra]
    if all(with_pairs):
        if value is not None:
            raise fail("d", "is given", "leave it out: the pairs of the spectrum have a dimension")
        return None
    if any(with_pairs):
        raise fail("spectrum", "mixes pairs with others", "make two plans")
    if value is None:
        raise fail("d", "is missing", "pass numbers of features, or expressions such as '5*n'")
    return as_dimensions(value)


def as_step_sizes(kappa: Any, eta: Any, algorithms: Sequence[Choice]) -> Mapping[str, Any]:
    if kappa is not None and eta is not None:
        raise fail("eta", "is given beside kappa", "pass one of them")
    if kappa is None and eta is None:
        if any(choice.name == "descent" for choice in algorithms):
            raise fail("kappa", "is missing", "pass kappa (step size times trace) or eta")
        return {}
    if all(choice.name == "flow" for choice in algorithms):
        field = "eta" if kappa is None else "kappa"
        raise fail(field, "is given", "leave it out: a flow has no step size")
    if kappa is None:
        return {"eta": as_steps("eta", eta)}
    return {"kappa": as_steps("kappa", kappa)}
