r"""What happens on the kinks: the smallest velocity that the subgradients allow.

A neuron on the hyperplanes Z moves with :math:`\dot w = -(p + X_Z^\top x)`, where p is what the
other samples ask for and each force :math:`x_z` lies between what its hyperplane asks for on
either side. Of all these velocities the smallest is taken (Filippov's solution where the
hyperplane attracts from both sides):

.. math:: \min_{l \le x \le h} \tfrac12 x^\top M x + b^\top x, \qquad M = G_{ZZ}, \quad
          b = X_Z\, p.

Forces inside their bounds hold the neuron on the hyperplane; a force at a bound lets it leave to
that side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float

__all__ = ["INSIDE", "LOWER", "UPPER", "least_velocity"]

LOWER, INSIDE, UPPER = -1, 0, 1

_EPS = float(np.finfo(np.float64).eps)
_TIE = 1e-12  # of the sizes involved: a force this close to its bound is at its bound
_PATIENCE = 3


def least_velocity(
    M: Float, b: Float, low: Float, high: Float, guess: NDArray[np.int8]
) -> tuple[Float, NDArray[np.int8]]:
    """Solve the box program by block pivoting.

    Parameters
    ----------
    M : ndarray of shape (z, z)
        Positive semi-definite.
    b : ndarray of shape (z,)
    low, high : ndarray of shape (z,)
        Bounds of the forces, ``low < high``.
    guess : ndarray of shape (z,)
        Where each force is thought to be: `LOWER`, `INSIDE` or `UPPER`.

    Returns
    -------
    force : ndarray of shape (z,)
    where : ndarray of shape (z,)
        `LOWER`, `INSIDE` or `UPPER`; the samples inside are linearly independent.
    """
    where = guess.copy()
    fewest, patience = b.size + 1, _PATIENCE
    for _ in range(50 * (b.size + 2)):
        force = _forces(M, b, low, high, where)
        if force is None:
            break
        inside = where == INSIDE
        size = np.abs(b) + np.abs(M) @ np.abs(force)
        margin = _TIE * np.minimum(high - low, size / np.diagonal(M))
        push = M @ force + b
        wrong = np.where(
            inside,
            np.where(force <= low + margin, LOWER, np.where(force >= high - margin, UPPER, INSIDE)),
            np.where(where * push > _TIE * size, INSIDE, where),
        )
        infeasible = np.flatnonzero(wrong != where)
        if infeasible.size == 0:
            return force, where
        if infeasible.size < fewest:
            fewest, patience = infeasible.size, _PATIENCE
        else:
            patience -= 1
        changed = infeasible if patience > 0 else infeasible[-1:]
        where[changed] = wrong[changed]
    return _bounded_least_squares(M, b, low, high)


def _forces(M: Float, b: Float, low: Float, high: Float, where: NDArray[np.int8]) -> Float | None:
    """Return the forces with those at bounds fixed; None where samples inside are dependent."""
    force = np.where(where == UPPER, high, low)
    inside = np.flatnonzero(where == INSIDE)
    if inside.size:
        rest = np.flatnonzero(where != INSIDE)
        right = -(b[inside] + M[np.ix_(inside, rest)] @ force[rest])
        block = M[np.ix_(inside, inside)]
        try:
            factor = np.linalg.cholesky(block)
        except np.linalg.LinAlgError:
            return None
        if (np.diagonal(factor) ** 2 < 1e-11 * np.diagonal(block)).any():
            return None
        force[inside] = np.linalg.solve(block, right)
    return force


def _bounded_least_squares(
    M: Float, b: Float, low: Float, high: Float
) -> tuple[Float, NDArray[np.int8]]:
    """Solve the program where samples are dependent, and make those inside independent."""
    from scipy.optimize import lsq_linear

    mu, Q = np.linalg.eigh(M)
    used = mu > 1e-12 * mu[-1]
    root = np.sqrt(mu[used])
    A = root[:, None] * Q[:, used].T
    target = -(Q[:, used].T @ b) / root
    force = np.clip(lsq_linear(A, target, bounds=(low, high), method="bvls").x, low, high)
    margin = _TIE * (high - low)
    while True:
        inside = np.flatnonzero((force > low + margin) & (force < high - margin))
        shift = _dependence(M[np.ix_(inside, inside)])
        if shift is None:
            break
        with np.errstate(divide="ignore", invalid="ignore"):
            room = np.where(
                shift > 0.0,
                (high - force)[inside] / shift,
                np.where(shift < 0.0, (low - force)[inside] / shift, np.inf),
            )
        first = int(np.argmin(room))
        force[inside] += room[first] * shift
        force[inside[first]] = (high if shift[first] > 0.0 else low)[inside[first]]
    where = np.where(force <= low + margin, LOWER, np.where(force >= high - margin, UPPER, INSIDE))
    return np.where(where == LOWER, low, np.where(where == UPPER, high, force)), where.astype(
        np.int8
    )


def _dependence(M: Float) -> Float | None:
    """Return a combination of samples that vanishes, or None if they are independent."""
    if M.shape[0] == 0:
        return None
    mu, Q = np.linalg.eigh(M)
    return Q[:, 0] if mu[0] <= 1e-12 * mu[-1] else None
