"""What every experiment promises, at the smallest scale."""

from __future__ import annotations

import math
import re

import matplotlib as mpl
import numpy as np
import pytest

from relubias.errors import InvalidInputError
from relubias.experiments import KEYS, Agreement, Provenance, Scale, load
from relubias.experiments import _style as style
from relubias.experiments._table import read, write
from tests.experiments.conftest import quick_table


def test_records_are_complete(experiment):
    assert experiment.key in KEYS
    for text in (experiment.title, experiment.claim, experiment.settings, experiment.caption):
        assert text.strip() == text
        assert text
    assert isinstance(experiment.provenance, Provenance)
    assert experiment.command == f"relubias reproduce --only {experiment.key}"


def test_prefixes_are_distinct_and_spell_figure():
    prefixes = [load(key).prefix for key in KEYS]
    assert len(set(prefixes)) == len(prefixes)
    assert prefixes[:8] == [f"figure{k}" for k in range(1, 9)]


def test_an_unknown_experiment_is_named():
    with pytest.raises(InvalidInputError, match="'fig9'; choose from fig1, fig2"):
        load("fig9")


def test_measured_figures_lie_in_their_intervals(experiment, table):
    measured = experiment.measure(table)
    assert measured
    for name, figure in measured.items():
        assert re.fullmatch(r"[a-z][\w-]*", name)
        assert figure.label
        assert math.isnan(figure.low) == math.isnan(figure.high)
        if not math.isnan(figure.low):
            assert figure.low <= figure.value <= figure.high


def test_findings_are_sentences(experiment, table):
    findings = experiment.verdict(experiment.measure(table))
    assert findings
    for finding in findings:
        assert isinstance(finding.agreement, Agreement)
        assert finding.sentence.endswith(".")
        assert "nan" not in finding.sentence.split()


def test_a_table_from_a_file_measures_the_same(experiment, table, tmp_path):
    write(table, tmp_path / "t.csv")
    again = experiment.measure(read(tmp_path / "t.csv"))
    for name, figure in experiment.measure(table).items():
        np.testing.assert_array_equal(
            [figure.value, figure.low, figure.high],
            [again[name].value, again[name].low, again[name].high],
        )


def test_drawing_leaves_the_style_alone_and_keeps_text_legible(experiment, table):
    before = dict(mpl.rcParams)
    figure = experiment.draw(table)
    assert dict(mpl.rcParams) == before
    assert figure.get_figwidth() in (style.NARROW, style.WIDE)
    texts = [t for t in figure.findobj(mpl.text.Text) if t.get_visible() and t.get_text()]
    assert min(t.get_fontsize() for t in texts) >= 7


def test_nothing_drawn_is_cut_off(experiment, table):
    figure = experiment.draw(table)
    figure.canvas.draw()
    page = figure.bbox
    tight = figure.get_tightbbox(figure.canvas.get_renderer())
    assert tight.x0 >= -0.01
    assert tight.y0 >= -0.01
    assert tight.x1 <= page.width / figure.dpi + 0.01
    assert tight.y1 <= page.height / figure.dpi + 0.01


def test_saved_figures_are_reproducible_and_embed_their_fonts(tmp_path):
    experiment = load("initialisation")
    table = quick_table("initialisation")
    for name in ("a", "b"):
        style.save(experiment.draw(table), tmp_path / f"{name}.png", tmp_path / f"{name}.pdf")
    for suffix in ("png", "pdf"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()
    assert b"/Type3" not in (tmp_path / "a.pdf").read_bytes()


def test_the_same_seed_gives_the_same_table_and_another_seed_another():
    compute = load("fig2").compute
    again = compute(Scale.QUICK, 0)
    assert quick_table("fig2").equals(again)
    assert not quick_table("fig2").equals(compute(Scale.QUICK, 1))
