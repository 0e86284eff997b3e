"""A network with one hidden relu layer, as plain arrays, and how outer weights are folded away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from relubias._validate import Float, as_features, fail

__all__ = ["Network", "folded"]


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Network:
    r"""A trained network :math:`f(x) = c + \sum_k a_k\,\mathrm{relu}(w_k^\top x + b_k)`, folded.

    The theory has outer weights of +1 and -1. Since :math:`a\,\mathrm{relu}(z) =
    \mathrm{sign}(a)\,\mathrm{relu}(|a| z)`, every network is one of those: `weights` and `biases`
    are the model's own times :math:`|a_k|`, `signs` are the signs of :math:`a_k`. A neuron whose
    outer weight is exactly 0 adds nothing and is left out. A bias is the weight of one more
    feature, which is 1 for every sample. The output bias :math:`c` belongs to the labels:
    :math:`f` fits :math:`y` where the folded network fits :math:`y - c`.

    Attributes
    ----------
    weights : ndarray of shape (n_neurons, n_features)
        Folded first-layer weights, read-only float64, as all arrays here.
    biases : ndarray of shape (n_neurons,)
        Folded biases; zeros where the layer has none.
    has_bias : bool
        Whether the hidden layer has biases, be they zero or not.
    signs : ndarray of shape (n_neurons,)
        +1 or -1.
    output_bias : float
        The model's :math:`c`, 0 where there is none.
    raw_weights : ndarray of shape (n_raw_neurons, n_features)
        First-layer weights as the model has them, neurons that are left out included.
    raw_biases : ndarray of shape (n_raw_neurons,)
        Biases as the model has them.
    outer : ndarray of shape (n_raw_neurons,)
        Outer weights :math:`a_k` as the model has them.
    kept : ndarray of int, shape (n_neurons,)
        Number of each neuron in the model.
    dead : ndarray of int, shape (n_raw_neurons - n_neurons,)
        Numbers of the neurons that are left out.
    dtype : str
        Floating-point type in which the model computes, such as ``"float32"``.
    source : str
        How the network was read, in words.
    notes : tuple of str
        What was folded, left out or assumed; a sentence each.
    """

    weights: Float
    biases: Float
    has_bias: bool
    signs: Float
    output_bias: float
    raw_weights: Float
    raw_biases: Float
    outer: Float
    kept: NDArray[np.intp]
    dead: NDArray[np.intp]
    dtype: str
    source: str
    notes: tuple[str, ...]

    @property
    def n_neurons(self) -> int:
        """Number of neurons that add something."""
        return self.weights.shape[0]

    @property
    def n_features(self) -> int:
        """Number of features of a sample, without the constant one."""
        return self.weights.shape[1]

    @property
    def vectors(self) -> Float:
        """Folded weights, one row per neuron, with the biases as a last column if there are any."""
        if not self.has_bias:
            return self.weights
        return np.column_stack([self.weights, self.biases])

    def features(self, X: ArrayLike) -> Float:
        """Return samples as `vectors` see them: with a last column of ones if there are biases.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples, n_features) or (n_samples, n_features + 1)
            Float64.

        Raises
        ------
        InvalidInputError
            If `X` holds no usable numbers or has another number of columns than the model takes.
        """
        samples = as_features("X", X)
        if samples.shape[1] != self.n_features:
            got = f"has {samples.shape[1]} columns, but the model takes {self.n_features} features"
            raise fail("X", got, "pass the features that the model was trained on")
        if not self.has_bias:
            return samples
        return np.column_stack([samples, np.ones(samples.shape[0])])

    def predict(self, X: ArrayLike) -> Float:
        """Return the network's output, output bias included, in float64.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples,)
            Predictions, in units of the labels.

        Raises
        ------
        InvalidInputError
            If `X` holds no usable numbers or has another number of columns than the model takes.
        """
        primal = self.features(X) @ self.vectors.T
        return np.maximum(primal, 0.0) @ self.signs + self.output_bias

    def __repr__(self) -> str:
        plus = int((self.signs > 0).sum())
        bias = "with biases" if self.has_bias else "no biases"
        return (
            f"Network({self.n_neurons} neurons, {plus} of them positive; {self.n_features} "
            f"features, {bias}, output bias {self.output_bias:.4g}; read from {self.source})"
        )


def folded(
    name: str,
    weights: Float,
    biases: Float | None,
    outer: Float | None,
    output_bias: float,
    *,
    dtype: str,
    source: str,
    notes: tuple[str, ...] = (),
) -> Network:
    """Return the network of these layers; None stands for no biases, and for signs of +1.

    `name` is the argument that the model arrived in.
    """
    n_raw = weights.shape[0]
    raw_biases = np.zeros(n_raw) if biases is None else biases
    raw_outer = np.ones(n_raw) if outer is None else outer
    kept, dead = np.flatnonzero(raw_outer), np.flatnonzero(raw_outer == 0.0)
    if kept.size == 0:
        raise fail(name, "has outer weights that are all zero", "pass a model that was trained")
    size = np.abs(raw_outer[kept])
    with np.errstate(over="ignore", under="ignore"):
        inner, offsets = weights[kept] * size[:, None], raw_biases[kept] * size
    if not (np.isfinite(inner).all() and np.isfinite(offsets).all()):
        got = "has a neuron whose outer weight times its weights is too large for float64"
        raise fail(name, got, "scale the labels and the model down")
    return Network(
        weights=_closed(inner),
        biases=_closed(offsets),
        has_bias=biases is not None,
        signs=_closed(np.sign(raw_outer[kept])),
        output_bias=output_bias,
        raw_weights=_closed(weights),
        raw_biases=_closed(raw_biases),
        outer=_closed(raw_outer),
        kept=_closed(kept),
        dead=_closed(dead),
        dtype=dtype,
        source=source,
        notes=(*notes, *_told(outer, dead, biases is not None, output_bias)),
    )


def _closed(array: NDArray[Any]) -> NDArray[Any]:
    array = np.array(array)
    array.flags.writeable = False
    return array


def _told(outer: Float | None, dead: NDArray[np.intp], has_bias: bool, c: float) -> list[str]:
    notes: list[str] = []
    if outer is None:
        notes.append("there are no outer weights: every neuron counts with the sign +1")
    elif (np.abs(outer) != 1.0).any():
        notes.append(
            "outer weights a are folded into the neurons: a relu(w.x) = sign(a) relu(|a| w.x), "
            "so every neuron has the sign of its a and the length |a| ||w||"
        )
    if dead.size:
        listed = ", ".join(str(k) for k in dead[:8]) + (", ..." if dead.size > 8 else "")
        who = f"neuron {listed} has" if dead.size == 1 else f"neurons {listed} have"
        whom = "adds nothing and is" if dead.size == 1 else "add nothing and are"
        notes.append(f"{who} outer weight 0, {whom} left out")
    if has_bias:
        notes.append("a bias is the weight of one more feature, which is 1 for every sample")
    if c != 0.0:
        notes.append(f"the output bias {c:.6g} is subtracted from the labels")
    return notes
