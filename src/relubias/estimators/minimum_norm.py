"""The regressor of smallest norm."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float, as_real, fail
from relubias.estimators._base import ReLURegressor
from relubias.estimators._sklearn import managing_callbacks
from relubias.minnorm import (
    MinimumNorm,
    MinimumNormCertificate,
    MinimumNormStatus,
    minimum_norm,
)
from relubias.problem import Problem

__all__ = ["MinimumNormReLURegressor"]

_SMALLEST_ALPHA = 1e-2
"""Of the mean squared length of a sample, where the labels cannot be fitted without."""

_USABLE = 1e-3
"""Misfit in double precision, relative to the largest label, from which a network is useless."""

_FITS = (MinimumNormStatus.OPTIMAL, MinimumNormStatus.FEASIBLE)

_TOO_LARGE = (
    "samples nearly repeat with different labels, and the network that fits them has weights too "
    "large to be evaluated in double precision; drop or correct such samples, or set `alpha`"
)


class MinimumNormReLURegressor(ReLURegressor):
    r"""Shallow ReLU network of smallest norm that fits the labels, proved where possible.

    The network is :math:`f(x) = \sum_k s_k\,\mathrm{relu}(w_k^\top x + b_k)` with fixed output
    signs. Among those that fit it is the one of least :math:`\sum_k \|w_k\|^2 + b_k^2`; with
    `alpha`, predictions may miss the labels, as in kernel ridge regression.

    Parameters
    ----------
    neurons : int or array_like of shape (n_neurons,), default=2
        Number of neurons, whose signs alternate from +1, or their output signs, +1 or -1. With one
        sign only, labels of the other sign are fitted as 0.
    alpha : float, default=0.0
        Regularisation, in squared units of the features. Each neuron may miss each sample by a
        slack :math:`\xi_{ki}` before the ReLU, at the price :math:`\xi_{ki}^2 / \alpha`: the Gram
        matrix gets `alpha` on its diagonal, as in `sklearn.kernel_ridge.KernelRidge`. With 0 the
        labels are fitted exactly.
    fit_intercept : bool, default=True
        Whether neurons have intercepts. They count in the norm like the weight of a feature that
        is always 1, so centre and scale the features.
    time_limit : float or None, default=2.0
        Seconds after which the best network so far is taken; None for no limit. Answers that ran
        into the limit depend on the machine.
    rel_gap : float, default=0.0
        Relative gap between the norm and what no network can be below that is good enough to stop.

    Attributes
    ----------
    coef_ : ndarray of shape (n_neurons, n_features)
        Weights.
    intercept_ : ndarray of shape (n_neurons,)
        Intercepts; zero if they are not fitted.
    signs_ : ndarray of shape (n_neurons,)
        Output signs.
    status_ : str
        ``"OPTIMAL"``: no smaller network does it, proved. ``"FEASIBLE"``: a smaller one is not
        excluded. ``"INFEASIBLE"``, ``"UNDECIDED"``: no network was found that fits, or none that
        double precision can evaluate, and `alpha_` was used instead of `alpha`.
    certificate_ : relubias.minnorm.MinimumNormCertificate
        The proof of `status_`, as far as there is one.
    conflict_ : ndarray of int, shape (n_conflicts,)
        Training samples that contradict each other, where `status_` is ``"INFEASIBLE"``.
    active_examples_ : ndarray of bool, shape (n_neurons, n_samples)
        Training samples on which each neuron is active.
    alpha_ : float
        The regularisation that was used: `alpha`, or a hundredth of the mean squared length of a
        sample where no network was found that fits.
    norm_ : float
        Norm of weights and intercepts together, in units of labels over features.
    objective_ : float
        Square root of what is minimised: that norm where `alpha_` is 0, otherwise slacks included.
    lower_bound_ : float
        What no network can be below in `objective_`.
    rel_gap_ : float
        ``1 - lower_bound_ / objective_``.
    n_iter_ : int
        Nodes searched, at least 1.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, where the data had any.

    See Also
    --------
    relubias.minimum_norm : The solver, with verification.
    GradientDescentReLURegressor : Where gradient descent goes.

    Notes
    -----
    One sign: a convex program, cubic in the number of samples. Both signs: not convex. Closed forms
    prove most networks with many more features than samples; otherwise a branch and bound searches
    until `time_limit`, and is exponential in the worst case.

    With fewer features than samples there is mostly no network that fits. The labels are then
    fitted with `alpha_`, and the first network found is taken, without a search: the fit is quick
    and repeatable. Set `alpha` to have it searched.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, eqs. (5), (7), (45).

    Examples
    --------
    >>> import numpy as np
    >>> X, y = np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([1.0, -1.0])
    >>> model = MinimumNormReLURegressor(fit_intercept=False).fit(X, y)
    >>> model.status_, model.coef_
    ('OPTIMAL', array([[0.5, 0. ],
           [0. , 1. ]]))
    """

    status_: str
    certificate_: MinimumNormCertificate
    conflict_: NDArray[np.intp]
    active_examples_: NDArray[np.bool_]
    alpha_: float
    norm_: float
    objective_: float
    lower_bound_: float
    rel_gap_: float
    n_iter_: int

    def __init__(
        self,
        neurons: Any = 2,
        *,
        alpha: float = 0.0,
        fit_intercept: bool = True,
        time_limit: float | None = 2.0,
        rel_gap: float = 0.0,
    ) -> None:
        self.neurons = neurons
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.time_limit = time_limit
        self.rel_gap = rel_gap

    @managing_callbacks
    def fit(self, X: Any, y: Any) -> MinimumNormReLURegressor:
        """Find the network.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            Feature vectors.
        y : array_like of shape (n_samples,)
            Labels.

        Returns
        -------
        MinimumNormReLURegressor
            The estimator itself.

        Raises
        ------
        InvalidInputError
            If a parameter is unusable, or squares of the data over- or underflow.

        Warns
        -----
        ConvergenceWarning
            If no network fits, or a smaller one is not excluded; the text is that of the status.
        """
        alpha = as_real("alpha", self.alpha, minimum=0.0)
        gap = as_real("rel_gap", self.rel_gap, minimum=0.0)
        if gap >= 1.0:
            raise fail("rel_gap", f"is {gap:g}", "pass a number in [0, 1)")
        limit = self.time_limit
        seconds = None if limit is None else as_real("time_limit", limit, minimum=0.0)
        features, problem = self._data(X, y)
        context = self._new_context(0)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        asked = found = _solve(problem, alpha, seconds, gap)
        status, sentence = asked.status, asked.status.sentence
        if alpha == 0.0 and status in _FITS and not _is_usable(asked, features):
            status, sentence = MinimumNormStatus.UNDECIDED, _TOO_LARGE
        if status not in _FITS:
            alpha = max(alpha, _SMALLEST_ALPHA * (problem.scale or 1.0))
            found = _solve(problem, alpha, 0.0, gap)
        weights = found.dual @ features
        self._keep(status, asked, found, weights)
        for name, value in self._network(problem, weights).items():
            setattr(self, name, value)
        self.alpha_ = alpha
        primal = found.primal if alpha == 0.0 else weights @ features.T
        self.active_examples_ = primal > 0.0
        context.call_on_fit_task_end(estimator=self, X=X, y=y, reconstruction_attributes={})
        if found is not asked:
            self._warn(self.status_, f"{sentence}; fitted with alpha = {alpha:.3g} instead")
        elif status is not MinimumNormStatus.OPTIMAL and found.rel_gap > gap:
            self._warn(self.status_, sentence)
        return self

    def _keep(
        self, status: MinimumNormStatus, asked: MinimumNorm, found: MinimumNorm, weights: Float
    ) -> None:
        self.status_ = str(status)
        self.certificate_, self.conflict_ = asked.certificate, asked.conflict
        self.norm_ = float(np.linalg.norm(weights))
        self.objective_, self.lower_bound_ = found.norm, found.lower_bound
        self.rel_gap_ = found.rel_gap
        self.n_iter_ = max(asked.n_nodes, 1)


def _solve(problem: Problem, alpha: float, seconds: float | None, gap: float) -> MinimumNorm:
    """Solve with slacks: one more feature for every sample, of squared size `alpha`."""
    if alpha > 0.0:
        gram = problem.gram.copy()
        gram[np.diag_indices_from(gram)] += alpha
        problem = Problem(gram, problem.labels, problem.signs)
    with np.errstate(over="ignore", invalid="ignore"):  # what comes of it is judged by the caller
        return minimum_norm(problem, time_limit=seconds, rel_gap=gap)


def _is_usable(found: MinimumNorm, features: Float) -> bool:
    """Whether the weights, once rounded, still predict what the solver says."""
    with np.errstate(all="ignore"):
        primal = (found.dual @ features) @ features.T
        output = found.problem.signs @ np.maximum(primal, 0.0)
        promised = found.problem.signs @ np.maximum(found.primal, 0.0)
        misfit = np.abs(output - promised).max()
    return bool(misfit <= _USABLE * np.abs(found.problem.labels).max())
