"""The explorer in a headless browser: a slider moved to all views painted, and the first page."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _measure import Row, Timing, main, seconds

FEW = 20
"""Moves of a slider at least, whatever number of runs is asked for."""

ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip

MOVE = """async ([key, value]) => {
  const root = document.documentElement;
  const before = Number(root.dataset.drawn);
  const slider = document.getElementById(`control-${key}-slider`);
  slider.value = value;
  const started = performance.now();
  slider.dispatchEvent(new Event("input", {bubbles: true}));
  const deadline = started + 10000;
  while (Number(root.dataset.drawn) === before) {
    if (performance.now() > deadline) throw new Error("nothing was drawn");
    await new Promise((done) => setTimeout(done, 1));
  }
  const drawn = performance.now() - started;
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));  // and painted
  slider.dispatchEvent(new Event("change", {bubbles: true}));
  const painted = performance.now() - started;
  return [drawn, painted, Number(root.dataset.answerMs)];
}"""


def start_server():
    """Start the command; return its process, its address, and the seconds until it answers."""
    with tempfile.NamedTemporaryFile("w+") as log:
        command = [sys.executable, "-m", "relubias", "explore", "--port", "0", "--no-browser"]
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        while process.poll() is None and time.perf_counter() - started < 60:
            words = Path(log.name).read_text().split()
            found = [word for word in words if word.startswith("http://127.0.0.1:")]
            if found:
                return process, found[0].rstrip(".,/") + "/", time.perf_counter() - started
            time.sleep(0.005)
    process.kill()
    raise RuntimeError("relubias explore did not start")


def ticks():
    """Return the CPU seconds of the server and the browser: of all that this process started."""
    hertz, parents, spent = os.sysconf("SC_CLK_TCK"), {}, {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        pid = int(folder.name)
        parents[pid], spent[pid] = int(fields[1]), (int(fields[11]) + int(fields[12])) / hertz
    family = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(spent.get(pid, 0.0) for pid in family - {os.getpid()})


def moves(page, count):
    """Move the slider of kappa back and forth; return wall and CPU seconds."""
    wall, cpu = [], []
    for number in range(count + 3):
        before = ticks()
        value = -0.3 - 0.02 * ((number * 7) % 20) - 0.001 * number  # never a state seen before
        _, painted, _ = page.evaluate(MOVE, ["kappa", value])
        if number >= 3:
            wall.append(painted / 1e3)
            cpu.append(ticks() - before)
    return wall, cpu


def timing(name, wall, cpu, note=""):
    return Timing(
        name=name,
        cpu=statistics.mean(cpu),  # the clock of processes ticks 100 times a second
        wall=statistics.median(wall),
        runs=len(wall),
        note=note,
    )


def first_page(browser, url):
    """Open the page as for the first time; return the seconds until everything is drawn."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    before, started = ticks(), time.perf_counter()
    page.goto(url)
    page.wait_for_function("() => Number(document.documentElement.dataset.drawn) > 0")
    wall = time.perf_counter() - started
    context.close()
    return wall, ticks() - before


def rows(runs):
    from playwright.sync_api import sync_playwright

    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        raise RuntimeError("needs Chromium: apt-get install chromium")
    count = max(FEW, 4 * runs)
    process, url, until_listening = start_server()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
            usable = [first_page(browser, url) for _ in range(max(runs, 5))]
            page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
            result = [_first_row(usable, until_listening)]
            for n, d in ((10, 2000), (10, 10**12), (50, 10**12), (50, 2000)):
                page.goto(f"{url}?n={n}&d={d}&signs=%2B-&kappa=0.5&seed=1")
                page.wait_for_function("() => Number(document.documentElement.dataset.drawn) > 0")
                result.append(_move_row(n, d, *moves(page, count)))
            browser.close()
    finally:
        process.terminate()
        process.wait()
    return result


def _first_row(usable, until_listening):
    cold, *warm = usable
    ours = timing("page usable", *zip(*warm, strict=True), note="browser running, no cache")
    first = timing("the first page of all", [cold[0]], [cold[1]])
    listening = timing("until the command listens", [until_listening], [0.0])
    return Row(
        subject="Explorer: first page",
        ours=ours,
        peers=[first, listening],
        figure="usable in 2 s",
        reached=ours.wall < 2.0,
        measured=f"{seconds(ours.wall)} from opening to all views drawn, {seconds(first.wall)} "
        f"the first time; the command listens after {seconds(until_listening)} (wall)",
    )


def _move_row(n, d, wall, cpu):
    ours = timing("slider moved -> all views painted", wall, cpu, "CPU of server and browser")
    slowest = sorted(wall)[int(0.9 * len(wall))]
    shown = f"10^{len(str(d)) - 1}" if set(str(d)) <= set("10") else f"{d:,}"
    return Row(
        subject=f"Explorer: a slider's move, n={n}, d={shown}, two neurons",
        ours=ours,
        figure="under 150 ms",
        reached=ours.wall < 0.15,
        measured=f"{seconds(ours.wall)} (wall, median of {len(wall)}; 9 of 10 under "
        f"{seconds(slowest)})",
    )


if __name__ == "__main__":
    main(rows)
