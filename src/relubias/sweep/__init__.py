"""Sweeps: a plan, its execution that survives a crash, and its results."""

from relubias.sweep.case import Case
from relubias.sweep.compaction import compact
from relubias.sweep.engine import EngineError
from relubias.sweep.estimate import Estimate
from relubias.sweep.fits import PowerLawFit
from relubias.sweep.measures import MEASURES, Measure
from relubias.sweep.own_measures import columns
from relubias.sweep.plan import Plan
from relubias.sweep.results import SweepResult, load
from relubias.sweep.run import run

__all__ = [
    "MEASURES",
    "Case",
    "EngineError",
    "Estimate",
    "Measure",
    "Plan",
    "PowerLawFit",
    "SweepResult",
    "columns",
    "compact",
    "load",
    "run",
]
