"""Every public function with arguments that work, and the kind of each argument."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from functools import wraps
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

import relubias as rb

X = np.array([[3.0, 0.0, 1.0, -1.0], [0.0, 4.0, -1.0, 1.0], [1.0, -1.0, 3.0, 0.0]])
Y = np.array([2.0, -1.0, 1.0])
SIGNS = np.array([1.0, -1.0])
GRAM = X @ X.T
START = np.array([[1.0, 2.0, 1.0], [1.0, 1.0, 2.0]])
WEIGHTS = np.array([[1.0, 2.0, 0.0, 1.0], [0.0, 1.0, 1.0, 1.0]])
ETA = 1 / 64

PROBLEM = rb.Problem(GRAM, Y, SIGNS)
ONE = rb.Problem(GRAM, Y)
SOLUTION = rb.minimum_norm(PROBLEM)
FOUND = os.path.join(tempfile.mkdtemp(), "found.npz")  # noqa: PTH118 - read by many workers
SOLUTION.save(FOUND)
STORE = os.path.join(tempfile.mkdtemp(), "store")  # noqa: PTH118 - text as users pass it
PLAN = rb.sweep.Plan(n=4, d=20, kappa=0.5, measure="loss")


class Argument(NamedTuple):
    """A value that works, and what kind of argument it is (see `bad_values`)."""

    good: Any
    kind: str


class Entry(NamedTuple):
    """A public function and its arguments."""

    call: Callable[..., Any]
    arguments: dict[str, Argument]
    fixed: Mapping[str, Any] = MappingProxyType({})

    def run(self, **changed):
        good = {name: argument.good for name, argument in self.arguments.items()}
        return self.call(**{**good, **self.fixed, **changed})


def _of(method, **fixed):
    return lambda **arguments: method(**fixed, **arguments)


problem = Argument(PROBLEM, "problem")
features = Argument(X, "features")
gram = Argument(GRAM, "gram")
labels = Argument(Y, "labels")
signs = Argument(SIGNS, "signs")
start = Argument(START, "dual")
seed = Argument(0, "seed")
step_size = Argument(ETA, "positive")

ENTRIES: dict[str, Entry] = {
    "Problem": Entry(rb.Problem, {"gram": gram, "labels": labels, "signs": signs}),
    "Problem.from_features": Entry(
        rb.Problem.from_features,
        {
            "features": features,
            "labels": labels,
            "signs": signs,
            "memory": Argument(10**9, "optional positive"),
            "checkpoint": Argument(None, "optional path"),
            "progress": Argument(False, "progress"),
        },
    ),
    "Problem.with_signs": Entry(PROBLEM.with_signs, {"signs": signs}),
    "starts.all_positive": Entry(
        rb.starts.all_positive, {"problem": problem, "scale": Argument(0.5, "positive")}
    ),
    "starts.all_positive (vector)": Entry(
        rb.starts.all_positive, {"scale": Argument(np.abs(Y), "vector")}, {"problem": PROBLEM}
    ),
    "starts.gaussian": Entry(
        rb.starts.gaussian,
        {"problem": problem, "scale": Argument(0.5, "positive"), "seed": seed},
    ),
    "starts.disjoint": Entry(
        rb.starts.disjoint,
        {
            "problem": problem,
            "assignment": Argument([0, 1, 0], "owners"),
            "scale": Argument(0.5, "positive"),
            "parked": Argument(0.25, "optional positive"),
        },
    ),
    "starts.from_weights": Entry(
        rb.starts.from_weights, {"features": features, "weights": Argument(WEIGHTS, "weights")}
    ),
    "gradient_descent": Entry(
        rb.gradient_descent,
        {
            "problem": problem,
            "start": start,
            "step_size": step_size,
            "momentum": Argument(0.5, "momentum"),
            "batches": Argument([[0, 2], [1]], "batches"),
            "max_iter": Argument(1000, "count"),
            "tol": Argument(1e-10, "positive"),
            "record": Argument([0, 1, 5], "steps"),
            "progress": Argument(False, "progress"),
        },
    ),
    "gradient_descent_batch": Entry(
        rb.gradient_descent_batch,
        {
            "grams": Argument(np.stack([GRAM, 2 * GRAM]), "stack"),
            "labels": Argument(np.stack([Y, Y]), "stack"),
            "signs": signs,
            "starts": Argument(np.stack([START, START]), "stack"),
            "step_size": step_size,
            "max_iter": Argument(1000, "count"),
            "tol": Argument(1e-10, "positive"),
            "progress": Argument(False, "progress"),
        },
    ),
    "certify": Entry(
        rb.dynamics.certify,
        {
            "problem": problem,
            "dual": start,
            "step_size": step_size,
            "velocity": Argument(START / 8, "optional dual"),
            "momentum": Argument(0.5, "momentum"),
            "batches": Argument(2, "batches"),
        },
    ),
    "train_both_layers": Entry(
        rb.train_both_layers,
        {
            "problem": problem,
            "start": start,
            "outer": Argument(np.array([1.0, -2.0]), "vector"),
            "step_size": step_size,
            "orthogonal_norm": Argument(0.5, "non-negative"),
            "max_iter": Argument(100, "count"),
            "tol": Argument(1e-10, "positive"),
            "record": Argument([0, 1, 5], "steps"),
            "progress": Argument(False, "progress"),
        },
    ),
    "train_both_layers (norms)": Entry(
        rb.train_both_layers,
        {"orthogonal_norm": Argument(np.array([1.0, 2.0]), "vector")},
        {"problem": PROBLEM, "start": START, "outer": SIGNS, "step_size": ETA, "max_iter": 10},
    ),
    "both_layers_flow": Entry(
        rb.dynamics.both_layers_flow,
        {
            "problem": problem,
            "start": start,
            "outer": Argument(np.array([1.0, -2.0]), "vector"),
            "step_size": Argument(1e-3, "positive"),
            "time": Argument(0.02, "optional positive"),
            "orthogonal_norm": Argument(0.5, "non-negative"),
            "rel_error": Argument(0.1, "positive"),
            "max_halvings": Argument(2, "count"),
            "max_iter": Argument(1000, "count"),
            "tol": Argument(1e-10, "positive"),
            "progress": Argument(False, "progress"),
        },
    ),
    "certify_both_layers": Entry(
        rb.dynamics.certify_both_layers,
        {
            "problem": problem,
            "dual": start,
            "outer": Argument(np.array([1.0, -2.0]), "vector"),
            "step_size": step_size,
        },
    ),
    "step_size_bounds": Entry(
        rb.step_size_bounds,
        {
            "problem": problem,
            "trace": Argument(20.0, "optional positive"),
            "constant": Argument(2.0, "positive"),
        },
    ),
    "gram_matrix": Entry(
        rb.gram_matrix,
        {
            "features": features,
            "memory": Argument(10**9, "optional positive"),
            "checkpoint": Argument(None, "optional path"),
            "progress": Argument(False, "progress"),
        },
    ),
    "minimum_norm": Entry(
        rb.minimum_norm,
        {
            "problem": problem,
            "time_limit": Argument(60.0, "optional non-negative"),
            "rel_gap": Argument(0.0, "non-negative"),
            "progress": Argument(False, "progress"),
        },
    ),
    "minimum_norm (one neuron)": Entry(
        _of(rb.minimum_norm, problem=ONE), {"rel_gap": Argument(0.0, "non-negative")}
    ),
    "minimum_norm_batch": Entry(
        rb.minimum_norm_batch,
        {
            "grams": Argument(np.stack([GRAM, 2 * GRAM]), "stack"),
            "labels": Argument(np.stack([Y, Y]), "stack"),
            "sign": Argument(1, "sign"),
        },
    ),
    "linear_minimum_norm": Entry(
        rb.linear_minimum_norm,
        {
            "problem": problem,
            "subset": Argument([0, 2], "indices"),
            "labels": Argument(Y, "optional labels"),
        },
    ),
    "certify_one_neuron": Entry(
        rb.minnorm.certify_one_neuron,
        {
            "gram": gram,
            "labels": labels,
            "dual": Argument(np.array([1.0, -2.0, 1.0]), "vector"),
            "sign": Argument(1, "sign"),
            "features": Argument(X, "optional features"),
        },
    ),
    "closest_fit": Entry(rb.minnorm.closest_fit, {"problem": Argument(ONE, "problem")}),
    "verify": Entry(
        rb.minnorm.verify,
        {
            "problem": problem,
            "solution": Argument(SOLUTION, "solution"),
            "leaves": Argument(False, "yes or no"),
            "rtol": Argument(1e-8, "non-negative"),
            "time_limit": Argument(60.0, "optional non-negative"),
        },
    ),
    "save": Entry(
        rb.minnorm.save,
        {"solution": Argument(SOLUTION, "solution"), "path": Argument(FOUND, "path")},
    ),
    "MinimumNorm.save": Entry(SOLUTION.save, {"path": Argument(FOUND, "path")}),
    "load": Entry(rb.minnorm.load, {"path": Argument(FOUND, "path")}),
    "bias_gap": Entry(
        rb.bias_gap,
        {
            "problem": problem,
            "first": start,
            "second": Argument(2 * START, "dual"),
            "trace": Argument(20.0, "optional positive"),
            "match_neurons": Argument(True, "yes or no"),
        },
    ),
    "gradient_flow": Entry(
        rb.gradient_flow,
        {
            "problem": problem,
            "start": start,
            "max_events": Argument(1000, "optional count"),
            "tol": Argument(1e-10, "positive"),
            "at_zero": Argument("closed", "convention"),
            "record": Argument([0.0, 0.01, 1.5], "times"),
            "progress": Argument(False, "progress"),
        },
    ),
    "certify_flow": Entry(
        rb.dynamics.certify_flow,
        {
            "problem": problem,
            "primal": start,
            "modes": Argument([[1, 1, 1], [1, 1, 1]], "modes"),
            "residual": Argument(Y, "optional vector"),
        },
    ),
    "FlowTrajectory.at": Entry(
        rb.gradient_flow(PROBLEM, START).at, {"time": Argument(2.0, "non-negative or infinite")}
    ),
    "Trajectory.at": Entry(
        rb.gradient_descent(PROBLEM, START, step_size=ETA).at, {"time": Argument(2, "count")}
    ),
    "ensembles.isotropic": Entry(
        rb.ensembles.isotropic, {"d": Argument(5, "count"), "value": Argument(1.0, "positive")}
    ),
    "ensembles.spiked": Entry(
        rb.ensembles.spiked,
        {
            "d": Argument(5, "count"),
            "spike": Argument(4.0, "positive"),
            "n_spikes": Argument(1, "count"),
            "value": Argument(1.0, "positive"),
        },
    ),
    "ensembles.power_law": Entry(
        rb.ensembles.power_law,
        {
            "d": Argument(5, "count"),
            "exponent": Argument(0.5, "real"),
            "value": Argument(1.0, "positive"),
        },
    ),
    "ensembles.Orthogonal": Entry(
        rb.ensembles.Orthogonal,
        {"d": Argument(5, "count"), "scale": Argument(1.0, "optional positive")},
    ),
    "labels.gaussian": Entry(
        rb.ensembles.labels.gaussian, {"scale": Argument(1.0, "non-negative")}
    ),
    "labels.uniform_magnitude": Entry(
        rb.ensembles.labels.uniform_magnitude,
        {
            "low": Argument(1.0, "non-negative"),
            "high": Argument(2.0, "positive"),
            "n_negative": Argument(1, "optional count"),
        },
    ),
    "labels.planted": Entry(
        rb.ensembles.labels.planted,
        {"teacher_signs": signs, "noise": Argument(0.0, "non-negative")},
    ),
}

ENTRIES["BothLayersTrajectory.at"] = Entry(
    rb.train_both_layers(PROBLEM, START, SIGNS, step_size=1e-3, max_iter=10).at,
    {"time": Argument(2, "count")},
)
ENTRIES["ensembles.Spectrum"] = Entry(
    rb.ensembles.Spectrum,
    {
        "values": Argument(Y + 2.0, "values"),
        "multiplicities": Argument([1, 2, 3], "multiplicities"),
    },
)

for _law in ("Gaussian", "Rademacher", "Uniform", "Sphere"):
    _cls = getattr(rb.ensembles, _law)
    ENTRIES[f"ensembles.{_law}"] = Entry(_cls, {"spectrum": Argument(Y + 2.0, "spectrum")})
    _sampler = _cls(rb.ensembles.isotropic(6))
    for _method in ("sample", "sample_gram", "features"):
        ENTRIES[f"ensembles.{_law}.{_method}"] = Entry(
            getattr(_sampler, _method), {"n": Argument(3, "count"), "seed": seed}
        )
    ENTRIES[f"ensembles.{_law}.sample_gram (progress)"] = Entry(
        _sampler.sample_gram, {"progress": Argument(False, "progress")}, {"n": 3, "seed": 0}
    )
for _name, _labels in {
    "gaussian": rb.ensembles.labels.gaussian(),
    "uniform_magnitude": rb.ensembles.labels.uniform_magnitude(1.0, 2.0),
}.items():
    ENTRIES[f"labels.{_name}()"] = Entry(_labels, {"n": Argument(3, "count"), "seed": seed})
_planted = rb.ensembles.labels.planted([1, -1])
ENTRIES["labels.planted() (features)"] = Entry(
    _planted, {"n": Argument(3, "count"), "seed": seed, "features": features}
)
ENTRIES["labels.planted() (gram)"] = Entry(
    _planted, {"n": Argument(3, "count"), "seed": seed, "gram": gram}
)

ENTRIES["theory.lai2026.certificate"] = Entry(
    rb.theory.lai2026.certificate,
    {
        "problem": Argument(ONE, "problem"),
        "start": Argument(START[:1], "dual"),
        "step_size": step_size,
        "trace": Argument(None, "optional positive"),
    },
)
_CONSTANTS = {
    "Assumption2": ("constant",),
    "Corollary1": ("constant",),
    "Lemma3": ("tolerance",),
    "Lemma7": ("constant",),
    "Lemma8": ("constant", "probability"),
    "Remark1": ("constant",),
    "Theorem1": ("start_constant", "step_constant", "tolerance"),
}
for _name, _fields in _CONSTANTS.items():
    ENTRIES[f"theory.lai2026.{_name}"] = Entry(
        getattr(rb.theory.lai2026, _name), {name: Argument(0.5, "positive") for name in _fields}
    )
for _name in ("Lemma1", "Lemma2", "Lemma11"):
    ENTRIES[f"theory.lai2026.{_name}"] = Entry(
        getattr(rb.theory.lai2026, _name),
        {"tolerance": Argument(1e-8, "positive"), "since": Argument(1, "optional count")},
    )
ENTRIES["theory.lai2026.Lemma9"] = Entry(
    rb.theory.lai2026.Lemma9,
    {
        name: Argument(1.0, "non-negative")
        for name in ("active", "frozen_least", "frozen_most", "misfit", "dual", "inactive")
    },
)
ENTRIES["theory.lai2026.Theorem2"] = Entry(
    rb.theory.lai2026.Theorem2,
    {
        **{name: Argument(0.5, "non-negative") for name in ("lower", "upper", "sharp")},
        "tolerance": Argument(1e-8, "positive"),
    },
)
_SIX = ("active", "frozen_least", "frozen_most", "misfit", "dual", "inactive")
_MANY = {  # fields that may be zero, and fields that divide
    "Lemma4": ((), ("tolerance",)),
    "Lemma5": (("risk",), ()),
    "Lemma6": (("norm",), ("dual",)),
    "Lemma10": (_SIX, ()),
    "Lemma12": (_SIX, ()),
    "Theorem3": ((), ("start_constant", "step_constant", "tolerance")),
    "Theorem4": (("lower", "upper", "sharp"), ()),
    "Theorem5": (("power", "parked"), ("start_constant", "step_constant", "tolerance")),
    "Theorem6": (("constant", "power", "sharp"), ()),
}
for _name, (_free, _strict) in _MANY.items():
    ENTRIES[f"theory.lai2026.{_name}"] = Entry(
        getattr(rb.theory.lai2026, _name),
        {
            **{name: Argument(0.5, "non-negative") for name in _free},
            **{name: Argument(0.5, "positive") for name in _strict},
        },
    )


def _missing_of(function):
    """Return a function of the same name whose answer can be compared."""

    @wraps(function)
    def call(**arguments):
        return function(**arguments).n_missing

    return call


_run = {
    "problem": problem,
    "start": start,
    "step_size": step_size,
    "trace": Argument(100.0, "optional positive"),
    "n_dense": Argument(3, "count"),
    "max_iter": Argument(1000, "count"),
    "tol": Argument(1e-10, "positive"),
}
_run_fixed = {"shortest": SOLUTION}
ENTRIES |= {
    "sweep.Plan": Entry(
        rb.sweep.Plan,
        {
            "n": Argument(4, "plan counts"),
            "measure": Argument("loss", "plan measures"),
            "d": Argument("5*n", "plan dimensions"),
            "spectrum": Argument("isotropic", "plan choices"),
            "features": Argument("gaussian", "plan choices"),
            "labels": Argument("gaussian", "optional plan choices"),
            "signs": Argument("+", "plan signs"),
            "start": Argument({"name": "gaussian", "scale": 0.1}, "optional plan choices"),
            "kappa": Argument(0.5, "plan steps"),
            "algorithm": Argument("descent", "plan choices"),
            "replicates": Argument(2, "count"),
            "seed": Argument(0, "count"),
            "shared": Argument(["kappa"], "plan names"),
            "together": Argument([["n", "d"]], "plan names"),
            "chunk_size": Argument(3, "optional count"),
            "name": Argument("sweep", "plan name"),
        },
    ),
    "sweep.run": Entry(
        _missing_of(rb.sweep.run),
        {
            "plan": Argument(PLAN, "plan"),
            "store": Argument(STORE, "path"),
            "engine": Argument(None, "engine"),
            "workers": Argument(0, "optional count"),
            "shard": Argument("1/1", "shard"),
            "fail_fast": Argument(False, "yes or no"),
            "retry_failed": Argument(True, "yes or no"),
            "task_timeout": Argument(None, "optional positive"),
            "progress": Argument(False, "progress"),
        },
    ),
    "sweep.Plan.case": Entry(PLAN.case, {"task": Argument(0, "count")}),
    "sweep.Plan.cell": Entry(PLAN.cell, {"task": Argument(0, "count")}),
    "sweep.Plan.estimate": Entry(PLAN.estimate, {"seconds": Argument(0.01, "positive")}),
}

ENTRIES["check"] = Entry(rb.check, _run, _run_fixed)
ENTRIES["theory.Setting"] = Entry(
    lambda **arguments: rb.theory.Setting(**arguments).kappa,
    {name: argument for name, argument in _run.items() if name != "start"},
    {"start": START},
)
ENTRIES["theory.Statement.check"] = Entry(rb.theory.lai2026.Theorem3().check, _run, _run_fixed)


SWEEP = rb.sweep.run(
    rb.sweep.Plan(
        n=[3, 4], d=[20, 40, 80], kappa=0.5, measure=["trace", "one_step"], replicates=9
    ),
    tempfile.mkdtemp(),
    workers=0,
    progress=False,
)  # fmt: skip
_along = {
    "x": Argument("d", "column"),
    "by": Argument("n", "optional column"),
    "where": Argument({"n": 4}, "conditions"),
}


def _drawn(method):
    from matplotlib.figure import Figure

    return lambda **arguments: method(ax=Figure().subplots(), **arguments) and None


ENTRIES |= {
    "sweep.load": Entry(
        _missing_of(rb.sweep.load),
        {"folder": Argument(SWEEP.folder, "folder")},
    ),
    "sweep.compact": Entry(
        _missing_of(rb.sweep.compact),
        {"folder": Argument(SWEEP.folder, "folder")},
    ),
    "SweepResult.to_arrow": Entry(
        lambda **arguments: len(rb.sweep.load(SWEEP.folder).to_arrow(**arguments)),
        {"columns": Argument(["d", "trace"], "columns")},
    ),
    "SweepResult.bands": Entry(
        rb.sweep.load(SWEEP.folder).bands,
        {
            **_along,
            "y": Argument("trace", "column"),
            "middle": Argument("median", "middle"),
        },
    ),
    "SweepResult.plot": Entry(
        _drawn(rb.sweep.load(SWEEP.folder).plot),
        {
            **_along,
            "y": Argument("trace", "column"),
            "middle": Argument("mean", "middle"),
            "fit": Argument(False, "yes or no"),
            "log": Argument("xy", "log"),
        },
    ),
    "SweepResult.cells": Entry(
        lambda **arguments: rb.sweep.load(SWEEP.folder).cells(**arguments).to_numpy(),
        {
            "x": Argument("d", "column"),
            "y": Argument("n", "column"),
            "value": Argument("one_step", "column"),
            "where": Argument({"d": [20, 40]}, "conditions"),
        },
    ),
    "SweepResult.phase_map": Entry(
        _drawn(rb.sweep.load(SWEEP.folder).phase_map),
        {
            "x": Argument("d", "column"),
            "y": Argument("n", "column"),
            "value": Argument("one_step", "column"),
            "where": Argument(None, "conditions"),
            "log": Argument("x", "log"),
        },
    ),
    "SweepResult.fit_exponent": Entry(
        rb.sweep.load(SWEEP.folder).fit_exponent,
        {
            **_along,
            "y": Argument("trace", "column"),
            "level": Argument(0.9, "confidence"),
            "seed": Argument(0, "seed"),
        },
    ),
}
