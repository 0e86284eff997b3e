"""What the commands of sweeps share: plans with fields replaced, conditions on rows, names."""

from __future__ import annotations

import tomllib
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relubias.errors import InvalidInputError

if TYPE_CHECKING:
    from relubias.sweep import Plan

__all__ = ["conditions", "errors_name_options", "read_plan", "value_of"]

_OPTION_OF = {
    name: f"--{name.replace('_', '-')}"
    for name in (
        "by", "engine", "equals", "fail_fast", "level", "log", "middle", "retry_failed", "shard",
        "store", "task_timeout", "value", "where", "workers", "x", "y",
    )
}  # fmt: skip


@contextmanager
def errors_name_options() -> Generator[None]:
    """Let errors about an argument of a function name the option that it came from."""
    try:
        yield
    except InvalidInputError as error:
        name, colon, rest = str(error).partition(":")
        if name not in _OPTION_OF:
            raise
        raise InvalidInputError(f"{_OPTION_OF[name]}{colon}{rest}") from error


def value_of(text: str) -> Any:
    """Return a value as TOML would read it; a list of what commas part; text as it is."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        return [value_of(part.strip()) for part in text.split(",")] if "," in text else text


def _assignments(option: str, texts: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (equals and name.strip() and value.strip()):
            raise InvalidInputError(f"{option}: is {text!r}; write {option} name=value")
        found[name.strip()] = value_of(value.strip())
    return found


def conditions(texts: Sequence[str]) -> dict[str, Any]:
    """Return columns and the values that their rows shall have."""
    return _assignments("--where", texts)


def read_plan(path: Path, replaced: Sequence[str]) -> Plan:
    """Read a plan and replace fields of it."""
    from relubias.sweep import Plan
    from relubias.sweep._toml import read, written

    if not replaced:
        return Plan.from_toml(path)
    name, table = read(path)
    try:
        return Plan.from_toml(written(table | _assignments("--set", replaced)))
    except InvalidInputError as error:
        message = str(error).removeprefix("plan: ")
        raise InvalidInputError(f"{name} with --set: {message}") from error
