"""Every experiment computed once at the smallest scale."""

from __future__ import annotations

from functools import cache

import pytest

from relubias.experiments import KEYS, Scale, load


@cache
def quick_table(key):
    return load(key).compute(Scale.QUICK, 0)


@pytest.fixture(params=KEYS)
def experiment(request):
    return load(request.param)


@pytest.fixture
def table(experiment):
    return quick_table(experiment.key)
