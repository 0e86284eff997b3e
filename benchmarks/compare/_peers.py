"""Other packages on the program of one neuron: functions of (gram, y) that return its dual.

The dual program is min 0.5 b'Gb - max(y, 0)'b with b <= 0 where y <= 0.
"""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np


class Reduced:
    """The program over the samples without a positive label: min 0.5 x'Mx - c'x, x >= 0."""

    def __init__(self, gram, y):
        from scipy.linalg import cholesky, solve_triangular

        self.gram, self.y = gram, y
        self.positive, self.rest = np.flatnonzero(y > 0), np.flatnonzero(y <= 0)
        self.factor = cholesky(gram[np.ix_(self.positive, self.positive)], lower=True)
        self.cross = solve_triangular(
            self.factor, gram[np.ix_(self.positive, self.rest)], lower=True
        )
        self.right = solve_triangular(self.factor, y[self.positive], lower=True)
        self.M = gram[np.ix_(self.rest, self.rest)] - self.cross.T @ self.cross
        self.c = self.cross.T @ self.right

    def dual(self, x):
        """Return the dual of the whole problem."""
        from scipy.linalg import solve_triangular

        beta = np.zeros(self.y.size)
        beta[self.rest] = -x
        right = self.right + self.cross @ x
        beta[self.positive] = solve_triangular(self.factor, right, lower=True, trans=1)
        return beta


def by_nnls(gram, y):
    from scipy.linalg import cholesky, solve_triangular
    from scipy.optimize import nnls

    reduced = Reduced(gram, y)
    upper = cholesky(reduced.M)
    return reduced.dual(nnls(upper, solve_triangular(upper, reduced.c, trans=1))[0])


def by_quadprog(gram, y):
    import quadprog

    reduced = Reduced(gram, y)
    n = reduced.rest.size
    return reduced.dual(quadprog.solve_qp(reduced.M, reduced.c, np.eye(n), np.zeros(n))[0])


def by_quadprog_whole(gram, y):
    import quadprog

    rest = np.flatnonzero(y <= 0)
    bounds = np.zeros((y.size, rest.size))
    bounds[rest, np.arange(rest.size)] = -1.0
    return quadprog.solve_qp(gram, np.maximum(y, 0.0), bounds, np.zeros(rest.size))[0]


def by_daqp(gram, y):
    import daqp

    upper, lower = _bounds(y, 1e30)
    nothing = np.zeros((0, y.size))
    return daqp.solve(gram, -np.maximum(y, 0.0), nothing, upper, lower, np.zeros(y.size, np.intc))[
        0
    ]


def by_piqp(gram, y):
    import piqp

    solver = piqp.DenseSolver()
    solver.settings.eps_abs = 1e-10
    solver.settings.eps_rel = 0.0
    upper, lower = _bounds(y, 1e30)
    solver.setup(np.asfortranarray(gram), -np.maximum(y, 0.0), x_l=lower, x_u=upper)
    solver.solve()
    return np.array(solver.result.x)


def by_proxqp(gram, y):
    import proxsuite

    solver = proxsuite.proxqp.dense.QP(y.size, 0, 0, True)
    solver.settings.eps_abs = 1e-10
    solver.settings.eps_rel = 0.0
    upper, lower = _bounds(y, 1e20)
    solver.init(gram, -np.maximum(y, 0.0), None, None, None, None, None, lower, upper)
    solver.solve()
    return solver.results.x


def by_clarabel(gram, y):
    import clarabel
    from scipy import sparse

    rest = np.flatnonzero(y <= 0)
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-10
    settings.max_threads = 1
    upper = sparse.csc_matrix(np.triu(gram))
    bounds = sparse.eye(y.size, format="csr")[rest].tocsc()
    solver = clarabel.DefaultSolver(
        upper, -np.maximum(y, 0.0), bounds, np.zeros(rest.size),
        [clarabel.NonnegativeConeT(rest.size)], settings,
    )  # fmt: skip
    return np.array(solver.solve().x)


def by_osqp(gram, y, **settings):
    import osqp
    from scipy import sparse

    upper, lower = _bounds(y, np.inf)
    solver = osqp.OSQP()
    solver.setup(
        sparse.csc_matrix(np.triu(gram)), -np.maximum(y, 0.0), sparse.eye(y.size, format="csc"),
        lower, upper, verbose=False, **settings,
    )  # fmt: skip
    return solver.solve().x


def by_osqp_tight(gram, y):
    return by_osqp(gram, y, eps_abs=1e-9, eps_rel=1e-9, max_iter=200_000)


def by_highs(gram, y):
    import highspy

    n = y.size
    upper, lower = _bounds(y, highspy.kHighsInf)
    model = highspy.HighsModel()
    lp = model.lp_
    lp.num_col_, lp.num_row_ = n, 0
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = -np.maximum(y, 0.0), lower, upper
    lp.row_lower_ = lp.row_upper_ = np.zeros(0)
    lp.a_matrix_.start_ = np.zeros(n + 1, dtype=np.int32)
    lp.a_matrix_.index_, lp.a_matrix_.value_ = np.zeros(0, np.int32), np.zeros(0)
    columns, rows = np.triu_indices(n)  # lower triangle by column
    hessian = model.hessian_
    hessian.dim_, hessian.format_ = n, highspy.HessianFormat.kTriangular
    hessian.start_ = np.concatenate([[0], np.cumsum(np.arange(n, 0, -1))]).astype(np.int32)
    hessian.index_, hessian.value_ = rows.astype(np.int32), gram[rows, columns]
    solver = highspy.Highs()
    solver.silent()
    solver.setOptionValue("threads", 1)
    solver.passModel(model)
    solver.run()
    return np.array(solver.getSolution().col_value)


def by_cvxpy(X, y):
    """Return the weights, not the dual: the program as people write it."""
    import cvxpy

    w = cvxpy.Variable(X.shape[1])
    program = cvxpy.Problem(
        cvxpy.Minimize(cvxpy.sum_squares(w)), [X[y > 0] @ w == y[y > 0], X[y <= 0] @ w <= 0]
    )
    program.solve(solver="CLARABEL")
    return w.value


def _bounds(y, infinity):
    return np.where(y > 0, infinity, 0.0), np.full(y.size, -infinity)


PEERS = {
    "scipy nnls, reduced": ("scipy", by_nnls),
    "quadprog, reduced": ("quadprog", by_quadprog),
    "quadprog, whole dual": ("quadprog", by_quadprog_whole),
    "DAQP": ("daqp", by_daqp),
    "PIQP 1e-10": ("piqp", by_piqp),
    "ProxQP 1e-10": ("proxsuite", by_proxqp),
    "Clarabel 1e-10": ("clarabel", by_clarabel),
    "OSQP": ("osqp", by_osqp),
    "OSQP 1e-9": ("osqp", by_osqp_tight),
    "HiGHS": ("highspy", by_highs),
}
"""By name: the module that it needs, and the function of (gram, y)."""


def installed():
    """Return the peers that can be imported, and the names of those that cannot."""
    there = {name: solve for name, (module, solve) in PEERS.items() if find_spec(module)}
    return there, [name for name in PEERS if name not in there]
