"""Pictures show the numbers that they should, on axes that fit, and never by colour alone."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_allclose, assert_array_equal

import relubias as rb
from relubias._style import N_LOOKS, look
from relubias.sweep import load
from relubias.sweep._axes import axis_of, plain_number, short_number
from relubias.sweep._bands import Quantity, band, positions
from relubias.sweep._maps import half_lines
from tests.sweep.known_rows import VALUES, fill, plan_of


@pytest.fixture
def result(tmp_path):
    fill(tmp_path, plan_of(), VALUES, failed=[0, 7])
    return load(tmp_path)


@pytest.fixture
def axes():
    return Figure(figsize=(7, 4), layout="constrained").subplots()


def frame_of(result):
    frame = result.to_pandas()
    return frame[frame["status"] == "done"].astype({"one_step": float})


def test_bands_are_quantiles_of_the_rows(result):
    table = result.bands("d", "gap", "n")
    assert list(table) == ["n", "d", "n_rows", "middle", "low", "high"]
    frame = frame_of(result)
    for row in table.itertuples():
        part = frame[(frame["n"] == row.n) & (frame["d"] == row.d)]["gap"]
        expected = part.quantile([0.5, 0.05, 0.95])
        assert_allclose([row.middle, row.low, row.high], expected, rtol=1e-14)
        assert row.n_rows == len(part)
    assert table["n_rows"].sum() == 118


def test_means_have_students_interval(result):
    from scipy.stats import t

    table = result.bands("d", "gap", where={"n": 8}, middle="mean")
    part = frame_of(result).query("n == 8 and d == 100")["gap"]
    ends = t.interval(0.95, len(part) - 1, loc=part.mean(), scale=part.sem())
    assert_allclose(table.loc[0, ["low", "middle", "high"]], [ends[0], part.mean(), ends[1]])


def test_truth_values_and_texts_become_shares(result):
    frame = frame_of(result)
    table = result.bands("d", "one_step")
    assert list(table) == ["d", "n_rows", "share", "low", "high"]
    assert_allclose(table["share"], frame.groupby("d")["one_step"].mean())
    assert ((table["low"] <= table["share"]) & (table["share"] <= table["high"])).all()
    table = result.bands("n", "run_status", equals="TOLERANCE")
    expected = (frame["run_status"] == "TOLERANCE").groupby(frame["n"]).mean()
    assert_allclose(table["share"], expected)


def test_conditions_choose_rows(result):
    table = result.bands("d", "gap", where={"n": 8, "replicate": [0, 1, 2]})
    assert table["n_rows"].tolist() == [3, 3, 3]
    table = result.bands("d", "gap", where={"run_status": "TOLERANCE", "n": 8})
    assert table["n_rows"].tolist() == [5, 5, 5]


def test_rows_without_a_finite_value_do_not_count(tmp_path, axes):
    values = VALUES | {"gap": lambda k: np.where(k["replicate"] < 5, [np.nan, np.inf][0], k["d"])}
    fill(tmp_path, plan_of(), values, failed=[119])
    result = load(tmp_path)
    table = result.bands("d", "gap")
    assert table["n_rows"].tolist() == [30, 30, 29]
    result.plot("d", "gap", ax=axes)
    assert axes.get_title(loc="right") == "left out: 1 failed and 30 without a finite gap"
    with pytest.raises(rb.InvalidInputError, match="gap has no finite value"):
        result.plot("d", "gap", where={"replicate": 3})


def test_many_values_are_pooled():
    x = np.random.default_rng(0).standard_normal(1000)
    places, rows = positions(x)
    assert places.size == 24
    assert_array_equal(np.sort(np.concatenate(rows)), np.arange(1000))
    for place, index in zip(places, rows, strict=True):
        assert place == np.median(x[index])
    found = band(x, Quantity("y", 2 * x, False), "median")
    assert_allclose(found.middle, 2 * found.x)
    assert (np.diff(found.x) > 0).all()


def test_a_plot_draws_the_bands(result, axes):
    assert result.plot("d", "gap", "n", ax=axes) is axes
    table = result.bands("d", "gap", "n")
    for line, n in zip(axes.lines, (4, 8), strict=True):
        assert_array_equal(line.get_xdata(), [100, 1000, 10_000])
        assert_array_equal(line.get_ydata(), table[table["n"] == n]["middle"])
    assert len(axes.collections) == 2
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert [text.get_text() for text in axes.get_xticklabels()] == ["100", "1000", "$10^{4}$"]
    assert axes.get_legend().get_title().get_text() == "n"
    assert axes.get_title(loc="right") == "left out: 2 failed"


def test_series_differ_without_their_colours():
    looks = {(look(k)["marker"], look(k)["linestyle"]) for k in range(N_LOOKS)}
    assert len(looks) == N_LOOKS


def test_axes_can_be_chosen(result, axes):
    result.plot("d", "gap", log="", ax=axes)
    assert (axes.get_xscale(), axes.get_yscale()) == ("linear", "linear")
    axes.clear()
    result.plot("n", "gap", log="y", ax=axes)
    assert (axes.get_xscale(), axes.get_yscale()) == ("linear", "log")


def test_words_stand_side_by_side_unconnected(result, axes):
    result.plot("run_status", "one_step", ax=axes)
    assert [text.get_text() for text in axes.get_xticklabels()] == ["CERTIFIED", "TOLERANCE"]
    assert {line.get_linestyle() for line in axes.lines} <= {"None", "none", ""}
    assert axes.get_ylim() == (-0.03, 1.03)


def test_fits_are_drawn_with_their_exponents(result, axes):
    result.plot("d", "gap", "n", fit=True, ax=axes)
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    slope = "slope \N{MINUS SIGN}0.5"
    assert [label[:13] for label in labels] == [f"4: {slope}", f"8: {slope}"]
    assert len(axes.lines) == 4
    axes.clear()
    fit = result.fit_exponent("d", "gap")
    assert fit.plot(axes) is axes
    ends = axes.lines[0].get_ydata()[[0, -1]]
    slope = np.diff(np.log(ends))[0] / np.log(100)
    assert_allclose(slope, fit.exponent[0], rtol=1e-10)


def test_bands_that_reach_rounding_errors_do_not_hide_the_curve(tmp_path, axes):
    values = VALUES | {"gap": lambda k: np.where(k["replicate"] < 3, 1e-17, k["d"] ** -0.5)}
    fill(tmp_path, plan_of(), values)
    load(tmp_path).plot("d", "gap", ax=axes)
    low, high = axes.get_ylim()
    assert 1e-6 < low < 0.01
    assert 0.1 < high < 1


def test_a_phase_map_shows_shares_and_where_they_are_one_half(result, axes):
    assert result.phase_map("d", "n", "one_step", ax=axes) is axes
    cells = result.cells("d", "n", "one_step")
    expected = frame_of(result).pivot_table(index="n", columns="d", values="one_step")
    assert_allclose(cells, expected)
    (mesh,) = [c for c in axes.collections if c.get_array() is not None]
    assert_allclose(mesh.get_array().compressed(), expected.to_numpy().ravel())
    assert (mesh.norm.vmin, mesh.norm.vmax) == (0.0, 1.0)
    numbers = [text.get_text() for text in axes.texts]
    assert numbers == [f"{share:.2f}" for share in expected.to_numpy().ravel()]
    assert len(axes.lines) > 0


def test_the_line_of_one_half_is_where_it_is_planted():
    across, up = axis_of(2.0 ** np.arange(8)), axis_of(np.linspace(0, 1, 9))
    u, v = np.meshgrid(np.arange(8.0), np.linspace(0, 1, 9))
    ((x, y),) = half_lines(across, up, 0.5 + 0.1 * (u / 7 - v))
    assert_allclose(np.log2(x) / 7, y, atol=1e-12)
    assert half_lines(across, up, np.zeros((9, 8))) == []
    assert half_lines(axis_of(np.array([1.0])), up, np.zeros((9, 1))) == []


def test_a_map_of_numbers_shows_medians_and_hatches_gaps(tmp_path, axes):
    values = VALUES | {"gap": lambda k: np.where(k["d"] * k["n"] == 400, np.nan, 1.0 / k["d"])}
    fill(tmp_path, plan_of(), values)
    result = load(tmp_path)
    result.phase_map("d", "n", "gap", ax=axes)
    cells = result.cells("d", "n", "gap")
    assert_allclose(cells.loc[8], [1e-2, 1e-3, 1e-4])
    assert np.isnan(cells.loc[4, 100])
    assert axes.patch.get_hatch()
    assert len(axes.texts) == 5
    result.phase_map("d", "n", "run_status", equals="TOLERANCE", ax=axes.figure.add_subplot())


def test_nothing_of_the_users_settings_changes(result):
    before = dict(mpl.rcParams)
    ax = result.plot("d", "gap")
    assert dict(mpl.rcParams) == before
    import matplotlib.pyplot as plt

    plt.close(ax.figure)


@pytest.mark.parametrize(
    ("values", "is_log", "labels"),
    [
        ([8, 16, 32, 64], True, ["8", "16", "32", "64"]),
        ([10, 20, 30, 40], False, ["10", "20", "30", "40"]),
        ([0.3, 0.9], False, ["0.3", "0.9"]),
        ([1, 1000], True, ["1", "1000"]),
        ([0, 1, 10, 100], False, None),
        ([10.0**k for k in range(2, 13)], True, None),
        ([1e-6, 1e-5, 1e-4], True, ["$10^{-6}$", "$10^{-5}$", "$10^{-4}$"]),
        ([5], False, ["5"]),
    ],
)
def test_axes_fit_the_values(values, is_log, labels):
    axis = axis_of(np.array(values))
    assert (axis.is_log, axis.labels) == (is_log, labels)
    edges = axis.edges()
    assert (np.diff(edges) > 0).all()
    assert ((edges[:-1] < axis.places) & (axis.places < edges[1:])).all()


@pytest.mark.parametrize(
    ("value", "tick", "cell"),
    [
        (0.0, "0", "0"),
        (0.5, "0.5", "0.5"),
        (1024.0, "1024", "1e3"),
        (20_000.0, "20000", "2e4"),
        (1e6, "$10^{6}$", "1e6"),
        (2.5e-7, "$2.5\\times 10^{-7}$", "2.5e-7"),
        (-0.125, "-0.125", "-0.12"),
    ],
)
def test_numbers_are_short(value, tick, cell):
    assert short_number(value) == tick
    assert plain_number(value) == cell
