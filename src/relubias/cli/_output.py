"""Answers: a table or strict JSON on standard output, files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import enum
import json
import math
import os
import sys
import tempfile
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from relubias._files import printable
from relubias.errors import InvalidInputError

__all__ = [
    "Folder",
    "Section",
    "discard_output",
    "emit",
    "number",
    "render",
    "results_folder",
    "strict_json",
    "write_whole",
]


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part of the table on the screen: rows of a name and a value."""

    title: str
    rows: Sequence[tuple[str, str]]


def number(value: float, digits: int = 6) -> str:
    """Return a number as people read it; what is undefined is a dash."""
    return f"{value:.{digits}g}" if math.isfinite(value) else "-"


def render(sections: Sequence[Section]) -> str:
    """Return the sections as plain text, values aligned in one column."""
    width = max(len(name) for section in sections for name, _ in section.rows)
    lines: list[str] = []
    for section in sections:
        lines += ["", section.title] if lines else [section.title]
        lines += [f"  {name:<{width}}  {value}".rstrip() for name, value in section.rows]
    return "\n".join(lines) + "\n"


def strict_json(value: Any) -> str:
    """Return `value` as JSON without NaN and Infinity: they become null."""
    return json.dumps(_plain(value), allow_nan=False, indent=2, ensure_ascii=True) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())  # pyright: ignore[reportUnknownMemberType]
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, Path):
        return printable(value)
    if isinstance(value, (enum.Enum, str)):
        return str(value)
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def emit(sections: Sequence[Section] | str) -> None:
    """Write an answer to standard output at once; styled only where it is a terminal."""
    try:
        if not isinstance(sections, str) and sys.stdout.isatty():
            _emit_styled(sections)
        else:
            text = sections if isinstance(sections, str) else render(sections)
            encoding = sys.stdout.encoding or "utf-8"
            sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        discard_output()
        raise InvalidInputError(
            f"standard output: cannot be written ({error.strerror}); send it elsewhere"
        ) from error


def _emit_styled(sections: Sequence[Section]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    width = 2 + max(len(name) for section in sections for name, _ in section.rows)
    for i, section in enumerate(sections):
        table = Table.grid(padding=(0, 2))
        table.add_column(min_width=width)
        table.add_column(overflow="fold")
        for name, value in section.rows:
            table.add_row(Text(f"  {name}", style="dim"), Text(value))
        console.print(Text("\n" * (i > 0) + section.title, style="bold"))
        console.print(table)


def discard_output() -> None:
    """Point standard output at nothing, so that the flush at exit cannot fail again."""
    try:
        target = sys.stdout.fileno()
    except (OSError, ValueError):
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, target)
    os.close(nothing)


Writer = Callable[[IO[bytes]], Any]


def write_whole(path: Path, writer: Writer) -> None:
    """Write a file aside and rename it, so that `path` is never half-written."""
    with results_folder(path.parent) as folder:
        folder.add(path.name, writer)


def _aside(path: Path) -> Path:
    """Return a new empty file next to `path`, with the permissions of an ordinary one."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(descriptor)
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from error
    return Path(name)


def _unwritable(path: Path, error: Exception) -> InvalidInputError:
    reason = getattr(error, "strerror", None) or "not a valid path"
    return InvalidInputError(
        f"{printable(path)}: cannot be written ({reason}); choose another place"
    )


@dataclass(slots=True)
class Folder:
    """Files of one answer, renamed into place together once all of them are complete."""

    path: Path
    _ready: list[tuple[Path, Path]] = field(default_factory=list[tuple[Path, Path]])

    def add(self, name: str, writer: Writer) -> None:
        """Write a file aside; it appears as `name` when the answer is complete."""
        final = self.path / name
        aside = _aside(final)
        self._ready.append((aside, final))
        try:
            with aside.open("wb") as file:
                writer(file)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _unwritable(final, error) from error

    def add_json(self, name: str, text: str) -> None:
        """Add a text file."""
        self.add(name, lambda file: file.write(text.encode()))

    def add_arrays(self, name: str, **arrays: Any) -> None:
        """Add an .npz archive."""
        self.add(name, lambda file: np.savez(file, allow_pickle=False, **arrays))

    def publish(self) -> None:
        """Rename every file into place."""
        for aside, final in self._ready:
            try:
                aside.replace(final)
            except OSError as error:
                raise _unwritable(final, error) from error

    def discard(self) -> None:
        """Remove what was not renamed."""
        for aside, _ in self._ready:
            aside.unlink(missing_ok=True)


@contextlib.contextmanager
def results_folder(path: Path) -> Generator[Folder]:
    """Make sure that results can be written before the work starts; publish them at its end.

    After an exception nothing is left behind, not even a new folder.
    """
    created: list[Path] = []
    try:
        created = _make_folders(path)
        _aside(path / "check").unlink()
        folder = Folder(path)
        try:
            yield folder
            folder.publish()
        finally:
            folder.discard()
    except BaseException:
        for new in reversed(created):
            with contextlib.suppress(OSError):
                new.rmdir()
        raise


def _make_folders(path: Path) -> list[Path]:
    """Create a folder and its parents; return the new ones, outermost first."""
    try:
        missing = [folder for folder in (path, *path.parents) if not folder.exists()][::-1]
        for folder in missing:
            folder.mkdir()
        if not path.is_dir():
            raise NotADirectoryError(20, "not a directory")
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from error
    return missing
