"""Many requests to a running explorer: times, memory, and 50 slow clients beside them.

``python -m tests.campaigns.explorer_load --requests 10000``
"""

from __future__ import annotations

import argparse
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import numpy as np

COMMAND = [sys.executable, "-m", "relubias", "explore", "--port", "0", "--no-browser"]
MOST_GROWTH = 50.0  # MB


def resident(pid: int) -> float:
    """Return the memory of a process, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def states(rng: np.random.Generator, size: int):
    """Yield light states of every kind."""
    for k in range(size):
        yield {
            "n": int(rng.integers(1, 13)),
            "d": int(10 ** rng.uniform(1.2, 12)),
            "signs": str(rng.choice(["+", "-", "+-"])),
            "kappa": float(rng.uniform(0.3, 0.95)),
            "start": str(rng.choice(["all_positive", "gaussian"])),
            "scale": 0.01,
            "seed": k,
        }


def slow_clients(port: int, token: str) -> list[socket.socket]:
    """Return connections that never finish what they say."""
    found = []
    for k in range(50):
        connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        head = f"POST /api/run HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-Relubias-Token: {token}"
        connection.sendall((head if k % 2 else head + "\r\nContent-Length: 99\r\n\r\n{").encode())
        found.append(connection)
    return found


def shown(name: str, seconds: list[float]) -> str:
    """Return times as text."""
    middle, late, worst = np.percentile(np.array(seconds) * 1e3, [50, 99, 100])
    return f"{name}: median {middle:.1f} ms, 99% {late:.1f} ms, worst {worst:.1f} ms"


def main() -> int:
    """Run the campaign; the status is 1 if memory grew or a request failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    size, seed = (parser.parse_args().requests, parser.parse_args().seed)
    server = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True)
    try:
        address = server.stdout.readline().strip() if server.stdout else ""
        with httpx.Client(base_url=address, timeout=60) as client:
            token = re.findall(r'relubias-token" content="([^"]+)"', client.get("/").text)[0]
            headers = {"x-relubias-token": token, "origin": address.rstrip("/")}
            failures, seconds, computing = 0, [], []
            rng = np.random.default_rng(seed)
            before = 0.0
            for k, state in enumerate(states(rng, size + size // 10)):
                if k == size // 10:  # warm by now
                    before = resident(server.pid)
                    held = [resident(child) for child in children(server.pid)]
                    seconds, computing = [], []
                begun = time.perf_counter()
                answer = client.post("/api/run", json=state, headers=headers)
                seconds.append(time.perf_counter() - begun)
                if answer.status_code == 200:
                    computing.append(answer.json()["ms"]["compute"] / 1e3)
                elif answer.status_code != 400:
                    failures += 1
            after = resident(server.pid)
            grown = [resident(child) for child in children(server.pid)]
            print(f"{size} requests, {failures} failed")
            print(shown("answered in", seconds))
            print(shown("of that computing", computing))
            print(f"server: {before:.1f} MB before, {after:.1f} MB after")
            print(f"children: {held} MB before, {grown} MB after".replace("'", ""))
            port = int(re.findall(r":(\d+)/", address)[0])
            slow = slow_clients(port, token)
            seconds = []
            for state in states(rng, 100):
                begun = time.perf_counter()
                client.post("/api/run", json=state, headers=headers)
                seconds.append(time.perf_counter() - begun)
            print(shown("beside 50 slow clients", seconds))
            for connection in slow:
                connection.close()
        growth = max(after - before, sum(grown) - sum(held))
        print(f"memory grew by {growth:.1f} MB (at most {MOST_GROWTH:g})")
        return int(failures > 0 or growth > MOST_GROWTH or max(seconds) > 1.0)
    finally:
        server.terminate()
        server.wait(30)


if __name__ == "__main__":
    sys.exit(main())
