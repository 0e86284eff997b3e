"""A child that does what it is told: wait, end, answer, fail; for tests of the pool."""

from __future__ import annotations

import os
import sys
import time

from relubias.sweep._child import read_frame, write_frame


def main() -> None:
    """Answer requests until standard input ends."""
    answers, requests = os.fdopen(os.dup(1), "wb"), os.fdopen(os.dup(0), "rb")
    if os.environ.get("RELUBIAS_TEST_CHILD") == "stillborn":
        sys.exit(3)
    if os.environ.get("RELUBIAS_TEST_CHILD") == "late" and "plain" not in sys.argv:
        time.sleep(60.0)
    write_frame(answers, {"is_ready": True})
    while (frame := read_frame(requests)) is not None:
        header, body = frame
        time.sleep(header.get("seconds", 0.0))
        if "exit" in header:
            os._exit(header["exit"])
        answer = {"pid": os.getpid(), "said": header.get("say"), "plain": sys.argv[2:]}
        write_frame(answers, answer, body)


if __name__ == "__main__":
    main()
