"""Starts of gradient descent, as dual variables of shape (n_neurons, n_samples)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from relubias._compensated import matvec
from relubias._threads import one_blas_thread
from relubias._validate import (
    Float,
    as_features,
    as_float_array,
    as_positive_or_vector,
    as_real,
    as_stream,
    fail,
    is_scalar,
)
from relubias.gram import gram_matrix
from relubias.problem import Problem, require_problem

__all__ = ["all_positive", "disjoint", "from_weights", "gaussian"]

RANGE = 1e-150, 1e150
"""Primal values outside this range have squares that under- or overflow."""

REACHED = 1e-8
"""A start is refused when it misses the requested values by more than this part of the largest,
unless that is the rounding of the dual."""

INVERT_UP_TO = 200  # samples; beyond, two triangular solves a row are cheaper

_PARKED_PART = 0.3
"""Parked coordinates start at minus this part of the smallest absolute label."""


def all_positive(problem: Problem, scale: Any) -> Float:
    r"""Start with every sample active on every neuron: :math:`w_k = X^\top G^{-1} \epsilon`.

    Parameters
    ----------
    problem : Problem
        Data and output signs.
    scale : float or array_like of shape (n_samples,)
        The primal values :math:`\epsilon_i > 0`, the same for every neuron, in units of the
        network output.

    Returns
    -------
    ndarray of shape (n_neurons, n_samples)
        Dual variables with ``dual @ problem.gram == scale`` up to the rounding of `dual`.

    Raises
    ------
    InvalidInputError
        If `scale` is not positive, or no weights give these primal values because the samples
        are linearly dependent.

    Notes
    -----
    Where the Gram matrix is singular and the values are reachable (duplicate samples), the
    least-norm dual is returned.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Theorems 1 and 3.

    Examples
    --------
    >>> problem = Problem([[4.0, 0.0], [0.0, 2.0]], [1.0, -0.5], signs=(1, -1))
    >>> all_positive(problem, 0.5)
    array([[0.125, 0.25 ],
           [0.125, 0.25 ]])
    """
    problem = require_problem(problem)
    values = as_positive_or_vector("scale", scale, problem.n_samples, minimum=0.0, strict=True)
    _refuse_extreme("scale", values)
    return np.repeat(_reach(problem.gram, values[None]), problem.n_neurons, axis=0)


def gaussian(problem: Problem, scale: Any, seed: Any) -> Float:
    r"""Start from Gaussian weights :math:`w_k \sim N(0, \sigma^2 I_d)`, seen through the data.

    Exact in law: the primal values of a neuron are :math:`N(0, \sigma^2 G)`, drawn as
    :math:`\beta_k = \sigma\, G^{-1/2} z_k` with the symmetric root on the modes that are not
    null and standard normal :math:`z_k`.

    Parameters
    ----------
    problem : Problem
        Data and output signs.
    scale : float
        Standard deviation :math:`\sigma > 0` of each weight, in units of the network output
        per unit of the features.
    seed : int, sequence of int, numpy.random.SeedSequence or numpy.random.Generator
        The same seed gives the same start; the stream is independent of those that draw
        features and labels from the same seed.

    Returns
    -------
    ndarray of shape (n_neurons, n_samples)
        Dual variables; ``problem.n_neurons`` independent rows.

    Raises
    ------
    InvalidInputError
        If `scale` is not positive or `seed` is no seed.

    Notes
    -----
    The part of the weights orthogonal to all samples, whose squared norm is about
    ``scale**2 * (n_features - n_samples)``, never moves and is left out.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Figures 3 and 5.

    Examples
    --------
    >>> problem = Problem([[4.0, 1.0], [1.0, 4.0]], [1.0, -0.5], signs=(1, 1, -1))
    >>> gaussian(problem, 1e-3, seed=0).shape
    (3, 2)
    """
    problem = require_problem(problem)
    deviation = as_real("scale", scale, minimum=0.0, strict=True)
    _refuse_extreme("scale", np.array([deviation]))
    noise = as_stream("seed", seed, "start").standard_normal((problem.n_neurons, problem.n_samples))
    gram, exponent = _unit_gram(problem.gram)
    with one_blas_thread(problem.n_samples):
        inverse_root = _spectral(gram, -0.5)
        dual = np.stack([inverse_root @ row for row in noise])
    return deviation * np.ldexp(dual, -exponent // 2)


def disjoint(problem: Problem, assignment: Any, scale: Any, *, parked: Any = None) -> Float:
    r"""Start with each sample owned by one neuron of its sign (Assumption 3).

    Neuron :math:`k` starts at the primal values

    * ``+scale`` on the samples it owns, and on those whose label has the opposite sign,
    * ``-parked`` on the samples of its own sign that another neuron owns.

    Parameters
    ----------
    problem : Problem
        Data and output signs; every label non-zero.
    assignment : array_like of int, shape (n_samples,)
        The neuron that owns each sample; its sign is the sign of the label.
    scale : float or array_like of shape (n_neurons, n_samples)
        Magnitudes :math:`\epsilon_{k,i} > 0` of the primal values, in units of the network
        output. At most ``0.05 * min(abs(labels)) / n_neurons`` is advisable, so that the
        network starts near zero on every sample.
    parked : float or array_like of shape (n_neurons, n_samples), optional
        Magnitudes of the parked primal values. By default ``0.3 * min(abs(labels))`` where
        `scale` is a number, and `scale` itself where it is an array (Assumption 3 to the
        letter).

    Returns
    -------
    ndarray of shape (n_neurons, n_samples)
        Dual variables.

    Raises
    ------
    InvalidInputError
        If an owner has the wrong sign, a label is zero, a magnitude is not positive, or no
        weights give these primal values because the samples are linearly dependent.

    Notes
    -----
    Parked coordinates get no update in the first step, so Theorem 5 needs them well below zero
    from the start, while the active ones must be small against the labels: hence two scales.
    A parked value does not enter the network's output. With active and parked values of
    ``(0.025..0.05) * min(abs(labels))`` alike, the theorem's conclusion was seen to fail for
    a quarter of the data sets or more; with ``(0.1..0.2)`` for none.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Assumption 3 and Theorem 5.

    Examples
    --------
    >>> import numpy as np
    >>> problem = Problem(4.0 * np.eye(3), [1.0, 1.0, -1.0], signs=(1, 1, -1))
    >>> disjoint(problem, [0, 1, 2], 0.01) @ problem.gram
    array([[ 0.01, -0.3 ,  0.01],
           [-0.3 ,  0.01,  0.01],
           [ 0.01,  0.01,  0.01]])
    """
    problem = require_problem(problem)
    owner = _as_assignment(problem, assignment)
    shape = (problem.n_neurons, problem.n_samples)
    active = _as_magnitudes("scale", scale, shape)
    if parked is not None:
        waiting = _as_magnitudes("parked", parked, shape)
    elif is_scalar(scale):
        waiting = np.full(shape, _PARKED_PART * np.abs(problem.labels).min())
    else:
        waiting = active
    same_sign = problem.signs[:, None] == np.sign(problem.labels)
    owned = np.arange(problem.n_neurons)[:, None] == owner
    return _reach(problem.gram, np.where(same_sign & ~owned, -waiting, active))


def from_weights(features: Any, weights: Any) -> Float:
    r"""Start from given weights: the least-norm dual whose span part predicts the same.

    Parameters
    ----------
    features : array_like of shape (n_samples, n_features)
        Feature vectors, one row per sample.
    weights : array_like of shape (n_neurons, n_features)
        Weight vectors, one row per neuron.

    Returns
    -------
    ndarray of shape (n_neurons, n_samples)
        Dual variables with ``dual @ gram == weights @ features.T``, so that
        ``dual @ features`` is the projection of `weights` on the span of the samples.

    Raises
    ------
    InvalidInputError
        If shapes disagree, an entry is not finite, or squares would over- or underflow.

    Notes
    -----
    The part of the weights orthogonal to all samples never moves under gradient descent and is
    dropped: predictions and training are the same, norms count the span part alone. Where the
    samples are linearly dependent the dual has no component in the null space of the Gram
    matrix.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, eq. (3).

    Examples
    --------
    >>> from_weights([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [[6.0, 5.0, 7.0]])
    array([[3., 5.]])
    """
    X = as_features("features", features)
    W = as_float_array("weights", weights, ndim=2, shape="(n_neurons, n_features)")
    if W.shape[0] == 0 or W.shape[1] != X.shape[1]:
        raise fail("weights", f"has shape {W.shape}", f"expected (n_neurons, {X.shape[1]})")
    if np.abs(W).max() > RANGE[1]:
        raise fail("weights", f"has an entry of size {np.abs(W).max():.3g}", "rescale the weights")
    with np.errstate(over="ignore", invalid="ignore"):
        primal = np.stack([X @ w for w in W])
    if not (np.abs(primal) <= RANGE[1]).all():
        got = f"gives primal values above {RANGE[1]:g} on these features"
        raise fail("weights", got, "rescale the weights")
    return _least_norm_dual(gram_matrix(X), primal)


def _as_assignment(problem: Problem, assignment: Any) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Return the owner of each sample, checked against the signs of labels and neurons."""
    m, n = problem.n_neurons, problem.n_samples
    try:
        raw = np.asarray(assignment)
    except ValueError as error:
        raise fail("assignment", "is ragged", f"pass {n} neuron indices") from error
    if raw.dtype.kind not in "iu" or raw.shape != (n,):
        got = f"has dtype {raw.dtype} and shape {raw.shape}"
        raise fail("assignment", got, f"pass {n} whole neuron indices, one per sample")
    if raw.min() < 0 or raw.max() >= m:
        raise fail(
            "assignment", f"reaches from {raw.min()} to {raw.max()}", f"stay within 0..{m - 1}"
        )
    owner = raw.astype(np.intp)
    if (problem.labels == 0).any():
        i = int(np.flatnonzero(problem.labels == 0)[0])
        raise fail("problem", f"label {i} is zero", "only non-zero labels can have an owner")
    wrong = np.flatnonzero(problem.signs[owner] != np.sign(problem.labels))
    if wrong.size:
        i = int(wrong[0])
        k = int(owner[i])
        got = f"gives sample {i} (label {problem.labels[i]:g}) to neuron {k}"
        raise fail("assignment", f"{got} of sign {problem.signs[k]:+g}", "choose one of its sign")
    return owner


def _as_magnitudes(name: str, value: Any, shape: tuple[int, int]) -> Float:
    """Return positive magnitudes of shape (n_neurons, n_samples) from a number or an array."""
    if is_scalar(value):
        array = np.full(shape, as_real(name, value, minimum=0.0, strict=True))
    else:
        wanted = f"a number or (n_neurons, n_samples) = {shape}"
        array = as_float_array(name, value, ndim=2, shape=wanted)
        if array.shape != shape:
            raise fail(name, f"has shape {array.shape}", f"expected {wanted}")
        if (array <= 0).any():
            raise fail(name, f"has the entry {array.min():g}", "every entry must be > 0")
    _refuse_extreme(name, array)
    return array


def _refuse_extreme(name: str, magnitudes: Float) -> None:
    smallest, largest = float(magnitudes.min()), float(magnitudes.max())
    if smallest < RANGE[0] or largest > RANGE[1]:
        got = f"reaches from {smallest:.3g} to {largest:.3g}"
        raise fail(name, got, f"stay within {RANGE[0]:g}..{RANGE[1]:g}")


def _reach(gram: Float, target: Float) -> Float:
    """Return the least-norm dual of requested primal values, or say why there is none."""
    zero = np.flatnonzero(np.diagonal(gram) == 0)
    if zero.size:
        got = f"the features of sample {int(zero[0])} are zero, so its primal value is always 0"
        raise fail("problem", got, "drop the sample or use starts.gaussian")
    dual = _least_norm_dual(gram, target)
    unit, exponent = _unit_gram(gram)
    primal = matvec(unit, np.ldexp(dual, exponent))[0]
    rounding = 4 * np.finfo(np.float64).eps * (np.abs(dual) @ np.abs(gram))
    tolerance = REACHED * np.abs(target).max() + rounding
    missed = (np.abs(primal - target) > tolerance) | (np.sign(primal) != np.sign(target))
    if missed.any():
        k, i = (int(index[0]) for index in np.nonzero(missed))
        rank = int(np.linalg.matrix_rank(gram, hermitian=True))
        raise fail(
            "problem",
            f"sample {i} would start at {primal[k, i]:.3g} instead of {target[k, i]:.3g}, because "
            f"the Gram matrix has numerical rank {rank} for {gram.shape[0]} samples or because the "
            "requested values differ too much in size",
            "use linearly independent samples (n_features >= n_samples) or starts.gaussian",
        )
    return dual


def _least_norm_dual(gram: Float, target: Float) -> Float:
    """Solve ``dual @ gram = target`` in the least-squares sense, with a compensated refinement.

    Powers of two in `gram` and `target` are taken out first, so scaling either by one scales
    the answer exactly. Every row is treated alone: permuting rows permutes the answer.
    """
    unit, exponent = _unit_gram(gram)
    shift = _binary_exponent(float(np.abs(target).max()))
    right = np.ldexp(target, -shift)
    with one_blas_thread(gram.shape[0]):
        solve = _solver(unit)
        dual = np.stack([solve(row) for row in right])
        high, low = matvec(unit, dual)
        dual += np.stack([solve(row) for row in (right - high) - low])
    return np.ldexp(dual, shift - exponent)


def _unit_gram(gram: Float) -> tuple[Float, int]:
    """Return ``gram / 2**exponent`` with its largest entry in [1/2, 2) and an even exponent."""
    exponent = _binary_exponent(float(np.diagonal(gram).max()))
    exponent -= exponent % 2
    return np.ldexp(gram, -exponent), exponent


def _binary_exponent(size: float) -> int:
    return int(np.frexp(size)[1])


def _null_threshold(gram: Float) -> float:
    """Return the eigenvalue below which a mode is rounding, for a matrix of unit scale."""
    return 64 * gram.shape[0] * float(np.finfo(np.float64).eps) * float(np.diagonal(gram).max())


def _solver(gram: Float) -> Callable[[Float], Float]:
    """Return the pseudo-inverse of a Gram matrix of unit scale, as a function of one row."""
    try:
        np.linalg.cholesky(gram - _null_threshold(gram) * np.eye(gram.shape[0]))
    except np.linalg.LinAlgError:
        return _spectral(gram, -1.0).__matmul__
    if gram.shape[0] <= INVERT_UP_TO:
        return np.linalg.inv(gram).__matmul__
    from scipy.linalg import cho_factor, cho_solve

    factor = cho_factor(gram, lower=True, check_finite=False)
    return lambda row: cho_solve(factor, row, check_finite=False)


def _spectral(gram: Float, power: float) -> Float:
    """Return a negative power of a positive semi-definite matrix on the modes that are not null."""
    mu, Q = np.linalg.eigh(gram)
    alive = mu > _null_threshold(gram)
    return (Q[:, alive] * mu[alive] ** power) @ Q[:, alive].T
