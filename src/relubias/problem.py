"""The problem that everything else is a function of: Gram matrix, labels and output signs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from relubias._progress import Progress
from relubias._validate import Float, as_gram, as_labels, as_signs, as_unread_features, fail
from relubias.gram.matrix import array_in_memory, gram_of

__all__ = ["Problem"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Problem:
    r"""Regression data as gradient descent on a shallow ReLU network sees them.

    The network is :math:`f(x) = \sum_k s_k\,\mathrm{relu}(w_k^\top x)` with fixed signs
    :math:`s_k`, its risk :math:`\tfrac12 \|f(X) - y\|^2`. Weights move only inside the span of
    the samples, :math:`w_k = X^\top \beta_k` plus a constant part that no sample sees, so the
    features enter through :math:`G = X X^\top` alone.

    Parameters
    ----------
    gram : array_like of shape (n_samples, n_samples)
        Gram matrix ``X @ X.T``: symmetric positive semi-definite.
    labels : array_like of shape (n_samples,)
        Labels, in units of the network output.
    signs : array_like of shape (n_neurons,), default=(1,)
        Output sign of each neuron, +1 or -1.

    Attributes
    ----------
    gram : ndarray of shape (n_samples, n_samples)
        Private read-only float64 copy, as are the other arrays.
    labels : ndarray of shape (n_samples,)
        Labels.
    signs : ndarray of shape (n_neurons,)
        Output signs.
    features : ndarray of shape (n_samples, n_features) or None
        The features, where they are known (`from_features` of an array in memory): a read-only
        view, not a copy, of a contiguous float64 array, so leave that array as it is.
    n_samples, n_neurons : int
        Sizes.
    scale : float
        Mean of the Gram diagonal, the data's estimate of ``trace(Sigma)``.

    Raises
    ------
    InvalidInputError
        If shapes disagree, an entry is not finite, `gram` is not symmetric positive
        semi-definite, or a sign is neither +1 nor -1.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, section 2, eqs. (1)-(4).

    Examples
    --------
    >>> problem = Problem([[4.0, 1.0], [1.0, 4.0]], [1.0, -0.5])
    >>> problem
    Problem(n_samples=2, n_neurons=1, signs='+')
    """

    gram: Float
    labels: Float
    signs: Float = (1,)  # pyright: ignore[reportAssignmentType]
    features: Float | None = field(init=False, default=None)

    if TYPE_CHECKING:  # arguments are more than the arrays that become of them

        def __init__(self, gram: ArrayLike, labels: ArrayLike, signs: ArrayLike = (1,)) -> None: ...

    def __post_init__(self) -> None:
        gram = as_gram("gram", self.gram)
        self._store(gram, as_labels("labels", self.labels, gram.shape[0]), self.signs, None)

    @classmethod
    def from_features(
        cls,
        features: Any,
        labels: Any,
        signs: Any = (1,),
        *,
        memory: float | None = None,
        checkpoint: Any = None,
        progress: Progress = False,
    ) -> Problem:
        """Build the problem from features of any size, in memory or elsewhere.

        Parameters
        ----------
        features : array_like of shape (n_samples, n_features)
            Feature vectors, one row per sample: whatever `relubias.gram_matrix` takes.
        labels : array_like of shape (n_samples,)
            Labels, in units of the network output.
        signs : array_like of shape (n_neurons,), default=(1,)
            Output sign of each neuron, +1 or -1.
        memory : float, optional
            Bytes that numbers held at a time may take, as `relubias.gram_matrix` has it.
        checkpoint : str or path-like, optional
            An ``.npz`` file for the running sums, as `relubias.gram_matrix` has it.
        progress : bool or callable, default=False
            True, or a callable that takes the fraction done and a sentence.

        Returns
        -------
        Problem
            With `features` set, and so known to the solvers, if they are an array in memory
            (NumPy's or one that NumPy can see, lists, data frames). It is None for features that
            are read in tiles: memory-mapped files, zarr, HDF5, dask, devices, lazy features of a
            law. Solvers then have G alone, each entry known up to its rounding.

        Raises
        ------
        InvalidInputError
            If shapes disagree, an entry is not finite, squares over- or underflow, or the
            checkpoint cannot be used.

        Examples
        --------
        >>> Problem.from_features([[2.0, 0.0], [0.0, 1.0]], [1.0, 2.0]).gram
        array([[4., 0.],
               [0., 1.]])
        """
        array = array_in_memory("features", features)
        X = None if array is None else as_unread_features("features", array)
        n_samples = int(features.shape[0]) if X is None else X.shape[0]
        y = as_labels("labels", labels, n_samples)
        s = as_signs("signs", signs)
        gram = gram_of("features", features, memory, checkpoint, progress, X)
        problem = cls.__new__(cls)
        problem._store(gram, y, s, X)
        return problem

    def _store(self, gram: Float, labels: Float, signs: Any, features: Float | None) -> None:
        for name, value in (
            ("gram", gram),
            ("labels", labels),
            ("signs", as_signs("signs", signs)),
            ("features", features),
        ):
            if value is not None:
                value.flags.writeable = False
            object.__setattr__(self, name, value)

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return self.labels.shape[0]

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return self.signs.shape[0]

    @property
    def scale(self) -> float:
        """Mean of the Gram diagonal, the data's estimate of ``trace(Sigma)``."""
        return float(np.diagonal(self.gram).mean())

    def with_signs(self, signs: Any) -> Problem:
        """Return the same data seen by a network with other output signs.

        Parameters
        ----------
        signs : array_like of shape (n_neurons,)
            Output sign of each neuron, +1 or -1.

        Returns
        -------
        Problem
            Shares the arrays of this one.
        """
        problem = Problem.__new__(Problem)
        problem._store(self.gram, self.labels, signs, self.features)
        return problem

    def __repr__(self) -> str:
        signs = "".join("+" if s > 0 else "-" for s in self.signs[:20])
        more = "..." if self.n_neurons > 20 else ""
        known = "" if self.features is None else f", n_features={self.features.shape[1]}"
        return (
            f"Problem(n_samples={self.n_samples}, n_neurons={self.n_neurons}, "
            f"signs='{signs}{more}'{known})"
        )


def require_problem(value: Any) -> Problem:
    """Return `value` if it is a Problem; name the mistake otherwise."""
    if not isinstance(value, Problem):
        raise fail(
            "problem",
            f"is a {type(value).__name__}",
            "pass relubias.Problem(gram, labels, signs) or Problem.from_features(...)",
        )
    return value
