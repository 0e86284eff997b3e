"""Networks of more than one neuron: from solved parts to a result in the units of the data."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm._products import residual
from relubias.minnorm.certificate import MinimumNormCertificate, certify_checked_neuron
from relubias.minnorm.global_optimality import pair_multipliers
from relubias.minnorm.many_neurons import (
    equal_split_margin,
    one_sign_bound,
    one_sign_margin,
    single_sample_bound,
)
from relubias.minnorm.one_neuron import solve_one_neuron
from relubias.minnorm.scaling import Units, in_unit_scale
from relubias.minnorm.search import Search
from relubias.minnorm.solution import MinimumNorm, with_network, without_network
from relubias.minnorm.two_neurons import Pair, solve_two_neurons
from relubias.minnorm.wide_networks import search_wide
from relubias.problem import Problem

__all__ = ["solve_both_signs", "solve_one_sign"]

_EPS = float(np.finfo(np.float64).eps)
_LEAST_MARGIN = 1e-10


def solve_one_sign(problem: Problem, search: Search) -> MinimumNorm:
    """Share one neuron equally; with one neuron only, prove it if nothing fits."""
    m, sign = problem.n_neurons, float(problem.signs[0])
    neuron = solve_one_neuron(problem.gram, problem.labels, sign, problem.features)
    if not neuron.fits and m > 1:
        return search_wide(problem, _disjoint(problem), search)
    if neuron.ray is not None:
        return without_network(problem, neuron.ray[None, :], np.flatnonzero(neuron.ray))
    if not neuron.fits:
        return without_network(problem, None, np.zeros(0, dtype=np.intp))
    certificate = certify_checked_neuron(
        problem.gram,
        problem.labels,
        neuron.dual,
        sign,
        problem.features if neuron.on_features else None,
    )
    if m > 1:
        certificate = _shared_certificate(problem, neuron.dual, certificate)
    shared = with_network(
        problem,
        np.tile(neuron.dual / m, (m, 1)),
        np.tile(neuron.primal / m, (m, 1)),
        neuron.norm / math.sqrt(m),
        np.tile(neuron.support, (m, 1)),
        certificate,
        optimal=certificate.kind != "bound only",
    )
    if m == 1 or certificate.kind != "bound only":
        return shared
    return search_wide(problem, shared, search)


def _disjoint(problem: Problem) -> MinimumNorm:
    """Give each positive sample to one neuron, the first that can take it, if one neuron cannot.

    Only dependent samples come here, such as two opposite ones with positive labels.
    """
    m, n, sign = problem.n_neurons, problem.n_samples, float(problem.signs[0])
    target = np.maximum(sign * problem.labels, 0.0)
    owned = np.zeros((m, n))
    neurons = [solve_one_neuron(problem.gram, owned[0])] * m
    for i in np.flatnonzero(target):
        for k in range(m):
            labels = owned[k].copy()
            labels[i] = target[i]
            neuron = solve_one_neuron(problem.gram, labels, 1.0, problem.features)
            if neuron.fits:
                owned[k], neurons[k] = labels, neuron
                break
        else:
            return without_network(problem, None, np.zeros(0, dtype=np.intp))
    gram, y, units = in_unit_scale(problem.gram, target)
    certificate = MinimumNormCertificate(
        kind="bound only",
        error_bound=math.inf,
        duality_gap=math.inf,
        lower_bound=units.norm(single_sample_bound(gram, y, m, 0)),
    )
    return with_network(
        problem,
        np.array([neuron.dual for neuron in neurons]),
        np.array([neuron.primal for neuron in neurons]),
        math.hypot(*(neuron.norm for neuron in neurons)),
        np.array([neuron.support for neuron in neurons]),
        certificate,
        optimal=False,
    )


def _shared_certificate(
    problem: Problem, dual: Float, certificate: MinimumNormCertificate
) -> MinimumNormCertificate:
    """Turn what is known of one neuron into what is known of its equal shares."""
    m, target = problem.n_neurons, np.maximum(problem.signs[0] * problem.labels, 0.0)
    gram, y, units = in_unit_scale(problem.gram, target)
    margin, theta = one_sign_margin(gram, y, units.scaled_dual(dual))
    shared = dataclasses.replace(
        certificate,
        kind="equal split",
        error_bound=certificate.error_bound / math.sqrt(m) * (1 + 1e-15),
        duality_gap=certificate.duality_gap / m,
        lower_bound=certificate.lower_bound / math.sqrt(m) * (1 - 1e-15),
        margin=margin,
    )
    if margin >= _LEAST_MARGIN:
        return shared
    bound = max(one_sign_bound(gram, y, m, theta), single_sample_bound(gram, y, m, 0))
    return dataclasses.replace(
        shared,
        kind="bound only",
        error_bound=math.inf,
        duality_gap=math.inf,
        lower_bound=units.norm(bound),
    )


def solve_both_signs(problem: Problem, search: Search) -> MinimumNorm:
    """Solve for one neuron of each sign and share each equally among its sign."""
    counts = int((problem.signs > 0).sum()), int((problem.signs < 0).sum())
    neuron_of = np.where(problem.signs > 0, 0, 1)
    if not problem.labels.any():
        return _zero(problem)
    gram, y, units = in_unit_scale(problem.gram, problem.labels)
    weights = 1.0 / counts[0], 1.0 / counts[1]
    pair = solve_two_neurons(
        gram,
        y,
        weights,
        decoupled=_decoupled(problem, units),
        features=problem.features,
        units=units,
        search=search if counts == (1, 1) else search.part(),
        closed_form_only=counts != (1, 1),
    )
    if pair.dual is None or pair.certificate is None:
        nothing = _no_pair(problem, pair, units, neuron_of)
        return nothing if counts == (1, 1) else search_wide(problem, nothing, search)
    primal, support, coupled = _predictions(gram, y, pair.dual, weights)
    share = np.array(counts, dtype=np.float64)[:, None]
    if counts == (1, 1):
        certificate = pair.certificate
    else:
        certificate = _split_certificate(gram, y, counts, primal / share, pair)
    square = sum(
        math.fsum(pair.dual[k] * residual(gram, pair.dual[k], np.zeros(y.size))[0]) / counts[k]
        for k in range(2)
    )
    certificate = dataclasses.replace(
        certificate,
        error_bound=units.norm(certificate.error_bound),
        lower_bound=units.norm(certificate.lower_bound),
        duality_gap=units.norm(units.norm(certificate.duality_gap)),
    )
    found = with_network(
        problem,
        units.dual((pair.dual / share)[neuron_of]) + 0.0,
        units.primal((primal / share)[neuron_of]) + 0.0,
        units.norm(math.sqrt(max(square, 0.0))),
        support[neuron_of],
        certificate,
        optimal=certificate.kind != "bound only",
        coupled=coupled,
        n_nodes=pair.n_nodes,
    )
    if counts == (1, 1) or certificate.kind != "bound only":
        return found
    return search_wide(problem, found, search)


def _decoupled(problem: Problem, units: Units) -> Float | None:
    """Return the pair of least-norm neurons that each fit the labels of their sign."""
    pair = [
        solve_one_neuron(problem.gram, problem.labels, sign, problem.features)
        for sign in (1.0, -1.0)
    ]
    if not all(neuron.fits for neuron in pair):
        return None
    return np.array([units.scaled_dual(neuron.dual) for neuron in pair])


def _zero(problem: Problem) -> MinimumNorm:
    shape = (problem.n_neurons, problem.n_samples)
    certificate = MinimumNormCertificate(
        kind="hull", error_bound=0.0, duality_gap=0.0, lower_bound=0.0, margin=1.0
    )
    off = np.zeros(shape, dtype=np.bool_)
    return with_network(
        problem, np.zeros(shape), np.zeros(shape), 0.0, off, certificate, optimal=True
    )


def _no_pair(
    problem: Problem, pair: Pair, units: Units, neuron_of: NDArray[np.intp]
) -> MinimumNorm:
    """Only two neurons are proved infeasible by the relaxation of two, or by a search."""
    if pair.conflict is not None and problem.n_neurons == 2:
        nothing = without_network(problem, None, pair.conflict)
        if pair.certificate is None:
            return nothing
        return dataclasses.replace(nothing, certificate=pair.certificate, n_nodes=pair.n_nodes)
    if pair.ray is None or problem.n_neurons > 2:
        return without_network(problem, None, np.zeros(0, dtype=np.intp))
    ray = pair.ray * units.row
    return without_network(problem, ray[neuron_of], np.flatnonzero(ray.any(axis=0)))


def _predictions(
    gram: Float, y: Float, dual: Float, weights: tuple[float, float]
) -> tuple[Float, NDArray[np.bool_], NDArray[np.intp]]:
    """Return predictions, exact where a constraint of one neuron fixes them, and that support.

    The samples on which both neurons are active come last.
    """
    primal = np.array([residual(gram, row, np.zeros(y.size))[0] for row in dual])
    a, b = pair_multipliers(y, dual, weights)
    shared = (y == 0) & (dual > 0).any(axis=0)
    shared[y != 0] = (b < 0) | ((a == 0) & (b > 0))
    noise = 64 * y.size * _EPS * (1.0 + float(np.abs(dual).max()))
    shared |= ~dual.any(axis=0) & (primal > noise).all(axis=0)  # others hold it, such as a copy
    own = np.array([y > 0, y < 0]) & ~shared
    held = ~own & ~shared & (dual != 0)
    primal = np.where(own, np.abs(y), primal)
    primal = np.where(~own & ~shared, np.minimum(primal, 0.0), primal)
    primal[held] = 0.0
    return primal, own | held, np.flatnonzero(shared)


def _split_certificate(
    gram: Float, y: Float, counts: tuple[int, int], primal: Float, pair: Pair
) -> MinimumNormCertificate:
    """Certify equal shares of a pair by the conditions of `many_neurons`."""
    assert pair.dual is not None and pair.certificate is not None  # noqa: S101, PT018
    share = np.array(counts, dtype=np.float64)[:, None]
    margin = equal_split_margin(gram, primal, pair.dual / share)
    if margin >= _LEAST_MARGIN and math.isfinite(pair.certificate.error_bound):
        return dataclasses.replace(pair.certificate, kind="equal split", margin=margin)
    return MinimumNormCertificate(
        kind="bound only",
        error_bound=math.inf,
        duality_gap=math.inf,
        lower_bound=single_sample_bound(gram, y, *counts),
        margin=margin,
    )
