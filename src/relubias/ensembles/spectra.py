"""Spectra of feature covariances, as distinct eigenvalues with multiplicities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float, as_count, as_float_array, as_real, fail, is_scalar, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Spectrum", "as_spectrum", "isotropic", "power_law", "spiked"]

_MAX_FEATURES = 10**15
"""Above this, counts are no longer safely exact in double precision."""

_MAX_DISTINCT = 10**7
_SMALLEST, _LARGEST = 1e-280, 1e280


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Spectrum:
    r"""Eigenvalues of a feature covariance :math:`\Sigma`, each with its multiplicity.

    Costs grow with the number of distinct eigenvalues, never with their multiplicities.

    Parameters
    ----------
    values : array_like of shape (n_distinct,)
        Positive eigenvalues, in any order, in squared units of the features.
    multiplicities : array_like of int, shape (n_distinct,), optional
        How often each occurs; once each if omitted.

    Attributes
    ----------
    values : ndarray of shape (n_distinct,)
        Distinct eigenvalues in decreasing order; read-only.
    multiplicities : ndarray of int64, shape (n_distinct,)
        Their multiplicities; read-only.
    n_features : int
        Dimension d, the sum of the multiplicities.
    trace : float
        Sum of all eigenvalues, :math:`\|\lambda\|_1`.
    d_2, d_inf : float
        Effective dimensions.

    Raises
    ------
    InvalidInputError
        If an eigenvalue is not positive and finite, a multiplicity is not a positive whole
        number, or their sum is above 10**15.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, section 2.

    Examples
    --------
    >>> Spectrum([1.0, 4.0, 1.0], [10, 2, 5])
    Spectrum([(4.0, 2), (1.0, 15)])
    """

    values: Float
    multiplicities: NDArray[np.int64] = None  # pyright: ignore[reportAssignmentType]

    def __post_init__(self) -> None:
        values = as_float_array("values", self.values, ndim=1, shape="(n_distinct,)")
        if values.size == 0:
            raise fail("values", "is empty", "pass at least one eigenvalue")
        outside = values[(values < _SMALLEST) | (values > _LARGEST)]
        if outside.size:
            remedy = f"eigenvalues lie in {_SMALLEST:g}..{_LARGEST:g}"
            raise fail("values", f"has the entry {outside[0]:g}", remedy)
        counts = _as_multiplicities(self.multiplicities, values.size)
        distinct, place = np.unique(-values, return_inverse=True)
        merged = np.zeros(distinct.size, dtype=np.int64)
        np.add.at(merged, place, counts)
        for name, array in (("values", -distinct), ("multiplicities", merged)):
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    @property
    def n_distinct(self) -> int:
        """Number of distinct eigenvalues."""
        return self.values.size

    @property
    def n_features(self) -> int:
        """Dimension d, the sum of the multiplicities."""
        return int(self.multiplicities.sum())

    @property
    def pairs(self) -> tuple[tuple[float, int], ...]:
        """Pairs ``(eigenvalue, multiplicity)``, eigenvalues decreasing."""
        return tuple(zip(self.values.tolist(), self.multiplicities.tolist(), strict=True))

    @property
    def trace(self) -> float:
        r"""Sum of all eigenvalues, :math:`\|\lambda\|_1`, the expected squared norm of a sample."""
        return math.fsum((self.values * self.multiplicities).tolist())

    @property
    def d_2(self) -> float:
        r"""Effective dimension :math:`\|\lambda\|_1^2 / \|\lambda\|_2^2`."""
        ratio = self.values / self.values[0]
        total = math.fsum((ratio * self.multiplicities).tolist())
        return total * (total / math.fsum((ratio * ratio * self.multiplicities).tolist()))

    @property
    def d_inf(self) -> float:
        r"""Effective dimension :math:`\|\lambda\|_1 / \|\lambda\|_\infty`."""
        return math.fsum((self.values / self.values[0] * self.multiplicities).tolist())

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the eigenvalues, and the effective dimensions beside their ranks.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure if omitted.

        Returns
        -------
        matplotlib.axes.Axes
            Both axes logarithmic where the eigenvalues differ.

        Raises
        ------
        InvalidInputError
            If `ax` is no rectangular Axes.
        """
        from relubias.ensembles._plot import draw_spectrum

        return draw_spectrum(self, ax)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Spectrum):
            return NotImplemented
        return np.array_equal(self.values, other.values) and np.array_equal(
            self.multiplicities, other.multiplicities
        )

    def __hash__(self) -> int:
        return hash((self.values.tobytes(), self.multiplicities.tobytes()))

    def __repr__(self) -> str:
        if self.n_distinct == 1:
            value = self.values.item()
            more = "" if value == 1.0 else f", value={value!r}"
            return f"isotropic({self.n_features}{more})"
        if self.n_distinct <= 4:
            return f"Spectrum({list(self.pairs)!r})"
        return (
            f"Spectrum(n_features={self.n_features}, n_distinct={self.n_distinct}, "
            f"trace={self.trace:.6g}, d_2={self.d_2:.6g}, d_inf={self.d_inf:.6g})"
        )


def isotropic(d: int, value: float = 1.0) -> Spectrum:
    r"""Return the spectrum of :math:`\Sigma = \mathrm{value} \cdot I_d`.

    Parameters
    ----------
    d : int
        Dimension, up to 10**15.
    value : float, default=1.0
        The eigenvalue, in squared units of the features.

    Returns
    -------
    Spectrum
        Of trace ``d * value``.

    Raises
    ------
    InvalidInputError
        If `d` is not a positive whole number or `value` is not positive and finite.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, section 2.

    Examples
    --------
    >>> isotropic(10**12).trace
    1000000000000.0
    """
    return Spectrum([_as_eigenvalue("value", value)], [_as_dimension("d", d)])  # pyright: ignore[reportArgumentType]


def spiked(d: int, spike: float, n_spikes: int = 1, value: float = 1.0) -> Spectrum:
    """Return a spectrum of a few eigenvalues `spike` and ``d - n_spikes`` eigenvalues `value`.

    Parameters
    ----------
    d : int
        Dimension, up to 10**15.
    spike : float
        The eigenvalue of the spikes, in squared units of the features.
    n_spikes : int, default=1
        Number of spikes, at most `d`.
    value : float, default=1.0
        The eigenvalue of the other directions.

    Returns
    -------
    Spectrum
        Of trace ``n_spikes * spike + (d - n_spikes) * value``.

    Raises
    ------
    InvalidInputError
        If a count is not a positive whole number, `n_spikes` exceeds `d`, or an eigenvalue is
        not positive and finite.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, section 2.

    Examples
    --------
    >>> spiked(1000, 100.0)
    Spectrum([(100.0, 1), (1.0, 999)])
    """
    n_features = _as_dimension("d", d)
    top = as_count("n_spikes", n_spikes, minimum=1, maximum=n_features)
    high, low = _as_eigenvalue("spike", spike), _as_eigenvalue("value", value)
    if top == n_features:
        return isotropic(n_features, high)
    return Spectrum([high, low], [top, n_features - top])  # pyright: ignore[reportArgumentType]


def power_law(d: int, exponent: float, value: float = 1.0) -> Spectrum:
    r"""Return the spectrum :math:`\lambda_j = \mathrm{value} \cdot j^{-\mathrm{exponent}}`.

    Parameters
    ----------
    d : int
        Dimension, up to 10**7: all eigenvalues are distinct.
    exponent : float
        Decay, dimensionless, at least 0 (0 is isotropic).
    value : float, default=1.0
        The largest eigenvalue, in squared units of the features.

    Returns
    -------
    Spectrum
        With `d` distinct eigenvalues.

    Raises
    ------
    InvalidInputError
        If `d` is out of range, `exponent` is negative, `value` is not positive and finite, or
        the smallest eigenvalue underflows.

    References
    ----------
    .. [1] K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT 2026, section 2.

    Examples
    --------
    >>> power_law(4, 1.0, value=12.0).pairs
    ((12.0, 1), (6.0, 1), (4.0, 1), (3.0, 1))
    """
    decay = as_real("exponent", exponent, minimum=0.0)
    first = _as_eigenvalue("value", value)
    if decay == 0.0:
        return isotropic(d, first)
    n_features = _as_dimension("d", d)
    if n_features > _MAX_DISTINCT:
        remedy = f"at most {_MAX_DISTINCT} distinct eigenvalues; pass (value, multiplicity) pairs"
        raise fail("d", f"is {n_features}", remedy)
    values = first * np.arange(1, n_features + 1, dtype=np.float64) ** -decay
    if values[-1] < _SMALLEST:
        raise fail("exponent", f"is {decay:g}", "lower it: the smallest eigenvalue underflows")
    return Spectrum(values)


def as_spectrum(name: str, value: Any) -> Spectrum:
    """Return a spectrum from one, a dimension, eigenvalues, or (value, multiplicity) pairs."""
    if isinstance(value, Spectrum):
        return value
    if is_scalar(value):
        return isotropic(_as_dimension(name, value))
    pairs = _as_pairs(name, value)
    if pairs is not None:
        return pairs
    values = as_float_array(name, value, ndim=1, shape="eigenvalues (d,) or pairs (k, 2)")
    if values.size == 0 or values.size > _MAX_DISTINCT:
        remedy = f"pass 1 to {_MAX_DISTINCT} eigenvalues, or (value, multiplicity) pairs"
        raise fail(name, f"has {values.size} entries", remedy)
    for eigenvalue in (values.min(), values.max()):
        _as_eigenvalue(name, eigenvalue)
    return Spectrum(values)


def _as_pairs(name: str, value: Any) -> Spectrum | None:
    """Return the spectrum of (value, multiplicity) pairs; None where there are no pairs."""
    if isinstance(value, np.ndarray):
        array = cast("NDArray[Any]", value)
        if array.ndim != 2 or array.shape[1] != 2 or array.shape[0] == 0:
            return None
        table = as_float_array(name, array, ndim=2, shape="pairs (k, 2)")
        rows = [(v, int(c) if c == int(c) else c) for v, c in table.tolist()]
    elif isinstance(value, (list, tuple)):
        items = cast("Sequence[Any]", value)
        if not items or not all(isinstance(item, (list, tuple)) for item in items):
            return None
        rows = [tuple(cast("Sequence[Any]", item)) for item in items]
    else:
        return None
    for row in rows:
        if len(row) != 2:
            raise fail(name, f"has the entry {shown(row)}", "pass pairs (value, multiplicity)")
    values = [_as_eigenvalue(name, row[0]) for row in rows]
    counts = [_as_dimension(name, row[1]) for row in rows]
    if sum(counts) > _MAX_FEATURES:
        raise fail(name, f"has {sum(counts)} eigenvalues in all", f"at most {_MAX_FEATURES}")
    return Spectrum(values, counts)  # pyright: ignore[reportArgumentType]


def _as_dimension(name: str, value: Any) -> int:
    return as_count(name, value, minimum=1, maximum=_MAX_FEATURES)


def _as_eigenvalue(name: str, value: Any) -> float:
    number = as_real(name, value, minimum=0.0, strict=True, what="eigenvalue")
    if not _SMALLEST <= number <= _LARGEST:
        raise fail(name, f"is {number:g}", f"eigenvalues lie in {_SMALLEST:g}..{_LARGEST:g}")
    return number


def _as_multiplicities(value: Any, size: int) -> NDArray[np.int64]:
    if value is None:
        return np.ones(size, dtype=np.int64)
    raw: list[Any] = [] if is_scalar(value) else list(value)
    if len(raw) != size:
        got = f"is {shown(value)}" if is_scalar(value) else f"has {len(raw)} entries"
        raise fail("multiplicities", got, f"expected one per eigenvalue, {size}")
    counts = [_as_dimension("multiplicities", count) for count in raw]
    if sum(counts) > _MAX_FEATURES:
        raise fail("multiplicities", f"sum to {sum(counts)}", f"at most {_MAX_FEATURES}")
    return np.array(counts, dtype=np.int64)
