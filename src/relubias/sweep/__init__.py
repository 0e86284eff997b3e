"""Sweeps: a plan, its execution that survives a crash, and its results."""

from relubias.sweep.case import Case
from relubias.sweep.measures import MEASURES, columns
from relubias.sweep.plan import Plan

__all__ = ["MEASURES", "Case", "Plan", "columns"]
