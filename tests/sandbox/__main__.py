"""Starts the sandbox: `/usr/bin/python3 tests/sandbox [--port N] [--host H] [--seed FILE]`."""

import sys
from pathlib import Path

if not __package__:
    # Run as a folder: make `sandbox` importable from its parent, as `python3 -m sandbox` would.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from sandbox.shell import main  # noqa: E402  (the path above must be set first)

if __name__ == "__main__":
    sys.exit(main())
