"""Choices of a plan as objects: spectra, feature laws and label laws."""

from __future__ import annotations

from functools import lru_cache
from typing import cast

from relubias._validate import fail
from relubias.ensembles import labels as label_laws
from relubias.ensembles.feature_law import FeatureLaw
from relubias.ensembles.laws import Gaussian, Rademacher, Sphere, Uniform
from relubias.ensembles.orthogonal import Orthogonal
from relubias.ensembles.spectra import Spectrum, as_spectrum, isotropic, power_law, spiked
from relubias.sweep._choices import Choice, Pairs

__all__ = ["LabelLaw", "feature_law", "label_law", "signs_of", "spectrum_of"]

LabelLaw = label_laws.UniformMagnitudeLabels | label_laws.GaussianLabels | label_laws.PlantedLabels

_LAWS = {"gaussian": Gaussian, "rademacher": Rademacher, "sphere": Sphere, "uniform": Uniform}


def signs_of(text: str) -> tuple[int, ...]:
    """Return output signs of text such as ``"+-"``."""
    return tuple(1 if sign == "+" else -1 for sign in text)


@lru_cache(maxsize=64)
def spectrum_of(choice: Choice, d: int) -> Spectrum:
    """Return the spectrum of a choice without expressions."""
    options = dict(choice.options)
    if choice.name == "pairs":
        pairs = cast("Pairs", options["pairs"])
        return as_spectrum("spectrum", pairs)
    make = {"isotropic": isotropic, "spiked": spiked, "power_law": power_law}[choice.name]
    return make(d, **options)  # pyright: ignore[reportArgumentType]


@lru_cache(maxsize=64)
def feature_law(name: str, choice: Choice, d: int) -> FeatureLaw:
    """Return the law of the features."""
    spectrum = spectrum_of(choice, d)
    if name != "orthogonal":
        return _LAWS[name](spectrum)
    if spectrum.n_distinct > 1:
        got = f"is {choice.name!r}, but orthogonal features have one length"
        raise fail("spectrum", got, "pass 'isotropic' with them")
    return Orthogonal(spectrum.n_features, spectrum.trace)


@lru_cache(maxsize=1024)
def label_law(choice: Choice) -> LabelLaw:
    """Return the law of the labels of a choice without expressions."""
    options = dict(choice.options)
    if choice.name == "planted":
        return label_laws.planted(signs_of(str(options["teacher"])), options["noise"])  # pyright: ignore[reportArgumentType]
    make = {
        "uniform_magnitude": label_laws.uniform_magnitude,
        "gaussian": label_laws.gaussian,
    }[choice.name]
    return make(**options)  # pyright: ignore[reportArgumentType, reportCallIssue]
