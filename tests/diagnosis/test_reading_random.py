"""Forward passes put together at random from steps that can be read, against the module itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from tests.diagnosis.models import Wrapped
from torch import nn

import relubias as rb
from relubias.diagnosis import agreement, read_network

D = 4
X = np.random.default_rng(11).standard_normal((25, D))


def first(kind, x, W, b):
    """One way to write a linear layer."""
    ways = {
        "linear": lambda: nn.functional.linear(x, W, b),
        "matmul": lambda: x @ W.T + b,
        "mm": lambda: b + torch.mm(x, W.t()),
        "addmm": lambda: torch.addmm(b, x, W.T),
        "no bias": lambda: torch.matmul(x, W.transpose(0, 1)),
        "scaled": lambda: 2.0 * (x.matmul(W.T) - b) / 3.0,
        "negated": lambda: -(b - x @ W.T),
    }
    return ways[kind]()


def relu(kind, h):
    """One way to write relu."""
    ways = {
        "function": lambda: torch.relu(h),
        "method": lambda: h.relu(),
        "functional": lambda: nn.functional.relu(h),
        "clamp": lambda: h.clamp(min=0),
        "clamp_min": lambda: torch.clamp_min(h, 0.0),
        "maximum": lambda: torch.maximum(h, torch.zeros((), dtype=torch.float64)),
        "clip": lambda: torch.clip(h, 0),
    }
    return ways[kind]()


def last(kind, h, a):
    """One way to write the output layer."""
    ways = {
        "matvec": lambda: h @ a,
        "linear": lambda: nn.functional.linear(h, a[None]).squeeze(-1),
        "column": lambda: (h @ a[:, None])[:, 0],
        "sum": lambda: (h * a).sum(dim=1),
        "mean": lambda: torch.mean(a * h, dim=-1),
        "two columns": lambda: (h @ torch.stack([a, -2.0 * a], dim=1))[:, 1],
    }
    return ways[kind]()


FIRST = st.sampled_from(["linear", "matmul", "mm", "addmm", "no bias", "scaled", "negated"])
RELU = st.sampled_from(
    ["function", "method", "functional", "clamp", "clamp_min", "maximum", "clip"]
)
LAST = st.sampled_from(["matvec", "linear", "column", "sum", "mean", "two columns"])
AFTER = {
    "add": lambda f: f + 0.75,
    "rsub": lambda f: 1.5 - f,
    "times": lambda f: f * -2.0,
    "over": lambda f: f / 4.0,
    "column": lambda f: f.unsqueeze(-1),
    "flat": lambda f: f.reshape(-1),
    "clone": lambda f: f.clone().contiguous(),
    "negative": lambda f: -f,
}
BANK = st.tuples(FIRST, RELU, LAST, st.integers(1, 5))


class Random(nn.Module):
    """Banks of neurons, added up, then a few steps more."""

    def __init__(self, banks, after):
        super().__init__()
        self.banks, self.after = banks, after
        for k, (*_, m) in enumerate(banks):
            setattr(self, f"W{k}", nn.Parameter(torch.randn(m, D)))
            setattr(self, f"b{k}", nn.Parameter(torch.randn(m)))
            setattr(self, f"a{k}", nn.Parameter(torch.randn(m)))

    def forward(self, x):
        total = None
        for k, (one, two, three, _) in enumerate(self.banks):
            W, b, a = (getattr(self, f"{letter}{k}") for letter in "Wba")
            part = last(three, relu(two, first(one, x, W, b)), a)
            total = part if total is None else total - part
        for step in self.after:
            total = AFTER[step](total)
        return total


@given(
    banks=st.lists(BANK, min_size=1, max_size=3),
    after=st.lists(st.sampled_from(sorted(AFTER)), max_size=3),
    seed=st.integers(0, 1000),
)
def test_a_random_forward_is_read_as_what_it_computes(banks, after, seed):
    torch.manual_seed(seed)
    model = Random(banks, after).double()
    network = read_network(model)
    with torch.no_grad():
        expected = model(torch.from_numpy(X)).numpy().ravel()
    assert_allclose(network.predict(X), expected, rtol=0, atol=1e-13 * (1 + np.abs(expected).max()))
    assert agreement(network, model, X).holds
    assert network.weights.shape[0] + network.dead.size == sum(m for *_, m in banks)


def test_an_outer_weight_used_twice_is_tied():
    torch.manual_seed(0)
    model = Wrapped(
        lambda self, x: (torch.relu(x @ self.W.T) * self.a * self.a).sum(1),
        W=nn.Parameter(torch.randn(3, D)),
        a=nn.Parameter(torch.randn(3)),
    )
    with pytest.raises(rb.InvalidInputError, match=r"used twice|share weights"):
        read_network(model)
