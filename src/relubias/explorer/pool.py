"""Processes that compute: asked in turn, cut when they take too long, replaced when they end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import struct
import sys
import time
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from relubias.explorer.security import Refused
from relubias.sweep._processes import ending, surroundings

__all__ = ["Pool"]

_LENGTHS = struct.Struct(">QQ")
_STALE_SECONDS = 1.0
"""Age from which an answer that nobody waits for any more is cut where others wait."""

_FIRST = 6.0
"""How much longer the child without compiled code may take: it answers while others still load."""

_RESTARTS = 3
"""Processes in a row that may end before they are ready."""

Answer = tuple[dict[str, Any], bytes]


@dataclass(eq=False, slots=True)
class _Job:
    """One question.

    Attributes
    ----------
    header, body
        What the child is sent.
    sender : str
        The page that asks; empty if unknown.
    answer : Future
    begun : float
        When a child took it; 0 while it waits.
    child : _Child or None
        Who has it.
    """

    header: dict[str, Any]
    body: bytes
    sender: str
    answer: asyncio.Future[Answer]
    begun: float = 0.0
    child: _Child | None = None


@dataclass(eq=False, slots=True)
class _Child:
    """A process that computes.

    Attributes
    ----------
    process : asyncio.subprocess.Process
    is_plain : bool
        Whether it runs without compiled code.
    job : _Job or None
        What it computes.
    """

    process: asyncio.subprocess.Process
    is_plain: bool
    job: _Job | None = None

    async def ask(self, header: dict[str, Any], body: bytes) -> Answer:
        """Send a question and return the answer."""
        text = json.dumps(header).encode()
        to = self.process.stdin
        if to is None:
            raise EOFError
        to.write(_LENGTHS.pack(len(text), len(body)) + text)
        to.write(body)
        await to.drain()
        return await self.listen()

    async def listen(self) -> Answer:
        """Return the next message; `EOFError` where the process has ended."""
        source = self.process.stdout
        if source is None:
            raise EOFError
        n_header, n_body = _LENGTHS.unpack(await source.readexactly(_LENGTHS.size))
        text = await source.readexactly(n_header)
        return json.loads(text), await source.readexactly(n_body)

    def end(self) -> None:
        """End the process at once, unless it has ended."""
        if self.process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            if sys.platform == "win32":
                self.process.kill()
            else:  # asyncio's own looks first whether it has ended, and so loses its status
                os.kill(self.process.pid, signal.SIGKILL)


@dataclass(eq=False, slots=True, kw_only=True)
class Pool:
    """Children that answer questions.

    Parameters
    ----------
    n_children : int
        Processes.
    seconds : float
        Time that an answer may take.
    most_waiting : int
        Questions that may wait.
    module : str
        What the children run.
    say : callable
        Takes a line for the terminal.
    """

    n_children: int = 2
    seconds: float = 5.0
    most_waiting: int = 32
    module: str = "relubias.explorer._child"
    say: Callable[[str], None] = print
    _idle: list[_Child] = field(default_factory=list["_Child"])
    _children: set[_Child] = field(default_factory=set["_Child"])
    _waiting: deque[_Job] = field(default_factory=deque["_Job"])
    _tasks: set[asyncio.Task[None]] = field(default_factory=set["asyncio.Task[None]"])
    _n_failed: int = 0
    _has_compiled: bool = False
    _is_over: bool = False

    async def start(self) -> None:
        """Start the children: the first one without compiled code, so that it is ready soon."""
        for k in range(self.n_children):
            self._spawn(self._add(is_plain=k == 0 and self.n_children > 1))

    async def stop(self) -> None:
        """End the children and whatever is going on."""
        self._is_over = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for job in [*self._waiting, *(child.job for child in self._children if child.job)]:
            _refuse(job, Refused(503, "the explorer was stopped"))
        self._waiting.clear()
        for child in list(self._children):
            child.end()
            await child.process.wait()
        self._children.clear()

    async def ask(self, header: dict[str, Any], body: bytes = b"", sender: str = "") -> Answer:
        """Return what a child answers.

        Parameters
        ----------
        header : dict
            The question.
        body : bytes
            More of it.
        sender : str
            Who asks: a newer question takes the place of one that still waits.

        Returns
        -------
        tuple of dict and bytes

        Raises
        ------
        Refused
            If it takes too long, there is too much to do, or the process ended.
        """
        for job in [job for job in self._waiting if sender and job.sender == sender]:
            self._waiting.remove(job)
            _refuse(
                job, Refused(409, "a newer request of the same page took the place of this one")
            )
        if self._is_over or self._n_failed >= _RESTARTS:
            raise Refused(503, "the process that computes does not start; the terminal says more")
        if len(self._waiting) >= self.most_waiting:
            raise Refused(503, "the explorer has too much to do; try again in a moment")
        job = _Job(header, body, sender, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        self._dispatch()
        self._hurry()
        try:
            return await job.answer
        finally:
            if job in self._waiting:
                self._waiting.remove(job)

    # --- children -----------------------------------------------------------------------------

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _add(self, *, is_plain: bool = False) -> None:
        """Start a child and have it take part once it is ready."""
        child = _Child(
            await asyncio.create_subprocess_exec(
                sys.executable, "-m", self.module, str(os.getpid()),
                *(["plain"] if is_plain else []),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                **surroundings(),
            ),
            is_plain,
        )  # fmt: skip
        self._children.add(child)
        try:
            await child.listen()
        except EOFError:
            await self._bury(child)
            self._n_failed += 1
            self.say(f"a process that computes did not start: {_how(child)}")
            if self._n_failed < _RESTARTS:
                await self._add(is_plain=is_plain)
            else:
                self._give_up()
            return
        self._n_failed = 0
        self._has_compiled = self._has_compiled or not is_plain
        self._idle.append(child)
        self._dispatch()
        self._dismiss_plain()

    def _dismiss_plain(self) -> None:
        """Let children with compiled code take the places of those without that are idle."""
        if self._has_compiled:
            for child in [child for child in self._idle if child.is_plain]:
                self._idle.remove(child)
                self._spawn(self._replace(child))

    async def _replace(self, child: _Child) -> None:
        child.end()
        await self._bury(child)
        await self._add()

    async def _bury(self, child: _Child) -> None:
        await child.process.wait()
        self._children.discard(child)

    def _give_up(self) -> None:
        refusal = Refused(503, "the process that computes does not start; the terminal says more")
        while self._waiting:
            _refuse(self._waiting.popleft(), refusal)

    # --- questions ----------------------------------------------------------------------------

    def _dispatch(self) -> None:
        """Give what waits to whoever is idle."""
        while self._waiting and self._idle:
            compiled = [child for child in self._idle if not child.is_plain]
            child = (compiled or self._idle)[-1]
            self._idle.remove(child)
            job = self._waiting.popleft()
            child.job, job.child, job.begun = job, child, time.monotonic()
            self._spawn(self._serve(child, job))

    async def _serve(self, child: _Child, job: _Job) -> None:
        """See a question through to its answer."""
        try:
            async with asyncio.timeout(self.seconds * (_FIRST if child.is_plain else 1.0)):
                answer = await child.ask(job.header, job.body)
        except (TimeoutError, EOFError, OSError) as error:
            is_late = isinstance(error, TimeoutError)
            child.end()
            await self._bury(child)
            _refuse(job, _cut(self.seconds) if is_late else Refused(503, _ENDED))
            if not is_late and job.begun > 0.0:
                self.say(f"a process that computes ended: {_how(child)}")
            await self._add()
            return
        child.job = None
        if not job.answer.done():
            job.answer.set_result(answer)
        self._idle.append(child)
        self._dispatch()
        self._dismiss_plain()

    def _hurry(self) -> None:
        """Cut old work of pages that have asked anew, where that keeps them waiting."""
        senders = {job.sender for job in self._waiting if job.sender}
        for child in self._children:
            job = child.job
            if job is None or job.sender not in senders:
                continue
            age = time.monotonic() - job.begun
            if age >= _STALE_SECONDS:
                job.begun = 0.0  # it is no accident that it ends
                child.end()
            else:
                asyncio.get_running_loop().call_later(_STALE_SECONDS - age, self._hurry)


_ENDED = "the process that computes ended, perhaps for want of memory; try again, or ask for less"


def _cut(seconds: float) -> Refused:
    return Refused(
        503,
        f"this takes more than {seconds:g} seconds and was cut; lower n or the number of neurons, "
        "or choose a larger kappa",
    )


def _how(child: _Child) -> str:
    status = child.process.returncode
    return "it does not answer" if status is None else ending(status)


def _refuse(job: _Job, refusal: Refused) -> None:
    if not job.answer.done():
        job.answer.set_exception(refusal)
