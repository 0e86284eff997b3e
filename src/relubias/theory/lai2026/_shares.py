"""The samples that each neuron is to fit, and what is claimed of them along a run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.theory.monitor import Invariant
from relubias.theory.setting import Setting
from relubias.theory.step import Step

__all__ = ["Shares"]


class Shares:
    r"""Which samples each neuron is to fit: ``own``, S_k; the others are to be inactive on it.

    Margins of predictions are in units of :math:`\kappa y_{min}`.

    Parameters
    ----------
    setting : Setting
    own : ndarray of bool, shape (n_neurons, n_samples)
        Each sample belongs to one neuron, of its sign.
    """

    def __init__(self, setting: Setting, own: NDArray[np.bool_]) -> None:
        self.setting, self.own, self.off = setting, own, ~own
        self.target: Float = np.where(own, np.abs(setting.labels), 0.0)
        self._weight = own.astype(np.float64)
        self._all = np.arange(setting.m)

    @cached_property
    def unit(self) -> float:
        """Unit of predictions: kappa y_min."""
        return self.setting.kappa * self.setting.y_min

    @cached_property
    def stretch(self) -> float:
        """How much the norm of L times a dual can change when every primal value does by one."""
        smallest = max(float(self.setting.eigenvalues[0]), self.setting.eigenvalue_error)
        return math.sqrt(self.setting.n) / smallest

    def oriented(self, primal: Float) -> Float:
        """Return primal values, with the other sign where a sample is not the neuron's own."""
        return np.where(self.own, primal, -primal)

    def wanted(self, initial: Float) -> Float:
        """Return what Assumption 3 wants to be positive of a start, (n_neurons, n_samples)."""
        return np.where(self.own | ~self.setting.agrees, initial, -initial)

    def active(
        self, condition: str, least: float, detail: str, neurons: Sequence[int] | None = None
    ) -> Invariant:
        """Claim that predictions on own samples stay above ``least * kappa * y_min``."""
        place, where = self._places(self.own, neurons)
        unit = self.unit
        return self._on_primal(
            condition, lambda step: step.primal.take(place) / unit - least, where,
            f"{detail} (margin: predictions over kappa y_min, minus {least:g}).",
            {"active": least},
        )  # fmt: skip

    def inactive(
        self, condition: str, least: float, detail: str, neurons: Sequence[int] | None = None
    ) -> Invariant:
        """Claim that predictions on all other samples stay below ``-least * kappa * y_min``."""
        place, where = self._places(self.off, neurons)
        unit = -self.unit
        return self._on_primal(
            condition, lambda step: step.primal.take(place) / unit - least, where,
            f"{detail} (margin: minus predictions over kappa y_min, minus {least:g}).",
            {"inactive": least},
        )  # fmt: skip

    def pattern(self, condition: str, detail: str) -> Invariant:
        """Claim that every neuron is active on its own samples alone."""
        where = np.nonzero(np.ones_like(self.own))
        signs = np.where(self.own, 1.0, -1.0) / self.unit
        return self._on_primal(
            condition, lambda step: (step.primal * signs).ravel(), where, detail, {}
        )

    def frozen(
        self,
        condition: str,
        bounds: tuple[float, float],
        units: tuple[float, float],
        detail: str,
        neurons: Sequence[int] | None = None,
        sensitivity: float | None = None,
    ) -> Invariant:
        """Claim two bounds on minus L times the duals of all other samples, each in its unit."""
        place, where = self._places(self.off, neurons)
        (least, most), (low, high) = bounds, units
        down = -self.setting.trace

        def margin(step: Step) -> Float:
            pushed = down * step.dual.take(place)
            return np.minimum(pushed / low - least, most - pushed / high)

        return Invariant(
            condition=condition,
            margin=margin,
            detail=detail,
            neurons=where[0],
            samples=where[1],
            rounding_error=self.setting.state_error / low,
            sensitivity=self.stretch / low if sensitivity is None else sensitivity,
            constants={"frozen_least": least, "frozen_most": most},
        )

    def misfit(self, condition: str, most: float) -> Invariant:
        """Claim that the misfit on the own samples stays bounded."""
        owners = np.flatnonzero(self.own.any(axis=1))
        per_root = self.setting.y_max * np.sqrt(self.own[owners].sum(axis=1))

        def margin(step: Step) -> Float:
            away = (step.primal * self._weight - self.target)[owners]
            return most - np.sqrt(np.einsum("ki,ki->k", away, away)) / per_root

        return Invariant(
            condition=condition,
            margin=margin,
            detail=f"The misfit of each neuron on its own samples is at most {most:g} sqrt(their "
            "number) y_max (margin in that unit).",
            neurons=owners,
            rounding_error=self.setting.state_error / self.setting.y_max,
            sensitivity=1.0 / self.setting.y_max,
            constants={"misfit": most},
        )

    def bounded(self, condition: str, most: float) -> Invariant:
        """Claim that the duals stay bounded."""
        setting = self.setting
        unit = math.sqrt(setting.n) * setting.y_max / setting.trace

        def margin(step: Step) -> Float:
            return most - np.sqrt(np.einsum("ki,ki->k", step.dual, step.dual)) / unit

        return Invariant(
            condition=condition,
            margin=margin,
            detail=f"L ||beta_k|| is at most {most:g} sqrt(n) y_max for every neuron (margin in "
            "units of sqrt(n) y_max).",
            neurons=self._all,
            rounding_error=setting.state_error / setting.y_max,
            sensitivity=self.stretch / (math.sqrt(setting.n) * setting.y_max),
            constants={"dual": most},
        )

    def _places(
        self, mask: NDArray[np.bool_], neurons: Sequence[int] | None
    ) -> tuple[NDArray[np.intp], tuple[NDArray[np.intp], ...]]:
        """Return flat positions, and neuron and sample of each."""
        if neurons is not None:
            mask = mask & np.isin(self._all, neurons)[:, None]
        return np.flatnonzero(mask), np.nonzero(mask)

    def _on_primal(
        self,
        condition: str,
        margin: Callable[[Step], Float],
        where: tuple[NDArray[np.intp], ...],
        detail: str,
        constants: Mapping[str, float],
    ) -> Invariant:
        return Invariant(
            condition=condition,
            margin=margin,
            detail=detail,
            neurons=where[0],
            samples=where[1],
            rounding_error=self.setting.state_error / self.unit,
            sensitivity=1.0 / self.unit,
            constants=constants,
        )
