"""What an experiment is, and where each one lives; nothing heavy is imported here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

    from relubias.experiments._statistics import Estimate

__all__ = [
    "KEYS",
    "Agreement",
    "Experiment",
    "Finding",
    "Measured",
    "Provenance",
    "Scale",
    "load",
]

_MODULES = {
    "fig1": "figure1",
    "fig2": "figure2",
    "fig3": "figure3",
    "fig4": "figure4",
    "fig5": "figure5",
    "fig6": "figure6",
    "fig7": "figure7",
    "fig8": "figure8",
    "stepsize": "step_size",
    "initialisation": "initialisation",
    "freezing": "freezing",
    "limit": "limit",
    "flow_gap": "flow_gap",
    "flow_limit": "flow_limit",
    "vardi_shamir": "vardi_shamir",
    "theorem6": "theorem6",
    "equal_split": "equal_split",
    "boursier": "boursier",
    "dana": "dana",
    "table1": "table1",
    "reach": "reach",
    "tightness": "tightness",
    "parked": "parked",
}

KEYS = tuple(_MODULES)
"""Keys of all experiments, in the order of the report."""


class Scale(StrEnum):
    """How much to compute; each experiment has its own numbers for every scale."""

    QUICK = "quick"
    DEFAULT = "default"
    FULL = "full"


class Provenance(StrEnum):
    """Where the settings of an experiment come from; the value is the sentence people read."""

    RECOVERED = "settings recovered from the paper"
    DERIVED = "diagram derived from the paper's two one-step lemmas"
    RECONSTRUCTED = "settings reconstructed; the paper's own are not known"
    NEW = "not in the paper"


class Agreement(StrEnum):
    """How a measurement relates to the paper."""

    AGREES = "agrees"
    DIFFERS = "differs"
    BEYOND = "goes beyond"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One measured figure.

    Attributes
    ----------
    label : str
        What it is, for people.
    value : float
        The point estimate.
    low, high : float
        Ends of the 95% confidence interval; NaN where there is none.
    expected : str
        What the paper or the law says, for people; empty if nothing.
    """

    label: str
    value: float
    low: float = math.nan
    high: float = math.nan
    expected: str = ""

    @classmethod
    def of(cls, label: str, estimate: Estimate, expected: str = "") -> Measured:
        """Build one from an estimate with its interval.

        Parameters
        ----------
        label : str
            What it is, for people.
        estimate : Estimate
            Value with the ends of its interval.
        expected : str, optional
            What the paper or the law says.

        Returns
        -------
        Measured
            With the interval of `estimate`.
        """
        value, low, high = estimate
        return cls(label=label, value=value, low=low, high=high, expected=expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One sentence of the verdict, built from measured figures.

    Attributes
    ----------
    agreement : Agreement
        How the measurement relates to the paper.
    sentence : str
        What was found, for people.
    """

    agreement: Agreement
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One figure: how to compute its table, draw it, read figures off it and judge them.

    Attributes
    ----------
    key : str
        Name on the command line and of its files.
    title : str
        Heading in the report.
    claim : str
        What the paper claims.
    settings : str
        The parameters, for people.
    provenance : Provenance
        Where the settings come from.
    caption : str
        What the picture shows; also its text for those who can't see it.
    compute : callable
        ``compute(scale, seed)`` returns a tidy table.
    draw : callable
        ``draw(table)`` returns a figure.
    measure : callable
        ``measure(table)`` returns named figures; the names are stable.
    verdict : callable
        ``verdict(measured)`` returns the findings.
    """

    key: str
    title: str
    claim: str
    settings: str
    provenance: Provenance
    caption: str
    compute: Callable[[Scale, int], DataFrame]
    draw: Callable[[DataFrame], Figure]
    measure: Callable[[DataFrame], dict[str, Measured]]
    verdict: Callable[[Mapping[str, Measured]], tuple[Finding, ...]]

    @property
    def prefix(self) -> str:
        """First part of the keys in ``summary.json``: ``figure2`` for ``fig2``."""
        return self.key.replace("fig", "figure", 1) if self.key.startswith("fig") else self.key

    @property
    def command(self) -> str:
        """The command that redraws it."""
        return f"relubias reproduce --only {self.key}"


def load(key: str) -> Experiment:
    """Import the module of one experiment and return its record.

    Parameters
    ----------
    key : str
        One of `KEYS`.

    Returns
    -------
    Experiment
        The record.

    Raises
    ------
    InvalidInputError
        If there is no experiment of that name.

    Examples
    --------
    >>> load("fig2").prefix
    'figure2'
    """
    from relubias._validate import fail, shown

    if not isinstance(key, str) or key not in _MODULES:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise fail("keys", f"has no experiment {shown(key)}", f"choose from {', '.join(KEYS)}")
    return import_module(f"relubias.experiments.{_MODULES[key]}").EXPERIMENT
