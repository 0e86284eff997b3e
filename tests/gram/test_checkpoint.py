"""Sums that were interrupted go on with the same bits; files of other data are refused by name."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import relubias as rb
from relubias.gram import checkpoint as saving
from relubias.gram.tiles import Tiling
from tests.gram.sources import Sliceable, in_memmap

X = np.random.default_rng(0).standard_normal((5, 700))  # 88 tiles of 8 columns, in 11 groups
GRAM_ENTRIES = 5 * 64  # entries of a group


@pytest.fixture(autouse=True)
def _small_tiles(small_tiles):
    del small_tiles


@pytest.fixture
def path(tmp_path):
    return tmp_path / "sums.npz"


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(5, "Input/output error")])
def test_an_interruption_anywhere_leaves_sums_that_go_on_with_the_same_bits(error, path):
    gram = rb.gram_matrix(X)
    sampled = 5 * 24  # what the fingerprint reads
    for after in range(sampled, X.size, 111):
        path.unlink(missing_ok=True)
        with pytest.raises((KeyboardInterrupt, rb.InvalidInputError)):
            rb.gram_matrix(Sliceable(X, fails_after=after, error=error), checkpoint=path)
        rest = Sliceable(X)
        assert_array_equal(rb.gram_matrix(rest, checkpoint=path), gram)
        done = (after - sampled) // GRAM_ENTRIES * GRAM_ENTRIES
        assert rest.n_read == X.size - done + sampled
    assert [file.name for file in path.parent.iterdir()] == ["sums.npz"]


def test_many_interruptions_of_one_sum(path):
    kept = 0
    while kept < 20:
        try:
            source = Sliceable(X, fails_after=5 * 24 + GRAM_ENTRIES + 17)
            assert_array_equal(rb.gram_matrix(source, checkpoint=path), rb.gram_matrix(X))
        except KeyboardInterrupt:
            kept += 1
        else:
            break
    assert kept == 10


def test_a_finished_sum_is_read_back_without_its_features(path):
    gram = rb.gram_matrix(X, checkpoint=path)
    source = Sliceable(X)
    assert_array_equal(rb.gram_matrix(source, checkpoint=str(path)), gram)
    assert source.n_read == 5 * 24


def test_sums_go_on_from_another_kind_of_storage(path, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        rb.gram_matrix(Sliceable(X, fails_after=2000), checkpoint=path)
    (tmp_path / "files").mkdir()
    mapped = in_memmap(X, tmp_path / "files")
    assert_array_equal(rb.gram_matrix(mapped, checkpoint=path), rb.gram_matrix(X))


def test_sums_are_saved_now_and_then(path, monkeypatch):
    monkeypatch.setattr(saving, "_SAVE_EVERY", 0.0)
    monkeypatch.setattr(saving, "_SHARE_OF_SAVING", 0)
    seen = []

    class Watched(Sliceable):
        def __getitem__(self, key):
            if path.exists():
                with np.load(path) as file:
                    seen.append(bytes(file["about"]).split(b'"n_groups": ')[1].split(b",")[0])
            return super().__getitem__(key)

    rb.gram_matrix(Watched(X), checkpoint=path)
    assert sorted({int(number) for number in seen}) == list(range(11))


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (X[:4], "shape '5 x 700', here '4 x 700'"),
        (X[:, :699], "shape '5 x 700', here '5 x 699'"),
        (X.astype(np.float32), "dtype 'float64', here 'float32'"),
        (X + np.eye(5, 700), "the entries of some columns differ"),
        (np.fliplr(X), "the entries of some columns differ"),
    ],
)
def test_the_checkpoint_of_other_features_is_refused(other, message, path):
    rb.gram_matrix(X, checkpoint=path)
    before = path.read_bytes()
    with pytest.raises(rb.InvalidInputError) as caught:
        rb.gram_matrix(other, checkpoint=path)
    assert "checkpoint: " in str(caught.value)
    assert f"is the checkpoint of other features ({message})" in str(caught.value)
    assert path.read_bytes() == before


def test_other_tiles_are_other_sums(path, monkeypatch):
    rb.gram_matrix(X, checkpoint=path)
    monkeypatch.setattr(Tiling, "of", lambda n, d: Tiling(n_samples=n, n_features=d, width=16))
    with pytest.raises(rb.InvalidInputError, match=r"tiles '8 x 8', here '8 x 16'"):
        rb.gram_matrix(X, checkpoint=path)


def test_damage_is_noticed(path):
    gram = rb.gram_matrix(X, checkpoint=path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    noticed = 0
    for trial in range(300):
        spoiled = bytearray(whole)
        if trial < 60:
            del spoiled[int(rng.integers(len(whole))) :]
        else:
            spoiled[int(rng.integers(len(whole)))] ^= 1 << int(rng.integers(8))
        path.write_bytes(spoiled)
        found, message = gram, "sums.npz"
        try:
            found = rb.gram_matrix(X, checkpoint=path)
        except rb.InvalidInputError as error:
            message = str(error)
            noticed += 1
        assert "sums.npz" in message
        assert_array_equal(found, gram)  # some bits mean nothing, such as those of a date
    assert noticed > 200


def test_files_that_are_no_checkpoint_are_named(path):
    for content in (b"", b"PK", b"text"):
        path.write_bytes(content)
        with pytest.raises(rb.InvalidInputError, match=r"sums\.npz"):
            rb.gram_matrix(X, checkpoint=path)
    for arrays in ({"gram": X}, {"about": X}, {"about": np.frombuffer(b"[1]", np.uint8)}):
        np.savez(path, **arrays)
        with pytest.raises(rb.InvalidInputError, match=r"sums\.npz"):
            rb.gram_matrix(X, checkpoint=path)


@pytest.mark.parametrize("place", ["", "missing/sums.npz", "a\0b", "x" * 300])
def test_places_that_cannot_be_written_are_named_before_anything_is_summed(place, tmp_path):
    source = Sliceable(X)
    with pytest.raises(rb.InvalidInputError, match=r"cannot be|is a directory"):
        rb.gram_matrix(source, checkpoint=os.fspath(tmp_path) + "/" + place)
    assert source.n_read <= 5 * 24


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EACCES])
def test_a_save_that_fails_leaves_the_last_one(call, number, path, monkeypatch):
    gram = rb.gram_matrix(X)
    with pytest.raises(KeyboardInterrupt):
        rb.gram_matrix(Sliceable(X, fails_after=1200), checkpoint=path)
    before = path.read_bytes()

    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    owner = os if call == "fsync" else type(path)
    with monkeypatch.context() as patch:
        patch.setattr(owner, call, refuse)
        with pytest.raises(rb.InvalidInputError, match=os.strerror(number)):
            rb.gram_matrix(X, checkpoint=path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["sums.npz"]
    assert_array_equal(rb.gram_matrix(X, checkpoint=path), gram)


CHILD = """
import sys, time
import numpy as np, relubias as rb
from relubias.gram import checkpoint, tiles
checkpoint._SAVE_EVERY, checkpoint._SHARE_OF_SAVING = 0.0, 0
tiles._CACHED_ENTRIES, tiles._USUAL_WIDTH, tiles._NARROWEST = 64, 4, 4
X = np.random.default_rng(0).standard_normal((5, 700))
class Slow:
    shape, dtype = X.shape, X.dtype
    def __getitem__(self, key):
        if 400 < key[1].start < 690:
            print("far", flush=True)
            time.sleep({pause})
        return X[key]
np.save(sys.argv[1] + ".npy", rb.gram_matrix(Slow(), checkpoint=sys.argv[1]))
"""


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_process_is_taken_up_again(kind, path):
    command = [sys.executable, "-c", CHILD.format(pause=60), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout.readline() == b"far\n"
        process.send_signal(kind)
    assert process.returncode != 0
    with np.load(path) as file:
        assert b'"n_groups": 6,' in bytes(file["about"])  # 48 of 88 tiles
    command[2] = CHILD.format(pause=0)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    assert_array_equal(np.load(f"{path}.npy"), rb.gram_matrix(X))
