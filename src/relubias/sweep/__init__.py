"""Sweeps: a plan, its execution that survives a crash, and its results."""

from relubias.sweep.case import Case
from relubias.sweep.measures import MEASURES, Measure
from relubias.sweep.own_measures import columns
from relubias.sweep.plan import Plan

__all__ = ["MEASURES", "Case", "Measure", "Plan", "columns"]
