"""Answers for the page: states are checked here, computed by children; files are kept in memory."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from typing import Any

from relubias.explorer.pool import Answer, Pool
from relubias.explorer.security import Refused
from relubias.explorer.state import FieldError, parse_state

__all__ = ["Computing"]

_MAX_FILES = 4


class Computing:
    """What answers the requests that compute.

    Parameters
    ----------
    pool : Pool
        The processes that compute.
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._files: OrderedDict[str, bytes] = OrderedDict()

    async def start(self) -> None:
        """Start the processes."""
        await self.pool.start()

    async def stop(self) -> None:
        """End the processes."""
        await self.pool.stop()

    async def run(self, state: Any, sender: str) -> bytes:
        """Return the answer for a state of the page, as JSON."""
        checked = parse_state(state)
        body = b""
        if checked.data is not None:
            if checked.data not in self._files:
                raise FieldError("data: this file is no longer known; upload it again", "data")
            self._files.move_to_end(checked.data)
            body = self._files[checked.data]
        question = {"kind": "run", "state": checked.to_dict()}
        return _accepted(await self.pool.ask(question, body, sender))[1]

    async def store(self, name: str, body: bytes) -> dict[str, Any]:
        """Read an uploaded file, keep it, and return what is in it with its id."""
        about, packed = _accepted(await self.pool.ask({"kind": "read", "name": name}, body))
        key = secrets.token_hex(16)
        self._files[key] = packed
        while len(self._files) > _MAX_FILES:
            self._files.popitem(last=False)
        return {"id": key, **about}


def _accepted(answer: Answer) -> Answer:
    header, _ = answer
    if "refusal" in header:
        raise Refused(400, header["refusal"], header.get("field"))
    if "failure" in header:
        raise RuntimeError(header["failure"])
    return answer
