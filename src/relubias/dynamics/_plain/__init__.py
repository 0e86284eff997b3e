"""Readable NumPy twins of the compiled kernels: same arguments, same arrays, same bits.

A problem that is solved in a few thousand steps never needs the compiler. Sums run in the order
of the samples, one sample a time, because that is what makes the bits equal.
"""

from relubias.dynamics._plain.freezing import freeze_test
from relubias.dynamics._plain.jumping import multiply, power_steps
from relubias.dynamics._plain.stepping import advance
from relubias.dynamics._plain.varying import advance_varying

__all__ = ["advance", "advance_varying", "freeze_test", "multiply", "power_steps"]
