"""A task that misbehaves, for tests of sweeps."""

from __future__ import annotations

import pytest

from tests.sweep import measured


@pytest.fixture
def trouble(tmp_path, monkeypatch):
    """Make one task of `measured.troubled` misbehave; returns how often it did."""
    count = tmp_path / "count"
    count.write_text("")

    def set_trouble(kind, task):
        monkeypatch.setenv(measured.VARIABLE, f"{kind}:{task}:{count}")
        return lambda: len(count.read_text())

    return set_trouble
