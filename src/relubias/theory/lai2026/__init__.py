"""Lai, Wang, Tao and Muthukumar, COLT 2026: every numbered statement, in the paper's order.

The prose of the statements is the paper's; formulas were derived again from it, and constants that
the paper leaves unspecified are ours. Each docstring says which.
"""

from __future__ import annotations

from relubias.theory.lai2026.assignment import Assumption3
from relubias.theory.lai2026.data import Assumption1, Assumption2
from relubias.theory.lai2026.explicit import RunCertificate, certificate
from relubias.theory.lai2026.final_phase import Lemma1, Lemma2
from relubias.theory.lai2026.gram_facts import Corollary1, Lemma7, Lemma8
from relubias.theory.lai2026.one_neuron import Lemma9
from relubias.theory.lai2026.one_step import Lemma5, Lemma6
from relubias.theory.lai2026.remark1 import Remark1
from relubias.theory.lai2026.several_neurons import Lemma11, Lemma12
from relubias.theory.lai2026.shortest_neuron import Lemma3
from relubias.theory.lai2026.shortest_pair import Lemma4
from relubias.theory.lai2026.theorem1 import Theorem1
from relubias.theory.lai2026.theorem2 import Theorem2
from relubias.theory.lai2026.theorem3 import Theorem3
from relubias.theory.lai2026.theorem4 import Theorem4
from relubias.theory.lai2026.theorem5 import Theorem5
from relubias.theory.lai2026.theorem6 import Theorem6
from relubias.theory.lai2026.two_neurons import Lemma10
from relubias.theory.statement import Statement

__all__ = [
    "STATEMENTS",
    "Assumption1",
    "Assumption2",
    "Assumption3",
    "Corollary1",
    "Lemma1",
    "Lemma2",
    "Lemma3",
    "Lemma4",
    "Lemma5",
    "Lemma6",
    "Lemma7",
    "Lemma8",
    "Lemma9",
    "Lemma10",
    "Lemma11",
    "Lemma12",
    "Remark1",
    "RunCertificate",
    "Theorem1",
    "Theorem2",
    "Theorem3",
    "Theorem4",
    "Theorem5",
    "Theorem6",
    "certificate",
]

STATEMENTS: tuple[type[Statement], ...] = (
    Assumption1,
    Assumption2,
    Lemma1,
    Lemma2,
    Lemma3,
    Lemma4,
    Lemma5,
    Lemma6,
    Lemma7,
    Lemma8,
    Corollary1,
    Lemma9,
    Theorem1,
    Theorem2,
    Remark1,
    Lemma10,
    Theorem3,
    Theorem4,
    Assumption3,
    Lemma11,
    Lemma12,
    Theorem5,
    Theorem6,
)  # fmt: skip
"""All of them."""
