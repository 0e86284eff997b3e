"""The claims of a minimum-norm answer, one by one."""

from __future__ import annotations

import math
import time
from typing import NamedTuple

import numpy as np

from relubias.minnorm._checks.certificates import bound_of_pair, bound_of_parts, theta_by_sign
from relubias.minnorm._checks.exact import EPS, Data, unit_data
from relubias.minnorm._checks.infeasible import check_farkas
from relubias.minnorm._checks.leaves import check_tree
from relubias.minnorm._checks.lower import single_samples
from relubias.minnorm._checks.network import NetworkCheck, check_network
from relubias.minnorm._checks.pair_leaves import PairLeaves
from relubias.minnorm._checks.relaxation import relaxed_bound
from relubias.minnorm.search_tree import SearchTree
from relubias.minnorm.solution import MinimumNorm, MinimumNormStatus
from relubias.minnorm.verification import Check, Verification
from relubias.problem import Problem

__all__ = ["examine"]

_MOST_MISFIT = 1e-6
"""Share of the largest label up to which a misfit that rounding explains counts as a fit."""

_MOST_PARTS = 600
"""Neurons times samples up to which the relaxation of wide networks is solved."""


class _Options(NamedTuple):
    leaves: bool
    rtol: float
    deadline: float


def examine(
    problem: Problem, solution: MinimumNorm, leaves: bool, rtol: float, seconds: float
) -> Verification:
    """Verify an answer on the Gram matrix and, if that is not enough, on the features."""
    options = _Options(leaves, rtol, time.monotonic() + seconds)
    found = _examined(unit_data(problem), solution, options)
    if found.holds is not True and problem.features is not None:
        other = _examined(unit_data(problem, on_features=True), solution, options)
        if other.holds is True or (other.holds is None and found.holds is False):
            return other
    return found


def _examined(data: Data, solution: MinimumNorm, options: _Options) -> Verification:
    if solution.status is MinimumNormStatus.UNDECIDED:
        sentence = "no network was found and none was excluded: there is nothing to verify"
        return _without(data, solution, [Check("nothing", None, 0.0, 0.0, sentence)], 0.0, 0)
    if solution.status is MinimumNormStatus.INFEASIBLE:
        return _infeasible(data, solution, options)
    return _network(data, solution, options)


def _without(
    data: Data, solution: MinimumNorm, checks: list[Check], bound: float, n_leaves: int
) -> Verification:
    return Verification(
        kind=solution.certificate.kind,
        checks=tuple(checks),
        norm=math.nan,
        norm_error=math.nan,
        misfit=math.nan,
        distance_to_fit=math.nan,
        lower_bound=bound,
        rel_gap=math.nan,
        exact_data=_exact(data),
        n_leaves=n_leaves,
    )


def _exact(data: Data) -> str:
    return "gram" if data.features is None else "features"


def _infeasible(data: Data, solution: MinimumNorm, options: _Options) -> Verification:
    farkas, tree = solution.certificate.farkas, solution.certificate.tree
    if farkas is None and tree is not None:
        return _searched(data, solution, tree, options)
    if farkas is None:
        sentence = "infeasibility is claimed without a proof"
        return _without(data, solution, [Check("infeasible", None, 0.0, 0.0, sentence)], 0.0, 0)
    found = check_farkas(data, farkas)
    if found.vanishes:
        sentence = (
            "a combination of the samples in conflict vanishes to rounding and contradicts the "
            f"labels: a network that fits would need a norm of {data.norm(found.norm_bound):.3g}"
        )
    else:
        sentence = "the combination of samples given as a proof does not contradict the labels"
    support = np.flatnonzero(farkas.any(axis=0))
    named = support.size == solution.conflict.size and bool((support == solution.conflict).all())
    margin = 1.0 - found.share if math.isfinite(found.share) else -math.inf
    checks = [
        Check("infeasible", found.vanishes, margin, 0.0, sentence),
        Check(
            "conflict",
            named,
            1.0 if named else -1.0,
            0.0,
            "the samples named are those of the proof"
            if named
            else "the samples named are not those of the proof",
        ),
    ]
    bound = data.norm(min(found.norm_bound, 1e300)) if found.vanishes else 0.0
    return _without(data, solution, checks, bound, 0)


def _searched(
    data: Data, solution: MinimumNorm, tree: SearchTree, options: _Options
) -> Verification:
    if not options.leaves:
        sentence = "that nothing fits rests on a search; verify it leaf by leaf with leaves=True"
        return _without(data, solution, [Check("infeasible", None, 0.0, 0.0, sentence)], 0.0, 0)
    found = check_tree(data, tree, math.inf, math.inf, options.deadline)
    check = Check("infeasible", found.holds, found.margin, 0.0, found.sentence)
    return _without(data, solution, [check], data.norm(found.bound), found.n_verified)


def _network(data: Data, solution: MinimumNorm, options: _Options) -> Verification:
    network = check_network(data, data.duals(solution.dual))
    checks = [_fits(network, options.rtol), _norm(data, solution, network, options.rtol)]
    unit = network.norm
    reach = (unit + network.norm_error) * (1 + 1e-6)
    upper = unit + network.norm_error
    upper += network.to_exact if math.isfinite(network.to_exact) else 0.0
    bound = min(_own_bound(data, network, reach), upper)
    claimed = data.unit_norm(solution.lower_bound)
    n_leaves, trust = 0, "no certificate reproduces it"
    tree = solution.certificate.tree
    if tree is None and bound < claimed * (1 - options.rtol):
        bound = max(bound, _relaxed_bound(data, network, claimed * (1 - options.rtol), reach))
    if bound < claimed * (1 - options.rtol) and tree is not None:
        if options.leaves:
            found = check_tree(data, tree, claimed * (1 - options.rtol), reach, options.deadline)
            bound, n_leaves, trust = max(bound, found.bound), found.n_verified, found.sentence
        else:
            trust = "it rests on a search; verify it leaf by leaf with leaves=True"
    checks.append(_lower(data, claimed, bound, upper, trust, options.rtol))
    gap = 1.0 - bound / upper if upper > 0 else 0.0
    if solution.status is MinimumNormStatus.OPTIMAL:
        checks.append(_optimal(gap, options.rtol, trust))
    return Verification(
        kind=solution.certificate.kind,
        checks=tuple(checks),
        norm=data.norm(unit),
        norm_error=data.norm(network.norm_error),
        misfit=network.misfit,
        distance_to_fit=data.norm(network.to_exact),
        lower_bound=data.norm(bound),
        rel_gap=gap,
        exact_data=_exact(data),
        n_leaves=n_leaves,
    )


def _fits(network: NetworkCheck, rtol: float) -> Check:
    exact = network.to_exact
    if network.is_rounding and network.misfit <= max(rtol, _MOST_MISFIT):
        sentence = f"the network outputs the labels to {network.misfit:.1e} of the largest"
        if math.isfinite(exact):
            relative = exact / network.norm if network.norm > 0 else 0.0
            sentence += f", and one within {relative:.1e} of it (relative) outputs them exactly"
        return Check("fits", True, max(rtol - network.misfit, 0.0), EPS, sentence)
    sentence = f"the network misses a label by {network.misfit:.1e} of the largest one"
    if network.is_rounding:
        sentence += ", which the rounding of such large duals explains"
        return Check("fits", None, rtol - network.misfit, math.inf, sentence)
    if network.misfit <= rtol:
        sentence += ", more than rounding explains"
    return Check("fits", False if network.misfit > rtol else None, -network.misfit, EPS, sentence)


def _norm(data: Data, solution: MinimumNorm, network: NetworkCheck, rtol: float) -> Check:
    claimed, error = data.unit_norm(solution.norm), network.norm_error
    size = network.norm if network.norm > 0 else 1.0
    difference = abs(claimed - network.norm) / size
    margin = rtol - difference - error / size
    sentence = f"the norm is {data.norm(network.norm):.15g}"
    if margin >= 0:
        return Check("norm", True, margin, error / size, sentence)
    wrong = difference - error / size > rtol
    sentence += f", known to {error / size:.1e} (relative); claimed is {solution.norm:.15g}"
    return Check("norm", False if wrong else None, margin, error / size, sentence)


def _own_bound(data: Data, network: NetworkCheck, reach: float) -> float:
    bounds = [single_samples(data), bound_of_parts(data, network, reach)]
    if data.signs.size == 1 and _has_dual_signs(data, network):
        # Without its inactive samples the program is solved by weights within `to_exact`.
        bounds.append(network.norm - network.norm_error - network.to_exact)
    signs = np.sort(data.signs)
    if signs.size == 2 and signs[0] != signs[1]:
        bounds.append(bound_of_pair(data, network, reach))
    return max(bounds)


def _has_dual_signs(data: Data, network: NetworkCheck) -> bool:
    """Whether one neuron's dual is feasible, and zero where its prediction is below 0."""
    off = data.signs[0] * data.target <= 0
    dual, u = network.groups.dual[0], network.primal.high[0]
    below = off & (np.abs(u) > network.noise[0])
    return bool((dual[off] <= 0).all() and not dual[below].any())


def _relaxed_bound(data: Data, network: NetworkCheck, needed: float, reach: float) -> float:
    """Return the bound of the convex relaxation of all networks, solved anew."""
    n, signs = data.target.size, np.sort(data.signs)
    if signs.size == 2 and signs[0] != signs[1]:
        return PairLeaves(data, np.zeros(n)).relaxed(reach)
    best = 0.0
    if n * signs.size <= _MOST_PARTS:
        for theta in (theta_by_sign(data, network), np.ones((2, n)), np.zeros((2, n))):
            best = max(best, relaxed_bound(data, theta, reach))
            if best >= needed:
                break
    return best


def _lower(
    data: Data, claimed: float, bound: float, upper: float, trust: str, rtol: float
) -> Check:
    size = upper if upper > 0 else 1.0
    margin = (bound - claimed * (1 - rtol)) / size
    if margin >= 0:
        return Check(
            "lower bound",
            True,
            margin,
            0.0,
            f"every network that fits has a norm of at least {data.norm(bound):.15g}",
        )
    if claimed > upper * (1 + rtol):
        sentence = "the lower bound claimed exceeds the norm of a network that fits"
        return Check("lower bound", False, margin, 0.0, sentence)
    sentence = (
        f"the lower bound {data.norm(claimed):.15g} ({data.norm(bound):.15g} was proved here): "
        f"{trust}"
    )
    return Check("lower bound", None, margin, 0.0, sentence)


def _optimal(gap: float, rtol: float, trust: str) -> Check:
    if gap <= rtol:
        sentence = f"no network that fits is smaller by more than {max(gap, 0.0):.1e} (relative)"
        return Check("optimal", True, rtol - gap, 0.0, sentence)
    sentence = f"that no smaller network fits: {trust}"
    return Check("optimal", None, rtol - gap, 0.0, sentence)
