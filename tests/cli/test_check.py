"""`relubias check` says what the library says, and ends with one plain conclusion."""

from __future__ import annotations

import numpy as np
import pytest

import relubias as rb

KEYS = {
    "command": None,
    "versions": None,
    "data": None,
    "settings": None,
    "report": {
        "kappa",
        "rho",
        "trace",
        "trace_source",
        "delta",
        "delta_star",
        "d_2",
        "d_inf",
        "status",
        "n_steps",
        "last_switch",
        "n_steps_seen",
        "verdicts",
        "left_out",
        "predictions",
        "transitions",
        "conclusion",
    },
}
"""Keys are a promise: they may be added, never renamed."""


def report_of(path, signs=(1,), kappa=0.9, **options):
    with np.load(path) as arrays:
        problem = rb.Problem.from_features(arrays["X"], arrays["y"], signs)
    start = rb.starts.all_positive(problem, 0.01 * np.abs(problem.labels).min())
    return rb.check(problem, start, step_size=kappa / problem.scale, **options)


@pytest.mark.parametrize("signs", ["+", "+,-"])
def test_check_says_what_the_library_says(signs, data, relubias):
    answer = relubias("check", data, "--signs", signs, "--kappa", 0.9, "--json")
    report = report_of(data, (1,) if signs == "+" else (1, -1))
    facts = answer.json
    assert answer.status == 0
    assert set(facts) == set(KEYS)
    assert set(facts["report"]) == KEYS["report"]
    assert facts["report"]["conclusion"] == report.conclusion
    assert facts["report"]["transitions"] == report.transitions.tolist()
    by_name = {row["condition"]: row for row in facts["report"]["verdicts"]}
    assert set(by_name) == {v.condition for v in report.verdicts}
    for verdict in report.verdicts:
        row = by_name[verdict.condition]
        assert row["holds"] is verdict.holds
        finite = None if not np.isfinite(verdict.margin) else verdict.margin
        assert row["margin"] == finite
        assert (row["step"], row["neuron"], row["sample"]) == verdict.place
    margins = [row["margin"] for row in facts["report"]["verdicts"] if row["margin"] is not None]
    assert margins == sorted(margins)


def test_the_screen_ends_with_the_conclusion(data, relubias):
    answer = relubias("check", data)
    report = report_of(data)
    assert answer.out.rstrip().endswith(report.conclusion)
    assert answer.out.isascii()
    for verdict in report.verdicts:
        assert verdict.condition.partition(".")[2] in answer.out


def test_strict_counts_failures(data, relubias):
    report = report_of(data)
    assert report.failing()
    assert relubias("check", data).status == 0
    assert relubias("check", data, "--strict").status == 1


def test_a_run_without_a_certificate_is_a_negative_answer(data, relubias):
    answer = relubias("check", data, "--max-iter", 0)
    assert answer.status == 1
    assert "MAX_ITER" in answer.err
    assert "undecided" in answer.out


def test_spectrum_and_trace_are_taken(data, folder, relubias):
    np.save(folder / "spectrum.npy", np.ones(400))
    facts = relubias("check", data, "--spectrum", "spectrum.npy", "--json").json["report"]
    assert (facts["trace"], facts["trace_source"]) == (400.0, "trace of the spectrum")
    assert facts["d_2"] == pytest.approx(400.0)
    facts = relubias("check", data, "--trace", 420, "--json").json["report"]
    assert (facts["trace"], facts["trace_source"]) == (420.0, "given")


def test_the_page_and_the_summary_are_written(data, folder, relubias):
    answer = relubias("check", data, "--html", "report.html", "--out", "found", "--json")
    assert (folder / "found" / "check.json").read_text() == answer.out
    page = (folder / "report.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "<script" not in page


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--html", "report.pdf"], "--html"),
        (["--kappa", "0.5", "--step-size", "0.1"], "--kappa"),
        (["--kappa", "-1"], "--kappa"),
        (["--trace", "0"], "--trace"),
        (["--spectrum", "missing.npy"], "missing.npy"),
        (["--time-limit", "-1"], "--time-limit"),
        (["--tol", "0"], "--tol"),
        (["--flow"], "--flow"),
        (["--html", "/proc/nowhere/report.html"], "cannot be written"),
    ],
)
def test_bad_options_are_named_and_nothing_is_left(arguments, named, data, folder, relubias):
    answer = relubias("check", data, *arguments)
    assert answer.status == 2
    assert named in answer.err
    assert answer.out == ""
    assert [path.name for path in folder.iterdir()] == ["data.npz"]
