"""Random data: spectra, feature laws and label laws."""

from __future__ import annotations

from relubias.ensembles import labels
from relubias.ensembles.feature_law import FeatureLaw
from relubias.ensembles.generated import GeneratedFeatures
from relubias.ensembles.laws import Gaussian, Rademacher, Sphere, Uniform
from relubias.ensembles.orthogonal import Orthogonal
from relubias.ensembles.spectra import Spectrum, isotropic, power_law, spiked

__all__ = [
    "FeatureLaw",
    "Gaussian",
    "GeneratedFeatures",
    "Orthogonal",
    "Rademacher",
    "Spectrum",
    "Sphere",
    "Uniform",
    "isotropic",
    "labels",
    "power_law",
    "spiked",
]
