"""The problem that a state describes: drawn from its laws, or from an uploaded file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

import relubias as rb
from relubias._validate import Float
from relubias.ensembles import FeatureLaw, Gaussian, Orthogonal, Rademacher, Sphere, Uniform
from relubias.ensembles import labels as label_laws
from relubias.explorer.state import FieldError, State
from relubias.problem import Problem

__all__ = ["Data", "Upload", "build_law", "build_problem", "build_start", "owners", "smallest"]

_LAWS = {"gaussian": Gaussian, "rademacher": Rademacher, "uniform": Uniform, "sphere": Sphere}


class Upload(NamedTuple):
    """Arrays of an uploaded file.

    Attributes
    ----------
    name : str
        Name of the file, as a label only.
    reading : tuple of str
        Python lines that read the file into ``features`` or ``gram``, and ``labels`` if it has
        any.
    features, gram, labels : ndarray or None
        One of `features` and `gram` is there; without `labels` they are drawn.
    signs : str
        Output signs in the file, or empty.
    """

    name: str
    reading: tuple[str, ...]
    features: Float | None
    gram: Float | None
    labels: Float | None
    signs: str


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """A problem with the trace that its step sizes refer to.

    Attributes
    ----------
    problem : Problem
    trace : float
        Trace of the law's covariance; the mean Gram diagonal of uploaded data.
    law : FeatureLaw or None
        None for uploaded data.
    """

    problem: Problem
    trace: float
    law: FeatureLaw | None


def build_law(state: State) -> FeatureLaw:
    """Return the law of the features."""
    if state.law == "orthogonal":
        return Orthogonal(state.d)
    return _LAWS[state.law](build_spectrum(state))


def build_spectrum(state: State) -> rb.ensembles.Spectrum:
    """Return the eigenvalues of the covariance."""
    if state.spectrum == "spiked":
        return rb.ensembles.spiked(state.d, state.spike)
    if state.spectrum == "power_law":
        return rb.ensembles.power_law(state.d, state.exponent)
    return rb.ensembles.isotropic(state.d)


def signs_of(state: State) -> tuple[int, ...]:
    """Return the output signs as numbers."""
    return tuple(1 if sign == "+" else -1 for sign in state.signs)


def build_problem(state: State, upload: Upload | None = None) -> Data:
    """Draw the features and labels of a state, or take those of a file."""
    signs = signs_of(state)
    if upload is not None:
        return _of_upload(state, upload, signs)
    law = build_law(state)
    gram = law.sample_gram(state.n, seed=state.seed)
    problem = Problem(gram, draw_labels(state, gram), signs)
    return Data(problem, law.trace, law)


def draw_labels(state: State, gram: Float) -> Float:
    """Draw the labels of a state for given data."""
    n = gram.shape[0]
    if state.labels == "planted":
        return label_laws.planted(signs_of(state))(n, seed=state.seed, gram=gram)
    if state.labels == "gaussian":
        return label_laws.gaussian()(n, seed=state.seed)
    law = label_laws.uniform_magnitude(state.low, state.high, n_negative=count_negative(state, n))
    return law(n, seed=state.seed)


def count_negative(state: State, n: int) -> int | None:
    """Return the number of negative labels, where it is fixed."""
    return None if state.negative is None else round(state.negative * n)


def _of_upload(state: State, upload: Upload, signs: tuple[int, ...]) -> Data:
    if upload.features is not None:
        gram = rb.gram_matrix(upload.features)
        labels = draw_labels(state, gram) if upload.labels is None else upload.labels
        problem = Problem.from_features(upload.features, labels, signs)
    else:
        gram: Any = upload.gram
        labels = draw_labels(state, gram) if upload.labels is None else upload.labels
        problem = Problem(gram, labels, signs)
    if problem.scale == 0.0:
        raise FieldError("data: every sample is zero; upload samples that are not", "data")
    return Data(problem, problem.scale, None)


def smallest(problem: Problem) -> float:
    """Return the smallest absolute label that is not zero; 1 if all are."""
    sizes = np.abs(problem.labels[problem.labels != 0])
    return float(sizes.min()) if sizes.size else 1.0


def owners(problem: Problem) -> list[int]:
    """Return a neuron for each sample: those of the label's sign, in turn."""
    owner = np.zeros(problem.n_samples, dtype=int)
    for sign, kind in ((1.0, "positive"), (-1.0, "negative")):
        samples = np.flatnonzero(np.sign(problem.labels) == sign)
        neurons = np.flatnonzero(problem.signs == sign)
        if samples.size and not neurons.size:
            mark = "+" if sign > 0 else "-"
            got = f"start: disjoint has no neuron for the {kind} labels"
            raise FieldError(f"{got}; add a {mark} to the signs, or choose another start", "start")
        owner[samples] = np.resize(neurons, samples.size)
    return owner.tolist()


def build_start(state: State, data: Data) -> Float:
    """Return the dual start of a state."""
    problem, size = data.problem, state.scale
    if state.start == "gaussian":
        return rb.starts.gaussian(problem, size / np.sqrt(data.trace), seed=state.seed)
    if state.start == "disjoint":
        if (problem.labels == 0.0).any():
            got = "start: disjoint has no owner for samples whose label is 0"
            raise FieldError(f"{got}; choose another start or other labels", "start")
        return rb.starts.disjoint(problem, owners(problem), size)
    return rb.starts.all_positive(problem, size)
