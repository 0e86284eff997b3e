"""Take the picture of docs/howto/explorer.md.

python docs/make_explorer.py

Needs the extras ``web`` and ``test``, and Chromium (``apt-get install chromium``).
"""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from shutil import which

from PIL import Image
from playwright.sync_api import sync_playwright

PAGE_IMAGE = Path(__file__).parent / "images" / "explorer.png"
STATE = "?n=10&d=60&signs=%2B-&low=0.1&kappa=0.5&seed=3&neuron=1&sample=0&t=9"
QUIET = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")


def main() -> None:
    """Start the explorer, open it, and keep what it looks like."""
    command = [sys.executable, "-m", "relubias", "explore", "--port", "0", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            address = (server.stdout or sys.stdin).readline().strip()
            take(address + STATE)
        finally:
            server.terminate()


def take(address: str) -> None:
    """Open an address and keep what it looks like."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=which("chromium"), args=list(QUIET))
        window = {"width": 1280, "height": 860}
        page = browser.new_context(viewport=window, color_scheme="light").new_page()
        page.goto(address)
        is_drawn = "() => Number(document.documentElement.dataset.drawn) > 0"
        page.wait_for_function(is_drawn, timeout=120_000)
        page.wait_for_timeout(500)
        picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        picture.save(PAGE_IMAGE, optimize=True)
        browser.close()


if __name__ == "__main__":
    main()
