"""The page's files: read once at start-up, found by exact name, never by path."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from relubias.errors import MissingExtraError

__all__ = ["Asset", "Assets"]

_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
_PAGE = "index.html"
_TOKEN, _LIMIT = b"__RELUBIAS_TOKEN__", b"__RELUBIAS_UPLOAD_LIMIT__"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent.

    Attributes
    ----------
    body : bytes
    kind : str
        Its media type.
    tag : str
        Changes with the body.
    """

    body: bytes
    kind: str
    tag: str

    @classmethod
    def of(cls, body: bytes, kind: str) -> Asset:
        """Return the asset of some bytes."""
        return cls(body, kind, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


class Assets:
    """Every file that can be asked for.

    Parameters
    ----------
    token : str
        Put into the page.
    limit : int
        Bytes of an upload, put into the page.

    Attributes
    ----------
    page : bytes
        The page itself.
    files : dict of str to Asset
        The others, by name.
    """

    def __init__(self, token: str, limit: int) -> None:
        folder = resources.files("relubias.explorer") / "page"
        page = (folder / _PAGE).read_bytes()
        page = page.replace(_TOKEN, token.encode()).replace(_LIMIT, str(limit).encode())
        self.page = page
        self.files = {
            entry.name: Asset.of(entry.read_bytes(), _KINDS[Path(entry.name).suffix])
            for entry in folder.iterdir()
            if entry.is_file() and Path(entry.name).suffix in _KINDS
        }
        self.files["plotly.min.js"] = Asset.of(_plotly(), _KINDS[".js"])


def _plotly() -> bytes:
    """Return plotly.js as the installed package brings it."""
    found = importlib.util.find_spec("plotly")
    if found is None or found.origin is None:
        raise MissingExtraError("the explorer", "web")
    return (Path(found.origin).parent / "package_data" / "plotly.min.js").read_bytes()
