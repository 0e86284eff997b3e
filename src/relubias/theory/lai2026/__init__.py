"""Lai, Wang, Tao and Muthukumar, COLT 2026: every numbered statement, in the paper's order.

The prose of the statements is the paper's; formulas were derived again from it, and constants that
the paper leaves unspecified are ours. Each docstring says which.
"""

from __future__ import annotations

from relubias.theory.lai2026.explicit import RunCertificate, certificate
from relubias.theory.lai2026.one_neuron import Lemma9
from relubias.theory.lai2026.one_step import Lemma5, Lemma6
from relubias.theory.lai2026.theorem1 import Theorem1
from relubias.theory.statement import Statement

__all__ = [
    "STATEMENTS",
    "Lemma5",
    "Lemma6",
    "Lemma9",
    "RunCertificate",
    "Theorem1",
    "certificate",
]

STATEMENTS: tuple[type[Statement], ...] = (
    Lemma5,
    Lemma6,
    Lemma9,
    Theorem1,
)  # fmt: skip
"""All of them."""
