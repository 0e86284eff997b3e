"""Plain arrays, state dicts and scikit-learn's perceptron; what folding must keep."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_equal
from sklearn.neural_network import MLPClassifier, MLPRegressor
from tests.diagnosis.models import sequential
from tests.strategies import small_integers
from tests.tolerances import rounding

import relubias as rb
from relubias.diagnosis import agreement, read_network

W = np.array([[1.0, 2.0, -1.0], [0.5, -1.0, 3.0]])
B = np.array([0.25, -2.0])
A = np.array([[-3.0, 2.0]])
C = np.array([0.75])


def by_loops(W, b, a, c, X):
    """Evaluate the network one product at a time, in Python's own numbers."""
    answer = []
    for x in X:
        total = float(c)
        for w, offset, outer in zip(W, b, a, strict=True):
            z = float(offset) + sum(float(p) * float(q) for p, q in zip(w, x, strict=True))
            total += float(outer) * max(z, 0.0)
        answer.append(total)
    return np.array(answer)


@st.composite
def networks(draw):
    m, d, n = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    a = draw(small_integers(m).filter(np.any))
    return (
        draw(small_integers(m, d)),
        draw(st.none() | small_integers(m)),
        draw(st.none() | st.just(a)),
        draw(st.integers(-3, 3).map(float)),
        draw(small_integers(n, d)),
    )


@given(networks())
def test_folding_keeps_the_function_bit_for_bit_on_whole_numbers(case):
    W, b, a, c, X = case
    network = read_network((W, b, a, c))
    m = len(W)
    expected = by_loops(W, np.zeros(m) if b is None else b, np.ones(m) if a is None else a, c, X)
    assert_equal(network.predict(X), expected)
    assert set(network.signs) <= {1.0, -1.0}
    kept = np.ones(m, bool) if a is None else a != 0
    assert network.n_neurons == kept.sum()
    assert_equal(network.kept, np.flatnonzero(kept))
    assert_equal(network.dead, np.flatnonzero(~kept))
    assert_equal(network.has_bias, b is not None)
    shape = (network.n_neurons, W.shape[1] + (b is not None))
    assert network.vectors.shape == shape
    primal = network.features(X) @ network.vectors.T
    assert_equal(np.maximum(primal, 0.0) @ network.signs + c, expected)


@given(networks(), st.integers(-8, 8))
def test_scaling_a_neuron_up_and_its_outer_weight_down_changes_nothing(case, power):
    W, b, a, c, _ = case
    factor = 2.0**power
    one = read_network((W, b, a, c))
    outer = (np.ones(len(W)) if a is None else a) / factor
    two = read_network((W * factor, None if b is None else b * factor, outer, c))
    assert_equal(one.vectors, two.vectors)
    assert_equal(one.signs, two.signs)


@given(networks(), st.randoms(use_true_random=False))
def test_the_order_of_neurons_permutes_the_answer(case, random):
    W, b, a, c, _ = case
    order = list(range(len(W)))
    random.shuffle(order)
    a = np.ones(len(W)) if a is None else a
    one = read_network((W, b, a, c))
    two = read_network((W[order], None if b is None else b[order], a[order], c))
    position = {neuron: k for k, neuron in enumerate(one.kept)}
    rows = [position[order[k]] for k in two.kept]
    assert_equal(two.vectors, one.vectors[rows])
    assert_equal(two.signs, one.signs[rows])


def test_every_form_of_the_same_arrays_gives_the_same_network():
    forms = [
        (W, B, A[0], 0.75),
        [W.tolist(), B.tolist(), A[0].tolist(), 0.75],
        (W, B, A, C),
        {"W": W, "b": B, "a": A, "c": C},
        {"weights": W, "biases": B, "outer": A[0], "output_bias": 0.75},
        {"c": 0.75, "a": A[0], "W": torch.from_numpy(W).requires_grad_(), "b": torch.tensor(B)},
        {"one.weight": W, "one.bias": B, "two.weight": A, "two.bias": C},
        {"two.weight": A, "two.bias": C, "one.weight": W, "one.bias": B},
        {"state_dict": {"one.weight": W, "one.bias": B, "two.weight": A, "two.bias": C}},
        {"epoch": 3, "model": {"0.weight": W, "0.bias": B, "2.weight": A, "2.bias": C}},
    ]
    expected = read_network(forms[0])
    for form in forms:
        network = read_network(form)
        for name in ("weights", "biases", "signs", "outer", "output_bias", "has_bias"):
            assert_equal(getattr(network, name), getattr(expected, name))
    assert read_network(expected) is expected


def test_what_is_absent_is_told():
    assert read_network((W,)).notes == (
        "there are no outer weights: every neuron counts with the sign +1",
    )
    assert read_network(W).has_bias is False
    signs_alone = read_network((W, None, [1, -1]))
    assert signs_alone.notes == ()
    assert_equal(signs_alone.weights, W)
    told = " ".join(read_network((W, B, [0.0, -2.0], 0.5)).notes)
    assert "neuron 0 has outer weight 0" in told
    assert "|a| ||w||" in told
    assert "one more feature" in told
    assert "0.5 is subtracted" in told


def test_the_folding_of_float32_weights_is_exact():
    rng = np.random.default_rng(0)
    W = rng.standard_normal((30, 20)).astype(np.float32)
    a = rng.standard_normal(30).astype(np.float32)
    network = read_network((W, None, a))
    wide = np.abs(a.astype(np.longdouble))[:, None] * W.astype(np.longdouble)
    assert_equal(network.weights.astype(np.longdouble), wide)


STATES = {
    "names needed": (
        {"w": W, "v": A[0]}, (None, None), "model: does not say which layers.*'w' .2, 3., 'v'"
    ),
    "three layers": (
        {"1.weight": W, "2.weight": np.eye(2), "3.weight": A}, (None, None),
        "model: holds 3 linear layers: '1'",
    ),
    "three layers, two of them named": (
        {"1.weight": W, "2.weight": np.eye(2), "3.weight": A}, ("1", "3"), "'2.weight'.*neither",
    ),
    "several outputs": (
        {"1.weight": W, "2.weight": np.ones((3, 2))}, (None, None), "layer '2' has 3 outputs"
    ),
    "several outputs, named": (
        {"1.weight": W, "2.weight": np.ones((3, 2))}, ("1", "2"), "layer '2' has 3 outputs"
    ),
    "batch norm": (
        {"1.weight": W, "bn.weight": B, "bn.bias": B, "bn.running_mean": B, "3.weight": A},
        (None, None), "layer 'bn' is a normalisation",
    ),
    "layer norm": (
        {"1.weight": W, "ln.weight": B, "ln.bias": B, "3.weight": A}, (None, None),
        "'ln.weight'.*neither",
    ),
    "a convolution": (
        {"1.weight": np.ones((2, 1, 3)), "3.weight": A}, (None, None), "layer '1' is not linear"
    ),
    "weight norm": (
        {"1.parametrizations.weight.original0": B, "3.weight": A}, (None, None),
        "computes its weights from others",
    ),
    "layers that do not follow": (
        {"1.weight": W, "2.weight": np.ones((1, 5))}, ("1", "2"), "takes 5 neurons.* has 2"
    ),
    "one layer twice": ({"1.weight": W, "2.weight": A}, ("1", "1"), "output: is '1'"),
    "another name": ({"1.weight": W, "2.weight": A}, ("0", "2"), "hidden: is '0'; choose from '1'"),
    "biases of another layer": (
        {"1.weight": W, "1.bias": np.ones(5), "2.weight": A}, (None, None), "'1.bias' of shape"
    ),
    "NaN": ({"1.weight": W * np.nan, "2.weight": A}, (None, None), "'1.weight'.*nan"),
    "complex": (
        {"1.weight": torch.ones((2, 3), dtype=torch.complex64), "2.weight": A}, (None, None),
        "complex",
    ),
    "sparse": (
        {"1.weight": torch.ones((2, 3)).to_sparse(), "2.weight": A}, (None, None), "sparse"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", STATES)
def test_a_state_dict_that_says_too_little_or_too_much_is_refused(case):
    state, (hidden, output), reason = STATES[case]
    with pytest.raises(rb.InvalidInputError, match=reason) as caught:
        read_network(state, hidden=hidden, output=output)
    assert "\n" not in str(caught.value)


def test_loose_parameters_can_be_named():
    state = {"W": torch.from_numpy(W), "signs": torch.tensor([1.0, -1.0])}
    network = read_network(state, hidden="W", output="signs")
    assert_equal(network.weights, W)
    assert_equal(network.signs, [1.0, -1.0])
    only_first = read_network({"fc.weight": W, "fc.bias": B}, hidden="fc")
    assert_equal(only_first.biases, B)
    assert_equal(only_first.signs, [1.0, 1.0])


def test_a_state_dict_says_that_relu_was_assumed():
    model = sequential()
    network = read_network(model.state_dict())
    assert any("relu was assumed" in note for note in network.notes)
    assert_equal(network.weights, read_network(model).weights)


def test_agreement_of_arrays_compares_before_and_after_folding():
    X = np.random.default_rng(0).standard_normal((9, 3))
    for model in ((W, B, A, C), {"1.weight": W, "2.weight": A}):
        network = read_network(model)
        assert agreement(network, model, X).relative <= rounding(4)
    with pytest.raises(rb.InvalidInputError, match="rounding explains"):
        agreement(read_network((W, B, A, C)), (W, B, A, C + 1e-9), X)


@pytest.fixture(scope="module")
def perceptron():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 5)), rng.standard_normal(60)
    model = MLPRegressor(hidden_layer_sizes=(7,), max_iter=2000, tol=1e-3, random_state=0).fit(X, y)
    return model, X, y


def test_a_perceptron_is_read(perceptron):
    model, X, _ = perceptron
    network = read_network(model)
    assert_allclose(network.predict(X), model.predict(X), rtol=0, atol=1e-13)
    assert agreement(network, model, X).relative <= 1e-14
    assert network.has_bias
    assert "MLPRegressor" in network.source


def test_a_perceptron_in_single_precision_fitted_with_names(perceptron):
    pd = pytest.importorskip("pandas")
    _, X, y = perceptron
    table = pd.DataFrame(X.astype(np.float32), columns=list("abcde"))
    model = MLPRegressor(hidden_layer_sizes=(7,), max_iter=2000, tol=1e-3, random_state=0).fit(
        table, y
    )
    found = agreement(read_network(model), model, X)
    assert found.dtype == "float32"
    assert found.relative <= 1e-6


def test_other_perceptrons_are_refused(perceptron):
    _, X, y = perceptron
    quick = {"hidden_layer_sizes": (3,), "max_iter": 500, "tol": 1.0}
    refused = {
        "not fitted": MLPRegressor(),
        "2 hidden layers": MLPRegressor(**{**quick, "hidden_layer_sizes": (3, 3)}).fit(X, y),
        "activation 'tanh'": MLPRegressor(**quick, activation="tanh").fit(X, y),
        "2 outputs": MLPRegressor(**quick).fit(X, np.stack([y, y], axis=1)),
        "passes through 'exp'": MLPRegressor(loss="poisson", **quick).fit(X, np.exp(y)),
        "passes through 'logistic'": MLPClassifier(**quick).fit(X, y > 0),
    }
    for reason, model in refused.items():
        with pytest.raises(rb.InvalidInputError, match=reason):
            read_network(model)


WITHOUT = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "sklearn"):
            raise ImportError(name)
sys.meta_path.insert(0, Blocked())
import numpy as np, pathlib, tempfile, zipfile
import relubias as rb
from relubias.diagnosis import agreement, load_model, read_network
W = np.array([[1.0, 2.0], [3.0, -1.0]])
network = read_network((W, [0.5, 1.0], [2.0, -1.0], 0.25))
assert agreement(network, (W, [0.5, 1.0], [2.0, -1.0], 0.25), np.eye(2)).holds
assert read_network({"1.weight": W, "2.weight": np.ones((1, 2))}).n_neurons == 2
folder = pathlib.Path(tempfile.mkdtemp())
np.savez(folder / "model.npz", W=W, a=[1.0, -1.0])
assert read_network(load_model(folder / "model.npz")).n_neurons == 2
(folder / "model.pt").write_bytes(b"anything")
try:
    load_model(folder / "model.pt")
except rb.MissingExtraError as error:
    print(error)
try:
    read_network(object())
except rb.InvalidInputError as error:
    print(error)
assert "torch" not in sys.modules and "sklearn" not in sys.modules
"""


def test_arrays_need_no_torch_and_what_needs_it_names_the_command():
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 'pip install "relubias[torch]"' in done.stdout
    assert "plain arrays (W, b, a, c)" in done.stdout


def test_reading_arrays_does_not_import_torch():
    code = "import sys, relubias.diagnosis as d; d.read_network(([[1.0]],)); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"torch", "sklearn"} & set(done.stdout.split()) == set()
