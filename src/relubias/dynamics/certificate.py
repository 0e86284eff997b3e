"""Proof that an activation pattern never changes again, recomputed from the inputs alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relubias._compensated import matvec
from relubias._threads import one_blas_thread
from relubias._validate import Float, as_dual, as_real
from relubias.dynamics._options import as_batches, as_momentum
from relubias.problem import Problem, require_problem

__all__ = ["Certificate", "certify"]

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Certificate:
    """The box that holds the whole future path, and how far every hyperplane is from it.

    Attributes
    ----------
    margin : float
        Smallest distance, in primal units, by which a moving primal value keeps its sign for
        ever; infinite if nothing moves.
    rounding_error : float
        Bound on the rounding of `margin`: ``8 p eps cond(H)`` of the largest primal value, at
        least 1e-13 of it.
    neuron, sample : int
        Where the margin is smallest; -1 if nothing moves.
    curvature : float
        ``step_size * lambda_max(H)``; below 2, and between 1 and 2 even and odd steps are
        certified apart.
    kind : {"box", "modes", "epochs", "ball", "sliding"}
        What bounds the path. "box": monotone along the eigendirections of H. With momentum,
        "modes": a decaying oscillation along each; "epochs": powers of the map of one pass
        through the batches. "ball": no step leads away from the limit. "sliding": the same while
        some pairs keep switching; the margin is that of all others.
    radius : float
        Bound, in primal units, on the distance of the limit from the reported one; 0 where only
        rounding separates them.
    """

    margin: float
    rounding_error: float
    neuron: int
    sample: int
    curvature: float
    kind: str = "box"
    radius: float = 0.0

    @property
    def holds(self) -> bool | None:
        """True if proved, None if rounding does not let it decide."""
        return True if self.margin > self.rounding_error else None

    def __str__(self) -> str:
        if np.isinf(self.margin) and self.kind == "box":
            return "certificate: nothing moves any more"
        sliding = f"; limit known to {self.radius:.1g}" if self.kind == "sliding" else ""
        return (
            f"certificate ({self.kind}): smallest margin {self.margin:.3g} "
            f"(rounding {self.rounding_error:.1g}) at neuron {self.neuron}, "
            f"sample {self.sample}; step_size * lambda_max(H) = {self.curvature:.3g}{sliding}"
        )


def certify(
    problem: Problem,
    dual: Float,
    *,
    step_size: float,
    velocity: Float | None = None,
    momentum: float = 0.0,
    batches: Any = None,
) -> Certificate:
    r"""Check that gradient descent from a dual state never changes its activation pattern.

    With the pattern frozen, the path in weight space moves monotonically along the orthogonal
    eigendirections of :math:`H = \sum_k D_{A_k} G D_{A_k}`, hence stays in the box spanned by the
    state and its limit. The smallest value of every primal coordinate over that box is a sum;
    where it keeps its sign, no switch ever occurs. Momentum and mini-batches have bounds of their
    own.

    Parameters
    ----------
    problem : Problem
    dual : array_like of shape (n_neurons, n_samples)
        State from which the pattern is claimed to be final.
    step_size : float
        In inverse squared units of the features.
    velocity : array_like of shape (n_neurons, n_samples), optional
        Last increment of the dual; zero if omitted. Without momentum it does not matter.
    momentum : float, default=0.0
        In [0, 1).
    batches : int or list of array_like of int, optional
        As in `relubias.gradient_descent`; the first batch is the next one.

    Returns
    -------
    Certificate
        `holds` is True or None; a pattern that does change gets None.

    Raises
    ------
    InvalidInputError
        If an argument is unusable.

    Notes
    -----
    Shares no code with the solver: one eigendecomposition of the raw matrices. An example with
    label zero that one neuron alone fits tends to its hyperplane; its coordinate is divided by
    its slowest mode first (plain descent only).

    Examples
    --------
    >>> problem = Problem([[4.0, 0.0], [0.0, 4.0]], [1.0, -1.0])
    >>> certify(problem, [[0.1, -0.14]], step_size=0.15).holds
    True
    """
    require_problem(problem)
    m, n = problem.n_neurons, problem.n_samples
    beta = as_dual("dual", dual, m, n)
    eta = as_real("step_size", step_size, minimum=0.0, strict=True)
    speed = np.zeros_like(beta) if velocity is None else as_dual("velocity", velocity, m, n)
    gamma = as_momentum("momentum", momentum)
    parts = as_batches("batches", batches, n)
    if parts is not None and len(parts) == 1:
        parts = None
    with one_blas_thread(n):
        if gamma > 0.0:
            return _with_momentum(problem, beta, speed, eta, gamma, parts)
        if parts is not None:
            return _with_batches(problem, beta, eta, parts)
        return _certify(problem, beta, eta)


def _with_momentum(
    problem: Problem,
    dual: Float,
    velocity: Float,
    step_size: float,
    momentum: float,
    batches: tuple[NDArray[np.intp], ...] | None,
) -> Certificate:
    from relubias.dynamics.momentum_certificate import prove

    proof = prove(problem, dual, velocity, step_size, momentum, batches)
    k, i = np.unravel_index(int(np.argmin(proof.slack)), proof.slack.shape)
    return Certificate(
        margin=float(proof.slack[k, i]),
        rounding_error=proof.rounding,
        neuron=int(k),
        sample=int(i),
        curvature=proof.curvature,
        kind="modes" if batches is None else "epochs",
    )


def _with_batches(
    problem: Problem, dual: Float, step_size: float, batches: tuple[NDArray[np.intp], ...]
) -> Certificate:
    from relubias.dynamics.sliding_tail import certify_tail

    nothing_slides = np.zeros(dual.shape, np.bool_)
    certificate, _ = certify_tail(problem, dual, step_size, nothing_slides, batches)
    if certificate is not None:
        return certificate
    is_over = not (matvec(problem.gram, dual)[0] > 0).any()
    margin = np.inf if is_over else -np.inf
    return Certificate(
        margin=margin, rounding_error=0.0, neuron=-1, sample=-1, curvature=np.nan, kind="ball"
    )


def _certify(problem: Problem, dual: Float, step_size: float) -> Certificate:
    gram, labels, signs = problem.gram, problem.labels, problem.signs
    u = matvec(gram, dual)[0]
    active = u > 0
    support = np.flatnonzero(active.any(axis=0))
    if support.size == 0:
        return Certificate(margin=np.inf, rounding_error=0.0, neuron=-1, sample=-1, curvature=0.0)
    residual = (signs @ np.where(active, u, 0.0) - labels)[support]
    on = active[:, support].astype(np.float64)
    H = gram[np.ix_(support, support)] * (on.T @ on)
    mu, Q = np.linalg.eigh(H)
    moving = mu > 16 * support.size * _EPS * mu[-1]
    mu, Q = mu[moving], Q[:, moving]
    curvature = step_size * float(mu[-1])
    rho = 1.0 - step_size * mu
    # travel[k, i, j]: what mode j moves the primal value of (k, i) in total
    travel = -signs[:, None, None] * ((gram[:, support] * on[:, None, :]) @ (Q / mu))
    travel *= Q.T @ residual
    scale = max(float(np.abs(u).max()), float(np.abs(u + travel.sum(axis=2)).max()))
    rounding = max(1e-13, 8 * support.size * _EPS * float(mu[-1] / mu[0]))
    orientation = np.where(active, 1.0, -1.0)[:, :, None]
    inward = orientation * travel
    slack = _over_box(np.abs(u), inward, rho, curvature)
    error = np.full(u.shape, rounding * scale)
    to_zero = active & (active.sum(axis=0) == 1) & (labels == 0.0)
    to_zero[:, support[1.0 - (Q * Q).sum(axis=1) > 1e-9]] = False  # a null mode keeps a part of r
    if to_zero.any() and curvature <= 1.0:
        slack[to_zero] = _scaled(-inward[to_zero], rho)
        error[to_zero] = rounding * float(np.abs(residual).max())
    slack[(np.abs(travel) <= _EPS**2 * scale).all(axis=2)] = np.inf
    excess = slack - error
    k, i = np.unravel_index(int(np.argmin(excess)), u.shape)
    if not curvature < 2.0:
        slack[k, i] = -np.inf
    return Certificate(
        margin=float(slack[k, i]),
        rounding_error=float(error[k, i]),
        neuron=int(k),
        sample=int(i),
        curvature=curvature,
    )


def _over_box(distance: Float, inward: Float, rho: Float, curvature: float) -> Float:
    """Return the smallest oriented primal value over the box of the path."""
    even = distance + np.minimum(inward, 0.0).sum(axis=2)
    if curvature <= 1.0:
        return even
    after_one = distance + (inward * (1.0 - rho)).sum(axis=2)
    odd = after_one + np.minimum(inward * rho, 0.0).sum(axis=2)
    return np.minimum(even, odd)


def _scaled(amplitudes: Float, rho: Float) -> Float:
    """Lower bound of ``sum_j a_j (rho_j / rho_1)**t`` over t >= 0, rho_1 the slowest mode used."""
    used = (np.abs(amplitudes) > 0.0).any(axis=0)
    slowest = int(np.argmax(np.where(used, rho, -np.inf)))
    others = np.delete(amplitudes, slowest, axis=1)
    return amplitudes[:, slowest] + np.minimum(others, 0.0).sum(axis=1)
