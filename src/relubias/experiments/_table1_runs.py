"""The runs of Table 1: four trainings, each on orthogonal, random and adversarial data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import relubias as rb
from relubias._validate import Float
from relubias.experiments import boursier, dana, vardi_shamir
from relubias.experiments._both_layers_runs import (
    BalancedStart,
    run_dominated,
    shortest_pair,
    train_balanced,
)
from relubias.experiments._law import gap_law, seed_for
from relubias.experiments.registry import Scale

__all__ = ["DIMENSION", "FAR", "FEW", "GAMMA", "KAPPA", "LOW_DIMENSION", "SMALL_KAPPA", "N", "rows"]

N, LOW, HIGH = 10, 0.5, 1.0
DIMENSION, FAR, LOW_DIMENSION = 2000, 200_000, 15
KAPPA, SMALL_KAPPA = 0.9, 0.001
EPS = 0.01 * LOW
SMALL_EPS = 1e-6 * LOW  # small steps need small starts: the gap is kappa |y_-| - (1 - kappa) eps
SMALL, LARGE = 1e-20, 1.0  # starts of both layers
FEW = 4  # neurons, too few to cover 50 samples
GAMMA = 2.0
UNIT = 4.0  # Vardi and Shamir's samples have norms 3.2, 4.5 and 2.8
RATE = 0.1  # of both layers on them, in these units
ZERO = 1e-8
"""Mean risk, above the least possible, below which the least counts as reached."""

_LABELS = rb.ensembles.labels.uniform_magnitude(LOW, HIGH, n_negative=N // 2)
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Cell:
    """One run of one cell: ``run(generator)`` returns its outcome."""

    result: str
    data: str
    variant: str
    run: Callable[[np.random.Generator], Row]
    is_random: bool = True


_N_REPLICATES = {Scale.QUICK: 3, Scale.DEFAULT: 40, Scale.FULL: 400}


def rows(scale: Scale, seed: int) -> list[Row]:
    """Return one row per run."""
    result: list[Row] = []
    for number, cell in enumerate(_CELLS):
        about = {"result": cell.result, "data": cell.data, "variant": cell.variant}
        for replicate in range(_N_REPLICATES[scale] if cell.is_random else 1):
            rng = np.random.default_rng(seed_for(seed, "table1", number, replicate))
            result.append(about | {"replicate": replicate} | cell.run(rng))
    return result


# --- Boursier et al.: both layers from a small balanced start ---------------------------------


def _boursier(
    draw_features: Callable[[np.random.Generator], Float], size: float, *, covered: bool
) -> Callable[[np.random.Generator], Row]:
    def run(rng: np.random.Generator) -> Row:
        features = draw_features(rng)
        start = BalancedStart.draw(features, boursier.LABELS, boursier.M, rng)
        while start.is_covered != covered:
            start = BalancedStart.draw(features, boursier.LABELS, boursier.M, rng)
        return _balanced(start, size, boursier.RATE)

    return run


def _balanced(start: BalancedStart, size: float, rate: float) -> Row:
    run = train_balanced(start, size, rate)
    shortest = shortest_pair(start.problem)
    return {
        "reached": bool(run.loss < ZERO * start.problem.n_samples),
        "bias": run.limit.half_squared_norm / shortest - 1.0,
        "status": str(run.status),
    }


def _random_features(rng: np.random.Generator) -> Float:
    shape = (boursier.LABELS.size, DIMENSION)
    return rng.standard_normal(shape) / np.sqrt(DIMENSION) * boursier.NORMS[:, None]


def _boursier_worst(rng: np.random.Generator) -> Row:
    features, labels = _adversarial()
    return _balanced(BalancedStart.draw(features, labels, boursier.M, rng), SMALL, RATE)


def _adversarial() -> tuple[Float, Float]:
    """Return Vardi and Shamir's data with norms about one; the network is the same."""
    return vardi_shamir.features(GAMMA) / UNIT, np.array(vardi_shamir.LABELS) / UNIT**2


# --- Dana et al.: both layers, larger output weights ------------------------------------------


def _dana(
    draw_data: Callable[[np.random.Generator], tuple[Float, Float]], m: int, rate: float,
    *, covered: bool | None = None,
) -> Callable[[np.random.Generator], Row]:  # fmt: skip
    def run(rng: np.random.Generator) -> Row:
        features, labels = draw_data(rng)
        while True:
            done = run_dominated(
                features, labels, m, rng, rate=rate, max_iter=dana.MAX_STEPS, tol=dana.TOL
            )
            if covered is None or done.is_covered == covered:
                break
        return {
            "reached": bool(done.run.loss < ZERO * labels.size),
            "bias": done.run.limit.half_squared_norm / shortest_pair(done.problem) - 1.0,
            "lost": bool(done.lost.any()),
            "status": str(done.run.status),
        }

    return run


def _orthogonal_data(rng: np.random.Generator) -> tuple[Float, Float]:
    """Return Dana et al.'s norms and labels, on the axes."""
    norms, sizes = rng.uniform(1.0, 2.0, (2, dana.N))
    return np.diag(norms), sizes * rng.choice([-1.0, 1.0], dana.N)


# --- Vardi and Shamir: one neuron, gradient flow from zero ------------------------------------


def _flow(problem: rb.Problem) -> Row:
    run = vardi_shamir.flow_from_zero(problem)
    shortest = rb.minimum_norm(problem)
    return {
        "reached": _is_least(problem, run.loss),
        "bias": rb.bias_gap(problem, run.limit.dual, shortest).distance / shortest.norm,
        "status": str(run.status),
    }


def _is_least(problem: rb.Problem, loss: float) -> bool:
    """Whether a loss is the least of such a network: one neuron can't fit the other sign."""
    y, signs = problem.labels, problem.signs
    unfitted = y[~np.isin(np.sign(y), [*signs, 0.0])]
    return bool(loss - 0.5 * float(unfitted @ unfitted) < ZERO * y.size)


def _flow_orthogonal(rng: np.random.Generator) -> Row:
    return _flow(rb.Problem(np.diag(rng.uniform(1.0, 2.0, N) ** 2), _LABELS(N, rng)))


def _flow_random(rng: np.random.Generator) -> Row:
    return _flow(rb.Problem(_gram(DIMENSION, rng), _LABELS(N, rng)))


def _flow_adversarial(gamma: float) -> Callable[[np.random.Generator], Row]:
    def run(_: np.random.Generator) -> Row:
        problem = vardi_shamir.problem_of(gamma)
        limit = vardi_shamir.flow_from_zero(problem).limit
        return _flow(problem) | {"s": float((limit.dual @ vardi_shamir.features(gamma))[0, 2])}

    return run


def _gram(d: int, rng: np.random.Generator) -> Float:
    return rb.ensembles.Gaussian(rb.ensembles.isotropic(d)).sample_gram(N, rng)


# --- this paper: the first layer, descent with a finite step, from positive predictions --------


def _lai(
    d: int, kappa: float, m: int, first: float = EPS, *, law: str = "random"
) -> Callable[..., Row]:
    def run(rng: np.random.Generator) -> Row:
        gram = float(d) * np.eye(N) if law == "orthogonal" else _gram(d, rng)
        problem = rb.Problem(gram, _LABELS(N, rng), (1, -1)[:m])
        steepest = float(np.linalg.eigvalsh(gram)[-1]) / d
        return _descend(problem, min(kappa, 1.0 / steepest), float(d), first)

    return run


def _lai_worst(m: int) -> Callable[..., Row]:
    def run(_: np.random.Generator) -> Row:
        problem = vardi_shamir.problem_of(GAMMA, m)
        start = EPS * min(y for y in vardi_shamir.LABELS if y > 0)
        return _descend(problem, KAPPA, problem.scale, start)

    return run


def _descend(problem: rb.Problem, kappa: float, trace: float, first: float) -> Row:
    run = rb.gradient_descent(
        problem, rb.starts.all_positive(problem, first), step_size=kappa / trace
    )
    shortest = rb.minimum_norm(problem)
    gap = rb.bias_gap(problem, run.limit.dual, shortest)
    agrees = problem.signs[:, None] * problem.labels > 0
    last = int(run.switches["time"].max(initial=0))
    row: Row = {
        "reached": _is_least(problem, run.loss),
        "bias": gap.distance / shortest.norm,
        "settled": bool(last <= 1 and ((run.limit.primal > 0) == agrees).all()),
        "status": str(run.status),
    }
    if problem.n_neurons == 1 and (problem.labels < 0).any():
        row["ratio"] = gap.distance / gap_law(kappa, problem.labels, first, trace)
    return row


_CELLS = (
    _Cell("boursier", "orthogonal", "", _boursier(lambda _: boursier.features(), SMALL,
                                                  covered=True)),
    _Cell("boursier", "high_dimensional", "", _boursier(_random_features, SMALL, covered=True)),
    _Cell("boursier", "worst_case", "", _boursier_worst),
    _Cell("boursier", "outside", "uncovered", _boursier(lambda _: boursier.features(), SMALL,
                                                        covered=False)),
    _Cell("boursier", "outside", "large_start", _boursier(lambda _: boursier.features(), LARGE,
                                                          covered=True)),
    _Cell("dana", "orthogonal", "", _dana(_orthogonal_data, dana.SUFFICIENT, dana.RATE,
                                          covered=True)),
    _Cell("dana", "high_dimensional", "",
          _dana(lambda rng: dana.draw_data(DIMENSION, rng), dana.SUFFICIENT, dana.RATE,
                covered=True)),
    _Cell("dana", "worst_case", "",
          _dana(lambda _: _adversarial(), dana.SUFFICIENT, RATE, covered=True)),
    _Cell("dana", "outside", "uncovered",
          _dana(lambda rng: dana.draw_data(DIMENSION, rng), FEW, dana.RATE, covered=False)),
    _Cell("dana", "outside", "correlated",
          _dana(lambda rng: dana.draw_data(dana.N, rng), dana.SUFFICIENT, dana.RATE,
                covered=True)),
    _Cell("vardi_shamir", "orthogonal", "", _flow_orthogonal),
    _Cell("vardi_shamir", "high_dimensional", "", _flow_random),
    _Cell("vardi_shamir", "worst_case", "", _flow_adversarial(GAMMA), is_random=False),
    _Cell("vardi_shamir", "outside", "gamma_0", _flow_adversarial(0.0), is_random=False),
    *(
        cell
        for m, variant in ((1, "one_neuron"), (2, "two_neurons"))
        for cell in (
            _Cell("lai2026", "orthogonal", variant, _lai(FAR, KAPPA, m, law="orthogonal")),
            _Cell("lai2026", "high_dimensional", variant, _lai(FAR, KAPPA, m)),
            _Cell("lai2026", "worst_case", variant, _lai_worst(m), is_random=False),
            _Cell("lai2026", "outside", f"low_dimension_{variant}", _lai(LOW_DIMENSION, KAPPA, m)),
        )
    ),
    _Cell("lai2026", "outside", "small_step", _lai(FAR, SMALL_KAPPA, 1, SMALL_EPS)),
)  # fmt: skip
