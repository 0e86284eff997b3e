"""The paper's figures and what goes beyond them: tables, figures, verdicts and the report."""

from relubias.experiments.registry import (
    KEYS,
    Agreement,
    Experiment,
    Finding,
    Measured,
    Provenance,
    Scale,
    load,
)
from relubias.experiments.runner import Reproduction, Result, reproduce

__all__ = [
    "KEYS",
    "Agreement",
    "Experiment",
    "Finding",
    "Measured",
    "Provenance",
    "Reproduction",
    "Result",
    "Scale",
    "load",
    "reproduce",
]
