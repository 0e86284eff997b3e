"""What the theory predicts to leading order in the dimension, beside what happened."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from relubias.dynamics import Status
from relubias.theory.lai2026.theorem6 import Theorem6, leading_law
from relubias.theory.setting import Setting

__all__ = ["Prediction", "predictions"]


class Prediction(NamedTuple):
    """One number of the theory beside the measured one.

    Attributes
    ----------
    quantity : str
        What it is, for people.
    predicted, measured : float
        In the unit of the quantity.
    source : str
        The statement that predicts it.
    """

    quantity: str
    predicted: float
    measured: float
    source: str

    @property
    def ratio(self) -> float:
        """Measured over predicted; nan where nothing is predicted but zero."""
        return self.measured / self.predicted if self.predicted else math.nan


def predictions(setting: Setting) -> list[Prediction]:
    """Compare the theory's leading order with one run."""
    run = setting.trajectory
    found = [Prediction("last switch (step)", 1.0, float(run.last_switch), "Theorems 1, 3, 5")]
    if run.status is Status.DIVERGED:
        return found
    unfitted = np.zeros(1)
    if (setting.signs > 0).all():
        unfitted = setting.labels[setting.negative]
    elif (setting.signs < 0).all():
        unfitted = setting.labels[setting.positive]
    risk = 0.5 * float(unfitted @ unfitted)
    found.append(Prediction("loss at the limit", risk, run.loss, "Theorems 1, 3, 5"))
    if not setting.has_gap:
        return found
    gap = setting.gap
    norm = math.sqrt(_squared_norm_of_shortest(setting) / (setting.trace or math.inf))
    if setting.m <= 2:
        found.append(Prediction("norm of w*", norm, gap.second_norm, "Lemma 3"))
    for k, (law, distance) in enumerate(zip(gap.predictions, gap.per_neuron, strict=True)):
        if math.isfinite(law):
            name = "gap |w(inf) - w*|" if setting.m == 1 else f"gap of neuron {k}"
            found.append(
                Prediction(name, float(law), float(distance), f"Theorem {2 * setting.m}, sharp")
            )
    several = Theorem6()
    if setting.m > 2 and not several.refusal(setting):
        law = leading_law(setting)
        found.append(Prediction("distance |W(inf) - W*|", law, gap.distance, "Theorem 6, sharp"))
    if math.isfinite(gap.prediction) and norm > 0.0 < gap.second_norm:
        relative = gap.prediction / norm
        found.append(Prediction("gap / norm of w*", relative, gap.relative, "Theorem 2, sharp"))
    return found


def _squared_norm_of_shortest(setting: Setting) -> float:
    """Return ``L ||w*||^2`` to leading order: every fitted label costs its square."""
    y = setting.labels
    fitted = np.zeros(y.size, np.bool_)
    for sign in np.unique(setting.signs):
        fitted |= sign * y > 0
    return float(y[fitted] @ y[fitted])
