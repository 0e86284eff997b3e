from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest
import uvicorn
from tests.explorer.serving import (
    ASSETS,
    INTERNALS,
    TOKEN,
    Recorded,
    assert_is_error,
    assert_says_nothing_internal,
)

from relubias.cli import main
from relubias.errors import InvalidInputError, MissingExtraError
from relubias.explorer import body as body_module
from relubias.explorer._protocol import PromptProtocol
from relubias.explorer.app import build_app
from relubias.explorer.security import Gate
from relubias.explorer.serve import listening, serve

COMMAND = [sys.executable, "-m", "relubias", "explore", "--port", "0", "--no-browser"]


class Running:
    """A running ``relubias explore``."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.address = self.process.stdout.readline().strip()
        self.port = int(re.search(r":(\d+)/", self.address)[1])

    def token(self):
        page = httpx.get(self.address).text
        return re.search(r'name="relubias-token" content="([^"]+)"', page)[1]

    def children(self):
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    def end(self, how=signal.SIGINT):
        self.process.send_signal(how)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


@pytest.fixture(scope="module")
def running():
    """Return the server of this module."""
    server = Running()
    yield server
    if server.process.poll() is None:
        server.end()


@pytest.fixture(scope="module")
def asking(running):
    """Return a client that sends what the page sends."""
    origin = running.address.rstrip("/")
    headers = {"x-relubias-token": running.token(), "origin": origin}
    with httpx.Client(base_url=origin, headers=headers, timeout=60) as client:
        for _ in range(40):  # on a busy machine the first process may be slow
            if client.post("/api/run", json={"n": 2}).status_code == 200:
                break
        yield client


def raw(port, data, *, wait=5.0):
    """Return what the server says to some bytes."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=wait)) as connection:
        with suppress(OSError):  # it has closed the connection
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        with suppress(OSError):
            while chunk := connection.recv(65_536):
                answer += chunk
        return answer


def test_small_answers_are_sent_at_once():
    with listening("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:  # asyncio sets TCP_NODELAY on connections that say they are TCP
            assert connection.proto == socket.IPPROTO_TCP


def test_the_page_its_files_and_its_answers_are_there(asking):
    found = asking.get("/")
    assert found.status_code == 200
    for name in re.findall(r'"/static/([^"]+)"', found.text):
        assert asking.get(f"/static/{name}").status_code == 200
    assert len(asking.get("/static/plotly.min.js").content) > 1_000_000
    assert asking.get("/favicon.ico").status_code in (200, 204)
    answer = asking.post("/api/run", json={"n": 5, "signs": "+-"})
    assert answer.status_code == 200
    assert answer.json()["run"]["status"] == "CERTIFIED"
    assert "server" not in answer.headers


def test_a_file_can_be_uploaded_and_shown(asking):
    about = asking.post("/api/data?name=mine.csv", content=b"a,b,y\n1,0,1\n0,2,-0.5\n").json()
    answer = asking.post("/api/run", json={"data": about["id"]})
    assert answer.json()["state"]["n"] == about["n"] == 2
    refusal = asking.post("/api/data?name=bad.npz", content=b"PK")
    assert "bad.npz" in assert_is_error(refusal, 400)
    unknown = asking.post("/api/run", json={"data": "0" * 32})
    assert "upload it again" in assert_is_error(unknown, 400)


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads Linux' table of sockets")
def test_only_this_machine_can_connect(running):
    """The one socket that listens on the port belongs to the loopback device."""
    listening = "0A"
    rows = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    ]
    here = [row[1] for row in rows if row[3] == listening]
    addresses = [address for address in here if int(address.split(":")[1], 16) == running.port]
    assert addresses == [f"0100007F:{running.port:04X}"]


RAW = {
    "nonsense": b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "HTTP/1.0 without host": b"GET / HTTP/1.0\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nHost: evil\r\n\r\n",
    "foreign host": b"GET / HTTP/1.1\r\nHost: evil:%d\r\n\r\n",
    "absolute address": b"GET http://evil/ HTTP/1.1\r\nHost: evil\r\n\r\n",
    "tunnel": b"CONNECT evil:443 HTTP/1.1\r\nHost: evil:443\r\n\r\n",
    "dots": b"GET /static/../../../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n",
    "no slash": b"GET etc/passwd HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n",
    "NUL": b"GET /static/\x00 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n",
    "long head": b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
    "long path": b"GET /" + b"a" * 60_000 + b" HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n",
    "smuggled": (
        b"POST /api/run HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: 4\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: evil\r\n\r\n"
    ),
    "bad chunk": (
        b"POST /api/run HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    ),
    "websocket": (
        b"GET / HTTP/1.1\r\nHost: evil:%d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ),
}


@pytest.mark.parametrize("name", RAW)
def test_raw_bytes_open_nothing(running, asking, name):
    data = RAW[name].replace(b"%d", str(running.port).encode())
    answer = raw(running.port, data)
    assert asking.headers["x-relubias-token"].encode() not in answer
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert b"server:" not in head.lower()
    assert not INTERNALS.search(rest.decode("latin-1"))
    if answer:
        assert re.match(rb"HTTP/1\.1 4\d\d ", answer), answer[:100]
    assert asking.get("/favicon.ico").status_code in (200, 204)


def test_a_chunked_body_over_the_limit_is_cut_before_it_is_whole(running, asking):
    token = asking.headers["x-relubias-token"]
    head = (
        f"POST /api/data?name=a.csv HTTP/1.1\r\nHost: 127.0.0.1:{running.port}\r\n"
        f"X-Relubias-Token: {token}\r\nTransfer-Encoding: chunked\r\n\r\n"
    ).encode()
    sent = 0
    with closing(socket.create_connection(("127.0.0.1", running.port), timeout=20)) as connection:
        connection.sendall(head)
        connection.settimeout(0.05)
        answer = b""
        while not answer and sent < 50 << 20:
            try:
                connection.settimeout(20)
                connection.sendall(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
                sent += 65_536
                connection.settimeout(0.001)
                answer = connection.recv(65_536)
            except (TimeoutError, BlockingIOError):
                continue
            except (BrokenPipeError, ConnectionResetError):
                break
    assert sent < 50 << 20
    assert not answer or answer.startswith(b"HTTP/1.1 413 ")


def test_slow_clients_hold_up_nobody(running, asking):
    slow = []
    host = f"Host: 127.0.0.1:{running.port}\r\n".encode()
    for k in range(50):
        connection = socket.create_connection(("127.0.0.1", running.port), timeout=10)
        token = asking.headers["x-relubias-token"].encode()
        head = b"POST /api/run HTTP/1.1\r\n" + host + b"X-Relubias-Token: " + token
        connection.sendall(head if k % 2 else head + b"\r\nContent-Length: 1000\r\n\r\n{")
        slow.append(connection)
    try:
        for _ in range(5):
            assert asking.get("/").status_code == 200
            assert asking.post("/api/run", json={"n": 3}).status_code == 200
    finally:
        for connection in slow:
            connection.close()
    assert asking.post("/api/run", json={"n": 3}).status_code == 200


def test_memory_does_not_grow_with_requests(running, asking):
    """A short version of tests/campaigns/explorer_load.py."""

    def resident():
        status = Path(f"/proc/{running.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    for k in range(20):
        asking.post("/api/run", json={"n": 3, "seed": k})
    before = resident()
    for k in range(80):
        asking.post("/api/run", json={"n": 3, "seed": k, "kappa": 0.5})
        asking.post("/api/run", json={"n": 0})
        asking.get("/static/main.js")
    assert resident() - before < 10


def test_a_process_that_is_killed_is_replaced(running, asking):
    assert asking.post("/api/run", json={"n": 3}).status_code == 200
    for child in running.children():
        os.kill(child, signal.SIGKILL)
    statuses = [asking.post("/api/run", json={"n": 3, "seed": k}).status_code for k in range(6)]
    assert set(statuses) <= {200, 503}
    assert statuses[-1] == 200


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "TERM"])
def test_stopping_leaves_nothing(how):
    server = Running()
    children = server.children()
    status, out, err = server.end(how)
    assert out == ""
    assert "Traceback" not in err
    if how is signal.SIGINT:
        assert status == 0
        assert err.splitlines()[-1] == "relubias: the explorer is stopped"
    until = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in children) and time.monotonic() < until:
        time.sleep(0.05)
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


def test_a_wider_address_prints_its_token():
    server = Running("--host", "0.0.0.0", "--token", TOKEN)
    try:
        assert server.address.endswith(f":{server.port}/?token={TOKEN}")
        here = f"http://127.0.0.1:{server.port}/"
        assert_is_error(httpx.get(here), 403)
        assert TOKEN in httpx.get(f"{here}?token={TOKEN}").text
    finally:
        _, _, err = server.end()
    assert "Ctrl-C" in err


# --- refusals of the command ------------------------------------------------------------------


def test_a_port_in_use_is_said(capsys):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        assert main(["explore", "--no-browser", "--port", str(port)]) == 2
    message = capsys.readouterr().err
    assert f"--port: {port} is in use" in message
    assert "0 for any that is free" in message


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "70000"], "--port"),
        (["--port", "-1"], "--port"),
        (["--port", "x"], "--port"),
        (["--host", "203.0.113.7", "--port", "0"], "--host"),
        (["--host", "no such name", "--port", "0"], "--host"),
        (["--token", "short", "--port", "0"], "--token"),
        (["--token", "ä" * 20, "--port", "0"], "--token"),
    ],
)
def test_unusable_addresses_are_named(arguments, words, capsys):
    assert main(["explore", "--no-browser", *arguments]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("package", ["starlette", "uvicorn", "plotly"])
def test_a_missing_extra_is_named_with_its_command(monkeypatch, package):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == package else find(name)
    )
    with pytest.raises(MissingExtraError, match=r'pip install "relubias\[web\]"'):
        serve(port=0)


def test_help_loads_no_web_framework():
    code = (
        "import sys; from relubias.cli import main\n"
        "try: main(['explore', '--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'starlette', 'uvicorn', 'numba', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "--no-browser" in done.stdout


def test_the_browser_is_opened_unless_it_is_not_wanted(monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)

    def serving(*, ready, **_):
        ready("http://127.0.0.1:1/")

    monkeypatch.setattr("relubias.explorer.serve.serve", serving)
    assert main(["explore", "--no-browser"]) == 0
    assert opened == []
    assert main(["explore"]) == 0
    assert opened == ["http://127.0.0.1:1/"]


def test_a_stopped_server_frees_its_port():
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(InvalidInputError, match=r"^--host"):
        serve(host="203.0.113.7", port=port)
    with closing(socket.create_server(("127.0.0.1", port))):
        pass


# --- time limits, in this process -------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch):
    """Return the port of a server with short time limits and a service that computes nothing."""
    monkeypatch.setattr(PromptProtocol, "seconds", 0.3)
    monkeypatch.setattr(body_module, "_SECONDS", 0.3)
    service = Recorded()
    app = build_app(service, Gate.of(TOKEN, "127.0.0.1"), ASSETS, say=print)
    config = uvicorn.Config(
        app, http=PromptProtocol, ws="none", log_config=None, server_header=False, lifespan="on"
    )
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    yield listener.getsockname()[1], service
    server.should_exit = True
    thread.join(20)
    listener.close()


@pytest.mark.parametrize("head", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"])
def test_heads_that_do_not_end_are_closed(quick, head):
    port, _ = quick
    with closing(socket.create_connection(("127.0.0.1", port), timeout=20)) as connection:
        connection.sendall(head)
        assert connection.recv(1000) == b""


def test_bodies_that_do_not_end_are_refused(quick):
    port, service = quick
    with closing(socket.create_connection(("127.0.0.1", port), timeout=20)) as connection:
        head = f"POST /api/run HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-Relubias-Token: {TOKEN}\r\n"
        connection.sendall(head.encode() + b"Content-Length: 10\r\n\r\n{")
        assert connection.recv(1000).startswith(b"HTTP/1.1 408 ")
    assert service.asked == []


def test_a_second_request_on_a_connection_may_come_later(quick):
    port, _ = quick
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        for _ in range(3):
            assert client.get("/").status_code == 200
            time.sleep(0.5)


def test_slow_answers_are_no_slow_heads(quick):
    port, service = quick
    service.seconds = 1.0
    origin = f"http://127.0.0.1:{port}"
    headers = {"x-relubias-token": TOKEN, "origin": origin}
    assert httpx.post(f"{origin}/api/run", json={}, headers=headers, timeout=20).status_code == 200


def test_work_for_who_has_left_is_dropped(quick):
    port, service = quick
    dropped = asyncio.Event()

    async def run(state, sender):
        del state, sender
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            dropped.set()
            raise
        return b"{}"

    service.run = run
    origin = f"http://127.0.0.1:{port}"
    headers = {"x-relubias-token": TOKEN, "origin": origin}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{origin}/api/run", json={}, headers=headers, timeout=0.3)
    until = time.monotonic() + 20
    while not dropped.is_set() and time.monotonic() < until:
        time.sleep(0.02)
    assert dropped.is_set()


def test_answers_are_sent_as_they_were_computed(asking):
    response = asking.post("/api/run", json={"n": 3})
    assert_says_nothing_internal(response)
    assert response.content == json.dumps(response.json(), separators=(",", ":")).encode()
