"""The range of step sizes that several statements ask for."""

from __future__ import annotations

import math

from relubias.theory.setting import EPS, Setting
from relubias.theory.verdict import Role, Verdict

__all__ = ["step_size_lower", "step_size_upper"]


def step_size_upper(setting: Setting, condition: str) -> Verdict:
    """Return whether the step size is at most ``1 / (C_g L)``."""
    Cg, kappa = setting.condition, setting.kappa
    return Verdict(
        condition=condition,
        role=Role.HYPOTHESIS,
        margin=1.0 - kappa * Cg.value,
        rounding_error=kappa * (Cg.error + 4.0 * EPS * Cg.value) if Cg.value < math.inf else 0.0,
        detail=(
            f"kappa = {kappa:.4g} is to be at most 1 / C_g = {1.0 / Cg.value:.4g} "
            "(margin: 1 - kappa C_g)."
        ),
    )


def step_size_lower(setting: Setting, condition: str, constant: float) -> Verdict:
    """Return whether the step size is at least ``1 / (constant C_g L)``."""
    Cg, kappa = setting.condition, setting.kappa
    least = 1.0 / (constant * Cg.value)
    error = least / kappa * (Cg.error / Cg.value + 4.0 * EPS) if Cg.value < math.inf else 0.0
    return Verdict(
        condition=condition,
        role=Role.HYPOTHESIS,
        margin=1.0 - least / kappa,
        rounding_error=error,
        constants={"step_constant": constant},
        detail=(
            f"kappa = {kappa:.4g} is to be at least 1 / ({constant:g} C_g) = {least:.4g} "
            "(margin: 1 - that over kappa)."
        ),
    )
