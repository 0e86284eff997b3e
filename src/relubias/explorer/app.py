"""The explorer's requests: the page, its files, and the two that compute."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from relubias.errors import InvalidInputError
from relubias.explorer.body import read_body, read_json
from relubias.explorer.files import Assets
from relubias.explorer.security import HEADERS, Gate, Refused

__all__ = ["Service", "build_app"]

T = TypeVar("T")

_SENTENCES = {
    404: "there is nothing here",
    405: "this is not how to ask for it",
}
_OURS = "something went wrong in the explorer; the terminal that runs it says more"


class Service(Protocol):
    """What answers the requests that compute."""

    async def start(self) -> None:
        """Be ready to answer soon."""
        ...

    async def stop(self) -> None:
        """Leave nothing behind."""
        ...

    async def run(self, state: Any, sender: str) -> bytes:
        """Return the answer for a state of the page, as JSON."""
        ...

    async def store(self, name: str, body: bytes) -> dict[str, Any]:
        """Read an uploaded file, keep it, and return what is in it with its id."""
        ...


def build_app(
    service: Service, gate: Gate, assets: Assets, *, say: Callable[[str], None]
) -> ASGIApp:
    """Return the application.

    Parameters
    ----------
    service : Service
        Computes.
    gate : Gate
        Decides who may ask.
    assets : Assets
        The page and its files.
    say : callable
        Takes a line about an error of ours, for the terminal.

    Returns
    -------
    ASGI application
    """

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        await service.start()
        try:
            yield
        finally:
            await service.stop()

    app = Starlette(
        lifespan=lifespan,
        routes=[
            Route("/", _page(gate, assets), methods=["GET"]),
            Route("/favicon.ico", _icon, methods=["GET"]),
            Route("/static/{name}", _static(assets), methods=["GET"]),
            Route("/api/run", _run(service), methods=["POST"]),
            Route("/api/data", _data(service), methods=["POST"]),
        ],
        exception_handlers={
            HTTPException: _http_error,
            Refused: _refused,
            InvalidInputError: _invalid,
            ClientDisconnect: _gone,
            Exception: _ours,
        },
    )
    app.router.redirect_slashes = False
    return _Guard(app, gate, say)


def _page(gate: Gate, assets: Assets) -> Callable[[Request], Awaitable[Response]]:
    async def page(request: Request) -> Response:
        gate.check_visit(request.query_params.getlist("token"))
        return Response(
            assets.page,
            media_type="text/html; charset=utf-8",
            headers={"cache-control": "no-store"},
        )

    return page


async def _icon(request: Request) -> Response:
    del request
    return Response(status_code=204)


def _static(assets: Assets) -> Callable[[Request], Awaitable[Response]]:
    async def static(request: Request) -> Response:
        asset = assets.files.get(request.path_params["name"])
        if asset is None:
            raise HTTPException(404)
        headers = {"etag": asset.tag, "cache-control": "no-cache"}
        if request.headers.get("if-none-match") == asset.tag:
            return Response(status_code=304, headers=headers)
        return Response(asset.body, media_type=asset.kind, headers=headers)

    return static


def _run(service: Service) -> Callable[[Request], Awaitable[Response]]:
    async def run(request: Request) -> Response:
        state = await read_json(request)
        sender = request.headers.get("x-relubias-client", "")[:64]
        return _answer(await _unless_gone(request, service.run(state, sender)))

    return run


def _data(service: Service) -> Callable[[Request], Awaitable[Response]]:
    async def data(request: Request) -> Response:
        names = request.query_params.getlist("name")
        if len(names) != 1 or not 0 < len(names[0]) <= 200:
            raise Refused(400, "name: give the name of the file, of at most 200 letters", "name")
        body = await read_body(request)
        return _json(await _unless_gone(request, service.store(names[0], body)))

    return data


async def _unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Return what the work returns, and drop it when nobody waits for it any more."""
    task = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait((task, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        task.cancel()
        leaving.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _json(content: dict[str, Any], status: int = 200) -> Response:
    body = json.dumps(content, allow_nan=False, separators=(",", ":")).encode()
    return _answer(body, status)


def _answer(body: bytes, status: int = 200) -> Response:
    return Response(
        body, status, media_type="application/json", headers={"cache-control": "no-store"}
    )


def _error(status: int, message: str, field: str | None = None) -> Response:
    return _json({"error": message, "field": field}, status)


async def _http_error(request: Request, error: Exception) -> Response:
    del request
    status = error.status_code if isinstance(error, HTTPException) else 500
    return _error(status, _SENTENCES.get(status, "this request cannot be answered"))


async def _refused(request: Request, error: Exception) -> Response:
    del request
    known = error if isinstance(error, Refused) else Refused(500, _OURS)
    return _error(known.status, str(known), known.field)


async def _invalid(request: Request, error: Exception) -> Response:
    del request
    return _error(400, str(error), getattr(error, "field", None))


async def _gone(request: Request, error: Exception) -> Response:
    del request, error
    return Response(status_code=400)  # nobody reads it


async def _ours(request: Request, error: Exception) -> Response:
    del request, error  # raised again afterwards: the guard tells the terminal
    return _error(500, _OURS)


class _Guard:
    """Checks where a request comes from, adds headers, and turns every error into a sentence."""

    def __init__(self, app: ASGIApp, gate: Gate, say: Callable[[str], None]) -> None:
        self._app, self._gate, self._say = app, gate, say
        self._headers = [(name.encode(), text.encode()) for name, text in HEADERS.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        has_begun = False

        async def sending(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                message["headers"] = [*message["headers"], *self._headers]
            await send(message)

        try:
            self._gate.check(scope)
        except Refused as refusal:
            response = _error(refusal.status, str(refusal), refusal.field)
            await response(scope, receive, sending)
            return
        try:
            await self._app(scope, receive, sending)
        except Exception as error:  # noqa: BLE001 - nothing of it may leave this machine
            self._say(f"a request failed: {type(error).__name__}: {error}")
            if not has_begun:
                await _error(500, _OURS)(scope, receive, sending)
