"""Constants that a statement leaves unspecified: fields with our defaults, checked here."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from relubias._validate import as_real

__all__ = ["check_constants"]


def check_constants(statement: Any, *, positive: tuple[str, ...] = ()) -> None:
    """Turn the fields of a statement into non-negative floats, or name the one that is none.

    For ``__post_init__`` of a frozen dataclass all of whose fields are numbers.

    Parameters
    ----------
    statement : Statement
    positive : tuple of str
        Fields that must not be zero.
    """
    for field in fields(statement):
        value = as_real(
            field.name, getattr(statement, field.name), minimum=0.0, strict=field.name in positive
        )
        object.__setattr__(statement, field.name, value)
