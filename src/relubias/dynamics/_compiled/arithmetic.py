"""Fused multiply-add and small dense factorisations, compiled."""
# pyright: basic, reportCallIssue=false

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from relubias._jit import njit
from relubias.dynamics import _codes as code

__all__ = ["backward", "cholesky", "fma", "forward"]


@intrinsic
def _fma(typingctx, a, b, c):
    """Fused multiply-add: ``a * b + c`` with one rounding."""

    def codegen(context, builder, signature, args):
        return builder.fma(*args)

    return types.float64(types.float64, types.float64, types.float64), codegen


fma: Any = _fma


@njit(cache=True, error_model="numpy")
def cholesky(matrix, order):
    """Overwrite the lower triangle by its Cholesky factor; say whether every pivot was safe."""
    for j in range(order):
        pivot = matrix[j, j]
        full = pivot
        for k in range(j):
            pivot -= matrix[j, k] * matrix[j, k]
        if not pivot > code.PIVOT_TOLERANCE * full:
            return False
        root = np.sqrt(pivot)
        matrix[j, j] = root
        for i in range(j + 1, order):
            entry = matrix[i, j]
            for k in range(j):
                entry -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = entry / root
    return True


@njit(cache=True, error_model="numpy")
def forward(factor, order, right):
    for a in range(order):
        entry = right[a]
        for b in range(a):
            entry -= factor[a, b] * right[b]
        right[a] = entry / factor[a, a]


@njit(cache=True, error_model="numpy")
def backward(factor, order, right):
    for a in range(order - 1, -1, -1):
        entry = right[a]
        for b in range(order - 1, a, -1):
            entry -= factor[b, a] * right[b]
        right[a] = entry / factor[a, a]
