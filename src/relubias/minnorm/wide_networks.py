"""Networks of any width that no certificate in closed form proves: a search and what it proves."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm._products import residual
from relubias.minnorm.certificate import (
    MinimumNormCertificate,
    certify_multipliers,
)
from relubias.minnorm.orbit_search import TOLERANCE, OrbitSearch, SearchOutcome
from relubias.minnorm.pattern_network import PatternNetwork, as_patterns
from relubias.minnorm.scaling import Units, in_unit_scale
from relubias.minnorm.search import Search
from relubias.minnorm.solution import MinimumNorm, fitted_labels, with_network
from relubias.problem import Problem

__all__ = ["search_wide"]

_EPS = float(np.finfo(np.float64).eps)


def search_wide(problem: Problem, start: MinimumNorm, search: Search) -> MinimumNorm:
    """Search for better networks than `start`, and prove the best one as far as the budget goes.

    Parameters
    ----------
    problem : Problem
        What to solve.
    start : MinimumNorm
        A network that fits and a lower bound, or neither.
    search : Search
        Budget of the work.

    Returns
    -------
    MinimumNorm
        With a certificate of kind ``"tree"`` if the best network is proved optimal.
    """
    gram, y, units = in_unit_scale(problem.gram, fitted_labels(problem))
    features = None if problem.features is None else problem.features * units.row[:, None]
    orbits = OrbitSearch(gram, y, problem.signs, units, search, features)
    if start.pattern.any():
        offered = zip(problem.signs, start.pattern, strict=True)
        orbits.offer(as_patterns((float(sign), active, 1) for sign, active in offered))
    outcome = orbits.run()
    if outcome.network is None:
        return dataclasses.replace(start, n_nodes=outcome.n_nodes)
    known = start.lower_bound if math.isfinite(start.lower_bound) else 0.0
    return _result(problem, gram, y, units, outcome.network, outcome, known)


def _result(
    problem: Problem,
    gram: Float,
    y: Float,
    units: Units,
    network: PatternNetwork,
    outcome: SearchOutcome,
    known: float,
) -> MinimumNorm:
    classes = _classes(problem.signs, network)
    primal, support, coupled = _predictions(gram, y, network)
    norm = _norm(gram, network)
    certificate = _certificate(network, norm, outcome, units, known)
    return with_network(
        problem,
        units.dual(network.dual[classes]) + 0.0,
        units.primal(primal[classes]) + 0.0,
        units.norm(norm),
        support[classes],
        certificate,
        optimal=certificate.kind == "tree",
        coupled=coupled,
        n_nodes=outcome.n_nodes,
    )


def _classes(signs: Float, network: PatternNetwork) -> NDArray[np.intp]:
    """Return the class of each neuron."""
    program = network.program
    owner = np.repeat(np.arange(program.counts.size), program.counts.astype(np.intp))
    classes = np.empty(signs.size, dtype=np.intp)
    for sign in (1.0, -1.0):
        classes[signs == sign] = owner[program.signs[owner] == sign]
    return classes


def _predictions(
    gram: Float, y: Float, network: PatternNetwork
) -> tuple[Float, NDArray[np.bool_], NDArray[np.intp]]:
    """Return predictions by class, exact where a constraint fixes them, support, shared samples."""
    program, dual = network.program, network.dual
    primal = np.array([residual(gram, row, np.zeros(y.size))[0] for row in dual])
    shared = program.active.sum(axis=0) > 1
    alone = program.active & ~shared
    held = ~program.active & (dual != 0)
    primal = np.where(program.active, np.maximum(primal, 0.0), np.minimum(primal, 0.0))
    primal = np.where(alone, np.abs(y) / program.counts[:, None], primal)
    primal[held] = 0.0
    rows = np.flatnonzero(~program.free & (network.multipliers > 0))
    owner = np.argmax(program.weight[rows] != 0, axis=1)
    primal[owner, program.sample[rows]] = 0.0
    return primal, alone | held, np.flatnonzero(shared)


def _norm(gram: Float, network: PatternNetwork) -> float:
    """Return the norm of the network's own duals, which rounding may have moved."""
    terms: list[float] = []
    nothing = 0.0 * network.prices
    for count, row in zip(network.program.counts, network.dual, strict=True):
        high, low, _ = residual(gram, row, nothing)
        terms += [*(count * row * high), *(count * row * low)]
    return math.sqrt(max(math.fsum(terms), 0.0))


def _certificate(
    network: PatternNetwork, norm: float, outcome: SearchOutcome, units: Units, known: float
) -> MinimumNormCertificate:
    """Return what the tree proves, and how near the network is to the best of its patterns."""
    program = network.program
    own = certify_multipliers(
        program.hessian, program.right, program.free, 1.0, network.multipliers, kind="tree"
    )
    error = own.error_bound + _error_of_products(program.hessian, network.multipliers, program.free)
    lower = max(units.norm(math.sqrt(outcome.bound)), known)
    proved = outcome.is_proved and outcome.bound >= norm**2 * (1 - TOLERANCE)
    exact = proved and outcome.is_unique and math.isfinite(error)
    gap = norm**2 - outcome.bound
    return MinimumNormCertificate(
        kind="tree" if proved else "bound only",
        error_bound=units.norm(error) if exact else math.inf,
        duality_gap=units.norm(units.norm(own.duality_gap if exact else gap)),
        lower_bound=lower,
        tree=outcome.tree,
    )


def _error_of_products(hessian: Float, multipliers: Float, free: NDArray[np.bool_]) -> float:
    """Bound how far rounding the products of counts and Gram entries moves the weights."""
    rows = np.flatnonzero(free | (multipliers != 0))
    noise = 3 * _EPS * (np.abs(hessian[rows]) @ np.abs(multipliers))
    if rows.size == 0:
        return 0.0
    inner = hessian[np.ix_(rows, rows)]
    least = float(np.linalg.eigvalsh(inner)[0]) - 4 * rows.size * _EPS * float(np.trace(inner))
    return float(np.linalg.norm(noise)) / math.sqrt(least) if least > 0 else math.inf
