r"""Where a run that switches for ever goes, and the proof that it goes there.

Let S be the pairs (neuron, sample) that keep crossing their hyperplanes and A the other active
pairs. The *sliding limit* :math:`w^*` is the point next to the weights at which every sample of A
is fitted and every pair of S lies on its hyperplane: one linear system. It does not depend on
when it is computed, for every step moves the weights inside the span of its constraints.

**Theorem.** Let :math:`R = \|w - w^*\|`. If :math:`w^*` keeps the sign of every pair outside S,
strictly, everywhere in the ball of radius R around it, every sample of S is also one of A (or its
label is zero), and :math:`\eta\lambda_{\max}(H) < 2` for every pattern between A and A + S, then no
pair outside S ever switches, and the path converges to a point at most R from :math:`w^*`; to
:math:`w^*` itself if every pair of S switches for ever.

*Proof.* On a hyperplane of S the ReLU of the limit is 0, so for the present pattern a, whatever
it is on S, :math:`r_i(w) = \sum_k s_k a_{ki}(u_{ki} - u^*_{ki})` for every sample with an active
pair. With :math:`J_a` the matrix of rows :math:`(s_k a_{ki} x_i)_k` a step is
:math:`w' - w^* = (I - \eta J_a^\top J_a)(w - w^*)`, and never increases the distance to
:math:`w^*`: the path stays in the ball, and nothing outside S switches (induction). The squared
distance falls by at least :math:`\eta(2 - \eta\lambda_{\max})\|J_a(w - w^*)\|^2`, so the active
residuals are square summable and the steps tend to 0. Let :math:`\hat w` be a cluster point. All
its samples with pairs that stay active nearby are fitted, hence near :math:`\hat w` the same
identity holds with :math:`\hat w` for :math:`w^*` and with the pairs of S on which
:math:`\hat u = 0` for S: the distance to :math:`\hat w` does not increase either, once the path
comes near, and tends to 0. A pair that switches for ever has :math:`\hat u = 0`; if all of S do,
:math:`\hat w` solves the linear system, and it lies in the same span, so it is :math:`w^*`.

Cyclic mini-batches take some rows of :math:`J_a` at a time, and nothing in the proof changes.
With S empty it proves that their pattern is final.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relubias._compensated import matvec
from relubias._validate import Float
from relubias.dynamics.certificate import Certificate
from relubias.dynamics.trajectory import State
from relubias.problem import Problem

__all__ = ["SlidingLimit", "certify_tail", "sliding_limit"]

_EPS = float(np.finfo(np.float64).eps)
_SINGULAR = 1e-12  # relative size of an eigenvalue below which the system has no safe solution


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SlidingLimit:
    """The sliding limit of a state.

    Attributes
    ----------
    state : State
        Pairs of S are at exactly zero.
    sliding : ndarray of bool, shape (n_neurons, n_samples)
        S.
    push : ndarray of shape (n_samples,)
        Sum of all future residuals on samples of A, times the step size.
    sliding_push : ndarray of shape (n_neurons, n_samples)
        The same for the pairs of S: summed over the steps at which the pair is active.
    distance : float
        Bound on the distance from the state in weight space, rounding included.
    error : float
        Bound on the distance in weight space of `state` from the exact sliding limit.
    reach : ndarray of shape (n_neurons, n_samples)
        How far a unit step inside the span of the constraints can move each primal value.
    """

    state: State
    sliding: NDArray[np.bool_]
    push: Float
    sliding_push: Float
    distance: float
    error: float
    reach: Float

    def slack(self, active: NDArray[np.bool_]) -> Float:
        """Return how far inside its sign each pair outside S stays, in the ball of the theorem."""
        oriented = np.where(active, self.state.primal, -self.state.primal)
        slack = oriented - self.reach * (self.distance + self.error)
        slack[self.sliding | (self.reach == 0.0)] = np.inf
        return slack

    def is_consistent(self, active: NDArray[np.bool_], slack: float) -> bool:
        """Whether no sign outside S changes, and a pair of S takes part of its sample's push.

        Between none and all of it: the pair is active in some of the steps. `slack` is about what
        one step can push.
        """
        part = self.sliding_push * np.sign(self.push)
        in_box = (part >= -slack) & (part <= np.abs(self.push) + slack)
        same_sign = (self.state.primal > 0.0) == active
        return bool(np.where(self.sliding, in_box, same_sign).all())


class _Constraints:
    """Rows that the limit satisfies: fitted samples first, then pairs on their hyperplanes."""

    def __init__(self, active: NDArray[np.bool_], sliding: NDArray[np.bool_]) -> None:
        self.always = active & ~sliding
        self.samples = np.flatnonzero(self.always.any(axis=0))
        self.pairs = np.argwhere(sliding)
        m, n = active.shape
        p = self.samples.size
        self.rows = np.zeros((m, n, p + len(self.pairs)))
        self.rows[:, self.samples, np.arange(p)] = self.always[:, self.samples]
        self.rows[self.pairs[:, 0], self.pairs[:, 1], p + np.arange(len(self.pairs))] = 1.0

    def gram(self, gram: Float) -> Float:
        """Return the inner products of the rows in weight space."""
        K = np.einsum("kia,kib->ab", self.rows, np.matmul(gram, self.rows), optimize=True)
        return (K + K.T) / 2.0

    def violation(self, problem: Problem, primal: Float) -> Float:
        """Return by how much a state violates each row."""
        signed = problem.signs[:, None] * primal
        fit = np.where(self.always, signed, 0.0).sum(axis=0) - problem.labels
        on_planes = signed[self.pairs[:, 0], self.pairs[:, 1]]
        return np.concatenate((fit[self.samples], on_planes))


def sliding_limit(
    problem: Problem, dual: Float, sliding: NDArray[np.bool_], coasting: Float | None = None
) -> SlidingLimit | None:
    """Solve for the sliding limit; None where the constraints are not safely independent.

    Parameters
    ----------
    problem : Problem
    dual : ndarray of shape (n_neurons, n_samples)
        The present state.
    sliding : ndarray of bool, shape (n_neurons, n_samples)
        S.
    coasting : ndarray of shape (n_neurons, n_samples), optional
        Where the velocity alone would carry the dual to; `dual` without momentum.
    """
    gram, signs = problem.gram, problem.signs
    active = matvec(gram, dual)[0] > 0
    rows = _Constraints(active, sliding)
    if rows.rows.shape[2] == 0:
        return None
    K = rows.gram(gram)
    mu = np.linalg.eigvalsh(K)
    order = mu.size
    smallest = float(mu[0]) - 4.0 * order * _EPS * float(mu[-1])
    if not smallest > _SINGULAR * float(mu[-1]):
        return None
    factor = np.linalg.cholesky(K)
    beta = dual if coasting is None else coasting
    total = np.zeros(order)
    target = beta
    for _ in range(3):  # each solves for what the last one left over
        left = rows.violation(problem, matvec(gram, target)[0])
        total += np.linalg.solve(factor.T, np.linalg.solve(factor, left))
        target = beta - signs[:, None] * (rows.rows @ total)
    primal = matvec(gram, target)[0]
    blur = _EPS * float((np.abs(target) @ np.abs(gram)).max())  # rounding of either primal
    left = np.abs(rows.violation(problem, primal)) + 2.0 * problem.n_neurons * blur
    error = float(np.linalg.norm(left)) / np.sqrt(smallest)
    change = target - beta
    rounding = _EPS * np.sqrt(float((np.abs(beta) @ np.abs(gram) * np.abs(beta)).sum()))
    distance = np.sqrt(max(float(((change @ gram) * change).sum()), 0.0)) * (1.0 + 1e-9)
    seen = np.asarray(np.linalg.solve(factor, rows.rows.transpose(0, 2, 1) @ gram), np.float64)
    reach = np.sqrt((seen * seen).sum(axis=1)) * (1.0 + 1e3 * order * _EPS * mu[-1] / smallest)
    push, sliding_push = np.zeros(problem.n_samples), np.zeros_like(primal)
    push[rows.samples] = total[: rows.samples.size]
    sliding_push[rows.pairs[:, 0], rows.pairs[:, 1]] = total[rows.samples.size :]
    return SlidingLimit(
        state=State(primal=np.where(sliding, 0.0, primal), dual=target),
        sliding=sliding,
        push=push,
        sliding_push=sliding_push,
        distance=distance + error + 2.0 * rounding,
        error=error,
        reach=np.minimum(reach, np.sqrt(np.diagonal(gram))),
    )


def certify_tail(
    problem: Problem,
    dual: Float,
    step_size: float,
    sliding: NDArray[np.bool_],
    batches: Sequence[NDArray[np.intp]] | None = None,
) -> tuple[Certificate | None, SlidingLimit | None]:
    """Check the theorem of this module at a state; return what it says and the sliding limit."""
    limit = sliding_limit(problem, dual, sliding)
    if limit is None:
        return None, None
    active = matvec(problem.gram, dual)[0] > 0
    always = active & ~sliding
    unfitted = sliding.any(axis=0) & ~always.any(axis=0) & (problem.labels != 0.0)
    curvature = _largest_curvature(problem.gram, step_size, active | sliding, batches)
    slack = limit.slack(active)
    k, i = np.unravel_index(int(np.argmin(slack)), slack.shape)
    proved = curvature < 2.0 and not unfitted.any()
    blur = 4.0 * _EPS * float((np.abs(limit.state.dual) @ np.abs(problem.gram)).max())
    nothing_else = bool(np.isinf(slack[k, i]))
    certificate = Certificate(
        margin=float(slack[k, i]) if proved else -np.inf,
        rounding_error=blur,
        neuron=-1 if nothing_else else int(k),
        sample=-1 if nothing_else else int(i),
        curvature=curvature,
        kind="sliding" if sliding.any() else "ball",
        radius=float((limit.reach * (limit.distance + limit.error)).max()),
    )
    return certificate, limit


def _largest_curvature(
    gram: Float,
    step_size: float,
    ever_active: NDArray[np.bool_],
    batches: Sequence[NDArray[np.intp]] | None,
) -> float:
    """Bound ``step_size * lambda_max(H)`` over all patterns inside `ever_active`, any batch.

    The row sums of ``|G|`` times the largest counts bound it, and so does the largest eigenvalue
    of G times the largest count.
    """
    P = np.flatnonzero(ever_active.any(axis=0))
    parts = [P] if batches is None else [np.intersect1d(P, batch) for batch in batches]
    largest = 0.0
    for part in parts:
        if part.size:
            on = ever_active[:, part].astype(np.float64)
            block, counts = gram[np.ix_(part, part)], on.T @ on
            by_rows = float((np.abs(block) * counts).sum(axis=1).max())
            by_counts = float(counts.max()) * float(np.linalg.eigvalsh(block)[-1])
            largest = max(largest, min(by_rows, by_counts))
    return step_size * largest * (1.0 + 1e-9)
