"""Minimum-norm networks: exact solvers, certificates and distances."""

from relubias.minnorm.batch import MinimumNormBatch, minimum_norm_batch
from relubias.minnorm.certificate import MinimumNormCertificate, certify_one_neuron
from relubias.minnorm.closest_fit import ClosestFit, closest_fit
from relubias.minnorm.files import load, save
from relubias.minnorm.linear import LinearMinimumNorm, LinearStatus, linear_minimum_norm
from relubias.minnorm.search_tree import SearchTree
from relubias.minnorm.solution import MinimumNorm, MinimumNormStatus
from relubias.minnorm.solve import minimum_norm
from relubias.minnorm.verification import Verification, verify

__all__ = [
    "ClosestFit",
    "LinearMinimumNorm",
    "LinearStatus",
    "MinimumNorm",
    "MinimumNormBatch",
    "MinimumNormCertificate",
    "MinimumNormStatus",
    "SearchTree",
    "Verification",
    "certify_one_neuron",
    "closest_fit",
    "linear_minimum_norm",
    "load",
    "minimum_norm",
    "minimum_norm_batch",
    "save",
    "verify",
]
