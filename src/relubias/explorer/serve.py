"""The explorer's server: from an address to a page that answers."""

from __future__ import annotations

import errno
import importlib.util
import os
import secrets
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from relubias._validate import as_count, fail
from relubias.errors import MissingExtraError

if TYPE_CHECKING:
    from relubias.explorer.security import Gate

__all__ = ["DEFAULT_PORT", "listening", "serve"]

DEFAULT_PORT = 8787
_BACKLOG = 128
_MAX_CONNECTIONS = 500
_SECONDS_TO_FINISH = 2


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    token: str | None = None,
    say: Callable[[str], None] = print,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the explorer until it is interrupted.

    Parameters
    ----------
    host : str, default="127.0.0.1"
        Address to listen on; beyond this machine the page needs its token.
    port : int, default=8787
        Port; 0 for any that is free.
    token : str, optional
        What the page is opened with; drawn at random if omitted.
    say : callable, optional
        Takes lines for the terminal.
    ready : callable, optional
        Called with the address of the page as soon as it can be opened.

    Raises
    ------
    InvalidInputError
        If the address cannot be listened on.
    MissingExtraError
        If the extra ``web`` is not installed.
    """
    for package in ("starlette", "uvicorn", "plotly"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError("the explorer", "web")
    from relubias.explorer.app import build_app
    from relubias.explorer.body import MAX_BODY
    from relubias.explorer.files import Assets
    from relubias.explorer.pool import Pool
    from relubias.explorer.security import Gate
    from relubias.explorer.service import Computing

    token = secrets.token_urlsafe(24) if token is None else token
    gate = Gate.of(token, host)
    with listening(host, port) as listener:
        assets = Assets(token, MAX_BODY)
        app = build_app(Computing(Pool(say=say)), gate, assets, say=say)
        address = _address(listener, host, gate)
        _run(app, listener, lambda: (ready or say)(address))


def _run(app: Any, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until a signal comes."""
    import uvicorn

    from relubias.explorer._protocol import PromptProtocol

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready()

    config = uvicorn.Config(
        app, http=PromptProtocol, ws="none", lifespan="on", log_config=None, access_log=False,
        server_header=False, proxy_headers=False, limit_concurrency=_MAX_CONNECTIONS,
        timeout_graceful_shutdown=_SECONDS_TO_FINISH,
    )  # fmt: skip
    Server(config).run(sockets=[listener])


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens, or say why that is impossible."""
    number = as_count("--port", port, maximum=65535)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # TCP by name: asyncio then sends small packets at once, instead of 40 ms later
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name != "nt":  # there it would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host.strip("[]"), number))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            remedy = "choose another, or 0 for any that is free"
            raise fail("--port", f"{number} is in use", remedy) from error
        if error.errno == errno.EACCES:
            raise fail(
                "--port", f"{number} is not for everyone", "choose one above 1024"
            ) from error
        got = f"{host!r} is no address of this machine"
        raise fail("--host", got, "leave it away for this machine alone") from error
    return listener


def _address(listener: socket.socket, host: str, gate: Gate) -> str:
    """Return the address of the page, with the token where it needs one."""
    port = listener.getsockname()[1]
    shown = f"[{host.strip('[]')}]" if ":" in host else host
    if host in ("0.0.0.0", "::"):
        shown = socket.gethostname()
    more = f"?token={quote(gate.token, safe='')}" if gate.is_open else ""
    return f"http://{shown}:{port}/{more}"
