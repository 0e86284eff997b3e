from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from tests.explorer.serving import (
    ASSETS,
    ORIGIN,
    TOKEN,
    Recorded,
    assert_is_error,
    assert_says_nothing_internal,
    client_of,
)
from tests.explorer.states import corrupted

from relubias.explorer.security import HEADERS, Gate, Refused, is_loopback


@pytest.fixture
def service():
    return Recorded()


@pytest.fixture
def client(service):
    with client_of(service) as client:
        yield client


# --- where a request comes from ---------------------------------------------------------------

FOREIGN_HOSTS = (
    "evil.example:8787",
    "localhost.evil.example:8787",
    "127.0.0.1.evil.example:8787",
    "192.168.1.7:8787",
    "169.254.169.254:8787",
    "127.0.0.1:8788",
    "127.0.0.1",
    "127.0.0.1:8787.evil.example",
    "127.0.0.1:8787@evil.example",
    "[fe80::1]:8787",
    "0.0.0.0:8787",
    "2130706434:8787",
    "",
    ":8787",
    "localhost:",
    "localhost:8787:8787",
    "127.0.0.1:00000008787",
    "\u0440elubias:8787",
)
OWN_HOSTS = ("127.0.0.1:8787", "localhost:8787", "LOCALHOST:8787", "[::1]:8787", "127.1.2.3:8787")
FOREIGN_ORIGINS = (
    "null",
    "http://evil.example",
    "https://127.0.0.1:8787",
    "http://127.0.0.1:8788",
    "http://127.0.0.1",
    "http://localhost:8787",
    "http://127.0.0.1:8787/",
    "http://127.0.0.1:8787.evil.example",
    "file://",
    "",
)
KINDS = ("application/json", "text/plain", "application/x-www-form-urlencoded")
FOREIGN_SITES = ("cross-site", "same-site", "anything")


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
@pytest.mark.parametrize("path", ["/", "/static/main.js", "/api/run"])
def test_a_foreign_host_is_refused(client, host, path):
    """Another name that leads to this machine (DNS rebinding) opens nothing."""
    method = "POST" if path.startswith("/api") else "GET"
    headers = {"host": host.encode(), "origin": f"http://{host}".encode()}
    response = client.request(method, path, headers=headers, content=b"{}")
    assert_is_error(response, 403)


@pytest.mark.parametrize("host", OWN_HOSTS)
def test_own_names_are_known(client, host):
    headers = {"host": host, "origin": f"http://{host}"}
    assert client.get("/", headers=headers).status_code == 200
    assert client.post("/api/run", headers=headers, json={}).status_code == 200


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
@pytest.mark.parametrize("path", ["/", "/static/main.js", "/api/run", "/api/data?name=a.csv"])
def test_a_foreign_origin_is_refused(client, service, origin, path):
    method = "POST" if path.startswith("/api") else "GET"
    assert_is_error(client.request(method, path, headers={"origin": origin}, content=b"{}"), 403)
    assert service.asked == service.stored == []


@pytest.mark.parametrize("site", FOREIGN_SITES)
def test_foreign_sites_load_nothing(client, site):
    for path in ("/", "/static/main.js", "/favicon.ico", "/static/plotly.min.js"):
        assert_is_error(client.get(path, headers={"sec-fetch-site": site}), 403)


def test_a_link_elsewhere_may_open_the_page_but_no_frame():
    with client_of(Recorded(), headers={}) as client:
        visit = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
        link = client.get("/?n=5", headers=visit | {"sec-fetch-dest": "document"})
        assert link.status_code == 200
        for kind in ("iframe", "embed", "object", "script", "image"):
            assert_is_error(client.get("/?n=5", headers=visit | {"sec-fetch-dest": kind}), 403)


def forgeries():
    """Return the headers of a hundred requests that a foreign page could cause, or worse."""
    tokens = (None, "", "x", TOKEN[:-1], TOKEN + "0", TOKEN.upper() + "!", TOKEN[::-1])
    origins = ("http://evil.example", "null", ORIGIN, None)
    sites = ("cross-site", "same-site", "same-origin", "none")
    for token, origin, site in itertools.product(tokens, origins, sites):
        yield {"x-relubias-token": token, "origin": origin, "sec-fetch-site": site}
    for origin, site in itertools.product(FOREIGN_ORIGINS, ("cross-site", "same-site")):
        yield {"x-relubias-token": TOKEN, "origin": origin, "sec-fetch-site": site}


def test_a_hundred_forged_requests_are_refused(service):
    forged = list(forgeries())
    assert len(forged) >= 100
    with client_of(service, headers={}) as client:
        for headers in forged:
            sent = {name: text for name, text in headers.items() if text is not None}
            for path in ("/api/run", "/api/data?name=a.csv"):
                for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
                    response = client.post(
                        path, headers=sent | {"content-type": kind}, content="{}"
                    )
                    assert_is_error(response, 403)
    assert service.asked == service.stored == []


def test_two_tokens_are_no_token(service):
    headers = [("x-relubias-token", TOKEN), ("x-relubias-token", "other"), ("origin", ORIGIN)]
    with client_of(service, headers={}) as client:
        assert_is_error(client.post("/api/run", headers=headers, json={}), 403)


def test_a_token_in_the_address_does_not_replace_the_header(service):
    with client_of(service, headers={}) as client:
        assert_is_error(client.post(f"/api/run?token={TOKEN}", json={}), 403)


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("path", ["/", "/api/run", "/static/main.js"])
def test_other_methods_are_refused(client, method, path):
    response = client.request(method, path)
    assert_is_error(response, 405)
    assert not [name for name in response.headers if name.startswith("access-control")]


def test_getting_changes_nothing(client, service):
    for path in ("/", "/?n=5&kappa=0.1", "/static/main.js", "/favicon.ico"):
        assert client.get(path).status_code in (200, 204)
    for path in ("/api/run", "/api/data?name=a.csv"):
        assert_is_error(client.get(path), 405)
    assert service.asked == service.stored == []


# --- what answers carry -----------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/static/main.js", "/favicon.ico", "/nothing", "/api/run"])
def test_every_answer_carries_the_protecting_headers(client, path):
    response = client.get(path)
    for name, text in HEADERS.items():
        assert response.headers.get_list(name) == [text]
    assert not [name for name in response.headers if name.startswith("access-control")]
    assert_says_nothing_internal(response)


def test_refusals_carry_them_too():
    with client_of(Recorded(), headers={"origin": "http://evil.example"}) as client:
        response = client.get("/")
        assert response.status_code == 403
        assert response.headers["content-security-policy"] == HEADERS["content-security-policy"]


def test_the_policy_allows_no_host_and_no_inline_code():
    rules = dict(
        rule.strip().split(" ", 1) for rule in HEADERS["content-security-policy"].split(";")
    )
    assert rules["default-src"] == rules["frame-ancestors"] == rules["base-uri"] == "'none'"
    assert rules["script-src"] == rules["connect-src"] == "'self'"
    for sources in rules.values():
        assert "unsafe" not in sources
        assert "http" not in sources
        assert "*" not in sources


def test_the_page_obeys_the_policy():
    """No inline script, no style attribute, no outside address."""
    page = ASSETS.page.decode()
    assert f'content="{TOKEN}"' in page
    assert "__RELUBIAS" not in page
    for tag in re.findall(r"<script\b[^>]*>", page):
        assert 'src="/static/' in tag
    assert "<style" not in page
    assert not re.search(r"\s(style|on[a-z]+)\s*=", page)
    for link in re.findall(r'(?:src|href)="([^"]*)"', page):
        assert link.startswith(("/", "#"))
        assert link.startswith(("#", "/favicon.ico")) or link.rpartition("/")[2] in ASSETS.files


# --- paths ------------------------------------------------------------------------------------

SECRET = "root:x:0:0"
DOTS = (
    "..",
    "%2e%2e",
    "%2E%2E",
    "..%00",
    ".%2e",
    "%252e%252e",
    "..;",
    "%c0%ae%c0%ae",
    "\uff0e\uff0e",
)
SLASHES = ("/", "%2f", "%5c", "\\", "%252f", "%c0%af", "//", "/./")
ROOTS = ("/static", "/static/", "", "/api")
TARGETS = ("etc/passwd", "pyproject.toml", "page-other/x.js", "security.py", "index.html%00.js")


def path_variants():
    """Return addresses that lead out of a folder somewhere."""
    for root, dots, slash in itertools.product(ROOTS, DOTS, SLASHES):
        for target in TARGETS[: 2 if root else 1]:
            yield f"{root}/{slash.join([dots] * 4)}{slash}{target}"
    yield from (f"/static/{target}" for target in TARGETS)
    yield from ("//etc/passwd", "/static//etc/passwd", "/static/%2fetc%2fpasswd")
    yield from ("/static/C:%5cWindows%5cwin.ini", "/static/%5c%5chost%5cshare", "/static/file:///")
    yield from ("/static/.", "/static/..", "/static/main.js/", "/static/main.js%00", "/static/%00")
    yield from ("/static/MAIN.JS", "/static/main.js%20", "/static/main.js::$DATA", "/static/a/b.js")


def test_no_path_leads_to_a_file(client, tmp_path):
    variants = list(path_variants())
    assert len(variants) >= 200
    outside = tmp_path / "outside.txt"
    outside.write_text(SECRET)
    Path(tmp_path / "link.js").symlink_to(outside)
    known = {asset.body for asset in ASSETS.files.values()} | {ASSETS.page}
    for variant in [*variants, f"/static/{quote(str(outside))}", f"/static/{tmp_path}/link.js"]:
        response = client.get(variant)
        if response.status_code == 200:
            assert response.content in known, variant
        else:
            assert response.status_code in (400, 404, 405), (variant, response.status_code)
            assert SECRET not in response.text
            assert_says_nothing_internal(response)


def test_only_names_in_the_table_are_served(client):
    for name, asset in ASSETS.files.items():
        response = client.get(f"/static/{name}")
        assert response.content == asset.body
        again = client.get(f"/static/{name}", headers={"if-none-match": response.headers["etag"]})
        assert again.status_code == 304
        assert again.content == b""
    assert not [name for name in ASSETS.files if "/" in name or "\\" in name]
    assert not any(TOKEN.encode() in asset.body for asset in ASSETS.files.values())


# --- bodies -----------------------------------------------------------------------------------

BAD_BODIES = {
    "empty": b"",
    "no JSON": b"n=10",
    "cut off": b'{"n": 1',
    "two": b'{"n": 1}{"n": 2}',
    "NaN": b'{"kappa": NaN}',
    "infinity": b'{"kappa": -Infinity}',
    "1e999": b'{"kappa": 1e999}',
    "many digits": b'{"n": ' + b"9" * 100_000 + b"}",
    "nested lists": b'{"n": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "nested objects": b'{"n":' * 10_000 + b"1" + b"}" * 10_000,
    "unclosed": b"[" * 500_000,
    "not UTF-8": b'{"law": "\xff\xfe"}',
    "lone surrogate": b'{"law": "\\ud800"}',
    "control": b'{"law": "a\x00b"}',
    "a list": b"[1, 2]",
    "text": b'"x"',
    "null": b"null",
    "long key": b'{"' + b"k" * 900_000 + b'": 1}',
    "long value": b'{"law": "' + b"v" * 900_000 + b'"}',
    "many keys": json.dumps({f"k{i}": i for i in range(20_000)}).encode(),
    "UTF-16": '{"n": 0}'.encode("utf-16"),
    "deep value": json.dumps({"n": {"a": [{"b": 1}] * 50}}).encode(),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_bad_bodies_get_a_short_sentence(client, service, name):
    response = client.post("/api/run", content=BAD_BODIES[name])
    assert len(assert_is_error(response, 400)) < 400
    assert response.elapsed.total_seconds() < 1.0
    assert service.asked == []


@pytest.mark.parametrize("path", ["/api/run", "/api/data?name=a.csv"])
def test_a_body_over_the_limit_is_refused(client, service, path):
    body = b"x" * ((1 << 20) + 1)
    assert "longer" in assert_is_error(client.post(path, content=body), 413)
    assert service.asked == service.stored == []


def test_a_body_of_unknown_length_is_cut_at_the_limit(client, service):
    sent = []

    async def chunks():
        for _ in range(1000):
            sent.append(1)
            yield b"x" * 65_536

    assert_is_error(client.post("/api/data?name=a.csv", content=chunks()), 413)
    assert service.stored == []
    assert len(sent) <= 18


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "+5", "99999999999999999999999", " "])
def test_lengths_that_are_no_numbers_are_refused(client, length):
    response = client.post("/api/run", content=b"{}", headers={"content-length": length})
    assert_is_error(response, 400)


@pytest.mark.parametrize("query", ["", "?name=", f"?name={'x' * 201}", "?name=a&name=b", "?nom=a"])
def test_an_upload_needs_a_name(client, service, query):
    assert "name" in assert_is_error(client.post(f"/api/data{query}", content=b"1"), 400)
    assert service.stored == []


def test_a_thousand_fuzzed_requests_tell_nothing(client, service):
    rng = np.random.default_rng(0)
    paths = ("/api/run", "/api/data?name=x.csv", "/api/data", "/static/x", "/", "/api", "/%ff")
    for trial in range(1000):
        kind = trial % 4
        path, headers = str(rng.choice(paths)), {}
        if kind == 0:
            body = rng.bytes(int(rng.integers(0, 300)))
            path = "/api/run"
        elif kind == 1:
            state, _ = corrupted(rng)
            body, path = json.dumps(state).encode(), "/api/run"
        elif kind == 2:
            good = bytearray(b'{"n": 10, "kappa": 0.5, "signs": "+-"}')
            for _ in range(int(rng.integers(1, 6))):
                good[int(rng.integers(len(good)))] = int(rng.integers(256))
            body, path = bytes(good), "/api/run"
        else:
            name = str(rng.choice(["x-relubias-client", "content-type", "accept", "cookie"]))
            headers[name] = bytes(rng.integers(33, 127, 40, dtype=np.uint8)).decode()
            body = rng.bytes(50)
        n_asked = len(service.asked)
        method = "POST" if path.startswith("/api/") else str(rng.choice(["GET", "POST", "HEAD"]))
        response = client.request(method, path, content=body, headers=headers)
        assert_says_nothing_internal(response)
        assert response.status_code < 500
        if path == "/api/run" and method == "POST" and kind < 2:
            is_answered = len(service.asked) > n_asked
            assert is_answered == (response.status_code == 200)


# --- errors of ours ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError('File "/home/secret/place.py", line 3, in f'),
        KeyError("/home/user"),
        MemoryError(),
        RecursionError("numpy 2.2"),
        OSError(2, "No such file", "/etc/passwd"),
    ],
    ids=repr,
)
def test_an_error_of_ours_is_told_to_the_terminal_alone(error):
    service = Recorded(error=error)
    with client_of(service) as client:
        for response in (
            client.post("/api/run", json={}),
            client.post("/api/data?name=a.csv", content=b"1"),
        ):
            assert "terminal" in assert_is_error(response, 500)
        assert len(client.lines) == 2
        assert type(error).__name__ in client.lines[0]
        service.error = None
        assert client.post("/api/run", json={}).status_code == 200


# --- a wider address --------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", "127.9.9.9"])
def test_loopback_addresses_are_known(host):
    assert is_loopback(host)
    assert not Gate.of(TOKEN, host).is_open


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.4", "example.org", "", "127.0.0.256"])
def test_everything_else_is_beyond_this_machine(host):
    assert not is_loopback(host)
    assert Gate.of(TOKEN, host).is_open


def test_beyond_this_machine_the_page_needs_the_token():
    with client_of(Recorded(), host="0.0.0.0", headers={}) as client:
        for query in ("", "?token=", "?token=x", f"?token={TOKEN}&token={TOKEN}", f"?n={TOKEN}"):
            assert TOKEN not in client.get(f"/{query}").text
            assert_is_error(client.get(f"/{query}"), 403)
        assert TOKEN in client.get(f"/?token={TOKEN}").text
        address = client.get(f"/?token={TOKEN}", headers={"host": "192.168.7.7:8787"})
        assert address.status_code == 200  # a number leads nowhere else
        named = client.get(f"/?token={TOKEN}", headers={"host": "evil.example:8787"})
        assert_is_error(named, 403)


def test_tokens_are_compared_in_full():
    gate = Gate.of(TOKEN, "0.0.0.0")
    gate.check_visit([TOKEN])
    for wrong in (TOKEN[:-1], TOKEN + "x", "", "é" * 32):
        with pytest.raises(Refused):
            gate.check_visit([wrong])
