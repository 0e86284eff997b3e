"""`relubias.check`: every statement of the paper on one problem, from one run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from relubias._progress import Progress
from relubias._validate import fail
from relubias.minnorm import MinimumNorm
from relubias.theory import lai2026
from relubias.theory._predictions import predictions
from relubias.theory.report import Report
from relubias.theory.setting import Setting
from relubias.theory.statement import Statement, evaluate
from relubias.theory.transitions import Transitions

__all__ = ["check"]

_FROZEN_AT = 0.5  # of eta y_min = kappa y_min / L: duals below minus this count as frozen


def check(
    problem: Any,
    start: Any,
    *,
    step_size: float,
    trace: float | None = None,
    spectrum: Any = None,
    statements: Sequence[Statement] | None = None,
    n_dense: int = 200,
    max_iter: int = 10_000_000,
    tol: float = 1e-10,
    shortest: MinimumNorm | None = None,
    time_limit: float | None = 10.0,
    progress: Progress = False,
) -> Report:
    r"""Check every assumption, lemma and theorem on one problem.

    Gradient descent is run once; invariants look at its steps as they pass, so memory does not
    grow with their number.

    Parameters
    ----------
    problem : Problem
    start : array_like of shape (n_neurons, n_samples)
        Dual start; see `relubias.starts`.
    step_size : float
        In inverse squared units of the features; ``kappa / trace``.
    trace : float, optional
        :math:`L = \|\lambda\|_1`; that of `spectrum`, else the mean of the Gram diagonal.
    spectrum : Spectrum, FeatureLaw or array_like of shape (n_features,), optional
        Eigenvalues of the feature covariance, where they are known. Without them the effective
        dimensions of Assumption 2 are estimated or left open.
    statements : sequence of Statement, optional
        Those of `relubias.theory.lai2026`, with their default constants, if omitted.
    n_dense : int, default=200
        Steps up to which invariants look at every one; beyond, at pairs of neighbours whenever
        the number of steps has grown by 5%.
    max_iter, tol
        As in `relubias.gradient_descent`.
    shortest : MinimumNorm, optional
        The minimum norm, where it is known already.
    time_limit : float, default=10
        Seconds for the minimum norm of two and more neurons; None for no limit.
    progress : bool or callable, default=False
        Show progress, or pass ``(fraction, message)`` to a callable.

    Returns
    -------
    Report
        Verdicts, the run's transition diagram, predictions beside what happened, a conclusion.

    Raises
    ------
    InvalidInputError
        If an argument is unusable.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, all numbered statements.

    Examples
    --------
    >>> import relubias as rb
    >>> law = rb.ensembles.Gaussian(rb.ensembles.isotropic(10**7))
    >>> y = rb.ensembles.labels.uniform_magnitude(0.5, 1.0)(20, seed=0)
    >>> problem = rb.Problem(law.sample_gram(20, seed=0), y)
    >>> start = rb.starts.all_positive(problem, 0.005)
    >>> report = rb.check(problem, start, step_size=0.9 / law.trace, spectrum=law)
    >>> report["lai2026.theorem1"].holds
    True
    """
    setting = Setting(
        problem, start, step_size=step_size, trace=trace, spectrum=spectrum, n_dense=n_dense,
        max_iter=max_iter, tol=tol, shortest=shortest, time_limit=time_limit, progress=progress,
    )  # fmt: skip
    transitions = Transitions(setting.agrees, _FROZEN_AT * setting.step_size * setting.y_min)
    setting.monitor.listen(transitions.see)
    chosen = _chosen(statements)
    verdicts = evaluate(chosen, setting)
    return Report(
        problem=setting.problem,
        kappa=setting.kappa,
        rho=setting.rho,
        trace=setting.trace,
        trace_source=setting.trace_source,
        delta=setting.delta.value,
        delta_star=setting.delta_star.value,
        d_2=setting.d_2.value,
        d_inf=setting.d_inf.value,
        verdicts=tuple(verdicts),
        left_out=tuple(
            (statement.name, reason)
            for statement in chosen
            if (reason := statement.refusal(setting))
        ),
        trajectory=setting.trajectory,
        shortest=setting.shortest,
        gap=setting.gap if setting.has_gap else None,
        predictions=tuple(predictions(setting)),
        transitions=transitions.counts,
        n_seen=setting.monitor.n_seen,
    )


def _chosen(statements: Sequence[Statement] | None) -> list[Statement]:
    if statements is None:
        return [statement() for statement in lai2026.STATEMENTS]
    chosen = list(statements)
    for statement in chosen:
        if not isinstance(statement, Statement):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise fail(
                "statements",
                f"has a {type(statement).__name__}",
                "pass instances such as relubias.theory.lai2026.Theorem1()",
            )
    return chosen
