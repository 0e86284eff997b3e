"""Every public function with arguments that work, and the kind of each argument."""

from __future__ import annotations

import importlib
import pkgutil

from tests.meta import entries
from tests.meta.entries._base import GRAM, Entry, X, Y

__all__ = ["ENTRIES", "GRAM", "X", "Y"]

ENTRIES: dict[str, Entry] = {}
"""The tables of all modules of `tests.meta.entries`."""

for _info in pkgutil.iter_modules(entries.__path__):
    if not _info.name.startswith("_"):
        ENTRIES |= importlib.import_module(f"{entries.__name__}.{_info.name}").ENTRIES
