"""Proof that a gradient flow never changes its modes again, recomputed from the inputs alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._style import counted
from relubias._threads import one_blas_thread
from relubias._validate import Float, as_dual, as_float_array, fail
from relubias.dynamics._flow.hyperplanes import Hyperplanes, merge_parallel
from relubias.problem import Problem, require_problem

__all__ = ["FlowCertificate", "certify_flow", "certify_state"]

_EPS = float(np.finfo(np.float64).eps)
_NULL = 32.0  # times order * eps * largest eigenvalue
_ROUNDING = 1e-10  # of labels and primal values: state, modes and residual belong together
_DEPENDENT = 1e-11  # of a squared length


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FlowCertificate:
    """How far every primal value and every holding force stays from what would end the motion.

    Attributes
    ----------
    margin : float
        Smallest distance, relative to the size of what moves: dimensionless; infinite if nothing
        moves.
    rounding_error : float
        Bound on the rounding of `margin`.
    neuron, sample : int
        Where the margin is smallest; -1 if nothing moves.
    on_force : bool
        Whether that is a force holding a sliding pair, rather than a primal value.
    n_sliding : int
        Pairs that slide for ever.
    """

    margin: float
    rounding_error: float
    neuron: int
    sample: int
    on_force: bool
    n_sliding: int

    @property
    def holds(self) -> bool | None:
        """True if proved, None if rounding does not let it decide."""
        return True if self.margin > self.rounding_error else None

    def __str__(self) -> str:
        if np.isinf(self.margin):
            return "certificate: nothing moves any more"
        what = "the force on" if self.on_force else "the value of"
        return (
            f"certificate: smallest relative margin {self.margin:.3g} "
            f"(rounding {self.rounding_error:.1g}), {what} neuron {self.neuron}, "
            f"sample {self.sample}; {counted(self.n_sliding, 'pair slides', 'pairs slide')}"
        )


def certify_flow(
    problem: Problem, primal: Any, modes: Any, *, residual: Any = None
) -> FlowCertificate:
    r"""Check that gradient flow from a state never changes its modes.

    With the modes frozen, residual, primal values and holding forces are sums of decaying
    exponentials. Their smallest value over the box of all combinations of the exponentials is a
    sum; where every primal value keeps its sign and every force stays between its bounds, the
    flow is the frozen one for ever. Functions that tend to zero are divided by their slowest
    exponential first.

    Parameters
    ----------
    problem : Problem
    primal : array_like of shape (n_neurons, n_samples)
        State from which the modes are claimed to be final: ``w_k @ x_i``.
    modes : array_like of shape (n_neurons, n_samples)
        +1 active, 0 sliding, -1 inactive.
    residual : array_like of shape (n_samples,), optional
        ``f(X) - y`` where it is too small to be seen in `primal`: what is certified is then the
        state that has it, within rounding of `primal`. Computed from `primal` if omitted.

    Returns
    -------
    FlowCertificate
        `holds` is True or None; modes that do change get None.

    Raises
    ------
    InvalidInputError
        If an argument is unusable.

    Notes
    -----
    Shares with the solver only the merging of parallel samples; projections are by
    pseudo-inverse. Where a primal value has not the sign of its mode, the margin is negative.

    Examples
    --------
    >>> problem = Problem([[4.0, 0.0], [0.0, 4.0]], [1.0, -1.0])
    >>> certify_flow(problem, [[0.1, 0.0]], [[1, -1]]).holds
    True
    """
    require_problem(problem)
    u = as_dual("primal", primal, problem.n_neurons, problem.n_samples)
    mode = _as_modes(modes, u.shape)
    stated = None
    if residual is not None:
        shape = f"({problem.n_samples},)"
        stated = as_float_array("residual", residual, ndim=1, shape=shape)
        if stated.size != problem.n_samples:
            raise fail("residual", f"has {stated.size} entries", "expected one per sample")
    with one_blas_thread(problem.n_samples):
        return certify_state(problem.gram, problem.labels, problem.signs, u, mode, stated)


def _as_modes(modes: Any, shape: tuple[int, ...]) -> NDArray[np.int8]:
    array = as_float_array("modes", modes, ndim=2, shape=str(shape))
    if array.shape != shape or not np.isin(array, (-1, 0, 1)).all():
        raise fail("modes", "are not modes of every pair", f"pass -1, 0 or 1 of shape {shape}")
    return array.astype(np.int8)


class _Row(NamedTuple):
    """Functions ``end + sum_j amplitudes_j exp(-rates_j t)`` that have to stay positive."""

    end: Float
    amplitudes: Float
    neuron: int
    samples: NDArray[np.intp]
    on_force: bool


def certify_state(
    gram: Float,
    labels: Float,
    signs: Float,
    primal: Float,
    modes: NDArray[np.int8],
    stated: Float | None,
    *,
    is_germ: bool = False,
) -> FlowCertificate:
    """Do what `certify_flow` does, for arguments that were checked before.

    A germ is a state near its limit, magnified: values far from their hyperplanes stand there for
    their signs, and do not add up to the residual.
    """
    planes = merge_parallel(gram, labels)
    first = planes.first
    u = primal[:, first] * planes.factor
    mode = modes[:, first]
    n_sliding = int((modes == 0).sum())
    on = mode > 0
    support = np.flatnonzero(on.any(axis=0))
    residual = signs @ np.where(on, u, 0.0) - planes.labels
    scale = float(np.abs(planes.labels).max(initial=0.0) + np.abs(u).max(initial=0.0))
    is_consistent = not (np.abs(u[mode == 0]) > _ROUNDING * scale).any()
    if stated is not None:
        merged = planes.weight.T @ stated
        difference = np.abs(residual - merged)[support]
        is_consistent &= is_germ or not (difference > _ROUNDING * scale).any()
        residual = merged
    projections = [_projection(planes, row) for row in mode]
    H = sum(
        (np.outer(a, a) * P[0] for a, P in zip(on.astype(np.float64), projections, strict=True)),
        np.zeros_like(planes.gram),
    )[np.ix_(support, support)]
    mu, Q, constant = _modes(H, residual[support])
    if mu.size == 0:
        return FlowCertificate(
            margin=np.inf, rounding_error=0.0, neuron=-1, sample=-1, on_force=False,
            n_sliding=n_sliding,
        )  # fmt: skip
    weights = Q.T @ residual[support]
    moving = np.zeros((first.size, mu.size))  # residual of every sample, by mode
    moving[support] = Q * weights
    still = residual.copy()
    still[support] = constant
    rows: list[_Row] = []
    for k in range(signs.size):
        rows += _rows(planes, signs[k], on, mode, u, projections[k], moving, still, mu, k)
    rounding = 8 * support.size * _EPS * float(mu.max() / mu.min())
    smallest = _smallest(rows, mu)
    return FlowCertificate(
        margin=smallest[0] if is_consistent else -np.inf,
        rounding_error=max(1e-13, rounding),
        neuron=smallest[1],
        sample=int(first[smallest[2]]),
        on_force=smallest[3],
        n_sliding=n_sliding,
    )


def _projection(
    planes: Hyperplanes, mode: NDArray[np.int8]
) -> tuple[Float, Float, NDArray[np.intp]]:
    """Return the projected Gram matrix, the map to holding forces, and the held samples."""
    gram = planes.gram
    S = np.flatnonzero((mode == 0) & planes.leads)
    hold = np.linalg.pinv(gram[np.ix_(S, S)], rcond=_DEPENDENT, hermitian=True) @ gram[S]
    projected = gram - gram[:, S] @ hold
    return (projected + projected.T) / 2, hold, S


def _modes(H: Float, residual: Float) -> tuple[Float, Float, Float]:
    """Diagonalise by connected blocks; return moving eigenpairs and the part that never moves."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    n = residual.size
    constant = residual.copy()
    if n == 0:
        return np.zeros(0), np.zeros((0, 0)), constant
    n_blocks, label = connected_components(csr_array(H != 0.0), directed=False)
    largest = float(np.abs(H).max())
    rates: list[Float] = []
    columns: list[Float] = []
    for block in range(n_blocks):
        index = np.flatnonzero(label == block)
        mu, Q = np.linalg.eigh(H[np.ix_(index, index)])
        moves = mu > _NULL * index.size * _EPS * largest
        wide = np.zeros((n, int(moves.sum())))
        wide[index] = Q[:, moves]
        constant -= wide @ (wide.T @ residual)
        used = np.abs(wide.T @ residual) > 0.0
        if moves.all():
            constant[index] = 0.0
        rates.append(mu[moves][used])
        columns.append(wide[:, used])
    return np.concatenate(rates), np.hstack(columns), constant


def _rows(
    planes: Hyperplanes,
    sign: float,
    on: NDArray[np.bool_],
    mode: NDArray[np.int8],
    u: Float,
    projection: tuple[Float, Float, NDArray[np.intp]],
    moving: Float,
    still: Float,
    mu: Float,
    k: int,
) -> list[_Row]:
    projected, hold, S = projection
    own = np.where(on[k][:, None], moving, 0.0)
    travel = -sign * (projected @ own) / mu
    side = mode[k].astype(np.float64)
    free = np.diagonal(projected) > _DEPENDENT * np.diagonal(planes.gram)
    moved = (side != 0) & free & (np.abs(travel).max(axis=1) > 0.0)
    alone = on[k] & (on.sum(axis=0) == 1) & (planes.labels == 0.0)
    plain, alone = np.flatnonzero(moved & ~alone), np.flatnonzero(moved & alone)
    end = side * (u[k] + travel.sum(axis=1))
    rows = [
        _Row(end[plain], -side[plain, None] * travel[plain], k, plain, False),
        _Row(sign * still[alone], sign * moving[alone], k, alone, False),
    ]
    if S.size:
        force = -sign * (hold @ own)
        held = -sign * (hold @ np.where(on[k], still, 0.0))
        opposite = np.where(planes.partner[S] >= 0, planes.partner[S], S)
        ratio = -sign * planes.ratio[S]
        rows += [
            _Row(held - ratio * still[opposite], force - ratio[:, None] * moving[opposite], k, S,
                 True),
            _Row(sign * still[S] - held, sign * moving[S] - force, k, S, True),
        ]  # fmt: skip
    return rows


def _smallest(rows: list[_Row], mu: Float) -> tuple[float, int, int, bool]:
    """Return the smallest relative lower bound over all rows, and where it is."""
    best = (np.inf, -1, -1, False)
    for row in rows:
        for end, amplitudes, sample in zip(row.end, row.amplitudes, row.samples, strict=True):
            size = abs(float(end)) + float(np.abs(amplitudes).sum())
            if size == 0.0:
                continue
            low = float(end) + float(np.minimum(amplitudes, 0.0).sum())
            if abs(float(end)) <= 1e-12 * size:
                used = np.flatnonzero(amplitudes)
                slowest = used[np.argmin(mu[used])]
                others = np.delete(amplitudes, slowest)
                low = float(amplitudes[slowest] + np.minimum(others, 0.0).sum())
            if low / size < best[0]:
                best = (low / size, row.neuron, int(sample), row.on_force)
    return best
