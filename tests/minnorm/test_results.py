"""Bad input, statuses and the way results show themselves."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import relubias as rb
from relubias.minnorm import LinearStatus, MinimumNormStatus, certify_one_neuron

PROBLEM = rb.Problem([[4.0, 1.0], [1.0, 4.0]], [2.0, -1.0])


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"time_limit": -1}, "time_limit"),
        ({"time_limit": np.nan}, "time_limit"),
        ({"time_limit": "1"}, "time_limit"),
        ({"rel_gap": -0.1}, "rel_gap"),
        ({"rel_gap": 1.0}, "rel_gap"),
        ({"rel_gap": None}, "rel_gap"),
        ({"progress": "yes"}, "progress"),
        ({"progress": 1}, "progress"),
    ],
)
def test_bad_arguments_are_named(arguments, name):
    with pytest.raises(rb.InvalidInputError, match=name):
        rb.minimum_norm(PROBLEM, **arguments)


@pytest.mark.parametrize("problem", [None, np.eye(2), "data", ([[1.0]], [1.0])])
def test_what_is_no_problem_is_named(problem):
    with pytest.raises(rb.InvalidInputError, match="problem"):
        rb.minimum_norm(problem)


def test_unknown_keywords_are_refused():
    with pytest.raises(TypeError):
        rb.minimum_norm(PROBLEM, tol=1e-3)


def test_duals_that_are_not_representable_are_refused():
    with pytest.raises(rb.InvalidInputError, match="labels"):
        rb.minimum_norm(rb.Problem([[1e-280]], [1e140]))


def test_inputs_are_not_changed():
    gram, labels = np.array([[4.0, 1.0], [1.0, 4.0]]), np.array([2.0, -1.0])
    rb.minimum_norm(rb.Problem(gram, labels))
    assert gram.tolist() == [[4.0, 1.0], [1.0, 4.0]]
    assert labels.tolist() == [2.0, -1.0]


def test_every_status_has_a_sentence():
    for status in (*MinimumNormStatus, *LinearStatus):
        assert str(status) == status.name
        assert len(status.sentence) > 20


def test_results_show_themselves():
    found = rb.minimum_norm(PROBLEM)
    assert repr(found) == "MinimumNorm(OPTIMAL, norm=1.0328, error_bound=0, n_nodes=1)" or (
        repr(found).startswith("MinimumNorm(OPTIMAL, norm=1.0328, error_bound=")
    )
    assert "norm" in found.summary()
    assert found.raise_if_failed() is found
    frame = found.to_frame()
    assert list(frame.columns) == [
        "neuron", "sample", "sign", "label", "primal", "dual", "active", "support",
    ]  # fmt: skip
    assert frame["dual"].to_numpy() == pytest.approx(found.dual[0])
    assert repr(found.certificate).startswith("MinimumNormCertificate('one neuron'")
    assert found.weights is None
    features = rb.Problem.from_features([[2.0, 0.0], [0.0, 1.0]], [2.0, -1.0])
    assert rb.minimum_norm(features).weights.tolist() == [[1.0, 0.0]]


def test_feasible_results_show_their_gap():
    X = np.random.default_rng(1).standard_normal((12, 12))
    y = np.random.default_rng(2).standard_normal(12)
    found = rb.minimum_norm(rb.Problem(X @ X.T, y, (1, 1, -1)), time_limit=0.0)
    assert found.status == "FEASIBLE"
    assert "lower bound" in found.summary()
    assert "`rel_gap`" in found.summary()
    assert found.raise_if_failed() is found


def test_certificates_of_other_solvers_answers():
    certificate = certify_one_neuron(PROBLEM.gram, PROBLEM.labels, np.array([0.5, -0.1]))
    best = rb.minimum_norm(PROBLEM)
    delta = best.dual[0] - [0.5, -0.1]
    assert certificate.error_bound >= np.sqrt(delta @ PROBLEM.gram @ delta)


def test_a_single_small_problem_loads_no_compiler():
    code = (
        "import sys, relubias as rb; rb.minimum_norm(rb.Problem([[1.0]], [1.0]));"
        "sys.exit(any(m in sys.modules for m in ('numba', 'pandas', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
