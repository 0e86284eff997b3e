"""The only place where arguments are coerced and checked.

Every function takes the argument's name first and raises `InvalidInputError` with that name,
what arrived and what to do. Floats narrower than 64 bits, integers and booleans are widened;
complex, object, text and non-finite input is refused.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relubias.errors import InvalidInputError

__all__ = [
    "Float",
    "as_count",
    "as_dual",
    "as_features",
    "as_float_array",
    "as_gram",
    "as_gram_stack",
    "as_indices",
    "as_labels",
    "as_positive_or_vector",
    "as_real",
    "as_real_array",
    "as_rng",
    "as_seed_sequence",
    "as_signs",
    "as_steps",
    "as_stream",
    "fail",
    "is_scalar",
    "shown",
]

Float = NDArray[np.float64]

_SYMMETRY_TOLERANCE = 1e-10


def fail(name: str, got: str, remedy: str) -> InvalidInputError:
    """Return the error for argument `name`; the caller raises it."""
    return InvalidInputError(f"{name}: {got}; {remedy}")


def as_float_array(name: str, value: Any, *, ndim: int, shape: str) -> Float:
    """Return a private, C-contiguous, finite float64 copy of `value` with `ndim` axes."""
    raw = as_real_array(name, value, ndim=ndim, shape=shape)
    with np.errstate(over="ignore"):
        array = np.array(raw, dtype=np.float64, order="C", copy=True)
    _require_finite(name, array)
    return array


def as_real_array(name: str, value: Any, *, ndim: int, shape: str) -> NDArray[Any]:
    """Return `value` as an array of real numbers of any width, entries unread, with `ndim` axes."""
    if _has_masked_entries(value):
        raise fail(name, "has masked entries", "fill or drop them first")
    if hasattr(value, "toarray") and hasattr(value, "nnz"):
        raise fail(name, "is a sparse matrix", "pass a dense array, for example .toarray()")
    try:
        raw: NDArray[Any] = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise fail(name, "is not a rectangular array of numbers", f"expected {shape}") from error
    if raw.dtype.kind == "c":
        raise fail(name, f"is complex ({raw.dtype})", "pass its real part if that is what you mean")
    if raw.dtype.kind not in "fiub":
        raise fail(name, f"has dtype {raw.dtype}", "pass real numbers (NaN marks are refused too)")
    if raw.ndim != ndim:
        raise fail(name, f"has shape {raw.shape}", f"expected {shape}")
    return raw


def _require_finite(name: str, array: Float) -> None:
    if not np.isfinite(array).all():
        bad = np.argwhere(~np.isfinite(array))[0]
        where = ", ".join(str(int(i)) for i in bad)
        raise fail(name, f"entry [{where}] is {array[tuple(bad)]}", "every entry must be finite")


def _has_masked_entries(value: Any) -> bool:
    masked: Any = value
    return isinstance(value, np.ma.MaskedArray) and bool(np.any(masked.mask))


def as_features(name: str, value: Any) -> Float:
    """Return features, (n_samples, n_features), whose squares neither over- nor underflow.

    A read-only view where `value` is a contiguous float64 array; a copy otherwise.
    """
    array = as_unread_features(name, value)
    require_usable_features(name, array)
    return array


def as_unread_features(name: str, value: Any) -> Float:
    """Return features of the right shape and type, as `as_features` does, with entries unread."""
    raw = as_real_array(name, value, ndim=2, shape="(n_samples, n_features)")
    if raw.size == 0:
        raise fail(name, f"is empty (shape {raw.shape})", "pass at least one sample and feature")
    with np.errstate(over="ignore"):
        array = np.ascontiguousarray(raw, dtype=np.float64).view()
    array.flags.writeable = False
    return array


def require_usable_features(name: str, array: Float) -> None:
    """Name the first entry that is not finite, or whose square over- or underflows."""
    _require_finite(name, array)
    largest = np.abs(array).max(axis=1)
    if largest.max() > 1e150:
        raise fail(name, f"has an entry of size {largest.max():.3g}", "rescale: squares overflow")
    if ((largest > 0) & (largest < 1e-150)).any():
        row = int(np.flatnonzero((largest > 0) & (largest < 1e-150))[0])
        raise fail(name, f"row {row} is smaller than 1e-150", "rescale: its squares underflow")


def as_labels(name: str, value: Any, n_samples: int | None = None) -> Float:
    """Return labels of shape (n_samples,)."""
    array = as_float_array(name, value, ndim=1, shape="(n_samples,); use .ravel() on a column")
    if array.size == 0:
        raise fail(name, "is empty", "pass at least one label")
    if n_samples is not None and array.shape != (n_samples,):
        raise fail(name, f"has {array.size} entries", f"expected one per sample, {n_samples}")
    if np.abs(array).max() > 1e150:
        raise fail(name, f"has an entry of size {np.abs(array).max():.3g}", "rescale the labels")
    return array


def as_signs(name: str, value: Any) -> Float:
    """Return output signs of shape (n_neurons,), each +1 or -1."""
    array = as_float_array(name, value, ndim=1, shape="(n_neurons,) of +1 and -1")
    if array.size == 0:
        raise fail(name, "is empty", "pass one sign per neuron, such as (1,) or (1, -1)")
    wrong = array[np.abs(array) != 1.0]
    if wrong.size:
        raise fail(name, f"contains {wrong[0]:g}", "every sign must be +1 or -1")
    return array


def as_gram(name: str, value: Any) -> Float:
    """Return a symmetric positive semi-definite matrix; what is rounding is symmetrised away."""
    gram = as_float_array(name, value, ndim=2, shape="(n_samples, n_samples)")
    n = gram.shape[0]
    if n == 0 or gram.shape[1] != n:
        raise fail(name, f"has shape {gram.shape}", "expected a non-empty square matrix")
    scale = float(np.abs(gram).max())
    if scale > 1e300:
        raise fail(name, f"has an entry of size {scale:.3g}", "rescale the features")
    if (np.diagonal(gram) < 0).any():
        i = int(np.flatnonzero(np.diagonal(gram) < 0)[0])
        raise fail(name, f"has the negative diagonal entry [{i}, {i}]", "pass X @ X.T")
    skew = float(np.abs(gram - gram.T).max())
    if skew > _SYMMETRY_TOLERANCE * scale:
        raise fail(name, f"is not symmetric (largest difference {skew:.3g})", "pass X @ X.T")
    if skew > 0:
        gram = gram / 2 + gram.T / 2
    if not _is_positive_semidefinite(gram):
        smallest = float(np.linalg.eigvalsh(gram)[0])
        raise fail(
            name,
            f"is not positive semi-definite (smallest eigenvalue {smallest:.3g})",
            "pass X @ X.T",
        )
    return gram


def as_gram_stack(name: str, grams: Float) -> Float:
    """Return (B, n, n) Gram matrices, each as `as_gram` returns it, checked together."""
    transposed = grams.transpose(0, 2, 1)
    diagonal = np.diagonal(grams, axis1=1, axis2=2)
    good = (
        bool((grams == transposed).all())
        and bool((diagonal >= 0.0).all())
        and float(np.abs(grams).max(initial=0.0)) <= 1e300
        and _are_positive_semidefinite(grams, diagonal.max(axis=1, initial=0.0))
    )
    if good:
        return grams
    return np.stack([as_gram(f"{name}[{b}]", gram) for b, gram in enumerate(grams)])


def _are_positive_semidefinite(grams: Float, sizes: Float) -> bool:
    n = grams.shape[1]
    unit = np.where(sizes > 0.0, sizes, 1.0)[:, None, None]
    shift = 64 * n * np.finfo(np.float64).eps
    try:
        np.linalg.cholesky(grams / unit + shift * np.eye(n))
    except np.linalg.LinAlgError:
        return False
    return True


def _is_positive_semidefinite(gram: Float) -> bool:
    """Decide up to rounding: Cholesky of the matrix in unit scale, shifted by its rounding."""
    size = float(np.diagonal(gram).max())
    if size == 0.0:
        return not gram.any()
    n = gram.shape[0]
    shift = 64 * n * np.finfo(np.float64).eps
    try:
        np.linalg.cholesky(gram / size + shift * np.eye(n))
    except np.linalg.LinAlgError:
        return False
    return True


def as_dual(name: str, value: Any, n_neurons: int, n_samples: int) -> Float:
    """Return dual variables of shape (n_neurons, n_samples)."""
    shape = f"(n_neurons, n_samples) = ({n_neurons}, {n_samples})"
    array = as_float_array(name, value, ndim=2, shape=shape)
    if array.shape != (n_neurons, n_samples):
        raise fail(name, f"has shape {array.shape}", f"expected {shape}")
    return array


def as_real(
    name: str, value: Any, *, minimum: float = -math.inf, strict: bool = False, what: str = "number"
) -> float:
    """Return a finite Python float, at least `minimum` (above it when `strict`)."""
    bound = (
        f"a finite {what}"
        if math.isinf(minimum)
        else (f"a finite {what} {'>' if strict else '>='} {minimum:g}")
    )
    if isinstance(value, (bool, np.bool_, str, bytes)) or value is None:
        raise fail(name, f"is {shown(value)}", f"pass {bound}")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise fail(name, f"is {shown(value)}", f"pass {bound}") from error
    if not math.isfinite(number) or number < minimum or (strict and number == minimum):
        raise fail(name, f"is {number:g}", f"pass {bound}")
    return number


def as_count(name: str, value: Any, *, minimum: int = 0, maximum: int = 2**62) -> int:
    """Return a Python integer in [minimum, maximum]; whole floats are refused, too."""
    if isinstance(value, (bool, np.bool_)):
        raise fail(name, f"is {shown(value)}", f"pass a whole number >= {minimum}")
    try:
        number = operator.index(value)
    except TypeError as error:
        raise fail(name, f"is {shown(value)}", f"pass a whole number >= {minimum}") from error
    if number < minimum:
        raise fail(name, f"is {shown(number)}", f"pass a whole number >= {minimum}")
    if number > maximum:
        raise fail(name, f"is {shown(number)}", f"pass a whole number <= {maximum}")
    return number


def as_steps(name: str, value: Any) -> list[int]:
    """Return numbers of steps, sorted and distinct; none for None."""
    if value is None:
        return []
    try:
        entries = np.asarray(value).ravel().tolist()
    except (TypeError, ValueError) as error:
        raise fail(name, "is not a list of steps", "pass whole numbers") from error
    return sorted({as_count(name, entry) for entry in entries})


def as_indices(name: str, value: Any, upper: int) -> NDArray[np.intp]:
    """Return distinct indices in [0, upper), from indices or from a boolean mask of that length."""
    try:
        raw: NDArray[Any] = np.asarray(value)
    except (TypeError, ValueError) as error:
        raise fail(name, "is ragged", "pass a list of sample indices or a boolean mask") from error
    if raw.dtype == np.bool_ and raw.shape == (upper,):
        return np.flatnonzero(raw)
    if raw.size == 0:
        return np.zeros(0, dtype=np.intp)
    if raw.ndim != 1 or raw.dtype.kind not in "iu":
        raise fail(name, f"is {shown(value)}", "pass a list of sample indices or a boolean mask")
    if raw.min() < 0 or raw.max() >= upper:
        raise fail(name, f"reaches from {raw.min()} to {raw.max()}", f"stay within 0..{upper - 1}")
    if np.unique(raw).size != raw.size:
        raise fail(name, "names a sample twice", "pass distinct indices")
    return raw.astype(np.intp)


def as_positive_or_vector(name: str, value: Any, n: int, *, minimum: float, strict: bool) -> Float:
    """Return a vector of length `n` from a number or a vector, every entry bounded below."""
    if is_scalar(value):
        return np.full(n, as_real(name, value, minimum=minimum, strict=strict))
    array = as_float_array(name, value, ndim=1, shape=f"a number or ({n},)")
    if array.shape != (n,):
        raise fail(name, f"has {array.size} entries", f"expected one per sample, {n}")
    if (array < minimum).any() or (strict and (array == minimum).any()):
        relation = ">" if strict else ">="
        raise fail(
            name, f"has the entry {array.min():g}", f"every entry must be {relation} {minimum:g}"
        )
    return array


def as_rng(name: str, seed: Any) -> np.random.Generator:
    """Return a generator from a non-negative integer, a sequence of them, or a generator."""
    if isinstance(seed, np.random.Generator):
        return seed
    if isinstance(seed, np.random.SeedSequence):
        return np.random.default_rng(seed)
    if isinstance(seed, (list, tuple)):
        return np.random.default_rng([as_count(name, part, maximum=2**128) for part in seed])  # pyright: ignore[reportUnknownVariableType]
    return np.random.default_rng(as_count(name, seed, maximum=2**128))


def as_stream(name: str, seed: Any, purpose: str) -> np.random.Generator:
    """Return the generator of one purpose: one seed gives every purpose its own stream.

    A generator passed as the seed is used, and advanced, as it is.
    """
    if isinstance(seed, np.random.Generator):
        return seed
    return np.random.default_rng(as_seed_sequence(name, seed, purpose))


def as_seed_sequence(name: str, seed: Any, purpose: str) -> np.random.SeedSequence:
    """Return the seeds of one purpose, from which any number of streams can be derived.

    A generator passed as the seed gives, and is advanced by, eight random numbers.
    """
    key = tuple(purpose.encode())
    if isinstance(seed, np.random.SeedSequence):
        return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, *key))
    if isinstance(seed, np.random.Generator):
        parts = [int(part) for part in seed.integers(0, 2**32, size=8)]
    elif isinstance(seed, (list, tuple)) and seed:
        parts = [as_count(name, part, maximum=2**128) for part in seed]  # pyright: ignore[reportUnknownVariableType]
    else:
        parts = [as_count(name, seed, maximum=2**128)]
    return np.random.SeedSequence(parts, spawn_key=key)


def is_scalar(value: Any) -> bool:
    """Return whether `value` has no axes; ragged lists have some."""
    try:
        return np.ndim(value) == 0
    except ValueError:
        return False


def shown(value: Any) -> str:
    """Return numbers and text as they are, anything else by its type: one line, no addresses."""
    if not isinstance(value, (int, float, complex, str, bytes, np.number)) and value is not None:
        return f"a {type(value).__name__}"
    text = repr(value)  # pyright: ignore[reportUnknownArgumentType]
    return text if len(text) <= 60 else f"{text[:57]}..."
