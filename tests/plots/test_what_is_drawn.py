"""What each picture draws are the numbers of its result."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_allclose, assert_array_equal

import relubias as rb
from tests.plots.results import PICTURES, RESULTS, data, descent, result

mpl.use("Agg")


@pytest.fixture
def draw():
    figure = Figure(figsize=(8, 5))
    return lambda name: PICTURES[name](figure.subplots())


def points(axes, marker, *, filled=None):
    """Return the points with a marker, (n, 2); those of the legend are empty and left out."""
    found = []
    for line in axes.lines:
        is_filled = line.get_markerfacecolor() != "white"
        if line.get_marker() == marker and (filled is None or filled == is_filled):
            found.append(np.asarray(line.get_xydata(), dtype=float))
    found = [xy for xy in found if xy.size]
    return np.concatenate(found) if found else np.zeros((0, 2))


def paths(axes):
    return [line for line in axes.lines if len(line.get_xdata()) > 5]


def title(axes):
    return axes.get_title(loc="left").replace("\n", " ")


def test_the_shortest_network_is_drawn_against_its_labels(draw):
    solution, axes = result("minimum_norm"), draw("minimum_norm")
    labels, primal, on = solution.problem.labels, solution.primal[0], solution.pattern[0]
    assert_array_equal(points(axes, "o", filled=True), np.stack([labels[on], primal[on]], axis=1))
    ignored = np.stack([labels[~on], primal[~on]], axis=1)
    assert_array_equal(points(axes, "o", filled=False), ignored)
    assert f"{(~on).sum()} of 20 samples ignored" in title(axes)
    assert f"{solution.norm:.4g}" in title(axes)


def test_each_neuron_has_a_marker_of_its_own(draw):
    solution, axes = result("minimum_norm_pair"), draw("minimum_norm_pair")
    for k, marker in enumerate("os"):
        drawn = points(axes, marker)
        assert_array_equal(np.sort(drawn[:, 1]), np.sort(solution.primal[k]))


def test_samples_in_conflict_are_crossed(draw):
    solution, axes = result("minimum_norm_infeasible"), draw("minimum_norm_infeasible")
    assert_array_equal(points(axes, "X")[:, 0], solution.conflict)
    assert_array_equal(points(axes, "X")[:, 1], solution.problem.labels[solution.conflict])
    assert points(axes, "o").shape[0] == 5 - solution.conflict.size


def test_a_network_that_is_not_proved_says_how_much_shorter_one_could_be(draw):
    solution = result("minimum_norm_feasible")
    assert solution.status == "FEASIBLE"
    assert f"at most {solution.rel_gap:.2%} above the shortest" in title(
        draw("minimum_norm_feasible")
    )


def test_a_linear_fit_orders_its_predictions(draw):
    solution, axes = result("linear"), draw("linear")
    inside, others = points(axes, "o"), points(axes, "s")
    assert (len(inside), len(others)) == (solution.subset.size, 8 - solution.subset.size)
    together = np.concatenate([inside, others])
    together = together[np.argsort(together[:, 0])]
    assert_array_equal(together[:, 1], np.sort(solution.primal))
    assert_array_equal(np.sort(inside[:, 1]), np.sort(solution.primal[solution.subset]))
    order = [int(text.get_text()) for text in axes.get_xticklabels()]
    assert_array_equal(solution.primal[order], together[:, 1])


def test_residuals_join_what_is_asked_and_what_is_predicted(draw):
    fit, axes = result("closest_fit"), draw("closest_fit")
    (lines,) = axes.collections
    lengths = [abs(b[1] - a[1]) for a, b in lines.get_segments()]
    assert_allclose(np.sort(lengths), np.sort(np.abs(fit.residual[fit.residual != 0])))
    assert_array_equal(np.sort(points(axes, "o")[:, 1]), np.sort(fit.primal))


def test_the_distance_stands_beside_the_law(draw):
    gap, axes = result("bias_gap_pair"), draw("bias_gap_pair")
    distances = [gap.distance, *gap.per_neuron]
    laws = [gap.prediction, *gap.predictions]
    assert_allclose(points(axes, "D")[:, 0], laws, rtol=0)
    drawn = {float(x) for line in axes.lines for x in np.asarray(line.get_xdata(), dtype=float)}
    assert set(distances) <= drawn
    (bar,) = axes.patches
    assert bar.get_width() == gap.second_norm
    assert f"{gap.ratio:.4g} times the law" in title(axes)


def test_a_distance_without_a_law_shows_none(draw):
    axes = draw("bias_gap_no_law")
    assert points(axes, "D").size == 0
    assert "law" not in title(axes)


def test_shares_of_a_batch_are_counts(draw):
    batch, axes = result("descent_batch_unfinished"), draw("descent_batch_unfinished")
    done = np.asarray(batch.status) == "CERTIFIED"
    assert 0 < done.sum() < len(batch)
    switching, settled = axes.lines[:2]
    for line, steps in ((switching, batch.last_switch[done]), (settled, batch.n_steps[done])):
        x, share = (np.asarray(v) for v in line.get_data())
        for step in np.unique(steps):
            assert share[x <= step].max() == pytest.approx((steps <= step).mean() * done.mean())
    assert points(axes, "s").shape[0] == (~done).sum()
    assert title(axes).startswith(f"{done.sum()} of 20 problems certified")


def test_shares_of_norms_are_counts(draw):
    batch, axes = result("minimum_norm_batch"), draw("minimum_norm_batch")
    x, share = (np.asarray(v) for v in axes.lines[0].get_data())
    for norm in batch.norm:
        assert share[x <= norm].max() == pytest.approx((batch.norm <= norm).mean())


def test_step_sizes_are_drawn_as_kappas(draw):
    bounds, axes = result("step_sizes"), draw("step_sizes")
    ends = [c.get_datalim(axes.transData) for c in axes.collections]
    assert_allclose(ends[1].intervalx, bounds.trace * np.array([bounds.lower, bounds.upper]))
    assert_allclose(axes.lines[0].get_xdata(), bounds.trace * bounds.stable)
    assert "singular" in title(draw("step_sizes_singular"))


def test_every_claim_has_a_row(draw):
    found, axes = result("verification_refuted"), draw("verification_refuted")
    assert [t.get_text() for t in axes.get_yticklabels()] == [c.claim for c in found.checks]
    refuted = [(c.margin, row) for row, c in enumerate(found.checks) if c.holds is False]
    assert_array_equal(points(axes, "X"), refuted)
    assert "refuted" in title(axes)


def test_every_sufficient_condition_has_a_row(draw):
    found, axes = result("run_certificate_not_met"), draw("run_certificate_not_met")
    assert [t.get_text() for t in axes.get_yticklabels()] == list(found.margins)
    met, not_met = points(axes, "o")[:, 0], points(axes, "D")[:, 0]
    margins = np.array(list(found.margins.values()))
    assert_array_equal(np.sort(met), np.sort(margins[margins > 0]))
    assert_array_equal(np.sort(not_met), np.sort(margins[margins < 0]))
    assert found.decided_by in title(axes)


def n_ancestors(tree, node):
    parent = tree.parent[node]
    return 0 if parent < 0 else 1 + n_ancestors(tree, parent)


def test_a_tree_shows_its_bounds_by_depth(draw):
    tree, axes = result("search_tree"), draw("search_tree")
    leaves, inner = points(axes, "s"), points(axes, "o")
    assert_array_equal(leaves[:, 0], [n_ancestors(tree, leaf) for leaf in tree.leaves])
    assert_array_equal(np.sort(leaves[:, 1]), np.sort(tree.bound[tree.leaves]))
    assert inner.shape[0] == tree.parent.size - tree.leaves.size
    assert_array_equal(inner[inner[:, 0] == 0, 1], tree.bound[:1])
    norm = rb.minimum_norm(data(10, 12, signs=(1, -1))).norm
    assert leaves[:, 1].min() == pytest.approx(norm, rel=1e-6)


def test_a_spectrum_shows_every_eigenvalue_and_both_dimensions(draw):
    spectrum, axes = result("spectrum"), draw("spectrum")
    rank, value = axes.lines[0].get_data()
    assert_array_equal(rank, [1, 3, 4, 1000])
    assert_array_equal(value, [100, 100, 1, 1])
    assert axes.lines[1].get_xdata()[0] == spectrum.d_2
    assert axes.lines[2].get_xdata()[0] == spectrum.d_inf


def test_halvings_show_the_changes_of_the_table(draw):
    flow, axes = result("both_layers_flow"), draw("both_layers_flow")
    table = flow.to_frame().iloc[1:]
    assert_array_equal(axes.lines[0].get_xydata(), table[["step_size", "change"]].to_numpy())


def test_a_momentum_run_is_drawn_until_it_rests(draw):
    run, axes = result("descent_momentum"), draw("descent_momentum")
    assert "momentum 0.9" in title(axes)
    ends = np.array([line.get_ydata()[-1] for line in paths(axes)])
    limit = run.limit.primal.ravel()
    assert len(ends) == limit.size
    assert_allclose(ends, limit, atol=0.012 * np.abs(limit - 0.01).max())
    assert axes.get_xlim()[1] > run.n_steps


def test_a_run_without_records_is_computed_again(draw):
    run, axes = result("descent"), draw("descent")
    line = paths(axes)[0]
    steps = line.get_xdata()
    assert_array_equal(line.get_ydata(), [run.at(int(t)).primal[0, 0] for t in steps])
    assert steps[0] == 0
    assert len(steps) > 15


def test_records_are_drawn_as_they_are(draw):
    run, axes = result("descent_recorded"), draw("descent_recorded")
    drawn = [line for line in axes.lines if len(line.get_xdata()) == 5]
    assert len(drawn) == 6
    for i, line in enumerate(drawn):
        assert_array_equal(line.get_xdata(), run.records.time)
        assert_array_equal(line.get_ydata(), run.records.primal[:, 0, i])


def test_carets_stand_at_the_labels(draw):
    run, axes = result("descent"), draw("descent")
    carets = np.concatenate([line.get_ydata() for line in axes.lines if line.get_marker() == 4])
    assert_array_equal(np.sort(carets), np.sort(np.abs(run.problem.labels)))


def test_a_run_that_costs_too_much_to_repeat_is_drawn_from_its_ends(monkeypatch, draw):
    from relubias.dynamics import _plot

    monkeypatch.setattr(_plot, "_MOST_WORK", 0)
    axes = draw("descent")
    ends = [line for line in axes.lines if len(line.get_xdata()) == 2 and line.get_alpha() == 0.8]
    assert len(ends) == 12
    limit = result("descent").limit.primal.ravel()
    assert_array_equal([line.get_ydata()[1] for line in ends], limit)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("descent_diverged", "DIVERGED"),
        ("descent_unfinished", "MAX_ITER at step 50"),
        ("descent_chatter", "1 pair may switch for ever"),
        ("descent_limit_cycle", "repeats itself every"),
        ("descent_batches", "3 mini-batches"),
        ("descent_one_sample", "after no switch"),
        ("flow_three_neurons", "slides for ever"),
        ("flow_cut_short", "slides at its end"),
        ("both_layers_unrecorded", "MAX_ITER after 30 steps"),
        ("both_layers_flow_failed", "FAILED after 0 runs"),
        ("run_certificate", "guaranteed before the first step"),
        ("verification", "the answer is verified"),
        ("minimum_norm_infeasible", "contradict each other"),
        ("linear_inconsistent", "contradict each other"),
        ("closest_fit_exact", "fits exactly"),
        ("spectrum_isotropic", "$10^{12}$ features of equal variance"),
        ("sweep_fit", "gap falls like d to the power \N{MINUS SIGN}0.5"),
        ("sweep_one_band", "median of gap"),
        ("phase_map", "more likely than not in"),
        ("transitions", "absorbing"),
    ],
)
def test_titles_say_what_was_found(name, words, draw):
    assert words in title(draw(name))


def test_every_status_of_a_run_is_drawn_in_some_picture():
    runs = [result(name) for name in RESULTS if name.startswith(("descent", "flow"))]
    seen = {run.status for run in runs if isinstance(run, rb.Trajectory)}
    assert seen == set(rb.Status)
    solved = [result(name) for name in RESULTS if name.startswith("minimum_norm")]
    statuses = {s.status for s in solved if isinstance(s, rb.MinimumNorm)}
    assert statuses >= {"OPTIMAL", "FEASIBLE", "INFEASIBLE"}


def test_scaling_by_a_power_of_two_scales_the_picture():
    figure = Figure()
    one, two = figure.subplots(1, 2)
    descent(data()).plot(one)
    descent(data(scale=2.0**40)).plot(two)
    for a, b in zip(paths(one), paths(two), strict=True):
        assert_array_equal(2.0**40 * np.asarray(a.get_ydata()), b.get_ydata())


def test_the_undecided_are_drawn():
    from relubias.minnorm.solution import without_network

    solution = without_network(data(), None, np.zeros(0, dtype=np.intp))
    axes = solution.plot(Figure().subplots())
    assert "undecided" in title(axes)
    plt.close("all")
