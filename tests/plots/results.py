"""Results to draw, by name: one of every public class with a picture, and odd ones of each."""

from __future__ import annotations

from functools import cache

import numpy as np

import relubias as rb
from relubias.dynamics import both_layers_flow
from relubias.ensembles import Gaussian, Spectrum, isotropic, power_law, spiked
from relubias.minnorm import closest_fit, verify
from relubias.sweep._pictures import Pictures
from relubias.theory import lai2026
from tests.sweep.known_rows import VALUES, plan_of, rows_of

SLIDES = [[1.2, -0.8, 0.6], [0.7, -0.4, 0.1], [0.8, 0.3, -0.1]]


def features(n, d, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d))


def labels(n, seed=1):
    rng = np.random.default_rng(seed)
    return rng.uniform(0.3, 1.0, n) * np.where(np.arange(n) % 2 == 0, 1.0, -1.0)


def data(n=6, d=40, signs=(1,), scale=1.0):
    return rb.Problem.from_features(features(n, d), scale * labels(n), signs)


def descent(problem, kappa=0.5, scale=0.01, **options):
    size = scale * float(np.abs(problem.labels).max() or 1.0)
    start = rb.starts.all_positive(problem, size)
    return rb.gradient_descent(problem, start, step_size=kappa / problem.scale, **options)


def flow(problem, scale=1e-3):
    return rb.gradient_flow(problem, rb.starts.gaussian(problem, scale, seed=0))


def sliding():
    problem = rb.Problem.from_features(SLIDES, [1.0, 0.3, -1.0])
    return rb.gradient_flow(problem, rb.starts.from_weights(SLIDES, [[0.6, -0.1, 0.0]]))


def restless(d, seed):
    X = features(6, d, seed)
    problem = rb.Problem.from_features(X, labels(6), signs=(1, -1))
    start = rb.starts.gaussian(problem, 0.1, seed=0)
    return rb.gradient_descent(problem, start, step_size=0.1 / problem.scale, max_iter=100_000)


def eight():
    problem = data(6, 60, signs=(1, -1) * 4)
    start = rb.starts.gaussian(problem, 0.01, seed=0)
    return rb.gradient_descent(problem, start, step_size=0.1 / problem.scale)


def diverged():
    problem = rb.Problem([[1.0, -1.0], [-1.0, 1.0]], [1.0, 1.0])
    return rb.gradient_descent(problem, [[2.0, -2.0]], step_size=3.0)


def both(record=None, **options):
    rng = np.random.default_rng(0)
    problem = rb.Problem.from_features(np.eye(4), [1.0, 0.6, -0.7, -0.9], np.ones(6))
    start = 0.3 * rng.standard_normal((6, 4))
    outer = np.linalg.norm(start, axis=1) * np.array([1, -1, 1, -1, 1, -1])
    return rb.train_both_layers(problem, start, outer, step_size=0.05, record=record, **options)


def halvings(**options):
    rng = np.random.default_rng(0)
    problem = rb.Problem.from_features(np.eye(3), [1.0, 0.6, -0.7], np.ones(4))
    start = 0.3 * rng.standard_normal((4, 3))
    outer = np.linalg.norm(start, axis=1) * np.array([1, -1, 1, -1])
    return both_layers_flow(problem, start, outer, step_size=0.1, time=20.0, **options)


def batch(n_problems=40, max_iter=10_000, kappas=(0.05, 1.0)):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_problems, 6, 60))
    grams = X @ X.transpose(0, 2, 1)
    y = np.stack([labels(6, seed) for seed in range(n_problems)])
    problems = [rb.Problem(g, v) for g, v in zip(grams, y, strict=True)]
    starts = np.stack([rb.starts.all_positive(problem, 0.01) for problem in problems])
    steps = np.geomspace(*kappas, n_problems) / 60
    return rb.gradient_descent_batch(grams, y, [1], starts, step_size=steps, max_iter=max_iter)


def shortest_batch():
    X = features(30 * 5, 50).reshape(30, 5, 50) * np.linspace(0.5, 3, 30)[:, None, None]
    y = np.stack([labels(5, seed) for seed in range(30)])
    return rb.minimum_norm_batch(X @ X.transpose(0, 2, 1), y)


def infeasible():
    X = features(5, 20)
    X[3] = X[0]
    return rb.minimum_norm(rb.Problem.from_features(X, [1.0, 2.0, -1.0, 3.0, -0.5]))


def inconsistent():
    X = features(3, 20)
    return rb.linear_minimum_norm(rb.Problem.from_features(X[[0, 1, 2, 0]], [1.0, 2.0, -1.0, 3.0]))


def searched():
    return rb.minimum_norm(data(10, 12, signs=(1, -1)))


def gap(n=6, d=200, signs=(1,), kappa=0.5):
    problem = data(n, d, signs)
    return rb.bias_gap(problem, descent(problem, kappa), rb.minimum_norm(problem))


def report():
    problem = data(6, 4000)
    start = rb.starts.all_positive(problem, 0.005)
    return rb.check(problem, start, step_size=0.9 / problem.scale)


def prior(d):
    problem = data(6, d)
    start = rb.starts.all_positive(problem, 0.005)
    return lai2026.certificate(problem, start, step_size=0.9 / problem.scale)


def unfittable():
    X = features(8, 3)
    return closest_fit(rb.Problem.from_features(X, labels(8)))


def verified(signs=(1, -1)):
    problem = data(6, 12, signs=signs)
    return verify(problem, rb.minimum_norm(problem))


def refuted():
    problem = data(6, 12)
    other = rb.Problem(problem.gram, problem.labels * 1.5)
    return verify(other, rb.minimum_norm(problem))


class Rows(Pictures):
    """Rows of a sweep whose values are known: nothing is computed, nothing read."""

    def __init__(self, failed=()):
        plan = plan_of()
        self.table = rows_of(plan, range(plan.n_tasks), VALUES, failed)

    @property
    def columns(self):
        return tuple(self.table.column_names)

    def _selected(self, names):
        return self.table.select(list(names))


RESULTS = {
    "descent": lambda: descent(data(signs=(1, -1))),
    "descent_recorded": lambda: descent(data(), record=[0, 1, 2, 5, 10]),
    "descent_momentum": lambda: descent(data(), kappa=0.3, momentum=0.9),
    "descent_batches": lambda: descent(data(), kappa=0.3, batches=2),
    "descent_one_sample": lambda: descent(data(1, 5)),
    "descent_many_samples": lambda: descent(data(400, 4000, signs=(1, -1)), kappa=0.5),
    "descent_eight_neurons": eight,
    "descent_tiny": lambda: descent(data(scale=1e-140), kappa=0.5),
    "descent_huge": lambda: descent(data(scale=1e140), kappa=0.5),
    "descent_diverged": diverged,
    "descent_unfinished": lambda: descent(data(), kappa=1e-5, max_iter=50),
    "descent_chatter": lambda: restless(8, seed=3),
    "descent_limit_cycle": lambda: restless(3, seed=5),
    "descent_zero_labels": lambda: descent(rb.Problem(np.eye(3), np.zeros(3))),
    "flow": sliding,
    "flow_three_neurons": lambda: flow(data(8, 20, signs=(1, 1, -1))),
    "flow_eight_neurons": lambda: flow(data(8, 30, signs=(1, -1) * 4)),
    "flow_still": lambda: rb.gradient_flow(data(3, 10), np.zeros((1, 3))),
    "flow_cut_short": lambda: rb.gradient_flow(sliding().problem, sliding().start, max_events=1),
    "both_layers": lambda: both(record=np.unique(np.geomspace(1, 400, 60).astype(int))),
    "both_layers_unrecorded": lambda: both(max_iter=30),
    "both_layers_flow": lambda: halvings(max_halvings=5),
    "both_layers_flow_failed": lambda: halvings(max_iter=10, max_halvings=2),
    "descent_batch": batch,
    "descent_batch_unfinished": lambda: batch(20, max_iter=8),
    "descent_batch_diverged": lambda: rb.gradient_descent_batch(
        [[[1.0, -1.0], [-1.0, 1.0]]] * 3, [[1.0, 1.0]] * 3, [1], [[[2.0, -2.0]]] * 3, step_size=3.0
    ),
    "descent_batch_one": lambda: batch(1),
    "step_sizes": lambda: rb.step_size_bounds(data(6, 400)),
    "step_sizes_singular": lambda: rb.step_size_bounds(data(6, 3)),
    "step_sizes_zero": lambda: rb.step_size_bounds(
        rb.Problem(np.zeros((2, 2)), [0.0, 0.0]), trace=1.0
    ),
    "minimum_norm": lambda: rb.minimum_norm(data(20, 200)),
    "minimum_norm_pair": searched,
    "minimum_norm_one_sample": lambda: rb.minimum_norm(data(1, 5)),
    "minimum_norm_many": lambda: rb.minimum_norm(data(1000, 3000)),
    "minimum_norm_eight_neurons": lambda: rb.minimum_norm(
        data(6, 600, signs=(1, -1) * 4), time_limit=2.0
    ),
    "minimum_norm_feasible": lambda: rb.minimum_norm(data(14, 15, signs=(1, -1)), rel_gap=0.5),
    "minimum_norm_infeasible": infeasible,
    "minimum_norm_zero": lambda: rb.minimum_norm(rb.Problem(np.eye(3), np.zeros(3))),
    "minimum_norm_tiny": lambda: rb.minimum_norm(data(6, 40, scale=1e-200)),
    "minimum_norm_batch": shortest_batch,
    "minimum_norm_batch_infeasible": lambda: rb.minimum_norm_batch(
        [np.ones((2, 2))] * 3, [[1.0, 2.0], [2.0, 1.0], [3.0, 1.0]]
    ),
    "linear": lambda: rb.linear_minimum_norm(data(8, 20), [0, 1, 2, 4, 6]),
    "linear_of_nothing": lambda: rb.linear_minimum_norm(data(5, 20), []),
    "linear_inconsistent": inconsistent,
    "linear_many": lambda: rb.linear_minimum_norm(data(300, 900), np.arange(200)),
    "closest_fit": unfittable,
    "closest_fit_exact": lambda: closest_fit(data(6, 20)),
    "verification": verified,
    "verification_refuted": refuted,
    "search_tree": lambda: searched().certificate.tree,
    "bias_gap": gap,
    "bias_gap_pair": lambda: gap(signs=(1, -1), kappa=0.9),
    "bias_gap_no_law": lambda: rb.bias_gap(data(), np.zeros((1, 6)), np.ones((1, 6)) / 40),
    "bias_gap_fifty_neurons": lambda: rb.bias_gap(
        data(6, 600, signs=(1, -1) * 25), np.full((50, 6), 1e-3), np.zeros((50, 6))
    ),
    "bias_gap_small": lambda: gap(d=10_000),
    "bias_gap_none": lambda: rb.bias_gap(data(), np.zeros((1, 6)), np.zeros((1, 6))),
    "report": report,
    "power_law": lambda: Rows().fit_exponent("d", "gap", "n"),
    "run_certificate": lambda: prior(100_000),
    "run_certificate_not_met": lambda: prior(50),
    "spectrum": lambda: spiked(1000, 100.0, n_spikes=3),
    "spectrum_power_law": lambda: power_law(10_000, 1.0),
    "spectrum_isotropic": lambda: isotropic(10**12),
    "spectrum_wide": lambda: Spectrum([1e-270, 1e270], [3, 10**14]),
    "spectrum_one": lambda: Spectrum([3.0]),
    "feature_law": lambda: Gaussian(power_law(50, 0.5)),
}


@cache
def result(name):
    """Return a result; it is computed once in a process."""
    return RESULTS[name]()


def _plot_of(name):
    return lambda ax=None: result(name).plot(ax)


PICTURES = {name: _plot_of(name) for name in RESULTS} | {
    "transitions": lambda ax=None: result("report").plot_transitions(ax),
    "sweep_bands": lambda ax=None: Rows().plot("d", "gap", "n", ax=ax),
    "sweep_one_band": lambda ax=None: Rows().plot("d", "gap", where={"n": 8}, ax=ax),
    "sweep_fit": lambda ax=None: Rows(failed=[3]).plot("d", "gap", "n", fit=True, ax=ax),
    "sweep_words": lambda ax=None: Rows().plot("run_status", "one_step", ax=ax),
    "phase_map": lambda ax=None: Rows().phase_map("d", "n", "one_step", ax=ax),
    "phase_map_medians": lambda ax=None: Rows(failed=[0, 7]).phase_map("d", "n", "gap", ax=ax),
}
"""Every picture, as a function of the axes to draw on."""
