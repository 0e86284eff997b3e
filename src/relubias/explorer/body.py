"""Bodies of requests: read up to a limit, within a time, and parsed as strict JSON."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Never

from starlette.requests import Request

from relubias.explorer.security import Refused

__all__ = ["MAX_BODY", "read_body", "read_json"]

MAX_BODY = 1 << 20
"""Bytes of a request, uploads included."""

_SECONDS = 20.0
"""For a whole body to arrive."""


async def read_body(request: Request) -> bytes:
    """Return the body, or refuse it as soon as it is known to be too long."""
    declared = request.headers.get("content-length", "0")
    if not (declared.isascii() and declared.isdigit() and len(declared) < 20):
        raise Refused(400, "the length of the request is no number")
    if int(declared) > MAX_BODY:
        raise _too_long()
    body = bytearray()
    try:
        async with asyncio.timeout(_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY:
                    raise _too_long()
    except TimeoutError:
        raise Refused(408, f"the request did not arrive within {_SECONDS:g} seconds") from None
    return bytes(body)


def _too_long() -> Refused:
    return Refused(413, f"the request is longer than {MAX_BODY >> 20} MB; send less")


async def read_json(request: Request) -> Any:
    """Return the body as JSON of finite numbers."""
    body = await read_body(request)
    try:
        return json.loads(body, parse_constant=_no_number, parse_float=_finite)
    except (ValueError, RecursionError):
        raise Refused(400, "the request is no valid JSON of finite numbers") from None


def _no_number(text: str) -> Never:
    raise ValueError(text)


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(text)
    return value
