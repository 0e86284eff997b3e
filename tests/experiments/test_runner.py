"""Runs that go on where they stopped, and a report that needs nothing but itself."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest

from relubias import _html, experiments
from relubias.errors import InvalidInputError
from relubias.experiments import KEYS, Scale, reproduce
from relubias.experiments.store import Store

FEW = ["initialisation", "fig2"]
VOID = {"meta", "img", "link", "br", "hr", "input"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "new" / "reproduction"
    return reproduce(FEW, out=folder, scale="quick", seed=3)


class Page(HTMLParser):
    """Collects what a browser would load, the links and ids, and checks the nesting."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.links, self.ids, self.open, self.alts = [], [], set(), [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.loads += [v for k, v in attrs if k in ("src", "srcset", "data", "poster", "action")]
        self.loads += [given.get("href")] if tag in ("link", "base") else []
        self.links += [given["href"]] if tag == "a" else []
        self.ids |= {given["id"]} if "id" in given else set()
        self.alts += [given.get("alt")] if tag == "img" else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_files_are_where_the_result_says(finished):
    folder = finished.report.parent
    assert finished.computed == ("fig2", "initialisation")
    assert finished.kept == ()
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    expected = {"report.html", "summary.json"}
    for key in FEW:
        expected |= {f"tables/{key}.csv", f"tables/{key}.json"}
        expected |= {f"figures/{key}.png", f"figures/{key}.pdf"}
    assert names == expected


def test_the_report_is_self_contained(finished):
    text = finished.report.read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert all(load.startswith("data:image/png;base64,") for load in page.loads)
    assert len(page.loads) == len(FEW)
    assert all(page.alts)
    assert "<script" not in text
    assert "@import" not in text
    assert "url(" not in text
    assert "http:" not in text
    assert "https:" not in text
    assert {link[1:] for link in page.links} <= page.ids


def test_the_report_says_what_was_asked_for(finished):
    text = finished.report.read_text(encoding="utf-8")
    assert "Where the measurement differs from the paper" in text
    assert "relubias reproduce --only fig2" in text
    assert "Not computed in this folder with these settings: fig1, fig3" in text
    assert "prefers-color-scheme: dark" in text


def test_the_summary_is_flat_and_finite(finished):
    summary = json.loads(finished.summary.read_text(encoding="utf-8"))
    assert summary["run.seed"] == 3
    assert summary["run.scale"] == "quick"
    low, high = summary["figure2.slope_d_ci"]
    assert low <= summary["figure2.slope_d"] <= high
    for key, value in summary.items():
        assert key.count(".") == 1
        assert isinstance(value, (int, float, str, list))


def test_a_second_run_computes_nothing_and_changes_nothing(finished, monkeypatch):
    folder = finished.report.parent
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    monkeypatch.setattr(
        experiments.runner, "_compute", lambda *_: pytest.fail("computed a finished experiment")
    )
    again = reproduce(FEW, out=folder, scale=Scale.QUICK, seed=3)
    assert again.computed == ()
    assert again.kept == ("fig2", "initialisation")
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("damage", ["stamp", "table", "missing stamp", "other seed"])
def test_what_does_not_match_is_computed_again(tmp_path, damage):
    reproduce(["initialisation"], out=tmp_path, scale="quick", seed=1)
    stamp, table = (tmp_path / "tables" / f"initialisation.{s}" for s in ("json", "csv"))
    if damage == "stamp":
        stamp.write_text("{", encoding="utf-8")
    elif damage == "table":
        table.write_text(table.read_text(encoding="utf-8") + "1\n", encoding="utf-8")
    elif damage == "missing stamp":
        stamp.unlink()
    seed = 2 if damage == "other seed" else 1
    assert reproduce(["initialisation"], out=tmp_path, scale="quick", seed=seed).computed


def test_fresh_computes_again_and_gives_the_same_summary(finished):
    before = finished.summary.read_bytes()
    again = reproduce(["fig2"], out=finished.report.parent, scale="quick", seed=3, fresh=True)
    assert again.computed == ("fig2",)
    assert finished.summary.read_bytes() == before


def test_an_interrupted_run_goes_on(tmp_path, monkeypatch):
    original = experiments.runner._compute

    def stop_at_second(store, experiment):
        if experiment.key == "initialisation":
            raise KeyboardInterrupt
        original(store, experiment)

    monkeypatch.setattr(experiments.runner, "_compute", stop_at_second)
    with pytest.raises(KeyboardInterrupt):
        reproduce(FEW, out=tmp_path, scale="quick", seed=3)
    monkeypatch.undo()
    done = reproduce(FEW, out=tmp_path, scale="quick", seed=3)
    assert done.computed == ("initialisation",)
    assert done.kept == ("fig2",)


def test_a_table_that_fails_to_be_written_leaves_no_stamp_and_no_part(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("relubias.experiments._table.write", fail)
    with pytest.raises(OSError, match="disk full"):
        reproduce(["initialisation"], out=tmp_path, scale="quick")
    assert list((tmp_path / "tables").iterdir()) == []


def test_unknown_keys_write_nothing(tmp_path):
    with pytest.raises(InvalidInputError, match="no experiment 'fig9'"):
        reproduce(["fig1", "fig9"], out=tmp_path / "x")
    with pytest.raises(InvalidInputError, match="names no experiment"):
        reproduce([], out=tmp_path / "x")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("settings", "name"),
    [({"scale": "huge"}, "scale"), ({"seed": -1}, "seed"), ({"seed": 0.5}, "seed")],
)
def test_unusable_settings_are_named_before_anything_is_written(tmp_path, settings, name):
    with pytest.raises(InvalidInputError, match=f"^{name}:"):
        reproduce(["fig1"], out=tmp_path / "x", **settings)
    assert not (tmp_path / "x").exists()


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    taken = tmp_path / "taken"
    taken.write_text("mine", encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"^out: files cannot be written"):
        reproduce(["fig1"], out=taken)
    assert taken.read_text(encoding="utf-8") == "mine"


def test_keys_come_in_the_order_of_the_report(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(experiments.runner, "_compute", lambda _, e: seen.append(e.key))
    reproduce(("limit", "fig2", "limit"), out=tmp_path, scale="quick")
    assert seen == ["fig2", "limit"]
    seen.clear()
    reproduce(out=tmp_path, scale="quick")
    assert tuple(seen) == KEYS


def test_progress_names_every_experiment(tmp_path, monkeypatch):
    monkeypatch.setattr(experiments.runner, "_compute", lambda *_: None)
    heard = []
    reproduce(out=tmp_path, scale="quick", progress=lambda share, text: heard.append((share, text)))
    assert [text.split(":")[0] for _, text in heard[:-1]] == list(KEYS)
    assert [share for share, _ in heard] == sorted(share for share, _ in heard)


def test_a_finished_experiment_needs_its_very_table(tmp_path):
    store = Store(folder=tmp_path, scale=Scale.QUICK, seed=0, version="1")
    store.prepare()
    assert not store.is_finished("fig1")


@pytest.mark.parametrize(
    ("plain", "markup"),
    [
        ("||lambda||_1", "‖λ‖<sub>1</sub>"),
        ("y_- and n_-/2", "y<sub>\N{MINUS SIGN}</sub> and n<sub>\N{MINUS SIGN}</sub>/2"),
        ("y_min < 1", "y<sub>min</sub> &lt; 1"),
        ("n ln n/kappa^2", "n ln n/κ<sup>2</sup>"),
        ("sqrt(n_-/d)", "√(n<sub>\N{MINUS SIGN}</sub>/d)"),
        ("frozen -> frozen", "frozen → frozen"),
        ("slope -0.5 in d <= -1/2", "slope \N{MINUS SIGN}0.5 in d ≤ \N{MINUS SIGN}1/2"),
        (
            "from 9.9e-05",
            "from 9.9 \N{MULTIPLICATION SIGN} 10<sup>\N{MINUS SIGN}5</sup>",
        ),
        ("(1 - kappa) 1e+06", "(1 - κ) 10<sup>6</sup>"),
        ("n_-, y_- and ||y_-||", "n<sub>−</sub>, y<sub>−</sub> and ‖y<sub>−</sub>‖"),  # noqa: RUF001
    ],
)
def test_prose_sets_mathematics(plain, markup):
    assert _html.prose(plain) == markup
