"""The plan that is written beside its results, under a line that names format and digest."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from relubias._files import printable
from relubias.errors import StoreError
from relubias.sweep._disk import publish, trouble
from relubias.sweep._parts import FORMAT

if TYPE_CHECKING:
    from relubias.sweep.plan import Plan

__all__ = ["sign"]

_HEADER = re.compile(r"# relubias sweep, format (\d+), digest ([0-9a-f]{64})\n")


def sign(folder: Path, plan: Plan, owner: str) -> None:
    """Write the plan beside its results, or see that the one there is the same.

    The text is compared and never read, so nothing that it names is imported.

    Raises
    ------
    StoreError
        If another plan is there, or one of a newer format.
    """
    path, text = folder / "plan.toml", plan.to_toml()
    if not path.exists():
        header = f"# relubias sweep, format {FORMAT}, digest {plan.digest}\n"
        publish(path, (header + text).encode(), owner)
        return
    try:
        found = path.read_text("utf-8", "replace")
    except OSError as error:
        raise trouble(path, error) from error
    match = _HEADER.match(found)
    if match and int(match[1]) > FORMAT:
        raise StoreError(
            f"{printable(path)}: has format {match[1]}, newer than this version reads "
            f"({FORMAT}); upgrade relubias"
        )
    if match is None or match[2] != plan.digest or found[match.end() :] != text:
        raise StoreError(
            f"{printable(path)}: is not the plan that this folder is named for, so it was "
            "edited or damaged; delete that file to have it written anew (the rows are kept), "
            "and give a changed plan to run, which makes a folder of its own"
        )
