"""`relubias.check`: one run, every statement, and what people read."""

import math
from html.parser import HTMLParser

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import relubias as rb
from relubias.theory import Role, lai2026


def high_dimensional(d=10**6, n=12, signs=(1,), seed=0):
    law = rb.ensembles.Gaussian(rb.ensembles.isotropic(d))
    y = rb.ensembles.labels.uniform_magnitude(0.5, 1.0, n_negative=n // 2)(n, seed=seed)
    problem = rb.Problem(law.sample_gram(n, seed=seed), y, signs)
    return problem, rb.starts.all_positive(problem, 0.002), law


def report_of(kappa=0.9, **options):
    problem, start, law = high_dimensional(**options)
    return rb.check(problem, start, step_size=kappa / law.trace, spectrum=law)


@pytest.mark.parametrize(("signs", "theorem"), [((1,), 1), ((1, -1), 3), ((-1, 1), 3)])
def test_in_high_dimension_the_theorem_holds(signs, theorem):
    report = report_of(signs=signs)
    assert report[f"lai2026.theorem{theorem}"].holds is True
    assert f"the conclusion of Theorem {theorem} holds on this data" in report.conclusion
    assert report.conclusion.endswith("certified.")
    invariants = [v for v in report.verdicts if v.role is Role.INVARIANT]
    assert len(invariants) > 6
    assert all(v.holds for v in invariants)


def test_in_low_dimension_the_report_names_the_first_violation():
    problem, start, law = high_dimensional(d=14)
    report = rb.check(problem, start, step_size=0.9 / problem.scale, spectrum=law)
    pattern = report["lai2026.lemma9.f"]
    assert pattern.holds is False
    run = rb.gradient_descent(problem, start, step_size=0.9 / problem.scale, record=range(200))
    wrong = (run.records.primal[:, 0] > 0) != (problem.labels > 0)
    first = int(np.flatnonzero(wrong.any(axis=1) & (run.records.time >= 1))[0])
    assert pattern.first_violation.step == run.records.time[first]
    assert wrong[first, pattern.first_violation.sample]
    assert "fails on this data" in report.conclusion
    assert "assumptions fail" in report.conclusion


def test_a_run_without_a_certificate_decides_nothing_about_for_ever():
    problem, start, law = high_dimensional()
    report = rb.check(problem, start, step_size=0.9 / law.trace, spectrum=law, max_iter=0)
    assert report.trajectory.status is rb.Status.MAX_ITER
    assert report["lai2026.theorem1"].holds is None
    assert "is guaranteed before the first step, whatever the run shows." in report.conclusion
    low, start, law = high_dimensional(d=100)
    report = rb.check(low, start, step_size=0.9 / low.scale, spectrum=law, max_iter=0)
    assert report["lai2026.theorem1"].holds is None
    assert "is undecided" in report.conclusion


def test_a_zero_label_is_the_reason_that_is_given():
    problem = rb.Problem(np.diag([4.0, 5.0, 6.0]), [1.0, 0.0, -1.0])
    report = rb.check(problem, rb.starts.all_positive(problem, 0.01), step_size=0.1)
    assert report.conclusion.startswith("Theorem 1 says nothing here: ")
    assert "zero" in report.conclusion


def test_signs_that_no_theorem_is_about():
    problem, start, law = high_dimensional(signs=(1, 1))
    report = rb.check(problem, start, step_size=0.4 / law.trace)
    assert report.conclusion == "No theorem of the paper is about a network with these signs."
    assert dict(report.left_out)["lai2026.theorem1"]


def test_the_table_has_a_row_per_verdict_sorted_by_margin():
    report = report_of()
    frame = report.to_frame()
    assert len(frame) == len(report.verdicts)
    assert_array_equal(frame["margin"], np.sort(frame["margin"]))
    by_name = frame.set_index("condition")
    for verdict in report.verdicts:
        row = by_name.loc[verdict.condition]
        assert row["holds"] is verdict.holds
        assert (row["margin"], row["step"]) == (verdict.margin, verdict.step)
    assert not frame["detail"].eq("").any()


def test_failing_leaves_guarantees_out():
    report = report_of(d=10**4)
    assert any(v.outcome == "not met" for v in report.verdicts)
    assert all(v.role is not Role.GUARANTEE for v in report.failing())
    assert [v.margin for v in report.failing()] == sorted(v.margin for v in report.failing())


def test_text_says_everything():
    report = report_of()
    text = str(report)
    for verdict in report.verdicts:
        assert verdict.condition in text
    assert report.conclusion in text
    assert max(len(line) for line in text.splitlines()[:-1]) < 130
    assert repr(report).startswith("Report(")
    assert "\n" not in repr(report)


class Page(HTMLParser):
    """Collects what a page loads, and checks that elements close."""

    VOID = ("meta", "img", "br")

    def __init__(self):
        super().__init__()
        self.sources, self.open, self.text = [], [], []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.sources += [attributes[key] for key in ("src", "href") if key in attributes]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_needs_nothing_from_anywhere(tmp_path):
    report = report_of()
    text = report.to_html(tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == text
    page = Page()
    page.feed(text)
    assert page.open == []
    assert len(page.sources) == 2
    assert all(source.startswith("data:image/png") for source in page.sources)
    shown = " ".join(page.text)
    for verdict in report.verdicts:
        assert verdict.condition.partition(".")[2] in shown
    assert report._repr_html_() in text


def test_a_page_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(rb.InvalidInputError, match="cannot be written"):
        report_of().to_html(tmp_path / "missing" / "report.html")


def test_pictures_show_every_margin():
    import matplotlib.pyplot as plt

    report = report_of()
    axes = report.plot()
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == [
        v.condition.partition(".")[2] for v in report.sorted_verdicts if not math.isnan(v.margin)
    ]
    machine = report.plot_transitions()
    words = " ".join(text.get_text() for text in machine.texts)
    assert f"{int(report.transitions[0].sum()):,} steps" in words
    given = plt.figure().subplots()
    assert report.plot(given) is given
    assert report.plot_transitions(given) is given
    plt.close("all")


def test_a_condition_that_is_not_there_is_named():
    with pytest.raises(rb.InvalidInputError, match=r"choose from lai2026\.assumption1"):
        report_of()["theorem1"]


def test_statements_and_constants_can_be_chosen():
    problem, start, law = high_dimensional()
    strict = lai2026.Theorem2(lower=0.6, upper=0.61)
    report = rb.check(problem, start, step_size=0.9 / law.trace, spectrum=law, statements=[strict])
    assert {v.condition.split(".")[1] for v in report.verdicts} == {"theorem2"}
    assert report["lai2026.theorem2.upper"].holds is False
    assert report["lai2026.theorem2.upper"].constants["upper"] == 0.61


@pytest.mark.parametrize("bad", [[3], [lai2026.Theorem1], "theorem1"])
def test_what_is_no_statement_is_named(bad):
    problem, start, law = high_dimensional()
    with pytest.raises(rb.InvalidInputError, match="statements"):
        rb.check(problem, start, step_size=0.9 / law.trace, statements=bad)


def test_predictions_stand_beside_what_happened():
    problem, start, law = high_dimensional(d=10**8)
    report = rb.check(problem, start, step_size=0.5 / law.trace, spectrum=law)
    found = {p.quantity: p for p in report.predictions}
    y = problem.labels
    kick = 0.5 * np.abs(y[y < 0]) - 0.5 * 0.002
    assert found["gap |w(inf) - w*|"].predicted == pytest.approx(np.linalg.norm(kick) / 1e4)
    assert found["norm of w*"].predicted == pytest.approx(np.linalg.norm(y[y > 0]) / 1e4)
    assert found["loss at the limit"].predicted == pytest.approx(0.5 * (y[y < 0] ** 2).sum())
    assert all(p.ratio == pytest.approx(1.0, abs=0.01) for p in report.predictions)
    assert math.isnan(found["loss at the limit"]._replace(predicted=0.0).ratio)


def test_the_law_of_several_neurons_is_theorem_six():
    law = rb.ensembles.Gaussian(rb.ensembles.isotropic(10**8))
    y = np.array([1.0, 0.6, 0.8, 0.9, -0.7, -0.9, -0.5, -0.6])
    problem = rb.Problem(law.sample_gram(8, seed=3), y, (1, 1, -1, -1))
    start = rb.starts.disjoint(problem, [0, 1, 0, 1, 2, 3, 2, 3], 0.01)
    report = rb.check(problem, start, step_size=0.5 / law.trace, spectrum=law)
    found = {p.quantity: p for p in report.predictions}["distance |W(inf) - W*|"]
    size = np.abs(y)
    parked, other = -0.3 * size.min(), 0.01 - 0.5 * (size + 0.01)
    squares = (size / 2) ** 2 + (parked - size / 2) ** 2 + 2 * other**2
    assert found.predicted == pytest.approx(np.sqrt(squares.sum()) / 1e4, rel=1e-3)
    assert found.ratio == pytest.approx(1.0, abs=0.01)
