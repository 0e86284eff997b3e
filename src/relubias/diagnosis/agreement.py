"""Whether the network that was read computes what the model computes, up to rounding."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from relubias._validate import Float, fail, shown
from relubias.diagnosis._forms import read
from relubias.diagnosis._module import is_module, outputs_of, private_copy
from relubias.diagnosis._sklearn import is_perceptron
from relubias.diagnosis._tensors import as_plain, torch_if_loaded
from relubias.diagnosis.network import Network
from relubias.errors import InvalidInputError

__all__ = ["Agreement", "agreement"]

_UNIT = {"bfloat16": 2.0**-8, "float16": 2.0**-11, "float32": 2.0**-24, "float64": 2.0**-53}
_SMALLEST = {"bfloat16": 2.0**-133, "float16": 2.0**-24, "float32": 2.0**-149, "float64": 0.0}
_MORE = 16
"""Roundings per value besides those of the sums: products, casts, weights computed from others."""

_EXACT = 1e-6
"""Relative difference that is allowed in float64 to models that cast to float32 inside."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Agreement:
    """The network that was read, beside the model's own output on the same samples.

    Attributes
    ----------
    max_abs : float
        Largest difference of the two outputs, in units of the output.
    relative : float
        The same over the largest output; 0 where both are 0.
    tolerance : float
        What rounding in the model's type can make of `relative`.
    exact : float
        `relative` when a copy of the model computes in float64 too; nan where it cannot.
    n_samples : int
        Number of samples.
    dtype : str
        Type in which the model computes.
    """

    max_abs: float
    relative: float
    tolerance: float
    exact: float
    n_samples: int
    dtype: str

    @property
    def holds(self) -> bool:
        """Whether the two differ by no more than rounding."""
        return self.relative <= self.tolerance

    @property
    def sentence(self) -> str:
        """The finding, in words."""
        return (
            f"on {self.n_samples} samples the network that was read differs from the model's own "
            f"{self.dtype} output by {self.max_abs:.2g}, {self.relative:.1e} of the largest "
            f"(rounding explains up to {self.tolerance:.1e})"
        )


def agreement(
    network: Network,
    model: Any,
    X: ArrayLike,
    *,
    hidden: str | None = None,
    output: str | None = None,
    name: str = "model",
) -> Agreement:
    r"""Compare the network that was read with the model's own output.

    Parameters
    ----------
    network : Network
        What `read_network` returned.
    model : torch.nn.Module, mapping, tuple, estimator or Network
        The model that it was read from. A module is evaluated as a private copy, in evaluation
        mode on the CPU, in its own type. Arrays and state dicts have no output of their own;
        their layers are evaluated before folding.
    X : array_like of shape (n_samples, n_features)
        Samples.
    hidden, output : str, optional
        Names of the layers of a state dict, as `read_network` got them.
    name : str, default="model"
        Name of the argument, for error messages.

    Returns
    -------
    Agreement
        The differences; it holds, or there is an error.

    Raises
    ------
    InvalidInputError
        If the outputs differ by more than rounding explains, are not finite, or the model cannot
        be evaluated on `X`.

    Notes
    -----
    A sum of d products in a type with unit roundoff u errs by at most
    :math:`\gamma_d = du/(1 - du)` times the sum of the absolute products, in whatever order it is
    added [1]_. Each sample's tolerance applies this to both layers, with a few roundings more for
    what lies between them. Where d is large this bound is loose, so a copy of the model is also
    evaluated in float64, where it must agree to the float64 bound.

    References
    ----------
    .. [1] N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.1.

    Examples
    --------
    >>> import numpy as np
    >>> from relubias.diagnosis import agreement, read_network
    >>> model = ([[1.0, 2.0]], [0.5], [-3.0], 1.0)
    >>> agreement(read_network(model), model, np.eye(2)).holds
    True
    """
    if not isinstance(network, Network):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise fail("network", f"is {shown(network)}", "pass what read_network returned")
    samples = network.features(X)[:, : network.n_features]
    own, dtype = _prepared(name, network, model, hidden, output)
    seen = _rounded(samples, dtype)
    expected = own(seen, dtype)
    if not np.isfinite(expected).all():
        i = int(np.flatnonzero(~np.isfinite(expected))[0])
        got = f"gives {expected[i]} for sample {i}"
        raise fail(name, got, "its output must be finite for every sample")
    found = network.predict(seen)
    bound = _rounding(network, seen, dtype) + _rounding(network, seen, "float64")
    difference, size = np.abs(found - expected), float(np.abs(expected).max())
    _require_agreement(name, found, expected, bound, dtype)
    exact = difference if dtype == "float64" else _exact(name, network, own, samples, size)
    return Agreement(
        max_abs=float(difference.max()),
        relative=_ratio(float(difference.max()), size),
        tolerance=_ratio(float(bound.max()), size),
        exact=_ratio(float(exact.max()), size),
        n_samples=samples.shape[0],
        dtype=dtype,
    )


_Outputs = Callable[[Float, str], Float]


def _prepared(
    name: str, network: Network, model: Any, hidden: str | None, output: str | None
) -> tuple[_Outputs, str]:
    """Return a function from samples and a type to the model's own outputs, and its type."""
    if is_module(model):
        module = private_copy(name, model)

        def evaluated(X: Float, dtype: str) -> Float:
            return outputs_of(name, module.double() if dtype != network.dtype else module, X, dtype)

        return evaluated, network.dtype
    if is_perceptron(model):
        return lambda X, dtype: _predicted(name, model, X.astype(dtype)), network.dtype
    layers = read(name, model, hidden, output)
    return lambda X, _: _before_folding(name, layers, X), "float64"


def _predicted(name: str, model: Any, X: Any) -> Float:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        try:
            return np.asarray(model.predict(X), dtype=np.float64).ravel()
        except ValueError as error:
            reason = " ".join(str(error).split())[:120]
            raise fail(name, f"failed on the samples ({reason})", "fit it on such data") from error


def _before_folding(name: str, network: Network, X: Float) -> Float:
    if X.shape[1] != network.n_features:
        got = f"takes {network.n_features} features"
        raise fail(name, got, f"the network that was read takes {X.shape[1]}")
    primal = X @ network.raw_weights.T + network.raw_biases
    return np.maximum(primal, 0.0) @ network.outer + network.output_bias


def _rounded(X: Float, dtype: str) -> Float:
    """Return the samples as the model sees them."""
    if dtype == "bfloat16":
        torch: Any = torch_if_loaded()
        tensor: Any = torch.from_numpy(np.array(X)).to(torch.bfloat16)
        return as_plain("X", tensor, "entries")
    with np.errstate(over="ignore"):
        return X.astype(dtype).astype(np.float64)


def _rounding(network: Network, X: Float, dtype: str) -> Float:
    """Return what rounding can do to each sample's output."""
    unit, smallest = _UNIT[dtype], _SMALLEST[dtype]
    d, m = network.n_features, network.n_neurons
    sizes = np.abs(X) @ np.abs(network.weights).T + np.abs(network.biases)
    shift = (d + _MORE) * smallest * np.abs(network.outer[network.kept])
    inner = _gamma(d + 1 + _MORE, unit) * sizes + shift
    rectified = np.maximum(X @ network.weights.T + network.biases, 0.0) + inner
    total = rectified.sum(axis=1) + abs(network.output_bias)
    return inner.sum(axis=1) + _gamma(m + 1 + _MORE, unit) * total + (m + _MORE) * smallest


def _gamma(n: int, unit: float) -> float:
    """Return the factor of a sum of n terms; of a typical one where the bound says nothing."""
    return n * unit / (1.0 - n * unit) if n * unit < 0.1 else 8.0 * math.sqrt(n) * unit


def _exact(name: str, network: Network, own: _Outputs, X: Float, size: float) -> Float:
    """Return the differences when the model computes in float64, nan if it cannot."""
    try:
        expected = own(X, "float64")
    except InvalidInputError:
        return np.full(len(X), np.nan)
    found = network.predict(X)
    bound = np.maximum(_rounding(network, X, "float64"), _EXACT * size)
    _require_agreement(name, found, expected, bound, "float64")
    return np.abs(found - expected)


def _require_agreement(name: str, found: Float, expected: Float, bound: Float, dtype: str) -> None:
    excess = np.abs(found - expected) - bound
    i = int(np.argmax(excess))
    if excess[i] > 0.0:
        got = (
            f"gives {expected[i]:.9g} for sample {i}, the network that was read {found[i]:.9g}: "
            f"more apart than {dtype} rounding explains ({bound[i]:.2g})"
        )
        raise fail(name, got, "something in it was misread; pass its layers as plain arrays")


def _ratio(value: float, size: float) -> float:
    if value == 0.0:
        return 0.0
    return value / size if size > 0.0 else math.inf
