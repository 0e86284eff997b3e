"""What every numbered statement of a paper can do: say whether it applies, and answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from relubias._progress import Progress
from relubias.minnorm import MinimumNorm
from relubias.theory.monitor import Invariant
from relubias.theory.setting import Setting
from relubias.theory.verdict import Verdict

__all__ = ["Statement", "evaluate"]


class Statement(ABC):
    """One numbered statement.

    Subclasses are frozen dataclasses; their fields are the constants that the paper leaves
    unspecified, with our defaults.

    Attributes
    ----------
    name : str
        Prefix of its conditions, such as ``lai2026.theorem1``.
    title : str
        What it says, in a few words.
    """

    __slots__ = ()

    name: ClassVar[str]
    title: ClassVar[str]

    def refusal(self, setting: Setting) -> str:
        """Return why the statement says nothing here; empty if it applies.

        Parameters
        ----------
        setting : Setting

        Returns
        -------
        str
            Completes a sentence that begins with the name of the statement.
        """
        del setting
        return ""

    def invariants(self, setting: Setting) -> list[Invariant]:
        """Return what has to be watched along the run.

        Parameters
        ----------
        setting : Setting

        Returns
        -------
        list of Invariant
        """
        del setting
        return []

    @abstractmethod
    def verdicts(self, setting: Setting) -> list[Verdict]:
        """Answer; invariants were watched if `setting.trajectory` was asked for.

        Parameters
        ----------
        setting : Setting

        Returns
        -------
        list of Verdict
        """

    def check(
        self,
        problem: Any,
        start: Any = None,
        *,
        step_size: float | None = None,
        trace: float | None = None,
        spectrum: Any = None,
        n_dense: int = 200,
        max_iter: int = 10_000_000,
        tol: float = 1e-10,
        shortest: MinimumNorm | None = None,
        time_limit: float | None = None,
        progress: Progress = False,
    ) -> list[Verdict]:
        r"""Check the statement on one problem.

        Parameters
        ----------
        problem : Problem
        start : array_like of shape (n_neurons, n_samples), optional
            Dual start (see `relubias.starts`); needed by statements about a run.
        step_size : float, optional
            Needed by statements about a run.
        trace : float, optional
            :math:`L = \|\lambda\|_1`; that of `spectrum`, else the mean of the Gram diagonal.
        spectrum : Spectrum, FeatureLaw or array_like of shape (n_features,), optional
            Eigenvalues of the feature covariance, where they are known.
        n_dense : int, default=200
            Steps up to which invariants look at every one; beyond, at ever fewer.
        max_iter, tol
            As in `relubias.gradient_descent`.
        shortest : MinimumNorm, optional
            The minimum norm of the problem, where it is known already.
        time_limit : float, optional
            Seconds for the minimum norm.
        progress : bool or callable, default=False
            Show progress of the run.

        Returns
        -------
        list of Verdict
            Empty if the statement says nothing about such a network.

        Raises
        ------
        InvalidInputError
            If an argument is unusable or one that the statement needs is missing.
        """
        setting = Setting(
            problem, start, step_size=step_size, trace=trace, spectrum=spectrum, n_dense=n_dense,
            max_iter=max_iter, tol=tol, shortest=shortest, time_limit=time_limit,
            progress=progress,
        )  # fmt: skip
        return evaluate([self], setting)


def evaluate(statements: Sequence[Statement], setting: Setting) -> list[Verdict]:
    """Check statements on one setting; the run they ask about is followed once.

    Parameters
    ----------
    statements : sequence of Statement
    setting : Setting

    Returns
    -------
    list of Verdict
        In the order of the statements; those that do not apply are left out.
    """
    applying = [statement for statement in statements if not statement.refusal(setting)]
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # an outcome, no warning
        for statement in applying:
            setting.monitor.add(statement.invariants(setting))
        return [verdict for statement in applying for verdict in statement.verdicts(setting)]
