"""Proof that training both layers converges with the present pattern, from the state alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relubias._threads import one_blas_thread
from relubias._validate import Float, as_dual, as_float_array, as_real, fail
from relubias.problem import Problem, require_problem

__all__ = ["BothLayersCertificate", "as_outer", "certify_both_layers"]

_EPS = float(np.finfo(np.float64).eps)
_SLACK = 1.0 + 1e-9  # covers the rounding of the few sums below
_RADII = (1.001, 1.01, 1.1, 1.5, 2.0, 4.0)  # tried, in units of the path without curvature


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class BothLayersCertificate:
    """The ball that holds the whole future path, and how far every hyperplane is from it.

    Attributes
    ----------
    radius : float
        Bound on the distance between the state and the limit, in the space of all weights of
        both layers; infinite if nothing is proved.
    rate : float
        The residual shrinks at least by this factor in every step.
    margin : float
        Smallest ``abs(w_k @ x_i)`` minus the furthest it can still move and its rounding, among
        values that move, in primal units; infinite if none does.
    neuron, sample : int
        Where the margin is smallest; -1 if nothing moves.
    """

    radius: float
    rate: float
    margin: float
    neuron: int
    sample: int

    @property
    def holds(self) -> bool | None:
        """True if proved, None if the bounds do not decide."""
        return True if self.margin > 0 and np.isfinite(self.radius) else None

    def __str__(self) -> str:
        if np.isinf(self.margin):
            return "certificate: nothing moves any more"
        return (
            f"certificate: the limit is within {self.radius:.2g}, the residual shrinks by "
            f"{self.rate:.6g} a step; smallest margin {self.margin:.3g} at neuron {self.neuron}, "
            f"sample {self.sample}"
        )


def certify_both_layers(
    problem: Problem, dual: Float, outer: Float, *, step_size: float
) -> BothLayersCertificate:
    r"""Check that gradient descent on both layers converges without any further switch.

    With the pattern frozen, the outputs on samples that some neuron sees are a quadratic
    function of the weights, whose Jacobian :math:`J` has the Lipschitz constant
    :math:`\sqrt{\lambda_{\max}(G)}`. Where :math:`J J^\top` is positive definite the residual
    shrinks geometrically as long as the weights stay in a small ball, and its sum bounds how far
    each neuron can move: proportionally to its own size, so that neurons that stayed tiny need
    tiny margins only.

    Parameters
    ----------
    problem : Problem
    dual : array_like of shape (n_neurons, n_samples)
        State of the first layer from which the pattern is claimed to be final.
    outer : array_like of shape (n_neurons,)
        Output weights.
    step_size : float
        Of gradient descent.

    Returns
    -------
    BothLayersCertificate
        `holds` is True or None; a pattern that does change gets None.

    Raises
    ------
    InvalidInputError
        If an argument is unusable.

    Notes
    -----
    With :math:`\sigma_{\min}, \sigma_{\max}` bounds on the singular values of :math:`J` in the
    ball, one step multiplies the residual norm at most by :math:`q = \max |1 - \eta\sigma^2| +
    \tfrac12 \sqrt{\lambda_{\max}(G)}\, \eta^2 \sigma_{\max}^2 \|r\|`, and the path is at most
    :math:`\eta\sigma_{\max}\|r\|/(1-q)` long, which has to fit into the ball. The proof is about
    exact steps from this state; it covers the rounding of the state's own primal values and
    residual, and needs labels that are fitted: samples that share a feature vector, or residuals
    that stay, get no certificate.

    Examples
    --------
    >>> import numpy as np
    >>> problem = Problem(4.0 * np.eye(2), [1.0, -1.0], signs=(1, -1))
    >>> fitted = [[0.25, -0.1], [-0.1, 0.25]]
    >>> certify_both_layers(problem, fitted, [1.0, -1.0], step_size=0.1).holds
    True
    """
    require_problem(problem)
    beta = as_dual("dual", dual, problem.n_neurons, problem.n_samples)
    a = as_outer("outer", outer, problem.n_neurons)
    eta = as_real("step_size", step_size, minimum=0.0, strict=True)
    with one_blas_thread(problem.n_samples), np.errstate(all="ignore"):
        return _certify(problem, beta, a, eta)


def as_outer(name: str, value: object, n_neurons: int) -> Float:
    """Return one output weight per neuron."""
    array = as_float_array(name, value, ndim=1, shape=f"(n_neurons,) = ({n_neurons},)")
    if array.shape != (n_neurons,):
        raise fail(name, f"has {array.size} entries", f"expected one per neuron, {n_neurons}")
    return array


def _certify(problem: Problem, beta: Float, a: Float, eta: float) -> BothLayersCertificate:
    gram = problem.gram
    m, n = beta.shape
    root = np.sqrt(np.diagonal(gram))
    primal = beta @ gram
    rounding = (n + 3) * _EPS * (np.abs(beta) @ np.abs(gram))
    active = primal > 0.0
    moves = active.any(axis=1)  # a neuron that sees nothing has no gradient
    seen = active.any(axis=0)  # the residual on the other samples stays as it is
    if not moves.any():
        return BothLayersCertificate(radius=0.0, rate=0.0, margin=np.inf, neuron=-1, sample=-1)
    u = np.where(active, primal, 0.0)
    residual = (a @ u - problem.labels)[seen]
    terms = np.abs(a) @ (u + active * rounding) + np.abs(problem.labels)
    error = (m + 3) * _EPS * terms + np.abs(a) @ (active * rounding)
    r = (float(np.linalg.norm(residual)) + float(np.linalg.norm(error[seen]))) * _SLACK
    largest = float(np.linalg.eigvalsh(gram)[-1]) * _SLACK
    curvature = float(np.sqrt(largest))
    tangent = ((active * (a**2)[:, None]).T @ active * gram + u.T @ u)[np.ix_(seen, seen)]
    mu = np.linalg.eigvalsh(tangent)
    blur = 64.0 * (m + n) * _EPS * float(np.trace(tangent)) + 2.0 * float(
        np.linalg.norm(u, 2) * np.linalg.norm(active * rounding)
    )
    low, high = np.sqrt(max(float(mu[0]) - blur, 0.0)), np.sqrt(float(mu[-1]) + blur)
    radius, gain = _ball(float(low), float(high), curvature, r, eta)
    # what all residuals to come can do to one neuron: a factor exp(reach) on its own size
    reach = eta * curvature * r / gain if gain > 0.0 else np.inf
    norms = np.sqrt(np.maximum((beta * primal).sum(axis=1), 0.0))
    norms += np.sqrt((n + 6) * _EPS) * (np.abs(beta) @ root)
    sizes = np.maximum(np.abs(a), norms) * _SLACK
    # a primal value moves with the neuron, and through the samples that the neuron sees
    drift = (sizes * np.expm1(reach))[:, None] * root
    coupling = np.sqrt(active.astype(np.float64) @ gram**2) * _SLACK
    through = (sizes * np.exp(reach) * eta * r / gain if gain > 0.0 else sizes * np.inf)[:, None]
    drift = np.minimum(drift, np.where(coupling > 0.0, through * coupling, 0.0))
    margins = np.abs(primal) - rounding - drift
    margins[np.isnan(margins)] = -np.inf
    margins[~moves] = np.inf
    margins[rounding + drift == 0.0] = np.inf
    neuron, sample = (int(i) for i in np.unravel_index(np.argmin(margins), margins.shape))
    return BothLayersCertificate(
        radius=radius,
        rate=1.0 - gain,
        margin=float(margins[neuron, sample]),
        neuron=neuron,
        sample=sample,
    )


def _ball(low: float, high: float, curvature: float, r: float, eta: float) -> tuple[float, float]:
    """Return the radius of a ball that the path cannot leave, and what a step in it gains.

    Every step in the ball multiplies the residual at most by one minus that gain.
    """
    first = min(eta * low**2, 2.0 - eta * high**2)
    if not first > 0.0:
        return np.inf, 0.0
    for factor in _RADII:
        radius = factor * eta * high * r / first
        lowest, highest = low - curvature * radius, high + curvature * radius
        if lowest <= 0.0:
            break
        gain = min(eta * lowest**2, 2.0 - eta * highest**2)
        gain -= 0.5 * curvature * eta**2 * highest**2 * r
        if gain > 0.0 and eta * highest * r / gain * _SLACK <= radius:
            return radius, gain
    return np.inf, 0.0
