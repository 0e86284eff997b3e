"""One neuron as its statements see it: the labels carry its sign."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.theory._rounded import Rounded, relative
from relubias.theory.setting import Setting

__all__ = ["OneNeuron", "c_g", "no_features", "rounded", "why_not_one_neuron", "zero_label"]

_FARTHEST = 1e100  # largest over smallest absolute label: squares stay in range


def why_not_one_neuron(setting: Setting) -> str:
    """Return why statements about one neuron say nothing here; empty if they do."""
    if setting.m != 1:
        return f"is about one neuron, and the network has {setting.m}"
    if setting.label_ratio > _FARTHEST and setting.y_min > 0:
        return f"the labels differ by a factor of {setting.label_ratio:.0e}, too much for margins"
    return zero_label(setting) or no_features(setting)


def no_features(setting: Setting) -> str:
    """Return a sentence about features that are all zero; empty if they are not."""
    return "" if setting.problem.scale > 0 else "every feature vector is zero"


def zero_label(setting: Setting) -> str:
    """Return a sentence about a label that is zero; empty if there is none."""
    if setting.y_min > 0:
        return ""
    return f"label {int(np.abs(setting.labels).argmin())} is zero, which Assumption 1 excludes"


def rounded(number: tuple[float, float]) -> Rounded:
    """Return a number of the setting for arithmetic that carries its error."""
    return Rounded(*number)


def c_g(setting: Setting) -> Rounded:
    r"""Return the measured constant :math:`C_g = \max(\mu_1(G)/L, L/\mu_n(G))`."""
    mu, error = setting.eigenvalues, setting.eigenvalue_error
    if float(mu[0]) <= error:
        return Rounded(math.inf, 0.0)
    top, bottom = Rounded(float(mu[-1]), error), 1.0 / Rounded(float(mu[0]), error)
    return max(top, bottom, key=lambda number: number.value)


class OneNeuron:
    """Numbers of a setting with one neuron, whose sign is taken into the labels.

    A neuron of sign -1 fits ``-relu(w.x)`` to the labels, which is ``relu(w.x)`` to their
    negatives; both runs are the same.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.n = setting.n
        self.y: Float = setting.signs[0] * setting.labels
        self.plus: NDArray[np.intp] = np.flatnonzero(self.y > 0)
        self.minus: NDArray[np.intp] = np.flatnonzero(self.y < 0)
        self.L = setting.trace

    @cached_property
    def kappa(self) -> Rounded:
        """Step size times trace."""
        return relative(self.setting.kappa)

    @cached_property
    def eps(self) -> Float:
        """Initial predictions, (n_samples,)."""
        return self.setting.initial[0]

    @cached_property
    def eps_error(self) -> float:
        """Bound on the rounding of each initial prediction."""
        return self.setting.initial_error

    @cached_property
    def mu_min(self) -> float:
        """Smallest eigenvalue of G / L, at least its rounding error."""
        return max(float(self.setting.eigenvalues[0]), self.setting.eigenvalue_error)
