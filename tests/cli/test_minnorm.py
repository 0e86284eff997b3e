"""`relubias minnorm`: signs, time limits, answers saved and verified."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

import relubias as rb


@pytest.fixture
def hard(folder):
    """Return a file whose best network of three neurons needs a search."""
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((7, 9)), rng.standard_normal(7)
    np.savez(folder / "hard.npz", X=X, y=y)
    return folder / "hard.npz"


def problem_of(path, signs):
    with np.load(path) as arrays:
        return rb.Problem.from_features(arrays["X"], arrays["y"], signs)


@pytest.mark.parametrize("signs", [(1,), (1, -1), (1, 1, -1)])
def test_signs_choose_the_network(signs, data, relubias):
    text = ",".join("+" if s > 0 else "-" for s in signs)
    answer = relubias("minnorm", data, "--signs", text, "--json")
    found = rb.minimum_norm(problem_of(data, signs))
    assert answer.status == 0
    facts = answer.json["minimum_norm"]
    assert facts["norm"] == pytest.approx(found.norm, rel=1e-14)
    assert facts["kind"] == found.certificate.kind
    assert facts["n_nodes"] == found.n_nodes
    assert facts["condition"] == pytest.approx(found.condition)
    assert found.certificate.kind in relubias("minnorm", data, "--signs", text).out


@pytest.mark.parametrize("signs", ["+", "+,-", "+,+,-"])
def test_a_saved_answer_is_verified(signs, hard, relubias):
    assert relubias("minnorm", hard, "--signs", signs, "--save", "found.npz").status == 0
    answer = relubias("minnorm", hard, "--signs", signs, "--verify", "found.npz", "--json")
    assert answer.status == 0
    facts = answer.json["verification"]
    assert facts["holds"] is True
    assert facts["lower_bound"] == pytest.approx(facts["norm"], rel=1e-8)
    assert {check["claim"] for check in facts["checks"]} == {
        "fits", "norm", "lower bound", "optimal"
    }  # fmt: skip
    assert set(answer.json) == {
        "command", "versions", "data", "settings", "minimum_norm", "verification"
    }  # fmt: skip


def test_signs_come_from_the_saved_answer(hard, relubias):
    relubias("minnorm", hard, "--signs", "+,-", "--save", "found.npz")
    answer = relubias("minnorm", hard, "--verify", "found.npz")
    assert answer.status == 0
    assert "verified" in answer.out
    assert "neurons" in answer.out


def test_an_answer_of_other_data_is_refuted(hard, folder, relubias):
    relubias("minnorm", hard, "--save", "found.npz")
    with np.load(hard) as arrays:
        np.savez(folder / "other.npz", X=arrays["X"], y=arrays["y"] * 1.01)
    answer = relubias("minnorm", "other.npz", "--verify", "found.npz")
    assert answer.status == 1
    assert "REFUTED" in answer.out
    assert "WRONG" in answer.out


def test_an_infeasibility_proof_is_saved_and_verified(folder, relubias):
    np.savez(folder / "data.npz", X=np.eye(3, 20)[[0, 1, 0]], y=[1.0, 2.0, 3.0])
    assert relubias("minnorm", "data.npz", "--save", "found.npz").status == 1
    answer = relubias("minnorm", "data.npz", "--verify", "found.npz", "--json")
    assert answer.status == 0
    assert answer.json["verification"]["holds"] is True
    assert answer.json["verification"]["norm"] is None


def test_verification_goes_into_a_folder(data, folder, relubias):
    relubias("minnorm", data, "--save", "found.npz")
    relubias("minnorm", data, "--verify", "found.npz", "--out", "results")
    assert (folder / "results" / "verification.json").is_file()


def test_a_time_limit_leaves_a_network_with_its_bound(hard, relubias):
    answer = relubias("minnorm", hard, "--signs", "+,+,-", "--time-limit", 0, "--json")
    facts = answer.json["minimum_norm"]
    assert facts["status"] in ("FEASIBLE", "OPTIMAL")
    assert 0 <= facts["lower_bound"] <= facts["norm"]
    assert answer.status == (0 if facts["status"] == "OPTIMAL" else 1)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--verify", "missing.npz"], "missing.npz: cannot be read"),
        (["--verify", "hard.npz"], "hard.npz: holds no array about"),
        (["--verify", "words.txt"], "words.txt: is no .npz archive"),
        (["--verify", "."], "is a directory"),
        (["--save", "no/such/folder.npz"], "is in a folder that does not exist"),
        (["--save", "."], "is a directory"),
        (["--verify", "found.npz", "--rel-gap", "0.1"], "--rel-gap: has no meaning"),
        (["--verify", "found.npz", "--save", "x.npz"], "--save: has no meaning"),
        (["--verify", "found.npz", "--signs", "+,-"], "solution: has duals of shape"),
        (["--verify", "found.npz", "--time-limit", "-1"], "--time-limit"),
    ],
)
def test_unusable_files_and_options_are_named(arguments, expected, hard, folder, relubias):
    relubias("minnorm", hard, "--save", "found.npz")
    (folder / "words.txt").write_text("no archive")
    answer = relubias("minnorm", hard, *arguments)
    assert answer.status == 2
    assert expected in answer.err
    assert answer.err.count("\n") == 1
    assert answer.out == ""


def test_a_damaged_answer_is_refused(hard, folder, relubias):
    relubias("minnorm", hard, "--save", "found.npz")
    whole = (folder / "found.npz").read_bytes()
    for length in (10, len(whole) // 2, len(whole) - 30):
        (folder / "cut.npz").write_bytes(whole[:length])
        answer = relubias("minnorm", hard, "--verify", "cut.npz")
        assert answer.status == 2
        assert answer.err.startswith("relubias: cut.npz: ")


def test_saving_twice_replaces_the_file_and_leaves_nothing_else(data, folder, relubias):
    for _ in range(2):
        relubias("minnorm", data, "--save", "found.npz")
    assert sorted(path.name for path in folder.iterdir()) == ["data.npz", "found.npz"]
    shutil.copy(folder / "found.npz", folder / "copy.npz")
    assert relubias("minnorm", data, "--verify", "copy.npz").status == 0
