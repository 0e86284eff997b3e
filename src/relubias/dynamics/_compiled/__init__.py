"""Compiled kernels of gradient descent; `_plain` holds their readable NumPy twins.

Both work on the same arrays and give the same bits: states are double-double (``high + low``),
every sum runs in the order of the samples, and products are error-free. Rounding is then of the
order of 1e-31 of the largest term. Entries are near unit scale; `relubias.dynamics._run` sees to
it. Compiled code is cached on disk; after editing one of these files, touch those that import it.
"""
# pyright: basic

from relubias.dynamics._compiled.batch import descend_batch
from relubias.dynamics._compiled.freezing import freeze_test, move_limit, push_residual
from relubias.dynamics._compiled.jumping import multiply, power_steps
from relubias.dynamics._compiled.stepping import advance
from relubias.dynamics._compiled.varying import advance_varying

__all__ = [
    "advance",
    "advance_varying",
    "descend_batch",
    "freeze_test",
    "move_limit",
    "multiply",
    "power_steps",
    "push_residual",
]
