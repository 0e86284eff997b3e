"""Answers survive a file, and no file does harm."""

from __future__ import annotations

import dataclasses
import json
import os
import zipfile

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import relubias as rb
from relubias.minnorm import load, save, verify


def searched(n, signs):
    """Return an answer that needed a search."""
    for seed in range(100):
        rng = np.random.default_rng(seed)
        X, y = rng.standard_normal((n, n + 1)), rng.standard_normal(n)
        found = rb.minimum_norm(rb.Problem(X @ X.T, y, signs))
        if found.certificate.tree is not None and found.certificate.tree.parent.size > 2:
            return found
    raise AssertionError("no instance needs a search")


def answers():
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((7, 8)), rng.standard_normal(7)
    yield "one neuron", rb.minimum_norm(rb.Problem(X @ X.T, y))
    yield "features", rb.minimum_norm(rb.Problem.from_features(X, y, (1, -1)))
    yield "pair search", searched(9, (1, -1))
    yield "wide search", searched(5, (1, 1, -1))
    yield "infeasible", rb.minimum_norm(rb.Problem(np.ones((2, 2)), [1.0, 2.0], (1, -1)))
    yield "zero labels", rb.minimum_norm(rb.Problem(np.eye(2), [0.0, 0.0], (1, -1)))


ANSWERS = dict(answers())


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_survives_a_file(name, tmp_path):
    found = ANSWERS[name]
    found.save(tmp_path / "found.npz")
    again = load(tmp_path / "found.npz")
    for field in dataclasses.fields(found):
        if field.name not in ("problem", "certificate"):
            assert_array_equal(getattr(again, field.name), getattr(found, field.name))
    for field in dataclasses.fields(found.certificate):
        one, other = (getattr(a.certificate, field.name) for a in (again, found))
        if field.name == "tree" and other is not None:
            for record in dataclasses.fields(other):
                assert_array_equal(getattr(one, record.name), getattr(other, record.name))
        else:
            assert_array_equal(one, other)
    assert_array_equal(again.problem.gram, found.problem.gram)
    assert_array_equal(again.problem.labels, found.problem.labels)
    assert_array_equal(again.problem.signs, found.problem.signs)
    assert (again.problem.features is None) == (found.problem.features is None)
    assert verify(again.problem, again, leaves=True).holds is True
    assert [path.name for path in tmp_path.iterdir()] == ["found.npz"]


def parts(found, tmp_path):
    save(found, tmp_path / "found.npz")
    with np.load(tmp_path / "found.npz") as archive:
        return {name: archive[name] for name in archive.files}


def described(arrays, **changes):
    about = json.loads(arrays["about"].tobytes()) | changes
    return np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)


DAMAGE = {
    "no dual": lambda _: {"dual": None},
    "another shape": lambda a: {"dual": a["dual"][:, :-1]},
    "nan in the dual": lambda a: {"dual": a["dual"] * np.nan},
    "complex dual": lambda a: {"dual": a["dual"] * 1j},
    "text": lambda a: {"dual": np.full(a["dual"].shape, "x")},
    "objects": lambda a: {"dual": np.full(a["dual"].shape, None)},
    "no description": lambda _: {"about": None},
    "no JSON": lambda _: {"about": np.frombuffer(b"{'a'", dtype=np.uint8)},
    "deep JSON": lambda _: {"about": np.frombuffer(b"[" * 10**6, dtype=np.uint8)},
    "a list": lambda _: {"about": np.frombuffer(b"[1]", dtype=np.uint8)},
    "another version": lambda a: {"about": described(a, format="relubias minimum norm 99")},
    "another status": lambda a: {"about": described(a, status="PERFECT")},
    "another kind": lambda a: {"about": described(a, kind="<script>")},
    "nodes by the word": lambda a: {"about": described(a, n_nodes="many")},
    "a negative norm": lambda a: {"numbers": -a["numbers"] - 1},
    "no norm": lambda a: {"numbers": a["numbers"] * np.nan},
    "an indefinite Gram matrix": lambda a: {"gram": -a["gram"]},
    "signs of zero": lambda a: {"signs": a["signs"] * 0},
    "samples that do not exist": lambda _: {"coupled": np.array([99])},
    "pattern of numbers": lambda a: {"pattern": a["pattern"] * 1.5},
    "tree of other lengths": lambda a: {"tree_sample": a["tree_sample"][:-1]},
    "tree of floats": lambda a: {"tree_choice": a["tree_choice"] * 1.0},
    "products of other shape": lambda a: {"tree_theta": a["tree_theta"][:-1]},
}


@pytest.mark.parametrize("name", DAMAGE)
def test_bad_files_are_refused_by_name(name, tmp_path):
    arrays = parts(ANSWERS["pair search"], tmp_path)
    assert "tree_theta" in arrays
    arrays |= DAMAGE[name](arrays)
    kept = {key: value for key, value in arrays.items() if value is not None}
    np.savez(tmp_path / "bad.npz", allow_pickle=True, **kept)
    with pytest.raises(rb.InvalidInputError, match=r"bad\.npz: ") as caught:
        load(tmp_path / "bad.npz")
    assert "\n" not in str(caught.value)


def test_cut_and_flipped_bytes_are_refused_or_still_an_answer(tmp_path):
    parts(ANSWERS["pair search"], tmp_path)
    whole = (tmp_path / "found.npz").read_bytes()
    rng = np.random.default_rng(0)
    n_refused = 0
    for trial in range(150):
        damaged = bytearray(whole)
        if trial % 3 == 0:
            damaged = damaged[: rng.integers(0, len(whole))]
        else:
            for position in rng.integers(0, len(whole), 1 + trial % 5):
                damaged[position] ^= 1 << rng.integers(0, 8)
        (tmp_path / "bad.npz").write_bytes(damaged)
        try:
            found = load(tmp_path / "bad.npz")
        except rb.InvalidInputError:
            n_refused += 1
        else:
            assert verify(found.problem, found).holds in (True, False, None)
    assert n_refused > 100


def test_a_member_twice_is_refused(tmp_path):
    parts(ANSWERS["one neuron"], tmp_path)
    with (
        zipfile.ZipFile(tmp_path / "found.npz", "a") as archive,
        pytest.warns(UserWarning, match="Duplicate"),
    ):
        archive.writestr("dual.npy", archive.read("dual.npy"))
    with pytest.raises(rb.InvalidInputError, match="or two"):
        load(tmp_path / "found.npz")


@pytest.mark.parametrize("path", [None, 3, 1.5, [], {}, b"a\0b.npz", "a\0b.npz", ""])
def test_what_is_no_path_is_refused(path):
    found = ANSWERS["one neuron"]
    with pytest.raises(rb.InvalidInputError):
        save(found, path)
    with pytest.raises(rb.InvalidInputError):
        load(path)


def test_places_that_cannot_be_written_are_named(tmp_path):
    found = ANSWERS["one neuron"]
    with pytest.raises(rb.InvalidInputError, match="cannot be written"):
        found.save(tmp_path / "no" / "folder.npz")
    with pytest.raises(rb.InvalidInputError, match="cannot be written"):
        found.save(tmp_path)
    assert os.listdir(tmp_path) == []  # noqa: PTH208
    with pytest.raises(rb.InvalidInputError, match="solution: is a"):
        save("found", tmp_path / "found.npz")
    with pytest.raises(rb.InvalidInputError, match="cannot be read"):
        load(tmp_path / "missing.npz")
