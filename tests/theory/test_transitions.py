from itertools import pairwise

import numpy as np
from numpy.testing import assert_array_equal

import relubias as rb
from relubias.theory import Region
from relubias.theory.step import Step
from relubias.theory.transitions import Transitions, regions


def test_regions_are_those_of_the_diagram():
    primal = np.array([[1.0, 1.0, -1.0, -1.0, 0.0]])
    dual = np.array([[0.0, 0.0, -0.5, -0.4, -0.5]])
    agrees = np.array([[True, False, True, False, False]])
    expected = [
        Region.AGREEING, Region.DISAGREEING, Region.FROZEN, Region.SMALL, Region.FROZEN,
    ]  # fmt: skip
    assert_array_equal(regions(primal, dual, agrees, 0.5), [expected])


def test_moves_between_neighbouring_steps_are_counted_and_no_others():
    agrees = np.array([[True, True]])
    counter = Transitions(agrees, 0.5)
    states = [[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]]
    steps = [Step(t, np.array([u]), np.zeros((1, 2)), None, None) for t, u in enumerate(states)]
    counter.see(steps[0])
    counter.see(steps[1]._replace(previous=steps[0]))
    counter.see(steps[2]._replace(time=9))  # not the next step
    expected = np.zeros((4, 4), int)
    expected[Region.AGREEING, Region.AGREEING] = 1
    expected[Region.AGREEING, Region.SMALL] = 1
    assert_array_equal(counter.counts, expected)


def test_a_report_counts_every_move_of_a_short_run():
    law = rb.ensembles.Gaussian(rb.ensembles.isotropic(3000))
    y = np.array([1.0, 0.6, 0.8, -0.7, -0.9])
    problem = rb.Problem(law.sample_gram(5, seed=1), y, (1, -1))
    start = rb.starts.all_positive(problem, 0.01)
    report = rb.check(problem, start, step_size=0.9 / law.trace, spectrum=law)
    records = rb.gradient_descent(
        problem, start, step_size=0.9 / law.trace, record=np.arange(report.n_seen - 1)
    ).records
    threshold = 0.5 * 0.9 * 0.6 / law.trace
    agrees = problem.signs[:, None] * y > 0
    counts = np.zeros((4, 4), int)
    seen = [
        regions(u, b, agrees, threshold) for u, b in zip(records.primal, records.dual, strict=True)
    ]
    for before, after in pairwise(seen):
        np.add.at(counts, (before.ravel(), after.ravel()), 1)
    moves = report.transitions - counts
    assert moves.min() >= 0  # the last look, at the limit, adds one move of every pair
    assert moves.sum() in (0, problem.labels.size * 2)
