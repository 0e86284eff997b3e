"""Which folder holds a sweep, and its plan."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from relubias._files import printable
from relubias._validate import fail, shown

if TYPE_CHECKING:
    from relubias.sweep.plan import Plan

__all__ = ["PARTS", "PLAN", "plan_folder", "plan_folders", "read_plan"]

PLAN, PARTS = "plan.toml", "parts"
_MOST_NAMED = 5


def plan_folders(folder: Any) -> list[Path]:
    """Return `folder` if it holds a sweep, or the folders in it that do.

    Raises
    ------
    InvalidInputError
        If there is none.
    """
    if not isinstance(folder, (str, os.PathLike)):
        raise fail("folder", f"is {shown(folder)}", "pass the path of a sweep's folder")
    path = Path(cast("str | os.PathLike[str]", folder))
    try:
        if _holds_sweep(path):
            return [path]
        found = sorted(below for below in path.iterdir() if _holds_sweep(below))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a valid path"
        got = f"{printable(path)} cannot be read ({reason})"
        raise fail("folder", got, "pass the folder that a sweep was stored in") from error
    if not found:
        raise fail(
            "folder", f"{printable(path)} holds no sweep", "pass the folder that one was stored in"
        )
    return found


def _holds_sweep(path: Path) -> bool:
    """Return whether a folder has a plan and a place for rows; a user's own plan has none."""
    return (path / PLAN).is_file() and (path / PARTS).is_dir()


def plan_folder(folder: Any) -> Path:
    """Return the folder of one sweep: `folder`, or the only one in it that holds a plan.

    Raises
    ------
    InvalidInputError
        If there is none, or several; the message names them.
    """
    found = plan_folders(folder)
    if len(found) == 1:
        return found[0]
    names = ", ".join(printable(below.name) for below in found[:_MOST_NAMED])
    more = ", ..." if len(found) > _MOST_NAMED else ""
    got = f"{printable(Path(folder))} holds {len(found)} sweeps"
    raise fail("folder", got, f"pass one of them: {names}{more}")


def read_plan(folder: Path) -> Plan:
    """Return the plan of a sweep's folder; nothing that it names is imported."""
    from relubias.sweep.plan import Plan

    return Plan.from_toml(folder / PLAN)
