"""Command line tests run in an empty folder of their own."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Return the current directory: new and empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
