"""Tiles of a few columns, so that small arrays have many of them."""

from __future__ import annotations

import pytest

from relubias.gram import tiles


@pytest.fixture
def small_tiles(monkeypatch):
    """Have tiles of 8 columns for 4 to 8 samples, of 4 from 16 samples on."""
    monkeypatch.setattr(tiles, "_CACHED_ENTRIES", 64)
    monkeypatch.setattr(tiles, "_USUAL_WIDTH", 4)
    monkeypatch.setattr(tiles, "_NARROWEST", 4)
