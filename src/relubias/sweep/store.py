"""The folder of one plan: what is there, what is missing, and parts that are added to it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from relubias._files import printable
from relubias._validate import fail, shown
from relubias.errors import StoreError
from relubias.sweep._compacted import compacted_ranges, failed_tasks, read_range
from relubias.sweep._disk import is_left_over, make_folder, trouble
from relubias.sweep._lock import Shard, locked, owner_of
from relubias.sweep._parts import (
    DamagedPartError,
    PartInfo,
    find_parts,
    part_name,
    read_info,
    read_part,
    require_arrow,
    write_part,
)
from relubias.sweep._signature import sign

if TYPE_CHECKING:
    from relubias.sweep.plan import Plan

__all__ = ["Store", "folder_of"]


def folder_of(root: Path, plan: Plan) -> Path:
    """Return where a plan's results are, named for the plan and its digest."""
    return root / f"{plan.name}-{plan.digest[:12]}"


class Store:
    """The folder of one plan, open for one run, or for one shard of it.

    A context manager: the lock is held until the block ends.

    Parameters
    ----------
    folder : Path
        The folder named for the plan.
    plan : Plan
        What is computed there.
    shard : tuple of int, optional
        Number of the shard, from 1, and how many there are.

    Attributes
    ----------
    folder : Path
        The folder named for the plan.
    plan : Plan
        What is computed there.
    shard : tuple of int or None
        The shard whose chunks are computed; None for all.
    set_aside : list of Path
        Damaged parts that were found and renamed; their chunks are missing again.
    n_failed : dict of int to int
        Chunks with failed rows, and how many.
    """

    def __init__(self, folder: Path, plan: Plan, shard: Shard | None) -> None:
        self.folder = folder
        self.plan = plan
        self.shard = shard
        self.set_aside: list[Path] = []
        self.n_failed: dict[int, int] = {}
        self._held = ExitStack()
        self._stored: set[int] = set()
        self._compacted: set[int] = set()  # those of `_stored` that are in no part

    @classmethod
    def open(cls, root: str | Path, plan: Plan, *, shard: Shard | None = None) -> Self:
        """Take a folder for writing: lock it, tidy it, and see what is there.

        Parameters
        ----------
        root : str or Path
            Folder under which the folder of the plan is made.
        plan : Plan
            What is computed.
        shard : tuple of int, optional
            Number of the shard, from 1, and how many there are.

        Returns
        -------
        Store
            To be used as a context manager, or closed.

        Raises
        ------
        InvalidInputError
            If nothing can be written there.
        StoreError
            If another run holds it, or it is of another plan or of a newer format.
        MissingExtraError
            If pyarrow is not installed.
        """
        require_arrow()
        store = cls(folder_of(_as_path(root), plan), plan, shard)
        make_folder(store.folder / "parts", _refusal(store.folder))
        try:
            store._held.enter_context(locked(store.folder, shard))
            sign(store.folder, plan, store.owner)
            store._tidy()
            store._look()
        except BaseException:
            store.close()
            raise
        return store

    def close(self) -> None:
        """Let the lock go."""
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def owner(self) -> str:
        """Under which name leftovers of this run can be told from those of other shards."""
        return owner_of(self.shard)

    def path(self, chunk: int) -> Path:
        """Return where the part of a chunk is.

        Parameters
        ----------
        chunk : int
            Number of the chunk.

        Returns
        -------
        Path
        """
        tasks = self.plan.chunks[chunk]
        return self.folder / "parts" / part_name(tasks[0], tasks[-1])

    def own_chunks(self) -> range:
        """Return the chunks of this run: all, or every N-th of them for a shard."""
        first, step = (0, 1) if self.shard is None else (self.shard[0] - 1, self.shard[1])
        return range(first, len(self.plan.chunks), step)

    def n_stored(self) -> int:
        """Return how many tasks of this run are stored."""
        own = self.own_chunks()
        return sum(len(self.plan.chunks[chunk]) for chunk in self._stored if chunk in own)

    def n_own(self) -> int:
        """Return how many tasks this run has, stored or not."""
        if self.shard is None:
            return self.plan.n_tasks
        return sum(len(self.plan.chunks[chunk]) for chunk in self.own_chunks())

    def missing(self) -> list[int]:
        """Return the chunks of this run that are not stored yet."""
        return [chunk for chunk in self.own_chunks() if chunk not in self._stored]

    def write(self, chunk: int, rows: Any, seconds: float, n_failed: int = 0) -> None:
        """Store the rows of a chunk, durably, whole or not at all.

        Parameters
        ----------
        chunk : int
            Number of the chunk.
        rows : pyarrow.Table
            One row a task, in their order.
        seconds : float
            Wall-clock time that one worker spent on them.
        n_failed : int, default=0
            Rows whose status is not ``"done"``.

        Raises
        ------
        StoreError
            If it cannot be written; what was stored before is untouched.
        """
        info = PartInfo(
            digest=self.plan.digest, version=_version(), seconds=seconds, n_failed=n_failed
        )
        write_part(self.path(chunk), rows, info, owner=self.owner)
        self._stored.add(chunk)
        self._compacted.discard(chunk)
        self.n_failed.pop(chunk, None)
        if n_failed:
            self.n_failed[chunk] = n_failed

    def read(self, chunk: int) -> Any:
        """Return the rows of a stored chunk.

        Parameters
        ----------
        chunk : int
            Number of the chunk.

        Returns
        -------
        pyarrow.Table

        Raises
        ------
        StoreError
            If the part is damaged or not there; the message names the file.
        """
        if chunk in self._compacted:
            tasks = self.plan.chunks[chunk]
            return read_range(self.folder, tasks[0], tasks[-1])
        return read_part(self.path(chunk), self.plan.digest)

    def verify(self) -> Iterator[tuple[Path, StoreError]]:
        """Yield the parts of this run that are damaged, with what is wrong; changes nothing."""
        for chunk in self.own_chunks():
            if chunk in self._stored - self._compacted:
                try:
                    read_info(self.path(chunk), self.plan.digest)
                except DamagedPartError as error:
                    yield self.path(chunk), error

    def _tidy(self) -> None:
        """Remove what a killed run was writing; other shards may still be at work."""
        owner = None if self.shard is None else self.owner
        for folder in (self.folder, self.folder / "parts"):
            for path in _listed(folder):
                if is_left_over(path.name, owner):
                    _attempt(path, path.unlink)

    def _look(self) -> None:
        """See which chunks are stored; set damaged parts aside."""
        own = self.own_chunks()
        for first, last in compacted_ranges(self.folder, self.plan.digest):
            chunk = self._chunk_of(first, last)
            if chunk is not None:
                self._compacted.add(chunk)
        for part in find_parts(self.folder / "parts"):
            chunk = self._chunk_of(part.first, part.last)
            if chunk is None or chunk not in own:
                continue
            try:
                info = read_info(part.path, self.plan.digest)
            except DamagedPartError:
                self._set_aside(part.path)
                continue
            self._stored.add(chunk)
            if info.n_failed:
                self.n_failed[chunk] = info.n_failed
        self._compacted -= self._stored  # a part is newer
        self._stored |= self._compacted
        self._count_compacted_failures()

    def _count_compacted_failures(self) -> None:
        if not self._compacted:
            return
        own = self.own_chunks()
        for task in failed_tasks(self.folder):
            chunk = self._chunk_with(task)
            if chunk in self._compacted and chunk in own:
                self.n_failed[chunk] = self.n_failed.get(chunk, 0) + 1

    def _chunk_with(self, task: int) -> int:
        chunks = self.plan.chunks
        return bisect_right(range(len(chunks)), task, key=lambda k: chunks[k][0]) - 1

    def _chunk_of(self, first: int, last: int) -> int | None:
        """Return the chunk of exactly these tasks; None if the plan has no such chunk."""
        chunk = self._chunk_with(first)
        tasks = self.plan.chunks[chunk]
        return chunk if (tasks[0], tasks[-1]) == (first, last) else None

    def _set_aside(self, path: Path) -> None:
        """Rename a damaged part; nothing is ever deleted."""
        aside = path.with_name(f"{path.name}.damaged")
        number = 1
        while aside.exists():
            number += 1
            aside = path.with_name(f"{path.name}.damaged-{number}")
        _attempt(path, lambda: path.replace(aside))
        self.set_aside.append(aside)


def _as_path(root: Any) -> Path:
    try:
        return Path(root)
    except TypeError as error:
        raise fail("store", f"is {shown(root)}", "pass the name of a folder") from error


def _refusal(folder: Path) -> Callable[[str], Exception]:
    got = f"files cannot be written to {printable(folder)!r}"
    return lambda reason: fail("store", f"{got} ({reason})", "choose another folder")


def _listed(folder: Path) -> Sequence[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise trouble(folder, error) from error


def _attempt(path: Path, action: Callable[[], object]) -> None:
    try:
        action()
    except OSError as error:
        raise trouble(path, error) from error


def _version() -> str:
    import relubias

    return relubias.__version__
