"""The explorer seen from another machine: two network namespaces joined by a cable.

Needs root and iproute2; the network of this machine is not touched, since both ends live in
namespaces of their own. ``python -m tests.campaigns.explorer_network``
"""

from __future__ import annotations

import subprocess
import sys

INSIDE = r"""
set -e
ip link set lo up
ip link add here type veth peer name there
ip addr add 10.77.0.1/24 dev here
ip link set here up
unshare -n sleep 300 &
OTHER=$!
sleep 0.5
ip link set there netns $OTHER
away() { nsenter -t $OTHER -n "$@"; }
away ip link set lo up
away ip addr add 10.77.0.2/24 dev there
away ip link set there up
CODE='
import socket, sys
try:
    s = socket.create_connection(("10.77.0.1", int(sys.argv[1])), timeout=5)
    s.sendall(b"GET / HTTP/1.1\r\nHost: 10.77.0.1:%s\r\n\r\n" % sys.argv[1].encode())
    print(s.recv(12).decode())
except OSError as error:
    print(type(error).__name__)
'
for HOST in 127.0.0.1 0.0.0.0; do
    PORT=$((20000 + $$ % 10000))
    "$PYTHON" -m relubias explore --host $HOST --port $PORT --no-browser > /dev/null 2>&1 &
    SERVER=$!
    for _ in $(seq 300); do
        "$PYTHON" -c "import socket; socket.create_connection(('127.0.0.1', $PORT))" 2> /dev/null \
            && break
        sleep 0.1
    done
    echo "$HOST from the other namespace: $(away "$PYTHON" -c "$CODE" $PORT)"
    kill $SERVER
    wait $SERVER || true
done
kill $OTHER
"""
EXPECTED = [
    "127.0.0.1 from the other namespace: ConnectionRefusedError",
    "0.0.0.0 from the other namespace: HTTP/1.1 403",
]


def main() -> int:
    """Run the campaign; the status is 1 if another namespace gets further than it should."""
    done = subprocess.run(
        ["unshare", "-n", "env", f"PYTHON={sys.executable}", "sh", "-c", INSIDE],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    print(done.stdout, end="")
    print(done.stderr, end="", file=sys.stderr)
    return int(done.stdout.splitlines() != EXPECTED)


if __name__ == "__main__":
    sys.exit(main())
