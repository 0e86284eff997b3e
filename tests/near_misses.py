"""Networks that fit, nearly optimal but not quite, for every certificate to refuse."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

import relubias as rb
from relubias.minnorm.global_optimality import certify_two_neurons
from relubias.minnorm.scaling import in_unit_scale
from tests.oracles import faces, patterns

__all__ = ["NearMiss", "accepted_by", "near_ties", "near_ties_of_many", "runners_up"]

LEAST_EXCESS = 1e-11  # of the squared norm, relative: below, both networks are optimal to rounding
RTOL = 1e-10  # asked of `verify`, relative to the norm: nearer networks may pass


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A network that outputs the labels, and by how much its squared norm exceeds the least."""

    name: str
    problem: rb.Problem
    dual: Any
    excess: float
    least: float  # the norm


def runners_up(seed: int, *, n_wanted: int = 4) -> Iterator[NearMiss]:
    """Yield the smallest networks of other faces than the optimum, of random problems."""
    rng = np.random.default_rng([seed, 5])
    n = int(rng.integers(2, 7))
    X = rng.standard_normal((n, round(float(rng.choice([1.0, 1.2, 2.0, 5.0])) * n)))
    gram, y = X @ X.T, rng.standard_normal(n)
    yield from _losers(f"runner-up {seed}", gram, y, n_wanted)


def near_ties(seed: int) -> Iterator[NearMiss]:
    """Yield the second network of problems on the way to a tie of two patterns.

    The labels move on a line until the optimum jumps from one face to another; bisection brings
    both norms as close as rounding allows.
    """
    rng = np.random.default_rng([seed, 6])
    n = int(rng.integers(2, 6))
    X = rng.standard_normal((n, round(float(rng.choice([1.0, 1.3])) * n)))
    gram, first, last = X @ X.T, rng.standard_normal(n), rng.standard_normal(n)
    last = np.abs(last) * np.sign(first)

    def dual_at(t: float) -> Any:
        square, states = faces.smallest_faces(gram, first + t * (last - first))[0]
        return square, states

    low, high = 0.0, 1.0
    start = dual_at(low)[1]
    if dual_at(high)[1] == start:
        return
    for step in range(45):
        middle = (low + high) / 2
        y = first + middle * (last - first)
        low, high = (middle, high) if dual_at(middle)[1] == start else (low, middle)
        if step % 3 == 0:
            yield from _losers(f"near tie {seed}, step {step}", gram, y, 1)


def _losers(name: str, gram: Any, y: Any, n_wanted: int) -> Iterator[NearMiss]:
    best = faces.two_neurons(gram, y)
    if best is None:
        return
    optimal = best.as_float()
    for loser in faces.losers(gram, y, (1, 1), best, n_wanted):
        excess = float(loser.square / best.square - 1)
        if excess > LEAST_EXCESS and _apart(gram, loser.as_float(), optimal) > 1e-4:
            yield NearMiss(name, rb.Problem(gram, y, (1, -1)), loser.as_float(), excess, best.norm)


def near_ties_of_many(seed: int, counts: tuple[int, int]) -> Iterator[NearMiss]:
    """Yield networks of several neurons whose patterns are not the best ones."""
    rng = np.random.default_rng([seed, 7])
    n = int(rng.integers(2, 5))
    X = rng.standard_normal((n, round(float(rng.choice([1.0, 1.5, 4.0])) * n)))
    gram, y = X @ X.T, rng.standard_normal(n)
    signs = (1,) * counts[0] + (-1,) * counts[1]
    try:
        networks = patterns.best_networks(gram, y, signs, 0.2, max_nodes=4000)
    except patterns.TooManyError:
        return
    if not networks or networks[0].square == 0:
        return
    best = networks[0]
    for other in networks[1:13]:
        excess = float(other.square / best.square - 1)
        if excess > LEAST_EXCESS:
            dual = other.as_float(signs)
            name = f"many {seed}: {counts}, n={n}"
            yield NearMiss(name, rb.Problem(gram, y, signs), dual, excess, best.norm)


def _apart(gram: Any, first: Any, second: Any) -> float:
    delta = first - second
    return math.sqrt(max(np.einsum("ki,ij,kj->", delta, gram, delta), 0.0)) / math.sqrt(
        np.einsum("ki,ij,kj->", second, gram, second)
    )


def accepted_by(miss: NearMiss) -> list[str]:
    """Return the certificates that call the network optimal, or claim a bound above the least norm.

    The certificate of a pair gets the duals; `verify` gets forged answers: the network with the
    certificate of the optimum, of every kind.
    """
    wrong = []
    problem = miss.problem
    if problem.n_neurons == 2 and problem.signs[0] != problem.signs[1]:
        gram, y, units = in_unit_scale(problem.gram, problem.labels)
        dual = np.array([units.scaled_dual(row) for row in miss.dual])
        found = certify_two_neurons(gram, y, dual)
        if found.kind != "bound only":
            wrong.append(f"{found.kind}, margin {found.margin:.1e}, excess {miss.excess:.1e}")
        if units.norm(found.lower_bound) > miss.least * (1 + 1e-13):
            wrong.append(f"{found.kind}: lower bound {found.lower_bound} > {miss.least}")
    for forged in forgeries(miss):
        kind = forged.certificate.kind
        verified = rb.minnorm.verify(problem, forged, leaves=kind == "tree", rtol=RTOL)
        if verified.holds and miss.excess > 3 * RTOL:
            wrong.append(f"verify of {kind!r}, excess {miss.excess:.1e}: {verified!r}")
        if verified.lower_bound > miss.least * (1 + 1e-12):
            wrong.append(f"verify of {kind!r}: bound {verified.lower_bound} > {miss.least}")
    return wrong


def forgeries(miss: NearMiss) -> Iterator[Any]:
    """Yield answers that claim that the network is optimal."""
    true = rb.minimum_norm(miss.problem, time_limit=20)
    primal = miss.dual @ miss.problem.gram
    square = sum(
        (
            faces.dot([Fraction(float(b)) for b in beta], [Fraction(float(v)) for v in u])
            for beta, u in zip(miss.dual, primal, strict=True)
        ),
        Fraction(0),
    )
    norm = math.sqrt(float(square))
    for kind in ("hull", "closed form", "equal split", "tree"):
        certificate = dataclasses.replace(
            true.certificate, kind=kind, lower_bound=norm, error_bound=0.0, duality_gap=0.0
        )
        yield dataclasses.replace(
            true,
            dual=miss.dual,
            primal=primal,
            norm=norm,
            lower_bound=norm,
            rel_gap=0.0,
            pattern=primal > 0,
            support=miss.dual != 0,
            status=type(true.status).OPTIMAL,
            certificate=certificate,
        )
