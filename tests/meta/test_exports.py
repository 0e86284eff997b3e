"""The public names are the contract of the design: present, sorted, and nothing else."""

from __future__ import annotations

import inspect
import pickle  # noqa: TID251 - errors travel between processes
import re

import pytest

import relubias as rb
from tests.meta.discovery import public_modules

CONTRACT = [
    "BiasGap",
    "Diagnosis",
    "InvalidInputError",
    "MinimumNorm",
    "MissingExtraError",
    "NotSolvedError",
    "Problem",
    "RelubiasError",
    "State",
    "Status",
    "Trajectory",
    "bias_gap",
    "check",
    "diagnose",
    "ensembles",
    "gradient_descent",
    "gradient_descent_batch",
    "gradient_flow",
    "linear_minimum_norm",
    "minimum_norm",
    "starts",
    "step_size_bounds",
    "sweep",
    "theory",
]


@pytest.mark.parametrize("name", CONTRACT)
def test_the_contract_is_exported(name):
    assert name in rb.__all__
    assert hasattr(rb, name)


@pytest.mark.parametrize(
    "path",
    [
        "Problem.from_features",
        "starts.all_positive",
        "starts.gaussian",
        "starts.disjoint",
        "starts.from_weights",
        "ensembles.Gaussian",
        "ensembles.Rademacher",
        "ensembles.Uniform",
        "ensembles.Sphere",
        "ensembles.Orthogonal",
        "ensembles.isotropic",
        "ensembles.spiked",
        "ensembles.power_law",
        "ensembles.labels.uniform_magnitude",
        "ensembles.labels.gaussian",
        "ensembles.labels.planted",
        "estimators.GradientDescentReLURegressor",
        "estimators.MinimumNormReLURegressor",
        "sweep.Plan",
        "sweep.load",
        "sweep.run",
        "theory.Verdict",
        "theory.lai2026",
        "Status.CERTIFIED",
        "Status.TOLERANCE",
        "Status.MAX_ITER",
        "Status.DIVERGED",
    ],
)
def test_the_contract_reaches_into_the_namespaces(path):
    value = rb
    for part in path.split("."):
        value = getattr(value, part)


@pytest.mark.parametrize("name", sorted(public_modules()))
def test_all_lists_existing_names_in_order(name):
    module = public_modules()[name]
    if name.endswith("__main__"):
        return
    names = module.__all__
    assert len(set(names)) == len(names)
    assert [name for name in names if not hasattr(module, name)] == []
    assert list(names) == sorted(names, key=in_order)


def in_order(name):
    """Return the key that sorts constants, classes and functions, numbers by value."""
    parts = [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]
    return (not name.isupper(), name[0].islower(), parts)


def test_the_top_level_holds_public_names_only():
    extra = {
        name
        for name, value in vars(rb).items()
        if not name.startswith("_") and name not in rb.__all__ and not inspect.ismodule(value)
    }
    assert extra == set()


def test_errors_form_the_promised_tree():
    assert issubclass(rb.InvalidInputError, rb.RelubiasError)
    assert issubclass(rb.InvalidInputError, ValueError)
    assert issubclass(rb.NotSolvedError, rb.RelubiasError)
    assert issubclass(rb.NotSolvedError, RuntimeError)
    assert issubclass(rb.MissingExtraError, rb.RelubiasError)
    assert issubclass(rb.MissingExtraError, ImportError)


@pytest.mark.parametrize(
    "error",
    [
        rb.InvalidInputError("signs: contains 0; every sign must be +1 or -1"),
        rb.NotSolvedError("it is not solved", {"norm": 1.0}),
        rb.MissingExtraError("reading Parquet files", "parquet"),
    ],
)
def test_errors_survive_a_process_boundary(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_a_missing_extra_prints_the_install_command():
    error = rb.MissingExtraError("reading Parquet files", "parquet")
    assert str(error) == 'reading Parquet files needs an extra: pip install "relubias[parquet]"'
