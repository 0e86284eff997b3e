"""Models that people write, and models that cannot be read: a zoo of PyTorch modules."""

from __future__ import annotations

import warnings

import torch
from torch import nn
from torch.nn.utils import prune

N_FEATURES = 6


class ByHand(nn.Module):
    """A matrix and fixed signs, without any layer object."""

    def __init__(self, m=8):
        super().__init__()
        self.W = nn.Parameter(torch.randn(m, N_FEATURES))
        self.register_buffer("signs", torch.tensor([1.0, -1.0] * (m // 2)))

    def forward(self, x):
        return torch.relu(x @ self.W.T) @ self.signs


class Nested(nn.Module):
    """Layers inside layers, dropout, a flattened input, a scaled and shifted output."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(N_FEATURES, 7), nn.ReLU(inplace=True))
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(7, 1)
        self.register_buffer("scale", torch.tensor([2.5]))

    def forward(self, x, mask=None):
        h = self.drop(self.body(x))
        if mask is not None:
            h = h * mask
        return (
            self.head(nn.functional.dropout(h, 0.25, self.training)).squeeze(-1) * self.scale - 1.5
        )


class TwoBanks(nn.Module):
    """Positive and negative units in layers of their own; one has biases."""

    def __init__(self):
        super().__init__()
        self.plus = nn.Linear(N_FEATURES, 3, bias=False)
        self.minus = nn.Linear(N_FEATURES, 2)

    def forward(self, x):
        return self.plus(x).clamp(min=0).sum(1) - nn.functional.relu(self.minus(x)).sum(dim=-1)


class Joined(nn.Module):
    """Units of two layers side by side, then one output layer."""

    def __init__(self):
        super().__init__()
        self.left = nn.Linear(N_FEATURES, 3)
        self.right = nn.Linear(N_FEATURES, 2)
        self.out = nn.Linear(5, 1)

    def forward(self, x):
        return self.out(torch.cat([self.left(x).relu(), torch.relu(self.right(x))], dim=1))


class Functional(nn.Module):
    """nn.functional.linear, addmm, maximum, views and casts."""

    def __init__(self):
        super().__init__()
        self.W = nn.Parameter(torch.randn(N_FEATURES, 4))
        self.b = nn.Parameter(torch.randn(4))
        self.a = nn.Parameter(torch.randn(1, 4))
        self.c = nn.Parameter(torch.randn(()))
        self.register_buffer("zero", torch.zeros(()))

    def forward(self, x):
        x = x.view(x.shape[0], -1).to(self.W.dtype)
        h = torch.maximum(torch.addmm(self.b, x, self.W), self.zero)
        return (nn.functional.linear(h, self.a) + self.c).reshape(-1)


class Elementwise(nn.Module):
    """Outer weights that multiply and are summed; the mean-field scaling of the output."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(N_FEATURES, 5)
        self.a = nn.Parameter(torch.randn(5))

    def forward(self, x):
        return -(self.a * self.fc(x).clamp_min(0.0)).mean(dim=1, keepdim=True) / 2.0 + 3.0


class Turning(nn.Module):
    """A forward that takes turns: it cannot be traced."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(N_FEATURES, 4)
        self.last = nn.Linear(4, 1)

    def forward(self, x):
        if x.dim() == 1:
            x = x[None]
        return self.last(nn.functional.relu(self.first(x)))[:, 0]


class Normed(nn.Module):
    """Weights computed from others."""

    def __init__(self):
        super().__init__()
        self.first = nn.utils.parametrizations.weight_norm(nn.Linear(N_FEATURES, 4))
        self.last = nn.Linear(4, 1, bias=False)

    def forward(self, x):
        return self.last(torch.relu(self.first(x)))


def old_weight_norm():
    """Weights computed by a hook, stale until the next call."""
    model = quietly(
        lambda: nn.Sequential(nn.utils.weight_norm(nn.Linear(N_FEATURES, 4)), nn.ReLU())
    )
    model.append(nn.Linear(4, 1))
    with torch.no_grad():
        model[0].weight_g.mul_(2.0)
    return model


def pruned():
    model = sequential()
    prune.l1_unstructured(model[0], "weight", 0.5)
    return model


class Loose(nn.Module):
    """A forward that takes any number of things."""

    def __init__(self):
        super().__init__()
        self.net = sequential()

    def forward(self, *things):
        return self.net(things[0])


def sequential(*, bias=True, m=9):
    return nn.Sequential(nn.Linear(N_FEATURES, m, bias=bias), nn.ReLU(), nn.Linear(m, 1, bias=bias))


READABLE = {
    "sequential": sequential,
    "sequential without biases": lambda: sequential(bias=False),
    "one neuron": lambda: nn.Sequential(nn.Linear(N_FEATURES, 1), nn.ReLU()),
    "by hand": ByHand,
    "nested": Nested,
    "two banks": TwoBanks,
    "joined": Joined,
    "functional": Functional,
    "elementwise": Elementwise,
    "turning": Turning,
    "normed": Normed,
    "weight norm by a hook": old_weight_norm,
    "pruned": pruned,
    "any number of inputs": Loose,
    "in parallel": lambda: nn.DataParallel(sequential()),
}


class Wrapped(nn.Module):
    """Applies a function after, or instead of, a network."""

    def __init__(self, function, **layers):
        super().__init__()
        self.function = function
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, x):
        return self.function(self, x)


def with_activation(layer):
    return nn.Sequential(nn.Linear(N_FEATURES, 4), layer, nn.Linear(4, 1))


def _linear(n_in=N_FEATURES, n_out=4, **more):
    return nn.Linear(n_in, n_out, **more)


UNREADABLE = {
    "tanh": (lambda: with_activation(nn.Tanh()), r"layer '1' \(Tanh\)"),
    "leaky relu": (lambda: with_activation(nn.LeakyReLU()), r"layer '1' \(LeakyReLU\)"),
    "relu6": (lambda: with_activation(nn.ReLU6()), r"layer '1' \(ReLU6\)"),
    "gelu": (lambda: with_activation(nn.GELU()), r"layer '1' \(GELU\)"),
    "softplus": (lambda: with_activation(nn.Softplus()), r"layer '1' \(Softplus\)"),
    "no activation": (lambda: nn.Sequential(_linear(), _linear(4, 1)), r"layer '1' .* follows"),
    "linear": (lambda: _linear(n_out=1), "no relu"),
    "batch norm": (
        lambda: nn.Sequential(_linear(), nn.BatchNorm1d(4), nn.ReLU(), _linear(4, 1)),
        r"layer '1' \(BatchNorm1d\).*fold",
    ),
    "layer norm": (
        lambda: nn.Sequential(nn.LayerNorm(N_FEATURES), _linear(), nn.ReLU(), _linear(4, 1)),
        r"layer '0' \(LayerNorm\)",
    ),
    "convolution": (
        lambda: nn.Sequential(nn.Conv1d(1, 2, 3), nn.Flatten(), nn.ReLU(), _linear(4, 1)),
        r"layer '0' \(Conv1d\)",
    ),
    "two hidden layers": (
        lambda: nn.Sequential(_linear(), nn.ReLU(), _linear(4, 4), nn.ReLU(), _linear(4, 1)),
        r"layer '3' \(ReLU\) is a second relu",
    ),
    "a bottleneck": (
        lambda: nn.Sequential(_linear(), nn.ReLU(), _linear(4, 2), _linear(2, 1)),
        r"layer '3' \(Linear\) is one more linear layer",
    ),
    "several outputs": (
        lambda: nn.Sequential(_linear(), nn.ReLU(), _linear(4, 3)),
        r"layer '2' \(Linear\) has 3 outputs",
    ),
    "relu first": (
        lambda: nn.Sequential(nn.ReLU(), _linear(), nn.ReLU(), _linear(4, 1)),
        r"layer '0' \(ReLU\) comes before",
    ),
    "a squashed output": (
        lambda: nn.Sequential(_linear(), nn.ReLU(), _linear(4, 1), nn.Sigmoid()),
        r"layer '3' \(Sigmoid\).*output must be linear",
    ),
    "a skip connection": (
        lambda: Wrapped(
            lambda self, x: self.out(torch.relu(self.fc(x))) + self.skip(x),
            fc=_linear(),
            out=_linear(4, 1),
            skip=_linear(n_out=1),
        ),
        "add in the forward of Wrapped .* skips the relu",
    ),
    "a residual of the input": (
        lambda: Wrapped(
            lambda self, x: self.out(torch.relu(self.fc(x)) + x),
            fc=_linear(n_out=6),
            out=_linear(6, 1),
        ),
        "skips the relu",
    ),
    "tied weights": (
        lambda: Wrapped(
            lambda self, x: torch.relu(x @ self.W.T).sum(1) - torch.relu(-x @ self.W.T).sum(1),
            W=nn.Parameter(torch.randn(4, N_FEATURES)),
        ),
        "changes the samples|share weights",
    ),
    "a layer used twice": (
        lambda: Wrapped(
            lambda self, x: torch.relu(self.fc(x)).sum(1) + 2 * torch.relu(self.fc(x)).sum(1),
            fc=_linear(),
        ),
        "is used twice",
    ),
    "scaled samples": (
        lambda: Wrapped(lambda self, x: self.net(x / 10.0), net=sequential()),
        "truediv in the forward of Wrapped changes the samples",
    ),
    "samples seen together": (
        lambda: Wrapped(lambda self, x: self.net(x - x.mean(0)), net=sequential()),
        "mean in the forward of Wrapped",
    ),
    "a function inside": (
        lambda: nn.Sequential(_linear(), Wrapped(lambda _, x: torch.sin(x)), _linear(4, 1)),
        r"sin in layer '1' \(Wrapped\)",
    ),
    "a clamp from above": (
        lambda: Wrapped(lambda self, x: self.net(x).clamp(0, 1), net=_linear(n_out=1)),
        "bounds values by 0 and 1",
    ),
    "a product of units": (
        lambda: Wrapped(
            lambda self, x: torch.relu(self.p(x)) * torch.relu(self.q(x)),
            p=_linear(n_out=1),
            q=_linear(n_out=1),
        ),
        "multiplies two values",
    ),
    "random units": (
        lambda: Wrapped(
            lambda self, x: nn.functional.dropout(torch.relu(self.fc(x)), 0.5).sum(1), fc=_linear()
        ),
        "drops units at random",
    ),
    "a dictionary returned": (
        lambda: Wrapped(lambda self, x: {"y": self.net(x)}, net=sequential()),
        "returns a dict",
    ),
    "transposed samples": (
        lambda: Wrapped(
            lambda self, x: torch.relu(self.W @ x.T).sum(0),
            W=nn.Parameter(torch.randn(4, N_FEATURES)),
        ),
        "attribute 'T'",
    ),
    "one layer added to itself": (
        lambda: Wrapped(lambda self, x: self.net(x) + self.net(x), net=sequential()),
        "is used twice",
    ),
    "two things returned": (
        lambda: Wrapped(lambda self, x: (self.net(x), x), net=sequential()),
        "returns a tuple or list",
    ),
    "a second input": (lambda: _Second(), "second input, y"),
    "a constant": (lambda: Wrapped(lambda *_: torch.zeros(3)), "constant"),
    "a gate": (
        lambda: Wrapped(lambda self, x: (self.fc(x) * (self.fc(x) > 0)).sum(1), fc=_linear()),
        "is used twice|gt in",
    ),
    "three layers and turns": (
        lambda: Wrapped(
            lambda self, x: self.net(x) if x.sum() > 0 else -self.net(x),
            net=nn.Sequential(_linear(), nn.ReLU(), _linear(4, 4), nn.ReLU(), _linear(4, 1)),
        ),
        "cannot be followed.*hidden=",
    ),
    "turns that matter": (
        lambda: Wrapped(
            lambda self, x: self.net(x) if x.sum() > 1e9 else -self.net(x), net=sequential()
        ),
        "cannot be followed.*not it",
    ),
    "lazy": (lambda: nn.Sequential(nn.LazyLinear(4), nn.ReLU(), _linear(4, 1)), "layer '0' has no"),
    "on the meta device": (lambda: sequential().to("meta"), "meta device"),
    "complex": (lambda: quietly(lambda: sequential().to(torch.complex64)), "complex"),
    "all outer weights zero": (lambda: _zeroed(sequential()), "all zero"),
    "TorchScript": (
        lambda: quietly(lambda: torch.jit.trace(sequential(), torch.zeros(2, N_FEATURES))),
        "TorchScript",
    ),
}
"""Makers, and what the message must say: the layer or the step that is the reason."""


def quietly(make):
    """Return what `make` returns, deprecated as it may be."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()


class _Second(nn.Module):
    def forward(self, x, y):
        return x + y


def _zeroed(model):
    with torch.no_grad():
        model[2].weight.zero_()
    return model
