"""HTTP that does not wait for ever: connections that send no whole request are closed."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["PromptProtocol"]


class PromptProtocol(H11Protocol):
    """HTTP/1.1 with a limit on the time that the head of a request may take."""

    seconds = 20.0

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Take some bytes of a request, or of its body."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._rest()
        super().connection_lost(exc)

    @property
    def _has_request(self) -> bool:
        """Whether the head of a request has come and its answer is not over."""
        cycle = getattr(self, "cycle", None)
        return cycle is not None and not cycle.response_complete

    def _watch(self) -> None:
        if self._has_request:
            self._rest()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self.seconds, self._close)

    def _rest(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _close(self) -> None:
        self._deadline = None
        if not self._has_request and not self.transport.is_closing():
            self.transport.close()
