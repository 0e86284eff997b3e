"""What `reproduce` leaves in its folder: tables, figures, and stamps that say what is finished."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relubias._validate import fail
from relubias.experiments.registry import Scale

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

__all__ = ["Store", "package_version"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A folder of finished experiments of one scale and seed.

    Every file is written aside and renamed; a stamp is written last, so that an experiment is
    finished if and only if its stamp matches.

    Attributes
    ----------
    folder : Path
        Where everything goes.
    scale : Scale
        How much was computed.
    seed : int
        Seed of all draws.
    version : str
        Version of the package.
    """

    folder: Path
    scale: Scale
    seed: int
    version: str

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.folder / "report.html"

    @property
    def summary(self) -> Path:
        """The measured figures."""
        return self.folder / "summary.json"

    def table(self, key: str) -> Path:
        """Return where the table of an experiment is."""
        return self.folder / "tables" / f"{key}.csv"

    def figure(self, key: str, suffix: str) -> Path:
        """Return where a figure is; `suffix` is ``png`` or ``pdf``."""
        return self.folder / "figures" / f"{key}.{suffix}"

    def sweeps(self, key: str) -> Path:
        """Return where rows of an experiment are kept until its table is finished."""
        return self.folder / "sweeps" / f"{key}-{self.version}"

    def _stamp(self, key: str) -> Path:
        return self.folder / "tables" / f"{key}.json"

    def prepare(self) -> None:
        """Create the folder, or say why that is impossible.

        Raises
        ------
        InvalidInputError
            If files cannot be written there.
        """
        probe = self.folder / f".writable.{os.getpid()}"
        try:
            for name in ("tables", "figures"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            probe.write_bytes(b"")
            probe.unlink()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a valid path"
            got = f"files cannot be written to {str(self.folder)!r} ({reason})"
            raise fail("out", got, "choose another folder") from error

    def is_finished(self, key: str) -> bool:
        """Return whether the experiment is there, computed with these very settings."""
        try:
            stamp = json.loads(self._stamp(key).read_text(encoding="utf-8"))
            found = {name: stamp[name] for name in self._identity(key, "")}
            digest = _digest(self.table(key))
        except (OSError, ValueError, KeyError, TypeError):
            return False
        return found == self._identity(key, digest)

    def has_figures(self, key: str) -> bool:
        """Return whether both pictures are there."""
        return all(self.figure(key, suffix).is_file() for suffix in ("png", "pdf"))

    def seconds(self, key: str) -> float:
        """Return how long the table took to compute."""
        return float(json.loads(self._stamp(key).read_text(encoding="utf-8"))["seconds"])

    def _identity(self, key: str, digest: str) -> dict[str, Any]:
        return {
            "key": key,
            "scale": str(self.scale),
            "seed": self.seed,
            "version": self.version,
            "sha256": digest,
        }

    def forget(self, key: str) -> None:
        """Remove the stamp, so that the experiment counts as unfinished."""
        self._stamp(key).unlink(missing_ok=True)

    def write_table(self, key: str, table: DataFrame, seconds: float) -> None:
        """Write a table and then its stamp."""
        from relubias.experiments import _table

        self.forget(key)
        with aside(self.table(key)) as part:
            _table.write(table, part)
        stamp = self._identity(key, _digest(self.table(key))) | {"seconds": round(seconds, 3)}
        self.write_text(self._stamp(key), json.dumps(stamp, indent=2) + "\n")

    def read_table(self, key: str) -> DataFrame:
        """Return a finished table."""
        from relubias.experiments import _table

        return _table.read(self.table(key))

    def write_figure(self, key: str, figure: Figure) -> None:
        """Write a figure as PNG and PDF."""
        from relubias.experiments import _style

        with aside(self.figure(key, "png")) as png, aside(self.figure(key, "pdf")) as pdf:
            _style.save(figure, png, pdf)

    def write_text(self, path: Path, text: str) -> None:
        """Write a text file, whole or not at all."""
        with aside(path) as part:
            part.write_text(text, encoding="utf-8", newline="\n")


@contextmanager
def aside(path: Path) -> Generator[Path]:
    """Yield a path beside `path` that replaces it when the block succeeds."""
    part = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def package_version() -> str:
    """Return the installed version of the package."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("relubias")
    except PackageNotFoundError:
        return "unknown"
