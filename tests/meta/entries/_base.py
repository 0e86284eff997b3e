"""What the tables are made of: entries, and the arguments that many functions share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


problem = Argument(PROBLEM, "problem")
features = Argument(X, "features")
gram = Argument(GRAM, "gram")
labels = Argument(Y, "labels")
signs = Argument(SIGNS, "signs")
start = Argument(START, "dual")
seed = Argument(0, "seed")
step_size = Argument(ETA, "positive")


def drawn(method):
    """Return a `plot` that draws on axes of its own; pictures are not compared."""
    from matplotlib.figure import Figure

    return lambda **arguments: method(ax=Figure().subplots(), **arguments) and None
