"""What a server allows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sensorium.core.errors import UsageError
from sensorium.core.limits import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Who may ask, and how much at once. Sizes in bytes, times in seconds.

    `token`: what a client must know (empty: nothing); `hosts`: names beside ``localhost`` and addresses under
    which it may be asked; `extract_from`: folders whose files jobs may name. `max_upload` is of one
    request, `max_json` of one without files; `limits` of what is decoded; `request_seconds` of one request
    from its first byte on.
    `running` requests are computed at a time, `waiting` more may wait, `jobs` files may wait. `live`
    sessions at a time; one whose client is gone is kept for `keep` seconds; `ahead` seconds of sound wait
    in memory before a client has to; one that leaves `unread` events unread, or takes nothing for `stall`
    seconds, is dropped. `grace`: for what is under way when the server ends.
    """

    token: str = ""
    hosts: tuple[str, ...] = ()
    extract_from: tuple[Path, ...] = ()
    max_upload: int = 500_000_000
    max_json: int = 32_000_000
    limits: Limits = Limits(max_pixels=50_000_000, max_seconds=4 * 3600.0)
    request_seconds: float = 900.0
    running: int = 2
    waiting: int = 8
    jobs: int = 100
    live: int = 8
    keep: float = 60.0
    ahead: float = 10.0
    unread: int = 2000
    stall: float = 20.0
    grace: float = 30.0

    def __post_init__(self) -> None:
        for name in ("max_upload", "max_json", "request_seconds", "running", "jobs", "live"):
            if getattr(self, name) <= 0:
                raise UsageError(f"{name}: expected more than 0, got {getattr(self, name)}")
        for name in ("waiting", "keep", "grace"):
            if getattr(self, name) < 0:
                raise UsageError(f"{name}: expected 0 or more, got {getattr(self, name)}")
