"""Plans as TOML: read with the standard library, written in one canonical form."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from relubias._files import opened, printable, short
from relubias._validate import shown
from relubias.errors import InvalidInputError

__all__ = ["read", "written"]

_LARGEST_FILE = 1_000_000  # bytes


def read(source: Any) -> tuple[str, dict[str, Any]]:
    """Return the name of a source (a path, or TOML itself) and its tables."""
    if isinstance(source, str) and ("\n" in source or "=" in source):
        return "plan", _parsed("plan", source)
    if not isinstance(source, (str, os.PathLike)):
        raise InvalidInputError(f"plan: is {shown(source)}; pass the path of a TOML file")
    path = Path(cast("str | os.PathLike[str]", source))
    with opened(path) as file:
        content = file.read(_LARGEST_FILE + 1)
    name = printable(path)
    if len(content) > _LARGEST_FILE:
        raise InvalidInputError(f"{name}: is larger than {_LARGEST_FILE} bytes; pass a plan")
    try:
        text = content.decode("utf-8-sig")  # Windows editors write a mark
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{name}: is not UTF-8 text; pass a TOML file") from error
    return name, _parsed(name, text)


def _parsed(name: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text.replace("\r\n", "\n"))
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise InvalidInputError(f"{name}: is not TOML ({short(error)}); mend that line") from error


def written(fields: Mapping[str, Any]) -> str:
    """Return fields as TOML, a line each; lists of tables take a line per table."""
    return "".join(f"{key} = {_value(value)}\n" for key, value in fields.items())


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case Mapping():
            pairs = cast("Mapping[str, Any]", value).items()
            return f"{{ {', '.join(f'{key} = {_value(entry)}' for key, entry in pairs)} }}"
        case _:
            entries = [_value(entry) for entry in cast("Iterable[Any]", value)]
            if any(entry.startswith("{") for entry in entries):
                return "[\n" + "".join(f"  {entry},\n" for entry in entries) + "]"
            return f"[{', '.join(entries)}]"
