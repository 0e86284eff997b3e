"""Files with weights: read back exactly, refused when they hold more, and never executed."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_equal
from tests.diagnosis.models import N_FEATURES, quietly, sequential
from torch import nn

import relubias as rb
from relubias.diagnosis import load_model, read_network

TYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


class Payload:
    """Unpickled, it makes a file."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def saved(thing, path, **more):
    torch.save(thing, path, **more)
    return path


@pytest.fixture
def model():
    torch.manual_seed(0)
    return sequential()


@pytest.mark.parametrize("kind", TYPES, ids=str)
@pytest.mark.parametrize("suffix", [".pt", ".pth", ".PT"])
def test_a_state_dict_comes_back_exactly(model, kind, suffix, tmp_path):
    state = model.to(kind).state_dict()
    found = load_model(saved(state, tmp_path / f"model{suffix}"))
    assert list(found) == list(state)
    for key, value in state.items():
        assert_equal(found[key].astype(float), value.double().numpy())
    expected, network = read_network(model), read_network(found)
    assert_equal(network.weights, expected.weights)
    assert_equal(network.output_bias, expected.output_bias)


def test_a_checkpoint_that_holds_a_state_dict_is_read(model, tmp_path):
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.zeros(2, N_FEATURES)).sum().backward()
    optimizer.step()
    checkpoint = {
        "epoch": 3,
        "model_state_dict": model.state_dict(),
        "optimizer_state_dict": optimizer.state_dict(),
        "loss": 0.5,
    }
    found = load_model(str(saved(checkpoint, tmp_path / "checkpoint.pt")))
    assert_equal(read_network(found).weights, read_network(model).weights)


def test_an_archive_of_arrays_is_read(tmp_path):
    W, b, a = np.arange(6.0).reshape(2, 3), np.ones(2), np.array([1.0, -2.0])
    np.savez(tmp_path / "model.npz", W=W, b=b, a=a, c=0.5)
    network = read_network(load_model(tmp_path / "model.npz"))
    assert_equal(network.raw_weights, W)
    assert_equal(network.outer, a)
    assert network.output_bias == 0.5
    np.savez(tmp_path / "state.npz", **{"0.weight": W, "0.bias": b, "2.weight": a[None]})
    assert_equal(read_network(load_model(tmp_path / "state.npz")).raw_weights, W)


@pytest.mark.parametrize("legacy", [False, True], ids=["today's format", "the old format"])
@pytest.mark.parametrize("place", ["alone", "in the state dict", "as a key", "deep inside"])
def test_a_payload_is_refused_and_never_runs(model, place, legacy, tmp_path):
    mark = tmp_path / "it-ran"
    evil = Payload(mark)
    state = dict(model.state_dict())
    things = {
        "alone": evil,
        "in the state dict": {**state, "more": evil},
        "as a key": {**state, "more": {"x": [evil]}},
        "deep inside": {"state_dict": state, "args": [[(evil,)]]},
    }
    path = tmp_path / "model.pt"
    saved(things[place], path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(rb.InvalidInputError, match=r"model.pt: .*; .*state_dict"):
        load_model(path)
    assert not mark.exists()


def test_the_payload_would_have_run(tmp_path):
    """The payload is no dud: PyTorch itself runs it when asked to."""
    mark = tmp_path / "it-ran"
    path = saved(Payload(mark), tmp_path / "model.pt")
    torch.load(path, weights_only=False)
    assert mark.exists()


@pytest.mark.parametrize("name", ["model.pt", "model.pth", "model.npz"])
def test_a_bare_pickle_is_refused_and_never_runs(name, tmp_path):
    mark = tmp_path / "it-ran"
    path = tmp_path / name
    code = b"cos\nmkdir\n(S'" + str(mark).encode() + b"'\ntR."
    path.write_bytes(code)
    with pytest.raises(rb.InvalidInputError, match=name):
        load_model(path)
    with zipfile.ZipFile(path, "w") as archive:
        for member in ("archive/data.pkl", "archive/version", "W.npy", "data.pkl"):
            archive.writestr(member, code)
    with pytest.raises(rb.InvalidInputError, match=name):
        load_model(path)
    assert not mark.exists()


def test_an_object_array_is_refused(tmp_path):
    mark = tmp_path / "it-ran"
    np.savez(tmp_path / "model.npz", W=np.array([Payload(mark)], dtype=object))
    with pytest.raises(rb.InvalidInputError, match="objects"):
        load_model(tmp_path / "model.npz")
    assert not mark.exists()


def rewritten(path, change):
    """Rewrite an archive: `change` maps a member's name and content to new content or None."""
    with zipfile.ZipFile(path) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members:
            new = change(name, content)
            if new is not None:
                archive.writestr(name, new)


def compressed(path):
    with zipfile.ZipFile(path) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)


def expanded(model, path):
    """A tensor of one number that says it has 10^18 of them."""
    huge = torch.ones(1).expand(10**9, 10**9)
    torch.save({**model.state_dict(), "2.weight": huge}, path)


UNUSABLE = {
    "a whole module": (lambda m, p: saved(m, p), "more than weights"),
    "TorchScript": (
        lambda m, p: quietly(lambda: torch.jit.trace(m, torch.zeros(2, N_FEATURES)).save(p)),
        "TorchScript",
    ),
    "a tensor": (lambda _, p: saved(torch.ones(3), p), "instead of a state dict"),
    "a list": (lambda m, p: saved(list(m.state_dict().values()), p), "instead of a state dict"),
    "no tensors": (lambda _, p: saved({"epoch": 3, "lr": 0.1}, p), "no state dict .but epoch, lr"),
    "two models": (
        lambda m, p: saved({"one": m.state_dict(), "two": m.state_dict()}, p), "but one, two"
    ),
    "nothing": (lambda _, p: saved({}, p), "nothing"),
    "an empty file": (lambda _, p: p.write_bytes(b""), "today's format"),
    "text": (lambda _, p: p.write_text("weights"), "today's format"),
    "cut off": (
        lambda m, p: p.write_bytes(saved(m.state_dict(), p).read_bytes()[:-400]), "cut off"
    ),
    "no index": (
        lambda m, p: rewritten(
            saved(m.state_dict(), p), lambda n, c: None if n.endswith(".pkl") else c
        ),
        "without weights",
    ),
    "a missing part": (
        lambda m, p: rewritten(
            saved(m.state_dict(), p), lambda n, c: None if n.endswith("data/1") else c
        ),
        "cannot be read",
    ),
    "a short part": (
        lambda m, p: rewritten(
            saved(m.state_dict(), p), lambda n, c: c[:4] if n.endswith("data/0") else c
        ),
        "cannot be read",
    ),
    "a large index": (
        lambda m, p: rewritten(
            saved(m.state_dict(), p), lambda n, c: c + bytes(2**24) if n.endswith(".pkl") else c
        ),
        "16 MiB",
    ),
    "compressed": (lambda m, p: compressed(saved(m.state_dict(), p)), "compressed"),
    "an expanded tensor": (expanded, "GiB"),
    "a sparse tensor": (
        lambda m, p: saved({"W": m[0].weight.detach().to_sparse()}, p), "sparse|cannot be read"
    ),
    "complex numbers": (lambda _, p: saved({"W": torch.ones(2, 2) * 1j}, p), "complex"),
    "the meta device": (lambda _, p: saved(sequential().to("meta").state_dict(), p), "meta"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_file_that_is_no_state_dict_is_refused_in_a_sentence(case, model, tmp_path):
    path = tmp_path / "model.pt"
    make, reason = UNUSABLE[case]
    make(model, path)
    with pytest.raises(rb.InvalidInputError, match=reason) as caught:
        load_model(path)
    message = str(caught.value)
    assert "model.pt" in message
    assert "\n" not in message
    assert "; " in message
    assert len(message) < 400 + len(str(tmp_path))


def test_a_flipped_bit_is_found_or_changes_nothing(model, tmp_path):
    path = saved(model.state_dict(), tmp_path / "model.pt")
    content = path.read_bytes()
    expected = {key: value.numpy() for key, value in model.state_dict().items()}
    rng = np.random.default_rng(0)
    n_refused = 0
    for position in rng.integers(0, len(content), 150):
        damaged = bytearray(content)
        damaged[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            found = load_model(path)
        except rb.InvalidInputError:
            n_refused += 1
        else:
            assert found.keys() == expected.keys()
            for key, value in expected.items():
                assert_equal(found[key], value)
    assert n_refused > 30


def test_an_archive_that_says_it_has_more_disks_is_refused(model, tmp_path):
    path = saved(model.state_dict(), tmp_path / "model.pt")
    content = bytearray(path.read_bytes())
    locator = content.find(b"PK\x06\x07")
    if locator < 0:  # as other versions of PyTorch write
        locator = content.find(b"PK\x05\x06")
    struct.pack_into("<I", content, locator + 4, 7)
    path.write_bytes(content)
    with pytest.raises(rb.InvalidInputError, match=r"model.pt"):
        load_model(path)


def test_a_cut_at_any_place_is_found(model, tmp_path):
    path = saved(model.state_dict(), tmp_path / "model.pt")
    content = path.read_bytes()
    for length in np.linspace(0, len(content) - 1, 40).astype(int):
        path.write_bytes(content[:length])
        with pytest.raises(rb.InvalidInputError, match=r"cut off|damaged|archive"):
            load_model(path)


def test_a_size_that_lies_is_refused_before_any_memory_is_taken(model, tmp_path):
    path = saved(model.state_dict(), tmp_path / "model.pt")
    content = bytearray(path.read_bytes())
    central = content.find(b"PK\x01\x02")
    struct.pack_into("<I", content, central + 24, 0xFFFFFFF0)  # uncompressed size
    path.write_bytes(content)
    with pytest.raises(rb.InvalidInputError, match=r"model.pt"):
        load_model(path)


@pytest.mark.parametrize(
    "path", ["missing.pt", "folder", "model.txt", "model", "a\0b.pt", "", "model.pkl"]
)
def test_other_paths_are_refused(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("model.pkl").write_bytes(b"x")
    with pytest.raises(rb.InvalidInputError):
        load_model(path)


@pytest.mark.parametrize("version", ["1.13.1", "2.5.1", "2.9.1+cu126"])
def test_versions_with_a_known_hole_are_not_used(version, model, tmp_path, monkeypatch):
    path = saved(model.state_dict(), tmp_path / "model.pt")
    monkeypatch.setattr(torch, "__version__", version)
    with pytest.raises(rb.InvalidInputError, match=r'pip install "torch>=2.10"'):
        load_model(path)


@pytest.mark.parametrize("version", ["2.10.0", "2.13.0+cpu", "3.0.0a0+git1234"])
def test_later_versions_are_used(version, model, tmp_path, monkeypatch):
    path = saved(model.state_dict(), tmp_path / "model.pt")
    monkeypatch.setattr(torch, "__version__", version)
    assert len(load_model(path)) == 4


def test_shared_and_strided_tensors_come_back_right(tmp_path):
    base = torch.arange(24.0).reshape(4, 6)
    state = {"0.weight": base[:3].t()[:, 1:], "2.weight": base[3:, :6], "x": nn.Parameter(base)}
    buffer = io.BytesIO()
    torch.save(state, buffer)
    path = tmp_path / "model.pt"
    path.write_bytes(buffer.getvalue())
    found = load_model(path)
    for key, value in state.items():
        assert_equal(found[key], value.detach().numpy())
