"""SQLite files as we open them."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

_PATIENCE = 60.0  # seconds that a reader waits for a transaction


def connected(place: Path, mode: str) -> sqlite3.Connection:
    """A file, open; every statement is a transaction of its own. `mode` as SQLite has it: ro, rw, rwc."""
    name = f"file:{quote(os.path.abspath(place))}?mode={mode}"
    opened = sqlite3.connect(
        name, uri=True, isolation_level=None, timeout=_PATIENCE, check_same_thread=False
    )
    opened.execute("PRAGMA synchronous=FULL")
    return opened
