"""The headline figures against what is known about them, with tolerances for few seeds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from relubias.experiments import Agreement, load
from relubias.experiments._law import gap_law
from relubias.experiments._style import key, power_of_ten
from tests.experiments.conftest import quick_table


def measured(name):
    return {k: m.value for k, m in load(name).measure(quick_table(name)).items()}


def agreements(name):
    experiment = load(name)
    findings = experiment.verdict(experiment.measure(quick_table(name)))
    return [finding.agreement for finding in findings]


def test_both_absorbing_regions_absorb():
    figures = measured("fig1")
    assert figures["agreeing_to_agreeing"] == 1
    assert figures["frozen_to_frozen"] == 1
    assert figures["disagreeing_to_frozen"] > 0.9
    assert agreements("fig1") == [Agreement.AGREES]


def test_the_gap_has_the_papers_slopes_and_the_laws_constant():
    figures = measured("fig2")
    assert figures["slope_d"] == pytest.approx(-0.5, abs=0.02)
    assert figures["slope_n_negative"] == pytest.approx(0.5, abs=0.06)  # 8 seeds
    assert figures["ratio_to_law_d1e6"] == pytest.approx(1, abs=0.01)
    assert figures["fraction_between_bounds"] == 1
    assert figures["relative_gap_d1e6"] > 0.7


def test_the_gap_relative_to_the_norm_is_reported_as_a_difference():
    assert Agreement.DIFFERS in agreements("fig2")


def test_the_limit_at_moderate_dimension_is_nearly_a_linear_interpolator():
    assert measured("fig3")["relative_distance_to_linear"] < 0.05


def test_one_step_settles_two_neurons_from_a_positive_start():
    figures = measured("fig4")
    assert figures["fraction_one_step"] > 0.8
    assert figures["fraction_zero_loss"] > 0.95


def test_a_random_start_misses_the_global_minimum_and_small_ones_rescue_more():
    figures = measured("fig5")
    assert figures["fraction_zero_loss_variance2e-6"] < 0.2
    assert figures["fraction_rescued_variance2e-10"] > figures["fraction_rescued_variance2e-6"]


def test_patterns_move_more_at_lower_dimension():
    figures = measured("fig6")
    assert figures["fraction_moving_d15"] > 0.5
    assert measured("fig7")["fraction_zero_loss_d15"] < 0.5


def test_remark_1_holds_for_large_starts_only():
    figures = measured("fig8")
    assert figures["fraction_stays_inactive"] > 0.85
    assert figures["fraction_rescued_d2e3_kappa9e-1_r1e-2"] > 0.4
    assert figures["fraction_rescued_d2e3_kappa9e-1_r1e1"] < 0.2
    assert Agreement.DIFFERS in agreements("fig8")


def test_the_gap_is_proportional_to_the_step_on_orthogonal_data_too():
    figures = measured("stepsize")
    assert figures["slope_kappa_orthogonal"] == pytest.approx(1, abs=1e-3)
    assert figures["slope_kappa_2e5"] == pytest.approx(1, abs=0.08)
    for kappa in (0.9, 0.1, 0.01):
        assert figures[f"unit_gap_orthogonal_kappa{key(kappa)}"] == pytest.approx(kappa, rel=1e-3)
    assert Agreement.DIFFERS in agreements("stepsize")


def test_the_gap_follows_the_law_of_the_start_until_it_jumps():
    figures = measured("initialisation")
    assert figures["largest_deviation_from_law"] < 0.01
    assert figures["unit_gap_kappa5e-1_rho1p05e0"] == pytest.approx(0.48, abs=0.02)


def test_high_dimension_freezes_the_pattern():
    figures = measured("freezing")
    assert figures["fraction_one_step_n10_kappa9e-1_ratio64"] == 1
    assert figures["fraction_one_step_n10_kappa9e-1_ratio4"] < 1


def test_the_limit_is_the_linear_interpolator_of_shrunken_labels():
    figures = measured("limit")
    assert figures["to_shrunken_d1e6_kappa5e-1"] < 0.01
    assert figures["to_shortest_d1e6_kappa5e-1"] == pytest.approx(0.5, abs=0.1)
    assert figures["to_linear_d1e6_kappa1e0"] == figures["to_shrunken_d1e6_kappa1e0"]


def test_theorem_6_is_sharp_in_the_width():
    figures = measured("theorem6")
    assert figures["fraction_proved"] == 1
    for m in (2, 4, 10):
        assert figures[f"ratio_to_law_m{m}"] == pytest.approx(1, abs=0.03)
        assert figures[f"theorem6_constant_m{m}"] < 1
        assert figures[f"share_of_bound_m{m}"] < 1
        assert figures[f"relative_split_m{m}_d2e4"] < 1e-12


def test_the_equal_split_is_optimal_in_high_dimension_only():
    figures = measured("equal_split")
    assert figures["fraction_optimal_ratio5e2"] == 1
    assert figures["fraction_certified_ratio5e2"] == 1
    assert figures["fraction_optimal_ratio1p2e0"] < 0.8
    assert figures["excess_worst_ratio1p2e0"] > 0.01
    for ratio in ("1p2e0", "5e0", "5e2"):
        assert figures[f"fraction_proved_ratio{ratio}"] == 1


def test_flow_leaves_next_to_nothing_of_the_gap_in_high_dimension():
    figures = measured("flow_gap")
    assert figures["fraction_certified"] == 1
    assert figures["fraction_dependent_d2e1"] > 0.4
    assert figures["fraction_dependent_above1e-3_d2e3"] == 0
    assert figures["largest_gap_otherwise"] < 1e-10
    assert figures["relative_gap_descent_d2e3"] == pytest.approx(0.0073, abs=0.002)


def test_descent_converges_to_the_flow_at_first_order():
    figures = measured("flow_limit")
    for name in ("m1", "m2", "m2_wide"):
        assert figures[f"order_{name}"] == pytest.approx(1, abs=0.35)  # 5 seeds
        assert figures[f"fraction_other_basin_{name}_smallest"] == 0
    assert figures["fraction_unfinished"] == 0
    assert figures["fraction_sliding_at_limit"] > 0.4


def test_vardi_and_shamirs_example_has_the_published_limits():
    figures = measured("vardi_shamir")
    # Exact: descent extrapolated to steps of zero gives the same eight digits.
    assert figures["s_gamma1"] == pytest.approx(-0.04077292, abs=1e-8)
    assert figures["s_gamma2"] == pytest.approx(-0.11069646, abs=1e-8)
    assert figures["s_gamma5"] == pytest.approx(-0.20904881, abs=1e-8)
    # With steps of 1e-5.
    assert figures["s_descent_gamma1"] == pytest.approx(-0.04078, abs=5e-6)
    assert figures["s_descent_gamma2"] == pytest.approx(-0.11071, abs=5e-6)
    assert figures["s_descent_gamma5"] == pytest.approx(-0.20907, abs=5e-6)
    assert figures["n_published_intervals_hit"] == 3
    assert figures["largest_relative_norm"] < 1.0011
    assert agreements("vardi_shamir") == [Agreement.AGREES, Agreement.BEYOND]


def test_the_law_on_the_test_vector():
    # K = 4 I, y = (1, -1), eps = 0.1, kappa = 0.6: the gap is 0.28.
    assert gap_law(0.6, np.array([1.0, -1.0]), 0.1, 4.0) == pytest.approx(0.28)
    assert gap_law(0.6, np.array([1.0, 2.0]), 0.1, 4.0) == 0


@pytest.mark.parametrize(
    ("value", "name"), [(0.5, "5e-1"), (1.05, "1p05e0"), (1e6, "1e6"), (2e-10, "2e-10"), (1, "1e0")]
)
def test_numbers_become_stable_keys(value, name):
    assert key(value) == name
    assert math.isclose(float(name.replace("p", ".")), value)


def test_numbers_become_powers_of_ten():
    assert power_of_ten(1e6) == "10^{6}"
    assert power_of_ten(2000) == "2\\times 10^{3}"
