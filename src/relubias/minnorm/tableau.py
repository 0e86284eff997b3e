r"""The solved root of a search, frozen, from which every node starts.

Let W hold the rows that are active at the root, N the others, and collect
:math:`p = (s_W, \lambda_N)`, :math:`q = (\lambda_W, s_N)`. Then :math:`q = q_0 + A p` for good, and
a node is told by the rows F that it has flipped: :math:`q_F = 0`, so that

.. math:: p_F = -A_{FF}^{-1} q_{0F}, \qquad q = q_0 + A_{:F}\, p_F .

A row is an inequality (multiplier and slack non-negative), an equality (slack zero, multiplier
of any sign), or absent (multiplier zero, slack of any sign).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm.pool import SOLE
from relubias.minnorm.slack_form import SlackForm, minimise, solve_factored

__all__ = [
    "ABSENT",
    "EQUALITY",
    "INEQUALITY",
    "Rows",
    "Tableau",
    "build_tableau",
    "n_misfits",
    "pool_rows",
]

INEQUALITY, EQUALITY, ABSENT = 0, 1, 2


class Rows(NamedTuple):
    """Where the rows of every sample are.

    All a, all b, and for zero labels ``-u_plus``, ``-u_minus``, ``u_plus - u_minus``, ``u_plus``.
    """

    nonzero: NDArray[np.intp]
    zero: NDArray[np.intp]
    of_sample: NDArray[np.intp]
    """Shape (n_samples, 4): the rows of a zero label, or a and b, then -1."""
    n_rows: int

    def decide(self, kind: NDArray[np.int8], sample: int, choice: int) -> None:
        """Impose a decision on the kinds of rows."""
        first, second, third, fourth = self.of_sample[sample].tolist()
        if third < 0:
            kind[first if choice == SOLE else second] = EQUALITY
        elif choice == SOLE:
            kind[first] = kind[second] = INEQUALITY
        else:
            kind[third], kind[fourth] = EQUALITY, INEQUALITY

    def undecided(self) -> NDArray[np.int8]:
        """Return the kinds of rows at the root."""
        kind = np.full(self.n_rows, ABSENT, dtype=np.int8)
        kind[: 2 * self.nonzero.size] = INEQUALITY
        return kind


def pool_rows(labels: Float) -> Rows:
    """Tell where the rows of a problem are."""
    nonzero, zero = np.flatnonzero(labels != 0), np.flatnonzero(labels == 0)
    k, z = nonzero.size, zero.size
    of_sample = np.full((labels.size, 4), -1, dtype=np.intp)
    of_sample[nonzero, 0] = np.arange(k)
    of_sample[nonzero, 1] = np.arange(k, 2 * k)
    of_sample[zero] = 2 * k + np.arange(4 * z).reshape(4, z).T
    return Rows(nonzero, zero, of_sample, 2 * k + 4 * z)


class Tableau(NamedTuple):
    """``q = start + p @ columns``, and what the objective makes of slacks."""

    columns: Float
    """Shape (n_rows, n_rows): row j is what p_j adds to q."""
    start: Float
    in_root: NDArray[np.bool_]
    side: Float
    """S of ``A.T == S A S``: +1 on rows active at the root, -1 elsewhere."""
    curvature: Float
    """How fast the slack of a row rises with its multiplier, at the root."""
    cost: Float
    constant: float
    rows: Rows

    def value(self, slack: Float) -> float:
        """Return half the objective where slacks and multipliers are complementary."""
        return float(self.cost @ slack) / 2 + self.constant


def build_tableau(
    form: SlackForm, rows: Rows, start: NDArray[np.bool_] | None = None
) -> Tableau | None:
    """Solve the root and freeze it; None if the numbers do not allow it."""
    root = minimise(form, start)
    if root is None:
        return None
    slack, positive, factor = root
    W, N = np.flatnonzero(~positive), np.flatnonzero(positive)
    M, size = form.matrix, form.linear.size
    across = solve_factored(factor, _block(M, N, W))  # M_NN^-1 M_NW
    inverse = solve_factored(factor, np.eye(N.size))
    columns = np.empty((size, size))
    columns[np.ix_(N, N)] = (inverse + inverse.T) / 2
    columns[np.ix_(W, N)] = -across.T
    columns[np.ix_(N, W)] = across
    schur = _block(M, W, N) @ across
    np.subtract(_block(M, W, W), schur, out=schur)
    columns[np.ix_(W, W)] = (schur + schur.T) / 2
    q = slack.copy()
    q[W] = (M[W] @ slack) + form.linear[W]
    return _with_zero_labels(columns, q, ~positive, form, rows)


def _with_zero_labels(
    columns: Float, q: Float, in_root: NDArray[np.bool_], form: SlackForm, rows: Rows
) -> Tableau:
    """Replace both predictions of every zero label by the four rows that its decisions need."""
    base, z = 2 * rows.nonzero.size, rows.zero.size
    cost = np.zeros(rows.n_rows)
    cost[:base] = form.linear[:base]
    if z:
        plus, minus = base + np.arange(z), base + z + np.arange(z)
        source = np.concatenate((np.arange(base), plus, minus, plus, plus))
        sign = np.ones(rows.n_rows)
        sign[base : base + 2 * z] = -1.0
        tied = slice(base + 2 * z, base + 3 * z)
        wide = sign[:, None] * columns[source]
        wide[tied] -= columns[minus]
        other = wide[:, minus]
        columns = wide[:, source] * sign
        columns[:, tied] -= other
        low = q[minus]
        q = sign * q[source]
        q[tied] -= low
        in_root = in_root[source]
        cost[base + z : base + 2 * z] = -form.linear[minus]
        cost[base + 3 * z :] = form.linear[plus]
    diagonal = np.diagonal(columns).copy()
    curvature = np.maximum(np.where(in_root, 1.0 / np.maximum(diagonal, 1e-300), diagonal), 1e-300)
    return Tableau(
        np.ascontiguousarray(columns),
        q,
        in_root,
        np.where(in_root, 1.0, -1.0),
        curvature,
        cost,
        form.constant,
        rows,
    )


def n_misfits(table: Tableau) -> int:
    """Return how many samples the root leaves unfitted."""
    k = table.rows.nonzero.size
    slack = np.where(table.in_root, 0.0, table.start)
    u = np.maximum(-slack[2 * k : 2 * k + 2 * table.rows.zero.size].reshape(2, -1), 0.0)
    return int((np.minimum(slack[:k], slack[k : 2 * k]) > 0).sum() + u.any(axis=0).sum())


def _block(matrix: Float, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Float:
    return np.take(np.take(matrix, rows, axis=0), columns, axis=1)
