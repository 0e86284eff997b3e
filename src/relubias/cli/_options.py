"""Options that commands share."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Group, Parameter, Token

from relubias.cli._data import read_problem
from relubias.errors import InvalidInputError
from relubias.problem import Problem

__all__ = ["DataOptions", "OutputOptions", "errors_name_options", "parse_signs", "whole_number"]

_DATA = Group("Data", sort_key=1)
_OUTPUT = Group("Output", sort_key=3)

_SIGN_WORDS = {
    **dict.fromkeys(("+", "+1", "1", "p", "plus"), 1.0),
    **dict.fromkeys(("-", "-1", "m", "minus"), -1.0),
}


_OPTION_OF = {
    "batches": "--batches",
    "keys": "--only",
    "max_events": "--max-events",
    "max_iter": "--max-iter",
    "momentum": "--momentum",
    "outer": "--outer-scale",
    "rel_gap": "--rel-gap",
    "scale": "--start-scale",
    "seed": "--seed",
    "spectrum": "--spectrum",
    "step_size": "--step-size",
    "time_limit": "--time-limit",
    "tol": "--tol",
    "trace": "--trace",
}


@Parameter(name="*", group=_DATA, negative=())
@dataclass(frozen=True, kw_only=True)
class DataOptions:
    """What the data file holds, and the network that is fitted to it."""

    labels: Path | None = None
    """File with the labels, if DATA holds none (.npy, .npz, or one column of .csv)."""

    gram: Annotated[bool, Parameter(show_default=False)] = False
    """The matrix in DATA is the Gram matrix X X^T, not the features."""

    label_column: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None
    """Label column of a table, by name or position; the last one if omitted."""

    signs: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None
    """Output sign of each neuron, such as +,- (or 1,-1 or p,m); one + if omitted."""

    def problem(self, data: Path) -> Problem:
        """Read the problem."""
        return read_problem(
            data,
            labels=self.labels,
            is_gram=self.gram,
            label_column=self.label_column,
            signs=None if self.signs is None else parse_signs(self.signs),
        )


@Parameter(name="*", group=_OUTPUT, negative=())
@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """Where the answer goes."""

    json: Annotated[bool, Parameter(show_default=False)] = False
    """Print JSON instead of a table; what is undefined is null."""

    out: Path | None = None
    """Folder for the answer as files: a JSON summary and an .npz with the arrays."""


@contextmanager
def errors_name_options() -> Generator[None]:
    """Let errors about an argument of a function name the option that it came from."""
    try:
        yield
    except InvalidInputError as error:
        message = str(error).replace("starts.gaussian", "--start gaussian")
        name, _, rest = message.partition(":")
        raise InvalidInputError(f"{_OPTION_OF.get(name, name)}:{rest}") from error


def whole_number(_: Any, tokens: Sequence[Token]) -> int:
    """Convert ``10000`` and ``1e4``, never a fraction."""
    text = tokens[0].value
    with suppress(ValueError):
        return int(text)
    with suppress(ValueError):
        if (number := float(text)).is_integer():
            return int(number)
    raise ValueError  # cyclopts names the option and the text


def parse_signs(text: str) -> tuple[float, ...]:
    """Return output signs from ``+,-``, ``+-``, ``1,-1``, ``p,m`` or ``plus,minus``."""
    words = text.replace(" ", "").lower()
    parts = words.split(",") if "," in words or words in _SIGN_WORDS else list(words)
    signs = [_SIGN_WORDS.get(part) for part in parts]
    if not signs or None in signs:
        shown = text if len(text) <= 40 else f"{text[:37]}..."
        raise InvalidInputError(
            f"--signs: is {shown!r}; pass one + or - per neuron with commas between, such as +,-"
        )
    return tuple(sign for sign in signs if sign is not None)
