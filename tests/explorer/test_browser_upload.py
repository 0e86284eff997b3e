"""Own data: by the button and by dropping, in every form; what is wrong is said in a sentence."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_allclose
from playwright.sync_api import expect
from tests.explorer.browsing import Explorer, decoded

import relubias as rb

SMALL = "?n=6&d=60&signs=%2B-&kappa=0.5&seed=3"
RNG = np.random.default_rng(7)
X, Y = RNG.standard_normal((5, 40)), np.array([1.0, -0.5, 0.7, -0.9, 0.4])


def as_npz() -> bytes:
    file = io.BytesIO()
    np.savez(file, X=X, y=Y)
    return file.getvalue()


def as_csv() -> bytes:
    head = ",".join([*(f"x{j}" for j in range(40)), "y"])
    rows = [",".join(map(repr, map(float, row))) for row in np.column_stack([X, Y])]
    return "\n".join([head, *rows, ""]).encode()


def as_parquet() -> bytes:
    file = io.BytesIO()
    columns = {f"x{j}": X[:, j] for j in range(40)} | {"y": Y}
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


def give(explorer: Explorer, name: str, content: bytes) -> None:
    """Choose a file with the button."""
    explorer.page.locator("#upload").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )


def drop(explorer: Explorer, *files: tuple[str, bytes]) -> None:
    """Drop files onto the page."""
    explorer.page.evaluate(
        """(files) => {
          const transfer = new DataTransfer();
          for (const [name, text] of files) {
            const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
            transfer.items.add(new File([bytes], name));
          }
          for (const type of ["dragenter", "dragover", "drop"]) {
            document.querySelector("#views").dispatchEvent(
              new DragEvent(type, {bubbles: true, cancelable: true, dataTransfer: transfer}));
          }
        }""",
        [[name, base64.b64encode(content).decode()] for name, content in files],
    )


@pytest.mark.parametrize(
    ("name", "make"), [("a.npz", as_npz), ("b.csv", as_csv), ("c.parquet", as_parquet)]
)
def test_a_file_replaces_the_drawn_data_and_there_is_a_way_back(
    explorer: Explorer, name: str, make: Callable[[], bytes]
) -> None:
    before = explorer.open(SMALL).pictures()
    answer = explorer.answer(lambda: give(explorer, name, make()))
    assert_allclose(decoded(answer["labels"]), Y, rtol=0, atol=0)
    problem = rb.Problem.from_features(X, Y, (1, -1))
    start = rb.starts.all_positive(problem, answer["state"]["scale"])
    run = rb.gradient_descent(problem, start, step_size=answer["run"]["step_size"])
    assert_allclose(decoded(answer["limit"]["primal"]), run.limit.primal, rtol=1e-9, atol=1e-12)
    slot = explorer.page.locator("#data-slot")
    expect(slot).to_contain_text(f"{name}: 5 examples of 40 features")
    for key in ("n", "d", "law", "spectrum", "labels"):
        expect(explorer.control(key)).not_to_be_visible()
    explorer.set("kappa", 0.25)
    expect(slot).to_be_visible()
    explorer.set("kappa", 0.5)
    with explorer.redraw():
        explorer.page.locator("#data-clear").click()
    expect(slot).not_to_be_visible()
    assert explorer.pictures() == before


def test_a_file_can_be_dropped_on_the_page(explorer: Explorer) -> None:
    explorer.open(SMALL)
    answer = explorer.answer(lambda: drop(explorer, ("mine.npz", as_npz())))
    assert_allclose(decoded(answer["labels"]), Y, rtol=0, atol=0)
    assert explorer.page.locator("html[data-dropping]").count() == 0


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("photo.jpg", b"\xff\xd8", "must end in .npz, .npy, .csv or .parquet"),
        ("none.csv", b"", "is empty"),
        ("broken.npz", b"PK\x03\x04 this is no archive", ""),
        ("text.csv", b"a,b\none,two\n", ""),
        ("nan.csv", b"x1,x2,y\n1,nan,1\n2,3,-1\n", ""),
        ("wide.npy", as_csv(), ""),
    ],
)
def test_what_is_wrong_with_a_file_is_said_and_nothing_changes(
    explorer: Explorer, name: str, content: bytes, words: str
) -> None:
    explorer.watch.allowed.append("status of 4")
    before = explorer.open(SMALL).pictures()
    give(explorer, name, content)
    message = explorer.page.locator("#upload-message")
    expect(message).not_to_be_empty()
    expect(message).to_contain_text(words)
    for hidden in ("Traceback", "/tmp", "site-packages", "Error:"):
        expect(message).not_to_contain_text(hidden)
    assert explorer.pictures() == before
    with explorer.redraw():
        give(explorer, "good.npz", as_npz())
    expect(message).to_be_empty()


def test_two_files_at_once_are_refused(explorer: Explorer) -> None:
    explorer.open(SMALL)
    drop(explorer, ("a.npz", as_npz()), ("b.npz", as_npz()))
    expect(explorer.page.locator("#upload-message")).to_contain_text("One file at a time")


def test_a_link_to_data_that_this_server_does_not_hold_says_so(explorer: Explorer) -> None:
    explorer.watch.allowed.append("status of 4")
    explorer.open(SMALL + "&data=gone", wait=False)
    expect(explorer.page.locator("#error")).to_contain_text("data")
    expect(explorer.page.locator("#data-clear")).to_be_visible()
    with explorer.redraw():
        explorer.page.locator("#data-clear").click()
    expect(explorer.page.locator("#error")).to_be_empty()
