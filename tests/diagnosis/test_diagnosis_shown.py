"""What people see of a diagnosis: one screen, a page, pictures; the same every time."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from tests.diagnosis.planted import all_positive, descend, samples

import relubias as rb
from relubias.diagnosis._findings import percent

PAIR = np.array([1.0, -1.0])


def small(**options):
    X, y = samples(10, 400, 0)
    start = all_positive(X, 2, 0.01)
    W = descend(X, y, start, PAIR, 0.5 / 400, 1000)
    rng = np.random.default_rng(1)
    held_out = rng.standard_normal((20, 400)), rng.standard_normal(20)
    return rb.diagnose(
        (W, None, PAIR, None), X, y, held_out=held_out, start=(start, None, PAIR, None), **options
    )


def random_network(n, d, m, seed, bias=True):
    rng = np.random.default_rng(seed)
    W, a = rng.standard_normal((m, d)), rng.choice([-1.0, 1.0], m) / np.sqrt(m)
    b = rng.standard_normal(m) if bias else None
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    return rb.diagnose((W, b, a, 0.3), X, y, held_out=(X + 0.1, y), time_limit=0.0)


CASES = {
    "small": small,
    "moving": lambda: random_network(30, 5, 8, 0),
    "wide": lambda: random_network(20, 30, 64, 1),
    "one sample": lambda: random_network(1, 3, 1, 2),
    "no bias": lambda: random_network(12, 40, 2, 3, bias=False),
    "one feature": lambda: random_network(9, 1, 3, 4),
}


@pytest.fixture(scope="module")
def found():
    return {name: make() for name, make in CASES.items()}


class Reader(HTMLParser):
    """Collects open elements, addresses and images; fails on elements that do not match."""

    VOID = frozenset({"meta", "img", "br"})

    def __init__(self):
        super().__init__()
        self.open, self.addresses, self.images, self.texts = [], [], [], []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        values = dict(attrs)
        self.addresses += [values[key] for key in ("href", "src") if key in values]
        if tag == "img":
            self.images.append(values)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


@pytest.mark.parametrize("name", CASES)
def test_it_prints_as_one_screen(found, name):
    lines = str(found[name]).splitlines()
    assert len(lines) <= 45
    assert max(map(len, lines)) <= 100
    assert "nan" not in str(found[name]).replace("nann", "")
    assert "\n" not in repr(found[name])
    for comparison in found[name].comparisons:
        assert comparison.name in str(found[name])


@pytest.mark.parametrize("name", CASES)
def test_findings_are_sentences(found, name):
    for text in found[name].findings:
        assert text.endswith(".")
        assert text[0].isupper() or text[0].isdigit()
        assert not re.search(r"nan\b|None|  |\.\.$|, \.", text)


@pytest.mark.parametrize("name", CASES)
def test_the_page_stands_alone(found, name):
    text = found[name].to_html()
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    assert all(address.startswith("data:image/png;base64,") for address in reader.addresses)
    assert len(reader.images) == 3
    assert all(image["alt"] for image in reader.images)
    assert "http" not in text
    assert "<script" not in text
    words = " ".join(reader.texts)
    for heading in ("Distances to other networks", "What each neuron ignores", "How to read this"):
        assert heading in words


def test_the_page_escapes_what_the_model_calls_its_layers():
    class Odd(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.add_module("<b>&layer", torch.nn.Linear(3, 2))
            self.add_module("out", torch.nn.Linear(2, 1))

        def forward(self, x):
            return self.out(torch.relu(getattr(self, "<b>&layer")(x)))

    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    model = {key: value.numpy() for key, value in Odd().state_dict().items()}
    d = rb.diagnose(model, rng.standard_normal((5, 3)), rng.standard_normal(5), time_limit=0.0)
    assert "<b>&layer" not in d.to_html()


def test_the_page_can_be_written_and_the_notebook_gets_its_body(found, tmp_path):
    d = found["small"]
    assert d.to_html(tmp_path / "page.html") == (tmp_path / "page.html").read_text("utf-8")
    assert d._repr_html_() in d.to_html()
    with pytest.raises(rb.InvalidInputError, match=r"^path"):
        d.to_html(tmp_path / "missing" / "page.html")
    with pytest.raises(rb.InvalidInputError, match=r"^path"):
        d.to_html(3)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("method", ["plot", "plot_distances", "plot_errors"])
def test_every_picture_can_be_drawn_on_given_axes(found, name, method):
    figure, ax = plt.subplots()
    assert getattr(found[name], method)(ax) is ax
    assert ax.get_title(loc="left")
    figure.canvas.draw()
    plt.close(figure)


def test_pictures_need_axes_and_errors_held_out_samples(found):
    X, y = samples(4, 10, 0)
    bare = rb.diagnose((np.ones((1, 10)), None, None, None), X, y, time_limit=0.0)
    with pytest.raises(rb.InvalidInputError, match=r"^held_out"):
        bare.plot_errors()
    with pytest.raises(rb.InvalidInputError, match=r"^ax"):
        found["small"].plot(3)
    assert "errors" not in re.findall(r'<section id="(\w+)"', bare.to_html())


def test_the_same_model_gives_the_same_page():
    assert small().to_html() == small().to_html()


@pytest.mark.parametrize("power", [-20, 20])
def test_units_change_nothing_but_the_units(power):
    X, y = samples(8, 200, 3)
    W = descend(X, y, all_positive(X, 2, 0.01), PAIR, 0.5 / 200, 30)
    unit = 2.0**power
    one = rb.diagnose((W, None, PAIR, None), X, y)
    labels = rb.diagnose((W * unit, None, PAIR, None), X, y * unit)
    features = rb.diagnose((W / unit, None, PAIR, None), X * unit, y)
    for other in (labels, features):
        assert other.optimum.rest is one.optimum.rest
        for a, b in zip(one.comparisons, other.comparisons, strict=True):
            np.testing.assert_allclose(b.relative, a.relative, rtol=1e-6)
            np.testing.assert_allclose(b.cosine, a.cosine, rtol=1e-6)
        np.testing.assert_array_equal(other.activity.frozen, one.activity.frozen)
        np.testing.assert_allclose(other.activity.slack, one.activity.slack, rtol=1e-6)
        np.testing.assert_allclose(other.curvature.condition, one.curvature.condition, rtol=1e-9)


def test_a_module_trained_by_torch_is_diagnosed_in_single_precision():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((12, 40)), rng.standard_normal(12)
    model = torch.nn.Sequential(torch.nn.Linear(40, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
    start = {key: value.clone() for key, value in model.state_dict().items()}
    data, goal = torch.tensor(X).float(), torch.tensor(y).float()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(400):
        optimizer.zero_grad()
        ((model(data)[:, 0] - goal) ** 2).mean().backward()
        optimizer.step()
    d = rb.diagnose(model, X, y, start=start, time_limit=0.5)
    assert d.agreement.relative < 1e-6
    assert d.tolerance == 1e-4
    text = " ".join(d.findings)
    assert "output layer was trained" in text
    assert "outside the span" in text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0%"), (0.5, "50%"), (1.0, "100%"), (0.99999, "99.999%"), (1e-6, "0.0001%"),
        (2.5, "250%"), (1e6, "1e+06x"), (float("nan"), "-"), (0.123456, "12.3%"),
    ],
)  # fmt: skip
def test_shares_are_readable(share, text):
    assert percent(share) == text
