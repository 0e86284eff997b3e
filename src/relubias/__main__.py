"""`python -m relubias` is the command `relubias`."""

from __future__ import annotations

import sys

from relubias.cli import main

if __name__ == "__main__":
    sys.exit(main())
