"""Hypothesis strategies: small integers where nothing rounds, and whole descent instances."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.problems import Case, random_case

__all__ = ["descent_cases", "integer_cases", "permutations", "sign_vectors", "small_integers"]


def small_integers(*shape: int, bound: int = 3) -> st.SearchStrategy[Any]:
    """Arrays of that shape with integer entries from -bound to bound, as float64."""
    return hnp.arrays(np.float64, shape, elements=st.integers(-bound, bound).map(float))


def sign_vectors(m: int) -> st.SearchStrategy[Any]:
    """Output signs of m neurons."""
    return hnp.arrays(np.float64, (m,), elements=st.sampled_from([1.0, -1.0]))


@st.composite
def integer_cases(draw: st.DrawFn) -> Case:
    """Problems of small integers with a dyadic step: a few steps are exact in float64."""
    n, d, m = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    X = draw(small_integers(n, d))
    return Case(
        name="integers",
        gram=X @ X.T,
        labels=draw(small_integers(n)),
        signs=draw(sign_vectors(m)),
        start=draw(small_integers(m, n)),
        step_size=2.0 ** -draw(st.integers(4, 6)),
        features=X,
    )


def descent_cases(**limits: Any) -> st.SearchStrategy[Case]:
    """Random instances, by seed; see `tests.problems.random_case` for the limits."""
    return st.integers(0, 2**32 - 1).map(lambda seed: random_case(seed, **limits))


def permutations(n: int) -> st.SearchStrategy[Any]:
    """Orders of n things."""
    return st.permutations(range(n)).map(np.array)
