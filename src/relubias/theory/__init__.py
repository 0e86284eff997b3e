"""The paper as code: conditions that answer on the user's own data."""

from relubias.theory import lai2026
from relubias.theory.check import check
from relubias.theory.report import Report
from relubias.theory.setting import Approximate, Setting
from relubias.theory.statement import Statement
from relubias.theory.transitions import Region
from relubias.theory.verdict import Place, Role, Verdict

__all__ = [
    "Approximate",
    "Place",
    "Region",
    "Report",
    "Role",
    "Setting",
    "Statement",
    "Verdict",
    "check",
    "lai2026",
]
