"""Ten thousand damaged and forged files of weights: refused by name, or read right; nothing runs.

    python tests/campaigns/model_files.py --files 10000 --seed 0 --workers 2

Damaged files fail their checksums or read as they were. Forged ones have good checksums around a
changed index, so that they reach PyTorch's own reader. Half of all files hold a payload that would
make a folder. Exit status 1 on any failure.
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import sys
import tempfile
import zipfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "src")]

import numpy as np  # noqa: E402
import torch  # noqa: E402

from relubias.diagnosis import load_model  # noqa: E402
from relubias.errors import InvalidInputError  # noqa: E402
from tests.campaigns._report import Outcome, campaign  # noqa: E402
from tests.damage import damaged  # noqa: E402

PER_JOB = 100
MOST_MEMORY = 2 * 2**20  # KiB
STATE = {
    "0.weight": torch.arange(24.0).reshape(4, 6),
    "0.bias": torch.ones(4),
    "2.weight": torch.linspace(-1, 1, 4)[None],
    "2.bias": torch.tensor([0.5]),
}


class Payload:
    """Unpickled, it makes a folder named ``it-ran``."""

    def __reduce__(self):
        return os.mkdir, ("it-ran",)


def archive_of(thing) -> bytes:
    """Return what PyTorch writes."""
    buffer = io.BytesIO()
    torch.save(thing, buffer)
    return buffer.getvalue()


CONTENTS = {
    "state dict": archive_of(STATE),
    "checkpoint": archive_of({"epoch": 1, "state_dict": STATE, "lr": 0.1}),
    "payload": archive_of({**STATE, "more": Payload()}),
    "payload first": archive_of([Payload(), STATE]),
}


def forged(content: bytes, rng) -> bytes:
    """Change the index, or another small part, and seal the archive again."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    small = [k for k, (name, part) in enumerate(members) if part and not name.endswith("/0")]
    index = [k for k, (name, _) in enumerate(members) if name.endswith(".pkl")]
    chosen = index[0] if rng.random() < 0.8 else small[int(rng.integers(len(small)))]
    name, part = members[chosen]
    for _ in range(int(rng.integers(1, 4))):
        part = damaged(part, rng) or b"."
    members[chosen] = (name, part)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for member in members:
            archive.writestr(*member)
    return buffer.getvalue()


def same(found, expected) -> bool:
    """Whether every array that was read is the one that was saved."""
    return found.keys() == expected.keys() and all(
        np.array_equal(found[key], expected[key].numpy()) for key in expected
    )


def attack(job: tuple[str, bool, int]) -> Outcome:
    """Damage or forge one kind of file a hundred times."""
    kind, is_forged, seed = job
    what = f"{kind}, {'forged' if is_forged else 'damaged'}"
    outcome = Outcome(f"{what}, seed {seed}")
    rng = np.random.default_rng([seed, len(kind), is_forged])
    refused = 0
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        path = Path("model.pt")
        for k in range(PER_JOB):
            content = forged(CONTENTS[kind], rng) if is_forged else damaged(CONTENTS[kind], rng)
            path.write_bytes(content)
            try:
                found = load_model(path)
            except InvalidInputError as error:
                refused += 1
                if "model.pt" not in str(error) or "\n" in str(error):
                    outcome.failures.append(f"file {k}: message {str(error)!r}")
            except Exception as error:  # noqa: BLE001 - whatever escapes is the finding
                outcome.failures.append(f"file {k}: {type(error).__name__}: {error}")
            else:
                if not is_forged and ("payload" in kind or not same(found, STATE)):
                    outcome.failures.append(f"file {k}: read as something else")
            if Path("it-ran").exists():
                outcome.failures.append(f"file {k}: THE PAYLOAD RAN")
                Path("it-ran").rmdir()
        os.chdir("/")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if peak > MOST_MEMORY:
        outcome.failures.append(f"peak memory {peak / 2**20:.2f} GiB")
    outcome.counts = {f"{what}, refused": refused, f"{what}, read": PER_JOB - refused}
    return outcome


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000, help="files of all kinds")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    options = parser.parse_args()
    n_seeds = -(-options.files // (PER_JOB * 2 * len(CONTENTS)))
    seeds = range(options.seed, options.seed + n_seeds)
    jobs = [(kind, forge, s) for s in seeds for kind in CONTENTS for forge in (False, True)]
    return campaign("files of weights", attack, jobs, options.workers)


if __name__ == "__main__":
    sys.exit(main())
