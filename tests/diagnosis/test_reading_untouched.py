"""Reading a model leaves it, and everything around it, as it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.testing import assert_equal
from tests.diagnosis.models import N_FEATURES, READABLE, UNREADABLE, Nested, sequential
from torch import nn

import relubias as rb
from relubias.diagnosis import agreement, read_network

X = np.random.default_rng(3).standard_normal((12, N_FEATURES))


def everything(model):
    """Return all that could change: values, gradients, types, places, modes, hooks, addresses."""
    parts = {}
    for kind, tensors in (("p", model.named_parameters()), ("b", model.named_buffers())):
        for name, tensor in tensors:
            if isinstance(tensor, nn.parameter.UninitializedParameter):
                continue
            on_cpu = tensor.device.type == "cpu"
            parts[kind, name] = (
                tensor.detach().clone() if on_cpu else None,
                None if tensor.grad is None else tensor.grad.clone(),
                tensor.dtype,
                tensor.device,
                tensor.requires_grad,
                tensor.data_ptr() if on_cpu else None,
                tensor._version if not tensor.is_inference() else None,
            )
    modes = {
        name: (layer.training, len(layer._forward_hooks), sorted(vars(layer)))
        for name, layer in model.named_modules()
        if not isinstance(layer, torch.jit.ScriptModule)
    }
    surroundings = (
        torch.random.get_rng_state(),
        np.random.get_state()[1].copy(),  # noqa: NPY002 - must not be touched
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        torch.get_num_threads(),
    )
    return parts, modes, surroundings


def bits(tensor):
    return tensor.reshape(-1).view(torch.uint8)


def assert_same(before, after):
    for name, (value, gradient, *rest) in before[0].items():
        value_after, gradient_after, *rest_after = after[0][name]
        assert rest == rest_after, name
        assert value is None or torch.equal(bits(value), bits(value_after)), name
        assert (gradient is None) == (gradient_after is None)
        assert gradient is None or torch.equal(gradient, gradient_after)
    assert before[0].keys() == after[0].keys()
    assert before[1] == after[1]
    assert torch.equal(before[2][0], after[2][0]), "the random state"
    assert_equal(before[2][1:], after[2][1:])


def with_gradients(model):
    model.train()
    total = sum((p.double() ** 2).sum() for p in model.parameters() if p.requires_grad)
    total.backward()
    return model


@pytest.mark.parametrize("kind", [torch.float64, torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", READABLE)
def test_a_model_in_training_stays_as_it_was(name, kind):
    torch.manual_seed(1)
    model = with_gradients(READABLE[name]().to(kind))
    before = everything(model)
    samples = X.copy()
    agreement(read_network(model), model, samples)
    assert_same(before, everything(model))
    assert_equal(samples, X)


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_refused_model_stays_as_it_was(name):
    torch.manual_seed(1)
    model = UNREADABLE[name][0]()
    before = everything(model)
    with pytest.raises(rb.InvalidInputError):
        read_network(model)
    assert_same(before, everything(model))


def test_dropout_is_off_although_the_model_trains():
    torch.manual_seed(0)
    model = Nested().train()
    network = read_network(model)
    assert sum("does nothing in evaluation" in note for note in network.notes) == 2
    assert agreement(network, model, X).relative < 1e-6
    assert model.training
    assert model.drop.training


def test_random_numbers_drawn_in_the_forward_leave_the_state_alone():
    class Noisy(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = sequential()

        def forward(self, x):
            return self.net(x) + 0.0 * torch.rand(1)

    torch.manual_seed(5)
    model = Noisy()
    before = torch.random.get_rng_state()
    agreement(read_network(model), model, X)
    assert torch.equal(before, torch.random.get_rng_state())


def test_true_noise_is_found_by_the_numbers():
    class Noisy(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = sequential()

        def forward(self, x):
            return self.net(x) + 0.1 * torch.randn(x.shape[0], 1)

    torch.manual_seed(5)
    model = Noisy()
    with pytest.raises(rb.InvalidInputError):
        agreement(read_network(model), model, X)


def test_the_answer_shares_no_memory_with_the_model():
    model = sequential().double()
    network = read_network(model)
    state = read_network(model.state_dict())
    kept = network.raw_weights.copy()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    assert_equal(network.raw_weights, kept)
    assert_equal(state.raw_weights, kept)
    for array in (network.weights, network.biases, network.signs, network.outer):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


def test_reading_inside_inference_mode_and_autocast_is_the_same():
    torch.manual_seed(0)
    model = sequential()
    expected = read_network(model)
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        network = read_network(model)
        assert agreement(network, model, X).relative < 1e-6
    assert_equal(network.weights, expected.weights)
