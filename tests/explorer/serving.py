"""The explorer's application in this process, with a service that computes nothing."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from relubias.explorer.app import build_app
from relubias.explorer.body import MAX_BODY
from relubias.explorer.files import Assets
from relubias.explorer.security import Gate
from relubias.explorer.state import parse_state

TOKEN = "0123456789abcdef0123456789abcdef"
ORIGIN = "http://127.0.0.1:8787"
ASSETS = Assets(TOKEN, MAX_BODY)

ROOT = re.escape(str(Path(__file__).parents[2]))

INTERNALS = re.compile(
    rf"traceback|file \"|\.py\b|site-packages|/home/|/usr/|/tmp/|{ROOT}|"
    r"uvicorn|starlette|h11|(python|numpy)[/ ]\d|\bline \d+|0x[0-9a-f]{6,}|exception",
    re.IGNORECASE,
)
"""What an answer never says: where the program lies, what it runs on, and how it failed."""


@dataclass
class Recorded:
    """A service that checks states, keeps what it is asked, and fails where it is told to."""

    asked: list[Any] = field(default_factory=list)
    stored: list[tuple[str, int]] = field(default_factory=list)
    error: Exception | None = None
    seconds: float = 0.0

    async def start(self) -> None:
        """Be ready."""

    async def stop(self) -> None:
        """Be over."""

    async def run(self, state: Any, sender: str) -> bytes:
        """Keep a state."""
        if self.error is not None:
            raise self.error
        checked = parse_state(state)
        self.asked.append((checked, sender))
        await asyncio.sleep(self.seconds)
        return json.dumps({"state": checked.to_dict()}).encode()

    async def store(self, name: str, body: bytes) -> dict[str, Any]:
        """Keep a name and a length."""
        if self.error is not None:
            raise self.error
        self.stored.append((name, len(body)))
        return {"id": "abc", "name": name}


class Client:
    """Sends requests to an application in this process and waits for the answers."""

    def __init__(self, app: Any, headers: Any) -> None:
        self.lines: list[str] = []
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(app)
        self._client = httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers)

    def request(self, method: str, url: str, **how: Any) -> httpx.Response:
        """Return the answer to a request."""
        return self._runner.run(self._client.request(method, url, **how))

    def get(self, url: str, **how: Any) -> httpx.Response:
        """Return the answer to a GET."""
        return self.request("GET", url, **how)

    def post(self, url: str, **how: Any) -> httpx.Response:
        """Return the answer to a POST."""
        return self.request("POST", url, **how)

    def together(self, *requests: dict[str, Any]) -> list[httpx.Response]:
        """Return the answers to requests that are sent at once."""

        async def all_of_them() -> list[httpx.Response]:
            return await asyncio.gather(*(self._client.request(**how) for how in requests))

        return self._runner.run(all_of_them())

    def close(self) -> None:
        """Leave nothing behind."""
        self._runner.run(self._client.aclose())
        self._runner.close()


@contextmanager
def client_of(service: Any, *, host: str = "127.0.0.1", headers: Any = None):
    """Yield a client of this machine's own page; its `lines` went to the terminal."""
    lines: list[str] = []
    app = build_app(service, Gate.of(TOKEN, host), ASSETS, say=lines.append)
    sent = {"x-relubias-token": TOKEN, "origin": ORIGIN, "sec-fetch-site": "same-origin"}
    client = Client(app, sent if headers is None else headers)
    client.lines = lines
    try:
        yield client
    finally:
        client.close()


def assert_says_nothing_internal(response) -> None:
    """No answer tells how or where the program runs."""
    assert "server" not in response.headers
    assert "x-powered-by" not in response.headers
    if response.status_code >= 400:
        assert not INTERNALS.search(response.text), response.text[:300]


def assert_is_error(response, *statuses: int) -> str:
    """An error is a sentence and a field."""
    assert response.status_code in statuses, (response.status_code, response.text[:200])
    assert response.headers["content-type"] == "application/json"
    found = response.json()
    assert set(found) == {"error", "field"}
    assert isinstance(found["error"], str)
    assert found["error"]
    assert_says_nothing_internal(response)
    return found["error"]
