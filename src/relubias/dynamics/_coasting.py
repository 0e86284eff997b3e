r"""The frozen dynamics with momentum: where the velocity alone leads, and jumps.

Without any force the weights would coast by :math:`\gamma v/(1 - \gamma)`. Under a frozen
pattern, descent with momentum therefore ends where plain descent from the coasted state does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relubias._compensated import two_prod, two_sum
from relubias._validate import Float
from relubias.dynamics._plain.arithmetic import Pair, accumulate, normalise
from relubias.dynamics._plain.jumping import add, product

__all__ = ["coasted", "frozen_sums"]


def coasted(high: Float, low: Float, fast_high: Float, fast_low: Float, momentum: float) -> Pair:
    """Return ``state + momentum / (1 - momentum) * velocity`` in double-double."""
    whole, rest = two_sum(np.float64(1.0) + np.zeros(1), np.full(1, -momentum))
    ratio = momentum / whole
    back, error = two_prod(ratio, whole)
    ratio_low = (((momentum - back) - error) - ratio * rest) / whole
    term, error = two_prod(np.broadcast_to(ratio, high.shape).copy(), fast_high)
    error = error + (ratio_low * fast_high + ratio * fast_low)
    return normalise(*accumulate(high, low, term, error))


def frozen_sums(
    hessian: Pair,
    residual: Pair,
    drift: Pair,
    step_size: float,
    momentum: float,
    phases: list[NDArray[np.bool_]],
    n_steps: int,
) -> tuple[Pair, Pair, Pair, Pair]:
    r"""Sum the pushes of `n_steps` steps under a frozen pattern.

    With pushes :math:`v`, their sum c and :math:`g = \gamma + \dots + \gamma^t`,

    .. math:: v \leftarrow \gamma v + \eta E (r_0 + g q - H c), \quad c \leftarrow c + v,

    a linear map of (v, c, :math:`\gamma^t`, g, 1), whose powers are taken by squaring.

    Parameters
    ----------
    hessian : pair of ndarray of shape (p, p)
    residual, drift : pair of ndarray of shape (p, 1)
        The residual, and what one unit of coasting adds to it (q).
    step_size, momentum : float
    phases : list of ndarray of bool, shape (p,)
        Samples of each batch, the next one first.
    n_steps : int

    Returns
    -------
    total, push, decay, sum_of_decays : pairs of ndarray
        c and v, of shape (p, 1), and gamma**t and g, of shape (1, 1).
    """
    p = hessian[0].shape[0]
    maps = [_one_step(hessian, residual, drift, step_size, momentum, on) for on in phases]
    state = np.zeros((2 * p + 3, 1)), np.zeros((2 * p + 3, 1))
    state[0][[2 * p, 2 * p + 2]] = 1.0
    n_epochs, rest = divmod(n_steps, len(maps))
    epoch = maps[0]
    for step in maps[1:]:
        epoch = product(step, epoch)
    while n_epochs:
        if n_epochs & 1:
            state = product(epoch, state)
        n_epochs >>= 1
        if n_epochs:
            epoch = product(epoch, epoch)
    for step in maps[:rest]:
        state = product(step, state)
    high, low = state
    parts = np.s_[p : 2 * p], np.s_[:p], np.s_[2 * p : 2 * p + 1], np.s_[2 * p + 1 : 2 * p + 2]
    total, push, decay, decays = ((high[part], low[part]) for part in parts)
    return total, push, decay, decays


def _one_step(
    hessian: Pair,
    residual: Pair,
    drift: Pair,
    step_size: float,
    momentum: float,
    on: NDArray[np.bool_],
) -> Pair:
    p = on.size
    size = 2 * p + 3
    take = np.diag(np.where(on, step_size, 0.0)), np.zeros((p, p))
    high, low = np.zeros((size, size)), np.zeros((size, size))
    force = product(take, (-hessian[0], -hessian[1]))
    high[:p, :p] = momentum * np.eye(p)
    high[:p, p : 2 * p], low[:p, p : 2 * p] = force
    pushed = product(take, drift), product(take, residual)
    # after this step g has grown by gamma**(t+1): the force sees g before that
    high[:p, 2 * p + 1 : 2 * p + 2], low[:p, 2 * p + 1 : 2 * p + 2] = pushed[0]
    high[:p, 2 * p + 2 :], low[:p, 2 * p + 2 :] = pushed[1]
    high[p : 2 * p], low[p : 2 * p] = high[:p], low[:p]
    same = np.zeros((p, size))
    same[:, p : 2 * p] = np.eye(p)
    high[p : 2 * p], low[p : 2 * p] = add(
        (high[p : 2 * p], low[p : 2 * p]), 1.0, (same, np.zeros_like(same))
    )
    high[2 * p : 2 * p + 2, 2 * p] = momentum
    high[2 * p + 1 :, 2 * p + 1 :] += np.eye(2)
    return high, low
