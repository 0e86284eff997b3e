"""Label laws: callables ``law(n, seed)`` that return labels of shape (n,)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from relubias._validate import (
    Float,
    as_count,
    as_features,
    as_gram,
    as_real,
    as_signs,
    as_stream,
    fail,
)

__all__ = [
    "GaussianLabels",
    "PlantedLabels",
    "UniformMagnitudeLabels",
    "gaussian",
    "planted",
    "uniform_magnitude",
]

_LARGEST = 1e150
_MAX_SAMPLES = 10**8


class _LabelLaw(ABC):
    """Labels that do not depend on the features."""

    __slots__ = ()

    def __call__(self, n: int, seed: Any) -> Float:
        """Draw labels.

        Parameters
        ----------
        n : int
            Number of samples.
        seed : int, sequence of int, numpy.random.SeedSequence or numpy.random.Generator
            The same seed gives the same labels.

        Returns
        -------
        ndarray of shape (n,)
            Labels, in units of the network output.

        Raises
        ------
        InvalidInputError
            If `n` is no positive whole number or too small for the law, or `seed` is no seed.
        """
        return self._draw(_as_size(n), as_stream("seed", seed, "labels"))

    @abstractmethod
    def _draw(self, n: int, rng: Generator) -> Float: ...


@dataclass(frozen=True, slots=True, repr=False)
class UniformMagnitudeLabels(_LabelLaw):
    """Labels with ``abs(y)`` uniform on an interval, never zero; made by `uniform_magnitude`.

    Attributes
    ----------
    low, high : float
        Bounds of the magnitudes, Assumption 1's ``y_min`` and ``y_max``.
    n_negative : int or None
        Fixed number of negative labels, which come last, or None for independent fair signs.
    """

    low: float
    high: float
    n_negative: int | None = None

    def __post_init__(self) -> None:
        low = as_real("low", self.low, minimum=0.0)
        high = as_real("high", self.high, minimum=0.0, strict=True)
        if low > high:
            raise fail("high", f"is {high:g}, below low = {low:g}", "pass low <= high")
        _refuse_large("high", high)
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)
        if self.n_negative is not None:
            object.__setattr__(self, "n_negative", as_count("n_negative", self.n_negative))

    def _draw(self, n: int, rng: Generator) -> Float:
        if self.n_negative is not None and self.n_negative > n:
            raise fail("n", f"is {n}, below n_negative = {self.n_negative}", "draw more samples")
        # 1 - random() is in (0, 1], so that low = 0 gives no zero label.
        part = 1.0 - rng.random(n)
        magnitude = np.clip(self.low + (self.high - self.low) * part, self.low, self.high)
        if self.n_negative is None:
            negative = rng.random(n) < 0.5
        else:
            negative = np.arange(n) >= n - self.n_negative
        return np.where(negative, -magnitude, magnitude)

    def __repr__(self) -> str:
        more = "" if self.n_negative is None else f", n_negative={self.n_negative}"
        return f"uniform_magnitude({self.low!r}, {self.high!r}{more})"


@dataclass(frozen=True, slots=True, repr=False)
class GaussianLabels(_LabelLaw):
    """Independent labels ``N(0, scale**2)``; made by `gaussian`.

    Attributes
    ----------
    scale : float
        Standard deviation, in units of the network output.
    """

    scale: float = 1.0

    def __post_init__(self) -> None:
        scale = as_real("scale", self.scale, minimum=0.0, strict=True)
        _refuse_large("scale", scale)
        object.__setattr__(self, "scale", scale)

    def _draw(self, n: int, rng: Generator) -> Float:
        return self.scale * rng.standard_normal(n)

    def __repr__(self) -> str:
        return f"gaussian({self.scale!r})"


@dataclass(frozen=True, slots=True, repr=False)
class PlantedLabels:
    """Labels of a random teacher network on given data; made by `planted`.

    Attributes
    ----------
    teacher_signs : tuple of float
        Output sign of each teacher neuron, +1 or -1.
    noise : float
        Standard deviation of the label noise, in units of the network output.
    """

    teacher_signs: tuple[float, ...]
    noise: float = 0.0

    def __post_init__(self) -> None:
        signs = as_signs("teacher_signs", self.teacher_signs)
        object.__setattr__(self, "teacher_signs", tuple(signs.tolist()))
        noise = as_real("noise", self.noise, minimum=0.0)
        _refuse_large("noise", noise)
        object.__setattr__(self, "noise", noise)

    def __call__(self, n: int, seed: Any, *, features: Any = None, gram: Any = None) -> Float:
        """Draw labels for given data.

        Parameters
        ----------
        n : int
            Number of samples, as many as `features` or `gram` has.
        seed : int, sequence of int, numpy.random.SeedSequence or numpy.random.Generator
            The same seed gives the same teacher and noise.
        features : array_like of shape (n, n_features), optional
            Feature vectors; the teacher is then `teacher_weights` of the same seed.
        gram : array_like of shape (n, n), optional
            Gram matrix instead of `features`: the labels have the same law.

        Returns
        -------
        ndarray of shape (n,)
            Teacher's output plus noise; without noise exactly zero where no teacher neuron
            is active.

        Raises
        ------
        InvalidInputError
            Unless exactly one of `features` and `gram` is given, with `n` samples, or if
            `seed` is no seed.
        """
        size = _as_size(n)
        if (features is None) == (gram is None):
            got = "are both missing" if features is None else "are both given"
            raise fail("features, gram", got, "pass exactly one of them: the teacher sees the data")
        rng = as_stream("seed", seed, "labels")
        if features is not None:
            X = as_features("features", features)
            _check_size("features", X.shape[0], size)
            primal = self._teacher(X, seed) @ X.T
        else:
            G = as_gram("gram", gram)
            _check_size("gram", G.shape[0], size)
            primal = self._seen_through(G, seed)
        noise = self.noise * rng.standard_normal(size)
        return np.array(self.teacher_signs) @ np.maximum(primal, 0.0) + noise

    def teacher_weights(self, features: Any, seed: Any) -> Float:
        """Return the teacher's weights, scaled so that its preactivations are of order one.

        Parameters
        ----------
        features : array_like of shape (n_samples, n_features)
            Feature vectors; only their size and mean squared norm matter.
        seed : int, sequence of int, numpy.random.SeedSequence or numpy.random.Generator
            The seed of the labels.

        Returns
        -------
        ndarray of shape (n_teacher_neurons, n_features)
            ``N(0, 1 / s)`` entries, with ``s`` the mean squared norm of the samples.

        Raises
        ------
        InvalidInputError
            If `features` is unusable or `seed` is no seed.
        """
        return self._teacher(as_features("features", features), seed)

    def _teacher(self, X: Float, seed: Any) -> Float:
        rng = as_stream("seed", seed, "teacher")
        weights = rng.standard_normal((len(self.teacher_signs), X.shape[1]))
        return weights / _root_mean_square(np.einsum("ij,ij->i", X, X))

    def _seen_through(self, G: Float, seed: Any) -> Float:
        """Draw the teacher's preactivations, N(0, G / s), from the symmetric root of G."""
        rng = as_stream("seed", seed, "teacher")
        noise = rng.standard_normal((len(self.teacher_signs), G.shape[0]))
        mu, Q = np.linalg.eigh(G)
        root = (Q * np.sqrt(np.maximum(mu, 0.0))) @ Q.T
        return noise @ root / _root_mean_square(np.diagonal(G))

    def __repr__(self) -> str:
        signs = ", ".join(f"{int(sign):d}" for sign in self.teacher_signs)
        comma = "," if len(self.teacher_signs) == 1 else ""
        return f"planted(({signs}{comma}), noise={self.noise!r})"


def uniform_magnitude(
    low: float, high: float, *, n_negative: int | None = None
) -> UniformMagnitudeLabels:
    r"""Return the law of labels with :math:`|y_i|` uniform on ``[low, high]``.

    Parameters
    ----------
    low, high : float
        Bounds of the magnitudes, ``0 <= low <= high``, in units of the network output.
    n_negative : int, optional
        Fixed number of negative labels, which come last; without it signs are independent and
        fair.

    Returns
    -------
    UniformMagnitudeLabels
        Callable ``law(n, seed)``.

    Raises
    ------
    InvalidInputError
        If a bound is negative or not finite, ``low > high``, or `n_negative` is no count.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Assumption 1, Figure 4.

    Examples
    --------
    >>> law = uniform_magnitude(0.5, 1.0, n_negative=2)
    >>> law(5, seed=0) > 0
    array([ True,  True,  True, False, False])
    """
    return UniformMagnitudeLabels(low, high, n_negative)


def gaussian(scale: float = 1.0) -> GaussianLabels:
    r"""Return the law of independent labels :math:`y_i \sim N(0, \mathrm{scale}^2)`.

    Parameters
    ----------
    scale : float, default=1.0
        Standard deviation, in units of the network output.

    Returns
    -------
    GaussianLabels
        Callable ``law(n, seed)``.

    Raises
    ------
    InvalidInputError
        If `scale` is not positive and finite.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, Figure 3.

    Examples
    --------
    >>> gaussian(2.0)(3, seed=0).shape
    (3,)
    """
    return GaussianLabels(scale)


def planted(teacher_signs: Any, noise: float = 0.0) -> PlantedLabels:
    r"""Return the law of labels :math:`y = \sum_k s_k\,\mathrm{relu}(v_k^\top x)` + noise.

    The teacher's weights :math:`v_k` are Gaussian, scaled by the root mean squared norm of the
    samples, so its preactivations are of order one.

    Parameters
    ----------
    teacher_signs : array_like of shape (n_teacher_neurons,)
        Output sign of each teacher neuron, +1 or -1.
    noise : float, default=0.0
        Standard deviation of Gaussian label noise, in units of the network output.

    Returns
    -------
    PlantedLabels
        Callable ``law(n, seed, features=X)`` or ``law(n, seed, gram=G)``; ``teacher_weights``
        tells the weights.

    Raises
    ------
    InvalidInputError
        If a sign is neither +1 nor -1 or `noise` is negative.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, section 2 (the model).

    Examples
    --------
    >>> law = planted((1, -1))
    >>> law(2, seed=0, features=[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]).shape
    (2,)
    """
    return PlantedLabels(teacher_signs, noise)


def _as_size(n: Any) -> int:
    return as_count("n", n, minimum=1, maximum=_MAX_SAMPLES)


def _check_size(name: str, got: int, n: int) -> None:
    if got != n:
        raise fail(name, f"has {got} samples", f"expected n = {n}")


def _refuse_large(name: str, value: float) -> None:
    if value > _LARGEST:
        raise fail(name, f"is {value:g}", f"at most {_LARGEST:g}: squares overflow")


def _root_mean_square(squared_norms: Float) -> float:
    mean = float(squared_norms.mean())
    return float(np.sqrt(mean)) if mean > 0 else 1.0
