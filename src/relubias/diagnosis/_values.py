"""What a model's forward pass computes, step by step, as linear functions before and after relu."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from relubias._validate import Float

__all__ = [
    "Affine",
    "Combination",
    "Refused",
    "Samples",
    "Unknown",
    "Value",
    "added",
    "dense",
    "linear",
    "rectified",
    "scaled",
    "shifted",
]


class Refused(Exception):  # noqa: N818 - becomes an InvalidInputError with the argument's name
    """The model is none that can be read; `got` says why, `remedy` what to do."""

    def __init__(self, got: str, remedy: str) -> None:
        super().__init__(f"{got}; {remedy}")
        self.got, self.remedy = got, remedy


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """The model's input, (n_samples, n_features)."""


@dataclass(frozen=True, slots=True, eq=False)
class Unknown:
    """Something that depends on the input's shape alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """Linear functions of a sample, before relu: ``X @ matrix.T + offset``."""

    matrix: Float
    offset: Float | None
    where: str


@dataclass(frozen=True, slots=True, eq=False)
class Combination:
    """Sums over rectified units: ``sum_j relu(bank_j) @ terms[j].T + offset``.

    A term with one axis is a diagonal matrix: as many outputs as units, each scaled.
    """

    terms: dict[int, Float]
    offset: Float
    where: str
    is_mixed: bool = False
    """Whether a matrix was applied after relu, that is, whether there is an output layer."""


Value = Samples | Unknown | Affine | Combination

_ONE_LAYER = "only networks with one hidden relu layer can be diagnosed"


def linear(value: Value, matrix: Float, offset: Float | None, where: str) -> Value:
    """Apply a linear layer with weights `matrix`, (n_outputs, n_inputs)."""
    if isinstance(value, Samples):
        return Affine(matrix, offset, where)
    if isinstance(value, Affine):
        got = f"{where} follows {value.where} without a relu between them"
        raise Refused(got, "multiply the two matrices into one layer, or put the relu between them")
    if isinstance(value, Unknown):
        raise Refused(f"{where} uses the shape of the input as a number", _ONE_LAYER)
    if value.is_mixed:
        got = f"{where} is one more linear layer, after {value.where}"
        raise Refused(got, f"{_ONE_LAYER}; multiply the two last matrices into one")
    _require(value.offset.size == matrix.shape[1], where, "does not fit the layer before it")
    terms = {
        bank: matrix * weights if weights.ndim == 1 else matrix @ weights
        for bank, weights in value.terms.items()
    }
    shift = matrix @ value.offset + (0.0 if offset is None else offset)
    return Combination(terms, shift, where, is_mixed=True)


def rectified(value: Value, banks: list[Affine], where: str) -> Value:
    """Apply relu; the units become a new bank."""
    if isinstance(value, Samples):
        got = f"{where} comes before any linear layer"
        raise Refused(got, f"apply it to the data first; {_ONE_LAYER}")
    if isinstance(value, Combination):
        raise Refused(f"{where} is a second relu, after {value.where}", _ONE_LAYER)
    if isinstance(value, Unknown):
        raise Refused(f"{where} acts on the shape of the input", _ONE_LAYER)
    banks.append(value)
    n_units = len(value.matrix)
    return Combination({len(banks) - 1: np.ones(n_units)}, np.zeros(n_units), where)


def scaled(value: Value, factor: Any, where: str) -> Value:
    """Multiply by a number, or by one number per unit."""
    if isinstance(value, Affine):
        factors = _per_unit(factor, value.matrix.shape[0], where)
        matrix = factors[:, None] * value.matrix
        shift: Float | None = None if value.offset is None else factors * value.offset
        return Affine(matrix, shift, value.where)
    if isinstance(value, Combination):
        factors = _per_unit(factor, value.offset.size, where)
        terms = {
            bank: weights * (factors if weights.ndim == 1 else factors[:, None])
            for bank, weights in value.terms.items()
        }
        return Combination(terms, factors * value.offset, value.where, value.is_mixed)
    raise _changed_input(where)


def shifted(value: Value, offset: Any, where: str) -> Value:
    """Add a number, or one number per unit."""
    if isinstance(value, Affine):
        shifts = _per_unit(offset, value.matrix.shape[0], where)
        total = shifts if value.offset is None else value.offset + shifts
        return Affine(value.matrix, total, value.where)
    if isinstance(value, Combination):
        shifts = _per_unit(offset, value.offset.size, where)
        return Combination(value.terms, value.offset + shifts, value.where, value.is_mixed)
    raise _changed_input(where)


def added(first: Value, second: Value, sign: float, where: str) -> Value:
    """Add, or subtract, two values that depend on the sample."""
    if isinstance(first, Combination) and isinstance(second, Combination):
        _require(first.offset.size == second.offset.size, where, "adds values of two sizes")
        terms = dict(first.terms)
        for bank, weights in second.terms.items():
            both = bank in terms and {terms[bank].ndim, weights.ndim} == {1, 2}
            before = dense(terms[bank]) if both else terms.get(bank, 0.0)
            terms[bank] = before + sign * (dense(weights) if both else weights)
        is_mixed = first.is_mixed or second.is_mixed
        return Combination(terms, first.offset + sign * second.offset, where, is_mixed)
    if isinstance(first, Unknown) or isinstance(second, Unknown):
        raise Refused(f"{where} uses the shape of the input as a number", _ONE_LAYER)
    got = f"{where} adds a connection that skips the relu"
    raise Refused(got, f"subtract that part from the labels first; {_ONE_LAYER}")


def dense(weights: Float) -> Float:
    """Return a term as a matrix, (n_outputs, n_units)."""
    return np.diag(weights) if weights.ndim == 1 else weights


def _changed_input(where: str) -> Refused:
    got = f"{where} changes the samples before the first layer"
    return Refused(got, "do that to the data first, and pass the rest of the model")


def _per_unit(value: Any, n_units: int, where: str) -> Float:
    array = np.asarray(value, dtype=np.float64)
    if array.size == 1:
        return np.full(n_units, float(array.ravel()[0]))
    flat = array[0] if array.ndim == 2 and array.shape[0] == 1 else array
    _require(flat.shape == (n_units,), where, f"combines {n_units} units with {array.shape}")
    return flat


def _require(is_right: bool, where: str, problem: str) -> None:
    if not is_right:
        raise Refused(f"{where} {problem}", "check the shapes in the model's forward")
