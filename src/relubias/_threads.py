"""BLAS threads: one, where more would only wait for each other."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController  # pyright: ignore[reportMissingTypeStubs]

__all__ = ["SINGLE_THREAD_BELOW", "one_blas_thread"]

SINGLE_THREAD_BELOW = 1000
"""Below this matrix order two BLAS threads can be a hundred times slower than one."""


@cache
def _controller(_n_libraries: int) -> ThreadpoolController:
    return ThreadpoolController()


@contextmanager
def one_blas_thread(order: int = 0) -> Generator[None]:
    """Limit BLAS to one thread inside the block, for matrices of an order below the limit."""
    if order >= SINGLE_THREAD_BELOW:
        yield
        return
    import sys

    # SciPy loads a BLAS of its own; look again once it is there.
    controller: Any = _controller("scipy.linalg" in sys.modules)
    with controller.limit(limits=1, user_api="blas"):
        yield
