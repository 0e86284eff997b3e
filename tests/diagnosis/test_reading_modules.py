"""Modules are read so that they compute what they computed, whatever their style and type."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_equal
from tests.diagnosis.models import N_FEATURES, READABLE, UNREADABLE, sequential
from torch import nn

import relubias as rb
from relubias.diagnosis import agreement, read_network

X = np.random.default_rng(7).standard_normal((40, N_FEATURES))
Y = np.random.default_rng(8).standard_normal(40)

TYPES = {torch.float64: 1e-14, torch.float32: 1e-6, torch.float16: 1e-2, torch.bfloat16: 0.1}


def made(maker, seed=0):
    torch.manual_seed(seed)
    return maker()


def trained(model, optimizer, n_steps=30, weight_decay=0.0):
    """Train a few steps by PyTorch's own means."""
    inputs, labels = torch.from_numpy(X), torch.from_numpy(Y)
    kind = next(model.parameters()).dtype
    step = optimizer(model.parameters(), lr=0.01, weight_decay=weight_decay)
    for _ in range(n_steps):
        step.zero_grad()
        loss = ((model(inputs.to(kind)).reshape(-1) - labels.to(kind)) ** 2).sum() / 2
        loss.backward()
        step.step()
    return model


def own_output(model, kind):
    was_training = model.training
    with torch.no_grad():
        found = model.eval()(torch.from_numpy(X).to(kind)).double().numpy().ravel()
    model.train(was_training)
    return found


@pytest.mark.parametrize("kind", TYPES, ids=str)
@pytest.mark.parametrize("name", READABLE)
def test_the_network_computes_what_the_module_computes(name, kind):
    model = made(READABLE[name]).to(kind)
    network = read_network(model)
    expected = own_output(model, kind)
    seen = torch.from_numpy(X).to(kind).double().numpy()
    size = np.abs(expected).max()
    assert_allclose(network.predict(seen), expected, rtol=0, atol=TYPES[kind] * size)
    assert set(network.signs) <= {1.0, -1.0}
    found = agreement(network, model, X)
    assert found.holds
    assert found.relative <= TYPES[kind]
    assert_allclose(found.max_abs, np.abs(network.predict(seen) - expected).max(), rtol=1e-3)
    assert found.dtype == str(kind).removeprefix("torch.")


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW])
def test_trained_models_agree_to_a_millionth(optimizer, decay, kind, bias):
    model = trained(made(lambda: sequential(bias=bias)).to(kind), optimizer, weight_decay=decay)
    network = read_network(model)
    found = agreement(network, model, X)
    assert found.relative <= (1e-6 if kind is torch.float32 else 1e-14)
    assert found.exact <= 1e-14
    first, last = model[0], model[2]
    outer = last.weight.detach().double().numpy()[0]
    assert_equal(network.outer, outer)
    assert_equal(network.raw_weights, first.weight.detach().double().numpy())
    assert_equal(network.has_bias, bias)
    assert_equal(network.weights, np.abs(outer)[:, None] * network.raw_weights)
    assert_equal(network.signs, np.sign(outer))
    assert network.output_bias == (float(last.bias.detach()) if bias else 0.0)


@pytest.mark.parametrize("n_features", [10, 300, 20_000])
def test_wide_inputs_agree_within_what_rounding_explains(n_features):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(n_features, 30), nn.ReLU(), nn.Linear(30, 1))
    samples = np.random.default_rng(0).standard_normal((20, n_features))
    found = agreement(read_network(model), model, samples)
    assert found.holds
    assert found.relative <= 1e-6
    assert found.tolerance >= found.relative


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_refused_by_the_name_of_the_layer(name):
    maker, reason = UNREADABLE[name]
    model = made(maker)
    with pytest.raises(rb.InvalidInputError, match=reason) as caught:
        read_network(model, name="start")
    message = str(caught.value)
    assert message.startswith("start: ")
    assert "; " in message
    assert "\n" not in message
    assert len(message) < 400


def test_a_disagreement_is_refused_with_numbers():
    model = made(sequential)
    network = read_network(model)
    with torch.no_grad():
        model[0].weight[3, 2] += 0.01
    with pytest.raises(rb.InvalidInputError, match=r"sample \d+.*float32 rounding explains"):
        agreement(network, model, X)


@pytest.mark.parametrize("activation", [nn.LeakyReLU(0.01), nn.GELU(), nn.SiLU()])
def test_another_activation_is_found_by_the_numbers_even_in_half_precision(activation):
    torch.manual_seed(0)
    wide = 2000
    model = nn.Sequential(nn.Linear(wide, 20), activation, nn.Linear(20, 1)).to(torch.bfloat16)
    layers = {key: value for key, value in model.state_dict().items()}
    network = read_network(layers)
    samples = np.random.default_rng(0).standard_normal((30, wide))
    with pytest.raises(rb.InvalidInputError, match="rounding explains"):
        agreement(network, model, samples)
    with pytest.raises(rb.InvalidInputError, match="other outputs than its forward"):
        read_network(model, hidden="0", output="2")


def test_named_layers_are_compared_with_the_forward_that_cannot_be_followed():
    model = made(READABLE["turning"])
    network = read_network(model, hidden="first", output="last")
    assert any("random inputs" in note for note in network.notes)
    assert_allclose(network.predict(X), own_output(model.double(), torch.float64), atol=1e-13)
    with pytest.raises(rb.InvalidInputError, match="middle"):
        read_network(model, hidden="middle", output="last")


def test_dead_neurons_are_left_out_and_counted():
    model = made(sequential).double()
    with torch.no_grad():
        model[2].weight[0, [1, 4]] = 0.0
    network = read_network(model)
    assert_equal(network.dead, [1, 4])
    assert_equal(network.kept, [0, 2, 3, 5, 6, 7, 8])
    assert network.n_neurons == 7
    assert any("neurons 1, 4 have outer weight 0" in note for note in network.notes)
    assert_allclose(network.predict(X), own_output(model, torch.float64), atol=1e-14)


def test_outputs_that_are_not_finite_are_named():
    model = made(sequential)
    with torch.no_grad():
        model[2].bias.fill_(3e38)
        model[2].weight.fill_(3e38)
    network = read_network(model)
    with pytest.raises(rb.InvalidInputError, match="gives inf for sample"):
        agreement(network, model, X)


def test_another_number_of_features_is_named():
    with pytest.raises(rb.InvalidInputError, match=r"X: has 5 columns.*takes 6 features"):
        agreement(read_network(made(sequential)), made(sequential), X[:, :5])


def test_a_forward_of_constants_alone_is_read():
    class Fixed(nn.Module):
        def forward(self, x):
            return torch.relu(x @ torch.linspace(-1, 1, 18).reshape(6, 3).to(x.dtype)).sum(1)

    network = read_network(Fixed())
    assert_allclose(network.weights.T.ravel(), np.linspace(-1, 1, 18), atol=1e-7)
    assert agreement(network, Fixed(), X).dtype == "float32"


def test_a_model_that_casts_inside_is_read():
    class Casting(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = sequential()

        def forward(self, x):
            return self.net(x.float()).double()

    model = made(Casting)
    found = agreement(read_network(model), model, X)
    assert found.relative <= 1e-6
