"""One server and one browser for each worker, and pages that may make no mistake."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright
from tests.explorer.browsing import ARGUMENTS, PATIENCE, Explorer, Server, Watch, find_chromium

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Return the server of this worker."""
    running = Server()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[tuple[Browser, Any]]:
    """Return the browser of this worker, and the loop that it runs in.

    Playwright leaves its loop marked as running, so that no other test could run one; it is
    marked only while a page is in use.
    """
    path = find_chromium()
    if path is None:
        reason = "needs Chromium: apt-get install chromium, or set CHROMIUM to a program"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    playwright = sync_playwright().start()
    browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
    loop = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield browser, loop
    asyncio._set_running_loop(loop)
    browser.close()
    playwright.stop()


@pytest.fixture
def opened(chromium: tuple[Browser, Any]) -> Iterator[Browser]:
    """Return the browser, with its loop."""
    found, loop = chromium
    asyncio._set_running_loop(loop)
    yield found
    asyncio._set_running_loop(None)


@pytest.fixture
def visit(opened: Browser, server: Server) -> Iterator[Callable[..., Explorer]]:
    """Return a function that opens a window of its own; in the end none may have complained."""
    contexts: list[BrowserContext] = []
    watch = Watch()

    def make(**options: Any) -> Explorer:
        options = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"} | options
        context = opened.new_context(accept_downloads=True, **options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        watch.attach(page)
        return Explorer(page, server, watch)

    yield make
    for context in contexts:
        context.close()
    assert watch.complaints == []


@pytest.fixture
def explorer(visit: Callable[..., Explorer]) -> Explorer:
    """Return the page in a window, not yet opened."""
    return visit()
