"""Who may ask: this page from this machine, and nobody through a foreign page.

A page of another site can send requests to a server on this machine. Its browser tells where
they come from (Host, Origin, Sec-Fetch-Site), does not let it read answers, and does not let it
set our header. Everything that computes or stores needs that header with the token.
"""

from __future__ import annotations

import hmac
import ipaddress
import socket
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.types import Scope

__all__ = ["HEADERS", "TOKEN_HEADER", "Gate", "Refused", "is_loopback"]

TOKEN_HEADER = "x-relubias-token"

_EMPTY_STYLE = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
"""Of the empty text: plotly.js makes an empty style element and fills it rule by rule."""

HEADERS = {
    "content-security-policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            f"style-src 'self' {_EMPTY_STYLE}",
            "img-src 'self' data: blob:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
"""Of every answer."""


class Refused(Exception):  # noqa: N818 - a refusal is no mistake of ours
    """A request that gets a 4xx; the message is for people."""

    def __init__(self, status: int, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status, self.field = status, field


def is_loopback(host: str) -> bool:
    """Return whether an address to bind to reaches this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Gate:
    """Checks where a request comes from.

    Parameters
    ----------
    token : str
        What the page has to send with everything that computes.
    host : str
        Address that the server listens on.
    is_open : bool
        Whether it listens beyond this machine: then the page itself needs the token, too.
    """

    token: str
    host: str = "127.0.0.1"
    is_open: bool = False
    names: frozenset[str] = field(default_factory=lambda: frozenset({"localhost"}))

    @classmethod
    def of(cls, token: str, host: str) -> Gate:
        """Return the gate of a server on an address."""
        if is_loopback(host):
            return cls(token, host)
        names = {"localhost", host.lower(), socket.gethostname().lower(), socket.getfqdn().lower()}
        return cls(token, host, True, frozenset(names))

    def check(self, scope: Scope) -> None:
        """Raise `Refused` unless the request comes from this server's own page or its address."""
        headers = Headers(scope=scope)
        host = self._host(headers, scope)
        origin = headers.getlist("origin")
        if origin and (len(origin) > 1 or origin[0] != f"http://{host}"):
            raise Refused(403, "this request comes from another page")
        site = headers.get("sec-fetch-site", "same-origin")
        is_visit = (
            scope["method"] == "GET"
            and headers.get("sec-fetch-mode") == "navigate"
            and headers.get("sec-fetch-dest") == "document"
        )
        if site not in ("same-origin", "none") and not is_visit:
            raise Refused(403, "this request comes from another page")
        if scope["method"] == "POST":
            sent = headers.getlist(TOKEN_HEADER)
            if len(sent) != 1 or not self._matches(sent[0]):
                raise Refused(403, "the token is missing or wrong; reload the page")

    def check_visit(self, given: list[str]) -> None:
        """Raise `Refused` unless a visitor of the page brings the token, where one is needed."""
        if self.is_open and not (len(given) == 1 and self._matches(given[0])):
            raise Refused(403, "open the address that the server printed, with its token")

    def _matches(self, sent: str) -> bool:
        return hmac.compare_digest(sent.encode(), self.token.encode())

    def _host(self, headers: Headers, scope: Scope) -> str:
        """Return the Host header if it names this server: names of others may lead here, too."""
        hosts = headers.getlist("host")
        if len(hosts) != 1:
            raise Refused(403, "this server is not known by that name")
        name, port = _split(hosts[0])
        server = scope.get("server")
        if server is not None and server[1] is not None and port != server[1]:
            raise Refused(403, "this server is not known by that name")
        if name not in self.names and not self._is_own_address(name):
            raise Refused(403, "this server is not known by that name")
        return hosts[0]

    def _is_own_address(self, name: str) -> bool:
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or self.is_open  # a number cannot be made to lead elsewhere


def _split(host: str) -> tuple[str, int]:
    """Return name and port of a Host header; a port of -1 is none."""
    name, separator, port = host.rpartition(":")
    if not separator or "]" in port:
        name, port = host, "80"
    if name.startswith("[") and name.endswith("]"):
        name = name[1:-1]
    is_port = port.isascii() and port.isdigit() and len(port) <= 5
    return name.lower(), int(port) if is_port else -1
