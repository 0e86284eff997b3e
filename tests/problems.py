"""Named problems that every solver meets, and random ones that are a function of their seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "NAMED",
    "Case",
    "case_from_features",
    "grid_case",
    "long_case",
    "random_case",
    "unfittable_case",
    "vardi_shamir",
]

Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """One problem with a start and a step; ``start`` is the dual, (m, n)."""

    name: str
    gram: Float
    labels: Float
    signs: Float
    start: Float
    step_size: float
    features: Float | None = field(default=None)

    def __post_init__(self) -> None:
        n, m = self.labels.shape[0], self.signs.shape[0]
        assert self.gram.shape == (n, n)
        assert self.start.shape == (m, n)
        assert (self.gram == self.gram.T).all()

    def __repr__(self) -> str:
        return f"<{self.name}>"

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What the oracles take."""
        return self.gram, self.labels, self.signs, self.start, self.step_size

    @property
    def size(self) -> float:
        """Scale of the primal: the largest label or starting value, 1 if all are zero."""
        return float(max(np.abs(self.labels).max(), np.abs(self.start @ self.gram).max())) or 1.0

    def problem(self) -> Any:
        """Return the package's problem."""
        import relubias as rb

        return rb.Problem(self.gram, self.labels, self.signs)

    def source(self) -> str:
        """Return Python that rebuilds the case bit for bit."""
        arrays = ", ".join(
            f"{name}=np.array({getattr(self, name).tolist()!r})"
            for name in ("gram", "labels", "signs", "start")
        )
        return f"Case(name={self.name!r}, {arrays}, step_size={self.step_size!r})"


def _dual(gram: Float, primal: Any, m: int) -> Float:
    """Return a dual whose primal is `primal`, the same one for each of m neurons."""
    values = np.broadcast_to(np.asarray(primal, dtype=float), (gram.shape[0],))
    try:
        beta = np.linalg.solve(gram, values)
    except np.linalg.LinAlgError:
        beta = np.linalg.lstsq(gram, values)[0]
    return np.tile(beta, (m, 1))


def case_from_features(
    name: str,
    features: Any,
    labels: Any,
    *,
    signs: Any = (1,),
    step: float = 0.1,
    primal: Any = 0.01,
    start: Any = None,
) -> Case:
    """Build a case; `step` is the step size times the largest eigenvalue of the Gram matrix."""
    X = np.array(features, dtype=float)
    gram = X @ X.T
    gram = gram / 2 + gram.T / 2
    s = np.array(signs, dtype=float)
    return Case(
        name=name,
        gram=gram,
        labels=np.array(labels, dtype=float),
        signs=s,
        start=_dual(gram, primal, s.size) if start is None else np.array(start, dtype=float),
        step_size=step / max(float(np.linalg.eigvalsh(gram)[-1]), 1e-300),
        features=X,
    )


def _with_step(case: Case, step_size: float) -> Case:
    return Case(
        name=case.name,
        gram=case.gram,
        labels=case.labels,
        signs=case.signs,
        start=case.start,
        step_size=step_size,
        features=case.features,
    )


def vardi_shamir(gamma: float, step_size: float, alpha: float = 1.0) -> Case:
    """Vardi and Shamir's X_gamma after their first step.

    They start at w = 0 with sigma'(0) = 1, so the first step is ``w = step_size * X^T y``:
    dual ``step_size * y``, all primal values positive, and from there sigma'(0) is never asked.
    """
    X = np.array([[3.0, -1, 0], [4, 2, 0], [0, gamma, gamma]])
    y = alpha * np.array([16.0, 18, 0])
    return Case(
        name=f"vardi_shamir_{gamma:g}",
        gram=X @ X.T,
        labels=y,
        signs=np.ones(1),
        start=step_size * y[None, :],
        step_size=step_size,
        features=X,
    )


_G0 = [[10, 0, 1, 0, 0], [0, 10, 0, 1, 0], [1, 0, 10, 0, -1], [0, -1, 0, 10, 1]]
_G1 = [[4, 0, 1, 0, 0], [0, 4, 0, 1, 0], [1, 0, 4, 0, -1], [0, -1, 0, 4, 1]]
_Y = [1.0, 0.5, -0.75, -1.0]


def _named() -> dict[str, Case]:
    rng = np.random.default_rng(20260305)
    X = rng.standard_normal((5, 20))
    y = np.array([1.0, -0.5, 0.8, -1.2, 0.6])
    both = (1, -1)
    cases = [
        case_from_features("orthogonal", 2 * np.eye(4), [1, -1, 0.5, -0.25], step=0.3, primal=0.1),
        case_from_features("orthogonal_one_step", 2 * np.eye(3), [1, -1, 0.5], step=1.0),
        case_from_features("generic", X, y),
        case_from_features("generic_two_neurons", X, y, signs=both, step=0.3),
        case_from_features("same_label_twice", X[[0, 1, 2, 0, 1]], y[[0, 1, 2, 0, 1]]),
        case_from_features("two_labels_for_one_row", X[[0, 1, 2, 0]], [1, -0.5, 0.8, 0.4]),
        case_from_features("opposite_labels_for_one_row", X[[0, 1, 0]], [1, -0.5, -0.7]),
        case_from_features(
            "two_labels_two_neurons", X[[0, 1, 0]], [1, -0.5, -0.7], signs=both, step=0.3
        ),
        case_from_features("parallel", np.vstack([X[:3], 2 * X[0]]), [1, -0.5, 0.8, 2.0]),
        case_from_features(
            "antiparallel",
            np.vstack([X[:3], -X[0]]),
            [1, -0.5, 0.8, 0.3],
            start=[[0.01, 0.01, 0.01, 0.0]],
        ),
        case_from_features("zero_row", np.vstack([X[:3], 0 * X[0]]), [1, -0.5, 0.8, 0.3]),
        case_from_features("zero_labels", X, [1.0, 0.0, 0.8, -1.2, 0.0], primal=0.3),
        case_from_features("zero_labels_two_neurons", X, [1, 0, 0.8, -1.2, 0], signs=both),
        case_from_features("all_labels_zero", X, np.zeros(5), primal=[0.3, 0.1, 0.2, 0.5, 0.4]),
        case_from_features("zero_start", X, y, start=np.zeros((1, 5))),
        case_from_features("nearly_singular", np.vstack([X[:3], X[0] + 1e-5 * X[3]]), y[:4]),
        case_from_features("one_sample", [[3.0, 4.0]], [2.0], step=0.125, start=[[2.0**-6]]),
        case_from_features("one_negative_sample", [[3.0, 4.0]], [-2.0], start=[[2.0**-6]]),
        case_from_features("only_negative_neurons", X, y, signs=(-1, -1)),
        case_from_features(
            "more_samples_than_features",
            [[1, 2], [2, 1], [-1, 1], [1, -1], [3, 1], [-2, -1]],
            [1, -1, 0.5, 2, -0.5, 1],
            signs=both,
            start=[[0.25, 0, 0, 0, 0.125, 0], [0, 0.125, 0.5, 0, 0, 0.0625]],
        ),
        case_from_features("spiked", X[:, :12] * np.r_[100.0, np.ones(11)], y, step=0.9),
        case_from_features("square", rng.standard_normal((5, 5)), y, step=0.5),
        case_from_features("ties", X, y, signs=(1, 1, -1, -1), step=0.1),
        case_from_features("one_sign_ties", X, np.abs(y), signs=(1, 1, 1), step=0.3),
        case_from_features(
            "dyadic_ties",  # samples 0 and 1 reach exactly zero together, and stay there
            np.eye(4),
            [-0.5, -0.5, 1, 0],
            step=0.5,
            start=[[0.5, 0.5, 0.5, 0.5]],
        ),
        case_from_features(
            "dyadic_chatter",
            [[1, 0], [1, 1]],
            [1.0, -0.5],
            start=[[0.0, 0.25]],
            step=float(np.linalg.eigvalsh([[1.0, 1.0], [1.0, 2.0]])[-1]) / 4,
        ),
        case_from_features("tiny_labels", X, 1e-6 * y, primal=1e-8),
        case_from_features("huge_labels", X, 1e6 * y, primal=1e4),
        vardi_shamir(0.5, 0.01),
        vardi_shamir(2.0, 0.01),
        _with_step(case_from_features("G0", _G0, _Y, primal=0.02), 0.5 / 101),
        _with_step(
            case_from_features("G0_two_neurons", _G0, _Y, signs=both, primal=0.02), 0.5 / 101
        ),
        _with_step(case_from_features("G1", _G1, _Y, primal=0.02), 0.5 / 17),
        _with_step(
            case_from_features("G1_two_neurons", _G1, _Y, signs=both, primal=0.02), 0.5 / 17
        ),
        _with_step(case_from_features("G1_small", _G1, _Y, primal=1e-7), 0.5 / 17 / 500),
        _with_step(case_from_features("G4", 2 * np.eye(2), [1, -1], primal=0.1), 0.15),
    ]
    for step in (1.0, 1.9, 1.99, 2.2, 3.0, 6.0):
        for signs in ((1,), both):
            name = f"step_{step:g}_{len(signs)}"
            cases.append(case_from_features(name, X, y, signs=signs, step=step))
    return {case.name: case for case in cases}


NAMED = _named()


def random_case(
    seed: int,
    *,
    max_samples: int = 6,
    min_samples: int = 3,
    max_neurons: int = 3,
    max_step: float = 1.9,
    zero_labels: bool = True,
) -> Case:
    """Return a small instance of any kind: spiked or not, square or wide, any step."""
    rng = np.random.default_rng([20260305, seed])
    n = int(rng.integers(min_samples, max_samples + 1))
    m = int(rng.integers(1, max_neurons + 1))
    d = n * int(rng.choice([1, 1, 2, 5, 20])) + int(rng.integers(0, 3))
    X = rng.standard_normal((n, d))
    if rng.random() < 0.4:
        X[:, 0] *= 10.0 ** rng.uniform(0.0, 1.5)
    kind = rng.integers(4)
    y = rng.standard_normal(n) if kind < 2 else rng.uniform(0.1, 1.0, n) * rng.choice([-1, 1], n)
    if kind == 3:
        y = np.abs(y)
    if zero_labels and rng.random() < 0.1:
        y[int(rng.integers(n))] = 0.0
    signs = rng.choice([1.0, -1.0], m)
    gram = X @ X.T
    gram = gram / 2 + gram.T / 2
    largest = float(np.linalg.eigvalsh(gram)[-1])
    if rng.random() < 0.5:
        start = _dual(gram, 10.0 ** rng.uniform(-3, -0.5) * np.ones(n), m)
    else:
        scale = 10.0 ** rng.uniform(-3, 0.5)
        start = scale * rng.standard_normal((m, n)) / np.sqrt(np.diagonal(gram).mean() * n)
    step = min(max_step, 10.0 ** rng.uniform(-1.7, np.log10(2.5)))
    return Case(
        name=f"random_{seed}",
        gram=gram,
        labels=y,
        signs=signs,
        start=start,
        step_size=step / largest,
        features=X,
    )


def unfittable_case(seed: int) -> Case:
    """Return labels that one or two features cannot fit; some runs end in a limit cycle.

    The features have few bits, so that the Gram matrix is exactly singular.
    """
    rng = np.random.default_rng([seed, 5])
    n, d, m = int(rng.integers(4, 8)), int(rng.integers(1, 3)), int(rng.integers(1, 4))
    X, y = np.round(256 * rng.standard_normal((n, d))) / 256, rng.standard_normal(n)
    signs = rng.choice([1.0, -1.0], m)
    return case_from_features(
        f"unfittable_{seed}",
        X,
        y,
        signs=signs,
        start=0.3 * rng.standard_normal((m, n)),
        step=10.0 ** rng.uniform(-1.5, 0.2),
    )


def long_case(seed: int, *, spiked: bool) -> Case:
    """Return one neuron on positive labels with a last switch after many steps.

    Without a spike the step size is 1e-13 of the largest eigenvalue's inverse; with one, steps of
    ordinary size meet a condition number around 1e10. Positive labels keep the number of
    switches small: a sample that becomes active is pulled further in.
    """
    rng = np.random.default_rng([seed, 13, spiked])
    n = int(rng.integers(2, 11))
    X = rng.standard_normal((n, n + int(rng.integers(1, 2 * n))))
    if spiked:
        X[:, 0] = 10.0 ** rng.uniform(4.5, 5.5) * rng.uniform(0.5, 1.5, n) * (rng.random(n) < 0.5)
    y = rng.uniform(0.1, 1.0, n)
    gram = X @ X.T
    gram = gram / 2 + gram.T / 2
    primal = np.where(rng.random(n) < 0.5, 0.05, -0.4) * rng.uniform(0.2, 1.0, n)
    start = np.linalg.solve(gram, primal)[None, :]
    step = 10.0 ** rng.uniform(-4.5, -3.0) if spiked else 10.0 ** rng.uniform(-14.0, -13.0)
    return Case(
        name=f"long_{seed}_{'spiked' if spiked else 'tiny_step'}",
        gram=gram,
        labels=y,
        signs=np.ones(1),
        start=start,
        step_size=step / float(np.linalg.eigvalsh(gram)[-1]),
        features=X,
    )


def grid_case(n: int, aspect: int, m: int, start: str, step: float, seed: int = 0) -> Case:
    """Return a point of the campaign's grid: n samples, ``aspect * n`` features.

    `start` is ``"gaussian"`` (weights of size 1e-3) or ``"positive"`` (every primal value 0.01);
    `step` is the step size times the largest eigenvalue over ``max(1, m / 2)``.
    """
    rng = np.random.default_rng([n, aspect, m, int(start == "positive"), round(1000 * step), seed])
    X = rng.standard_normal((n, n * aspect))
    gram = X @ X.T
    gram = gram / 2 + gram.T / 2
    y = rng.standard_normal(n)
    signs = np.where(np.arange(m) % 2 == 0, 1.0, -1.0)
    if start == "positive":
        dual = _dual(gram, 0.01, m)
    else:
        primal = 1e-3 * rng.standard_normal((m, n * aspect)) @ X.T
        dual = np.linalg.solve(gram, primal.T).T
    eta = step / (float(np.linalg.eigvalsh(gram)[-1]) * max(1.0, m / 2))
    return Case(
        name=f"grid_n{n}_d{aspect}n_m{m}_{start}_{step:g}_{seed}",
        gram=gram,
        labels=y,
        signs=signs,
        start=np.ascontiguousarray(dual),
        step_size=eta,
        features=X,
    )
