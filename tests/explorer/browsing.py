"""A server, a window on its page, and what a page may not do."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from playwright.sync_api import Page

ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--mute-audio", "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",  # no name leads off the machine
)  # fmt: skip
PATIENCE = 60_000
"""Milliseconds after which a wait has failed. Busy machines are slow, and no test measures time."""


def decoded(array: dict[str, Any]) -> np.ndarray:
    """Return an array of an answer."""
    data = np.frombuffer(base64.b64decode(array["b64"]), dtype=array["dtype"])
    return data.reshape(array["shape"])


def find_chromium() -> str | None:
    """Return the browser's program."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


class Server:
    """A running ``relubias explore``."""

    def __init__(self, port: int = 0) -> None:
        command = [sys.executable, "-m", "relubias", "explore", "--port", str(port), "--no-browser"]
        with tempfile.NamedTemporaryFile("w+") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
            self.url = self._wait(Path(log.name))
        self.port = urlsplit(self.url).port or 0

    def _wait(self, log: Path) -> str:
        until = time.monotonic() + 60
        while time.monotonic() < until and self.process.poll() is None:
            text = log.read_text()
            found = next((w for w in text.split() if w.startswith("http://127.0.0.1:")), None)
            if found and "\n" in text:
                return found.rstrip(".,/") + "/"
            time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"relubias explore did not start:\n{log.read_text()}")

    def stop(self) -> None:
        """End it, and wait until it is gone."""
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass
class Watch:
    """What a page does that it should not; `allowed` holds parts of texts that a test expects."""

    complaints: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def attach(self, page: Page) -> None:
        """Listen to a page."""
        page.on("request", lambda request: self._request(request.url))
        page.on("requestfailed", lambda request: self._failed(request.url, request.failure or ""))
        page.on("pageerror", lambda error: self._say(f"page error: {error}"))
        page.on("crash", lambda _: self._say("the page crashed"))
        page.on(
            "console",
            lambda message: (
                self._say(f"console {message.type}: {message.text}")
                if message.type in ("error", "warning", "assert")
                else None
            ),
        )

    def _request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1":
            self._say(f"request that leaves the machine: {url}")

    def _failed(self, url: str, failure: str) -> None:
        if failure == "net::ERR_ABORTED" and urlsplit(url).path == "/api/run":
            return  # an answer that nobody waits for any more
        self._say(f"failed request: {url}: {failure}")

    def _say(self, text: str) -> None:
        if not any(part in text for part in self.allowed):
            self.complaints.append(text)


class Explorer:
    """The page as a person uses it."""

    def __init__(self, page: Page, server: Server, watch: Watch) -> None:
        self.page, self.server, self.watch = page, server, watch

    def open(self, query: str = "", *, wait: bool = True) -> Explorer:
        """Go to the page, and wait for the first answer to be drawn."""
        self.page.goto(f"{self.server.url}{query}")
        if wait:
            self.settle(0)
        return self

    @property
    def drawn(self) -> int:
        """How often everything was drawn."""
        return int(self.root("drawn") or 0)

    def root(self, name: str) -> str | None:
        """Return one of the facts that the page keeps on its root element."""
        return self.page.evaluate("(name) => document.documentElement.dataset[name] ?? null", name)

    def settle(self, before: int | None = None) -> None:
        """Wait until something new is drawn and nothing is asked any more."""
        self.page.wait_for_function(
            """(before) => {
              const data = document.documentElement.dataset;
              return Number(data.drawn ?? 0) > before && data.busy !== "true";
            }""",
            arg=self.drawn if before is None else before,
            timeout=PATIENCE,
        )

    @contextmanager
    def redraw(self) -> Iterator[None]:
        """Do something, and wait until it is drawn."""
        before = self.drawn
        yield
        self.settle(before)

    def control(self, key: str) -> Any:
        """Return the field of a setting."""
        return self.page.locator(f"#control-{key}")

    def set(self, key: str, value: str | float) -> None:
        """Choose or type a value, and wait until it is drawn."""
        with self.redraw():
            self.enter(key, value)

    def enter(self, key: str, value: str | float) -> None:
        """Choose or type a value."""
        control = self.control(key)
        if control.evaluate("(element) => element.tagName") == "SELECT":
            control.select_option(str(value))
        else:
            control.fill(str(value))
            control.press("Enter")

    def slide(self, key: str, value: float) -> None:
        """Move a slider as its thumb does: several inputs, then the change."""
        self.page.locator(f"#control-{key}-slider").evaluate(
            """(slider, value) => {
              slider.value = value;
              slider.dispatchEvent(new Event("input", {bubbles: true}));
              slider.dispatchEvent(new Event("change", {bubbles: true}));
            }""",
            value,
        )

    def pictures(self) -> dict[str, str]:
        """Return what each view shows, as text that differs where the picture does."""
        return self.page.evaluate(
            """() => Object.fromEntries(["primal", "plane", "map", "loss", "gap"].map((name) => {
              const view = document.querySelector(`#view-${name} .plot`);
              const canvases = [...view.querySelectorAll("canvas")].map((c) => c.toDataURL());
              return [name, canvases.join() + view.innerHTML];
            }))"""
        )

    def answer(self, act: Callable[[], Any]) -> dict[str, Any]:
        """Do something that asks the server; return its last answer when that is drawn."""
        answers: list[Any] = []

        def keep(response: Any) -> None:
            if urlsplit(response.url).path == "/api/run" and response.ok:
                answers.append(response)

        self.page.on("response", keep)
        with self.redraw():
            act()
        self.page.remove_listener("response", keep)
        return answers[-1].json()

    def query(self) -> dict[str, str]:
        """Return the state in the address."""
        return self.page.evaluate("() => Object.fromEntries(new URLSearchParams(location.search))")
