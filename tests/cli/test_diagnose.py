"""`relubias diagnose` says what the library says, and never runs what a file holds."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch

import relubias as rb
from relubias.diagnosis import load_model

KEYS = {
    "command", "versions", "model", "data", "settings", "optimum", "norm", "distances",
    "minimum_norm", "span", "activity", "selection", "curvature", "descent", "ridge",
    "test_errors", "findings",
}  # fmt: skip
"""Keys are a promise: they may be added, never renamed."""

FAST = ("--time-limit", "0.2")


class Payload:
    """Unpickled, it makes a file."""

    def __reduce__(self):
        return os.mkdir, ("ran",)


@pytest.fixture
def trained(folder, data):
    """Return a state dict trained on the data, and the one before."""
    torch.manual_seed(0)
    with np.load(data) as arrays:
        X, y = torch.tensor(arrays["X"]).float(), torch.tensor(arrays["y"]).float()
    model = torch.nn.Sequential(torch.nn.Linear(400, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
    torch.save(model.state_dict(), folder / "init.pt")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.005)
    for _ in range(300):
        optimizer.zero_grad()
        ((model(X)[:, 0] - y) ** 2).mean().backward()
        optimizer.step()
    torch.save(model.state_dict(), folder / "model.pt")
    return folder / "model.pt"


def test_json_is_what_the_library_finds(relubias, trained, data, folder):
    answer = relubias("diagnose", trained, data, "--start", "init.pt", "--json", *FAST)
    facts = answer.json
    with np.load(data) as arrays:
        found = rb.diagnose(
            load_model(trained),
            arrays["X"],
            arrays["y"],
            start=load_model(folder / "init.pt"),
            time_limit=0.2,
        )
    assert set(facts) == KEYS
    assert facts["optimum"]["rest"] == str(found.optimum.rest)
    assert facts["optimum"]["loss"] == found.optimum.loss
    assert facts["distances"][-2]["distance"] == found.comparisons[-2].distance
    assert facts["model"]["agreement"]["holds"] is True
    assert facts["findings"][0] == found.findings[0]
    assert answer.status == (1 if facts["optimum"]["rest"] == "MOVING" else 0)


def test_the_table_shows_findings_and_held_out_errors(relubias, trained, data):
    answer = relubias("diagnose", trained, data, "--held-out", data, *FAST)
    assert answer.status in (0, 1)
    for words in ("distance to", "minimum norm", "findings", "ridge", "linear, all samples"):
        assert words in answer.out


@pytest.mark.usefixtures("trained")
def test_a_network_that_is_still_moving_has_status_one(relubias, data):
    answer = relubias("diagnose", "init.pt", data, *FAST)
    assert answer.status == 1
    assert "MOVING" in answer.out


def test_files_hold_page_facts_and_arrays(relubias, trained, data, folder):
    options = ("--out", "answer", "--html", "pages/found.html", "--kappa", "0.3", "--ridge", "2")
    relubias("diagnose", trained, data, *options, *FAST)
    assert {path.name for path in (folder / "answer").iterdir()} == {
        "diagnosis.json", "diagnosis.npz",
    }  # fmt: skip
    assert "What bias this network shows" in (folder / "pages/found.html").read_text("utf-8")
    with np.load(folder / "answer/diagnosis.npz", allow_pickle=False) as arrays:
        assert arrays["weights"].shape == (4, 401)
        assert arrays["frozen"].shape == (4, 6)


def test_plain_arrays_and_csv_data(relubias, folder):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((8, 3)), rng.standard_normal(8)
    np.savez(folder / "net.npz", W=rng.standard_normal((2, 3)), a=np.array([1.0, -1.0]))
    table = np.column_stack([X, y])
    np.savetxt(folder / "d.csv", table, delimiter=",", header="u,v,w,y", comments="")
    answer = relubias("diagnose", "net.npz", "d.csv", "--label-column", "y", *FAST)
    assert answer.status in (0, 1)
    assert "2 neurons (+1 -1), no biases" in answer.out
    np.save(folder / "X.npy", X)
    np.save(folder / "y.npy", y)
    again = relubias("diagnose", "net.npz", "X.npy", "--labels", "y.npy", "--json", *FAST)
    assert again.json["data"]["n_samples"] == 8


def test_nothing_in_a_model_file_is_run(relubias, data, folder):
    torch.save({"0.weight": Payload()}, folder / "bad.pt")
    answer = relubias("diagnose", "bad.pt", data)
    assert answer.status == 2
    assert not (folder / "ran").exists()
    assert "Traceback" not in answer.err


REFUSED = {
    "missing model": (("none.pt", "data.npz"), "none.pt"),
    "missing data": (("model.pt", "none.npz"), "none.npz"),
    "no page": (("model.pt", "data.npz", "--html", "page.txt"), "--html"),
    "two steps": (("model.pt", "data.npz", "--step-size", "1", "--kappa", "1"), "--kappa"),
    "negative ridge": (("model.pt", "data.npz", "--ridge", "-1"), "--ridge"),
    "other features": (("model.pt", "other.npz"), "other.npz"),
    "Gram matrix": (("model.pt", "gram.npz"), "Gram matrix"),
    "no labels": (("model.pt", "bare.npz"), "--labels"),
    "unknown layer": (("model.pt", "data.npz", "--hidden", "nothing"), "--hidden"),
    "start of other size": (("model.pt", "data.npz", "--start", "small.npz"), "small.npz"),
}


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize(("arguments", "named"), REFUSED.values(), ids=REFUSED)
def test_unusable_arguments_are_named(relubias, folder, arguments, named):
    np.savez(folder / "other.npz", X=np.ones((3, 2)), y=np.ones(3))
    np.savez(folder / "gram.npz", gram=np.eye(3), labels=np.ones(3))
    np.savez(folder / "bare.npz", X=np.ones((3, 400)))
    np.savez(folder / "small.npz", W=np.ones((1, 3)), a=np.ones(1))
    answer = relubias("diagnose", *arguments)
    assert answer.status == 2
    assert named in answer.err
    assert answer.err.count("\n") == 1
    assert answer.out == ""


def test_help_has_an_example(relubias):
    answer = relubias("diagnose", "--help")
    assert answer.status == 0
    assert "relubias diagnose model.pt data.npz" in answer.out
