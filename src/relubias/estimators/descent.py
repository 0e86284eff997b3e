"""The regressor that gradient descent trains, to its limit."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float, as_count, as_float_array, as_real, fail, shown
from relubias.dynamics import Certificate, State, starts, step_size_bounds
from relubias.dynamics._recorder import risk
from relubias.errors import InvalidInputError
from relubias.estimators._base import ReLURegressor
from relubias.estimators._following import End, follow
from relubias.estimators._sklearn import managing_callbacks, normal
from relubias.problem import Problem

__all__ = ["GradientDescentReLURegressor"]

_KAPPA = 0.9
_STARTS = '"gaussian", "all_positive"'


class GradientDescentReLURegressor(ReLURegressor):
    r"""Shallow ReLU network where full-batch gradient descent on the squared loss takes it.

    The network is :math:`f(x) = \sum_k s_k\,\mathrm{relu}(w_k^\top x + b_k)` with fixed output
    signs. Descent is followed to its limit, not for a number of epochs, and where it can be proved
    that the limit is reached the estimator says so.

    Parameters
    ----------
    neurons : int or array_like of shape (n_neurons,), default=2
        Number of neurons, whose signs alternate from +1, or their output signs, +1 or -1. With one
        sign only, labels of the other sign cannot be fitted.
    step_size : float or "auto", default="auto"
        Step of gradient descent on half the sum of squared residuals, in inverse squared units of
        the features. "auto" takes `kappa` = 0.9, or less where some activation pattern would be
        unstable.
    kappa : float, optional
        The step without units, instead of `step_size`: `step_size` times the mean squared length
        of a sample.
    start : {"gaussian", "all_positive"} or array_like of shape (n_neurons, n_weights)
        Where descent starts. "gaussian", the default: random weights. "all_positive": every sample
        active on every neuron, with equal predictions; without intercepts the samples have to be
        linearly independent. An array holds the weights themselves, and in its last column the
        intercepts, if they are fitted.
    start_scale : float, default=0.01
        Size of the start, dimensionless. Root mean square of a neuron's predictions over that of
        the labels; for "all_positive", the predictions over the smallest label that is not zero.
        Weights that are given are left alone.
    fit_intercept : bool, default=True
        Whether neurons have intercepts. They are trained like the weight of a feature that is
        always 1, so centre and scale the features.
    max_iter : int, default=10_000
        Iterations to compute; a jump over any number of steps counts as one.
    tol : float, default=1e-8
        Residual on active samples, relative to the largest label, at which a run may end without a
        proof.
    random_state : int, RandomState instance or None, default=None
        Draws the "gaussian" start; an int makes fits repeatable.

    Attributes
    ----------
    coef_ : ndarray of shape (n_neurons, n_features)
        Weights.
    intercept_ : ndarray of shape (n_neurons,)
        Intercepts; zero if they are not fitted.
    signs_ : ndarray of shape (n_neurons,)
        Output signs.
    status_ : str
        ``"CERTIFIED"``: this is the limit, proved. ``"TOLERANCE"``: within `tol` of it.
        ``"PLATEAU"``: the loss has stopped falling, samples switch for ever. ``"MAX_ITER"``,
        ``"DIVERGED"``: no limit was reached. ``"STOPPED"``: a callback ended the run.
    tail_ : str
        What the run did at its end, as `relubias.Tail` says it; empty if a callback ended it.
    certificate_ : relubias.Certificate or None
        The proof, where `status_` is ``"CERTIFIED"``.
    active_examples_ : ndarray of bool, shape (n_neurons, n_samples)
        Training samples on which each neuron is active.
    loss_ : float
        Half the sum of squared residuals, in squared units of the labels.
    n_iter_ : int
        Iterations computed, at least 1.
    n_steps_ : int
        Steps taken, those in jumps included, when the status was known.
    n_switches_ : int
        Times that a sample switched on or off.
    step_size_ : float
        The step that was taken.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, where the data had any.

    See Also
    --------
    relubias.gradient_descent : The run itself, with every switch; momentum and mini-batches.
    MinimumNormReLURegressor : The shortest network that fits.

    Notes
    -----
    The loss has no factor 1/n. Memory is quadratic in the number of samples, and so is a step at
    most; the number of features matters for the Gram matrix only.

    Random weights have a part orthogonal to all training samples. Descent never changes it, and no
    training sample sees it, but predictions elsewhere do: with many more features than samples
    keep `start_scale` small.

    Where labels cannot be fitted, descent with a finite step may circle around a kink of the loss
    for ever. Such a run ends when the loss has fallen by less than a millionth while the number of
    steps doubled, and doubled again.

    A random start leaves every sample inactive on half of the neurons. A sample that no neuron of
    its sign sees may stay unfitted in the limit: that is where descent goes. More neurons, or the
    start "all_positive", avoid it.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, eqs. (1)-(4).

    Examples
    --------
    >>> import numpy as np
    >>> X, y = np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([1.0, -1.0])
    >>> model = GradientDescentReLURegressor(start="all_positive", fit_intercept=False).fit(X, y)
    >>> model.status_, model.predict(X).round(12)
    ('CERTIFIED', array([ 1., -1.]))
    """

    status_: str
    tail_: str
    certificate_: Certificate | None
    active_examples_: NDArray[np.bool_]
    loss_: float
    n_iter_: int
    n_steps_: int
    n_switches_: int
    step_size_: float

    def __init__(
        self,
        neurons: Any = 2,
        *,
        step_size: Any = "auto",
        kappa: float | None = None,
        start: Any = "gaussian",
        start_scale: float = 0.01,
        fit_intercept: bool = True,
        max_iter: int = 10_000,
        tol: float = 1e-8,
        random_state: Any = None,
    ) -> None:
        self.neurons = neurons
        self.step_size = step_size
        self.kappa = kappa
        self.start = start
        self.start_scale = start_scale
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    @managing_callbacks
    def fit(self, X: Any, y: Any) -> GradientDescentReLURegressor:
        """Follow gradient descent to its limit.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            Feature vectors.
        y : array_like of shape (n_samples,)
            Labels.

        Returns
        -------
        GradientDescentReLURegressor
            The estimator itself.

        Raises
        ------
        InvalidInputError
            If a parameter is unusable, the start cannot be reached, or squares of the data over-
            or underflow.

        Warns
        -----
        ConvergenceWarning
            If no limit was reached; the text is that of the status.
        """
        budget = as_count("max_iter", self.max_iter, minimum=1)
        tolerance = as_real("tol", self.tol, minimum=0.0, strict=True)
        features, problem = self._data(X, y)
        step_size = self._step(problem)
        start = self._start(problem, features)
        context = self._new_context(None)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)

        def show(state: State) -> bool:
            task = context.subcontext(task_name="look")
            task.call_on_fit_task_begin(estimator=self, X=X, y=y)
            return task.call_on_fit_task_end(
                estimator=self,
                X=X,
                y=y,
                reconstruction_attributes=lambda: self._network(problem, start.weights(state)),
            )

        end = follow(
            problem,
            start.dual,
            step_size=step_size,
            max_iter=budget,
            tol=tolerance,
            callback=show if self._is_watched else None,
        )
        self.step_size_ = step_size
        self._keep(end, self._network(problem, start.weights(end.state)))
        self.loss_ = risk(problem.labels, problem.signs, end.state.primal)
        context.call_on_fit_task_end(estimator=self, X=X, y=y, reconstruction_attributes={})
        if end.is_worth_a_warning:
            self._warn(end.status, end.sentence)
        return self

    def _keep(self, end: End, network: dict[str, Float]) -> None:
        for name, value in network.items():
            setattr(self, name, value)
        self.status_, self.tail_, self.certificate_ = end.status, end.tail, end.certificate
        self.active_examples_ = end.state.active
        self.n_iter_ = max(end.n_iter, 1)
        self.n_steps_, self.n_switches_ = end.n_steps, end.n_switches

    def _step(self, problem: Problem) -> float:
        unit = problem.scale or 1.0
        is_auto = isinstance(self.step_size, str) and self.step_size == "auto"
        if not is_auto:
            if self.kappa is not None:
                raise fail("step_size", "came together with kappa", "pass one of them")
            what = 'number, or "auto",'
            return as_real("step_size", self.step_size, minimum=0.0, strict=True, what=what)
        if self.kappa is not None:
            return as_real("kappa", self.kappa, minimum=0.0, strict=True) / unit
        return _KAPPA * min(1.0 / unit, step_size_bounds(problem).stable)

    def _start(self, problem: Problem, features: Float) -> _Start:
        scale = as_real("start_scale", self.start_scale, minimum=0.0, strict=True)
        shape = problem.n_neurons, features.shape[1]
        sizes = np.abs(problem.labels)
        if not isinstance(self.start, str):
            what = f"{_STARTS}, or weights of shape {shape}"
            weights = as_float_array("start", self.start, ndim=2, shape=what)
            if weights.shape != shape:
                raise fail("start", f"has shape {weights.shape}", f"pass {what}")
        elif self.start == "gaussian":
            size = scale * (math.sqrt(float((sizes**2).mean())) or 1.0)
            deviation = size / math.sqrt(problem.scale or 1.0)
            weights = deviation * normal(self.random_state, shape)
        elif self.start == "all_positive":
            least = float(sizes[sizes > 0].min(initial=math.inf))
            dual = starts.all_positive(problem, scale * (least if math.isfinite(least) else 1.0))
            return _Start(features, dual, np.zeros(shape))
        else:
            raise fail("start", f"is {shown(self.start)}", f"pass {_STARTS}, or weights")
        try:
            dual = starts.from_weights(features, weights)
        except InvalidInputError as error:  # it speaks of weights
            raise InvalidInputError(f"start: {error}") from error
        return _Start(features, dual, weights - dual @ features)


class _Start(NamedTuple):
    """A start, and how to get from duals to weights."""

    features: Float
    dual: Float
    unseen: Float
    """The part of the weights that is orthogonal to all samples, and never moves."""

    def weights(self, state: State) -> Float:
        """Return the weights of a state."""
        return state.dual @ self.features + self.unseen
