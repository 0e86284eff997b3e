"""The final phase of one neuron: linear regression on the samples that stay active."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from relubias._threads import one_blas_thread
from relubias._validate import Float, as_count, as_real
from relubias.dynamics import State, Status, Tail
from relubias.theory._rounded import Rounded, exact
from relubias.theory.lai2026._one import OneNeuron, c_g, no_features, why_not_one_neuron
from relubias.theory.lai2026._weights import Projection, closeness, within
from relubias.theory.monitor import Invariant
from relubias.theory.setting import Setting
from relubias.theory.statement import Statement
from relubias.theory.verdict import Role, Verdict

__all__ = ["Lemma1", "Lemma2"]

_STEPS = 64  # of linear regression that are taken again


@dataclass(frozen=True, slots=True, kw_only=True)
class _FinalPhase(Statement):
    """What Lemmas 1 and 2 share: the step from which the pattern is fixed."""

    tolerance: float = 1e-8
    since: int | None = None

    def __post_init__(self) -> None:
        tolerance = as_real("tolerance", self.tolerance, minimum=0.0, strict=True)
        object.__setattr__(self, "tolerance", tolerance)
        if self.since is not None:
            object.__setattr__(self, "since", as_count("since", self.since))

    def refusal(self, setting: Setting) -> str:
        """Return why the lemma says nothing here; empty if it applies."""
        if setting.m != 1:
            return why_not_one_neuron(setting)
        return no_features(setting)

    def invariants(self, setting: Setting) -> list[Invariant]:
        """Nothing to watch but where the last pattern begins."""
        _ = setting.settled
        return []

    def _reason_for_silence(self, setting: Setting) -> str:
        """Return why no step is known from which the pattern is fixed; empty if one is."""
        run = setting.trajectory
        if self.since is not None:
            if run.status is Status.CERTIFIED or self.since < run.n_steps:
                return ""
            return f"The run ended with {run.status} after step {self.since}."
        if run.status is not Status.CERTIFIED:
            return f"The run ended with {run.status}, so its last switch is not known."
        if run.tail is Tail.CHATTER:
            return "Samples may switch for ever, so the lemma says nothing about this run."
        return ""

    def _reference(self, setting: Setting) -> tuple[int, State, tuple[int, State] | None]:
        """Return a step from which the pattern is fixed, and one soon after."""
        run = setting.trajectory
        if self.since is not None:
            later = self.since + _STEPS
            if run.status is not Status.CERTIFIED:
                later = min(later, run.n_steps)
            pair = (later, run.at(later)) if later > self.since else None
            return self.since, run.at(self.since), pair
        first, soon = setting.settled.since(run)
        state = State(primal=first.primal, dual=first.dual)
        if soon is None:
            return first.time, state, None
        return first.time, state, (soon.time, State(primal=soon.primal, dual=soon.dual))

    def _verdict(
        self, margin: Rounded, detail: str, *, step: int = -1, part: str = "", role: Role
    ) -> Verdict:
        return Verdict(
            condition=self.name + part,
            role=role,
            margin=margin.value,
            rounding_error=margin.error,
            step=step,
            constants={"tolerance": self.tolerance} if role is Role.CONCLUSION else {},
            detail=detail,
        )

    def _silent(self, setting: Setting, reason: str) -> Verdict:
        """Return a verdict without a claim: vacuous where no pattern is ever fixed."""
        is_vacuous = setting.trajectory.status is Status.CERTIFIED
        margin = exact(math.inf) if is_vacuous else Rounded(math.nan, math.inf)
        return self._verdict(margin, reason, role=Role.CONCLUSION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lemma1(_FinalPhase):
    r"""From the last switch on, gradient descent is linear regression on the active samples S.

    .. math:: w \leftarrow w - \eta X_S^\top (X_S w - y_S).

    Up to 64 steps of it are taken again, from the state at the last switch, and compared with the
    run's predictions on all samples; so is the limit, with the solution of the linear system. The
    margin is ``(tolerance - x) / (tolerance + x)`` for the largest difference x in units of y_max.

    Parameters
    ----------
    tolerance : float, default=1e-8
        Difference that counts as none, in units of y_max.
    since : int, optional
        Step from which the pattern is claimed to be fixed; that of the last switch if omitted.

    Raises
    ------
    InvalidInputError
        If the tolerance is not positive or `since` is no number of steps.

    Notes
    -----
    The statement is the paper's, known in full.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Lemma 1, eq. (14).

    Examples
    --------
    >>> import relubias as rb
    >>> problem = rb.Problem([[4.0, 1.0], [1.0, 4.0]], [1.0, -0.5])
    >>> start = rb.starts.all_positive(problem, 0.1)
    >>> print(Lemma1().check(problem, start, step_size=0.1)[0].outcome)
    holds
    """

    name: ClassVar[str] = "lai2026.lemma1"
    title: ClassVar[str] = "linear regression on the samples that stay active"

    def verdicts(self, setting: Setting) -> list[Verdict]:
        """Answer for this run."""
        reason = self._reason_for_silence(setting)
        if reason:
            return [self._silent(setting, reason)]
        one, run = OneNeuron(setting), setting.trajectory
        size = setting.y_max or 1.0
        with one_blas_thread(one.n):
            time, state, soon = self._reference(setting)
            subset = np.flatnonzero(state.primal[0] > 0)
            apart, n_steps = 0.0, 0
            if soon is not None:
                n_steps = soon[0] - time
                dual = regress(setting, one.y, state.dual[0], subset, n_steps)
                apart = _apart(setting, dual, soon[1]) / size
            if run.status is Status.CERTIFIED:
                solved = Projection.of(setting.problem.gram, state.dual[0], subset, one.y)
                apart = max(apart, _apart(setting, solved.dual, run.limit) / size)
        noise = setting.state_error / size / min(one.mu_min, 1.0)
        return [
            self._verdict(
                within(Rounded(apart, noise), self.tolerance),
                f"From step {time} on with S of {subset.size} samples: {n_steps} steps of linear "
                f"regression{' and its limit' if run.status is Status.CERTIFIED else ''} differ "
                f"from the run by at most {apart:.1e} y_max.",
                step=time,
                role=Role.CONCLUSION,
            )
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lemma2(_FinalPhase):
    r"""The limit is the projection of the weights at the last switch on the interpolators of S.

    .. math:: w^{(\infty)} = w^{(t_0)}
              + X_S^\top (X_S X_S^\top)^{-1} \bigl(y_S - X_S w^{(t_0)}\bigr).

    ``.step_size`` is its hypothesis, with the margin ``1 - kappa C_g`` for the measured
    :math:`C_g = \max(\mu_1/L, L/\mu_n)`. The margin of the conclusion is
    ``(tolerance - x) / (tolerance + x)`` for the distance x of limit and projection in weight
    space, relative to the norm of the projection.

    Parameters
    ----------
    tolerance : float, default=1e-8
        Relative distance that counts as none.
    since : int, optional
        Step from which the pattern is claimed to be fixed; that of the last switch if omitted.

    Raises
    ------
    InvalidInputError
        If the tolerance is not positive or `since` is no number of steps.

    Notes
    -----
    The statement is the paper's, its formulas derived again from the prose. In fact every step
    size below :math:`2/\mu_1(G)` converges while the pattern is fixed; the detail says where that
    is.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Lemma 2.

    Examples
    --------
    >>> import relubias as rb
    >>> problem = rb.Problem([[4.0, 1.0], [1.0, 4.0]], [1.0, -0.5])
    >>> start = rb.starts.all_positive(problem, 0.1)
    >>> for verdict in Lemma2().check(problem, start, step_size=0.1):
    ...     print(verdict.condition, verdict.outcome)
    lai2026.lemma2.step_size holds
    lai2026.lemma2 holds
    """

    name: ClassVar[str] = "lai2026.lemma2"
    title: ClassVar[str] = "limit under a fixed pattern"

    def verdicts(self, setting: Setting) -> list[Verdict]:
        """Answer: step size, then limit."""
        return [self._step_size(setting), self._limit(setting)]

    def _step_size(self, setting: Setting) -> Verdict:
        one = OneNeuron(setting)
        measured = c_g(setting)
        is_singular = math.isinf(measured.value)
        margin = Rounded(-math.inf, 0.0) if is_singular else 1.0 - one.kappa * measured
        largest = float(setting.eigenvalues[-1])
        return self._verdict(
            margin,
            f"kappa = {one.kappa.value:.4g}, wanted at most 1 / C_g = {1.0 / measured.value:.4g}; "
            f"a fixed pattern converges for every kappa below {2.0 / largest:.4g}.",
            part=".step_size",
            role=Role.HYPOTHESIS,
        )

    def _limit(self, setting: Setting) -> Verdict:
        run = setting.trajectory
        if run.status is Status.DIVERGED:
            return self._verdict(
                Rounded(-1.0, 0.0), f"There is no limit: {run.explanation}.", role=Role.CONCLUSION
            )
        reason = self._reason_for_silence(setting)
        if not reason and run.status is not Status.CERTIFIED:
            reason = f"The run ended with {run.status}, so its limit is not known."
        if reason:
            return self._silent(setting, reason)
        one = OneNeuron(setting)
        with one_blas_thread(one.n):
            time, state, _ = self._reference(setting)
            subset = np.flatnonzero(state.primal[0] > 0)
            projection = Projection.of(setting.problem.gram, state.dual[0], subset, one.y)
            margin, distance = closeness(one, run.limit.dual[0], projection, self.tolerance)
        apart = f"differs from it by {distance:.1e} of its norm"
        if math.isnan(distance):
            apart = "cannot be compared, since samples of S depend linearly on each other"
        return self._verdict(
            margin,
            f"Projection of the weights of step {time} on the interpolators of S, {subset.size} "
            f"samples: the limit {apart}.",
            step=time,
            role=Role.CONCLUSION,
        )


def regress(
    setting: Setting, y: Float, dual: Float, subset: NDArray[np.intp], n_steps: int
) -> Float:
    """Return the dual after steps of linear regression on a subset."""
    gram = setting.problem.gram
    rest = dual.copy()
    rest[subset] = 0.0
    block, wanted = gram[np.ix_(subset, subset)], y[subset] - gram[subset] @ rest
    moving = dual[subset].copy()
    for _ in range(n_steps):
        moving -= setting.step_size * (block @ moving - wanted)
    rest[subset] = moving
    return rest


def _apart(setting: Setting, dual: Float, state: State) -> float:
    """Return the largest difference of predictions."""
    return float(np.abs(dual @ setting.problem.gram - state.primal[0]).max())
