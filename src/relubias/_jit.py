"""numba's compiler for modules of kernels; imported only by them, because it loads numba."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

__all__ = ["njit"]


def njit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return numba's decorator; code is kept on disk unless no folder for it can be written."""
    jit: Any = numba.njit

    def compiled(function: Callable[..., Any]) -> Any:
        try:
            return jit(**options)(function)
        except RuntimeError:  # a read-only installation and no home
            return jit(**{**options, "cache": False})(function)

    return compiled
