"""The examples in docstrings give the output that they show."""

from __future__ import annotations

import doctest

import pytest

from tests.meta.discovery import all_modules

MODULES = all_modules()


@pytest.mark.parametrize("name", sorted(MODULES))
def test_examples_show_the_true_output(name):
    result = doctest.testmod(
        MODULES[name], optionflags=doctest.NORMALIZE_WHITESPACE, verbose=False, report=True
    )
    assert result.failed == 0
