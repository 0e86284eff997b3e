"""Messages for people: one line each, on standard error."""

from __future__ import annotations

import sys

__all__ = ["say"]


def say(message: str) -> None:
    """Write one line to standard error."""
    line = f"relubias: {' '.join(message.split())}\n"
    encoding = sys.stderr.encoding or "utf-8"
    sys.stderr.write(line.encode(encoding, "backslashreplace").decode(encoding))
