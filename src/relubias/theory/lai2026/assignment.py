"""Assumption 3: which neuron owns each sample, read off the start."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from relubias.theory.lai2026._parts import Part, conjunction, unusable
from relubias.theory.lai2026._shares import Shares
from relubias.theory.setting import Setting
from relubias.theory.statement import Statement
from relubias.theory.verdict import Role, Verdict

__all__ = ["Assumption3", "owners_of", "shares_of", "why_not_several_neurons"]


def why_not_several_neurons(setting: Setting) -> str:
    """Return why statements about several neurons say nothing here; empty if they do."""
    if not ((setting.signs > 0).any() and (setting.signs < 0).any()):
        return "is about networks with neurons of both signs"
    return unusable(setting)


def owners_of(setting: Setting) -> NDArray[np.intp]:
    """Return the neuron of its sign on which each sample starts largest, (n_samples,)."""
    return np.where(setting.agrees, setting.initial, -math.inf).argmax(axis=0)


def shares_of(setting: Setting) -> Shares:
    """Return the samples of each neuron, as the start assigns them."""
    own = np.arange(setting.m)[:, None] == owners_of(setting)
    return Shares(setting, own)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption3(Statement):
    r"""The start gives each sample to one neuron of its sign.

    Sample i has an owner :math:`a_i` of its sign, :math:`s_{a_i} = \mathrm{sign}(y_i)`. The primal
    start of neuron k is :math:`D_k \epsilon_k` with :math:`\epsilon_{k,i} > 0` and

    .. math:: (D_k)_{ii} = \begin{cases}
        +1 & a_i = k, \\ -1 & a_i \ne k,\ s_k = \mathrm{sign}(y_i), \\
        +1 & s_k \ne \mathrm{sign}(y_i). \end{cases}

    So each sample is to start active on exactly one neuron of its sign, and on every neuron of the
    other sign. The owner is read off the start: the neuron of the sample's sign on which its
    prediction is largest.

    Notes
    -----
    The prose is the paper's, the matrices were derived again from the proof of Theorem 5: a neuron
    of the sample's sign that does not own it gets no update in the first step, so that its dual
    has to be negative already. Margin: the smallest of the owner's prediction, minus the largest
    prediction of the other neurons of its sign, and the predictions of the neurons of the other
    sign, in units of the smallest absolute label.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Assumption 3.

    Examples
    --------
    >>> import numpy as np
    >>> from relubias import Problem, starts
    >>> problem = Problem(4.0 * np.eye(3), [1.0, 1.0, -1.0], signs=(1, 1, -1))
    >>> start = starts.disjoint(problem, [0, 1, 2], 0.01)
    >>> for verdict in Assumption3().check(problem, start):
    ...     print(verdict.outcome, verdict.margin)
    holds 0.01
    """

    name: ClassVar[str] = "lai2026.assumption3"
    title: ClassVar[str] = "the start gives each sample to one neuron"

    def refusal(self, setting: Setting) -> str:
        """Return why the assumption says nothing here; empty if it applies."""
        return why_not_several_neurons(setting)

    def verdicts(self, setting: Setting) -> list[Verdict]:
        """Return one hypothesis."""
        oriented = shares_of(setting).wanted(setting.initial) / setting.y_min
        k, i = np.unravel_index(int(oriented.argmin()), oriented.shape)
        margin = float(oriented[k, i])
        if margin > 0.0:
            detail = "Every sample starts active on one neuron of its sign and on all of the other"
        elif setting.agrees[k, i]:
            several = k != owners_of(setting)[i]
            word = "more than one neuron" if several else "no neuron"
            detail = f"Sample {i} starts active on {word} of its sign"
        else:
            detail = f"Sample {i} starts inactive on neuron {k}, whose sign it does not have"
        part = Part(margin, setting.initial_error / setting.y_min, int(k), int(i))
        return [
            conjunction(
                self.name, Role.HYPOTHESIS, [part], f"{detail} (margin in units of y_min).", _NONE
            )
        ]


_NONE: Mapping[str, float] = MappingProxyType({})
