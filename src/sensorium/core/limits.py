"""How much a file may hold once it is decoded."""

from __future__ import annotations

from dataclasses import dataclass

from sensorium.core.errors import LimitError


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps that are checked from the headers and again while decoding.

    `max_pixels` per picture, `max_seconds` per file. A few kilobytes can decode to terabytes; these are
    far above what people hold and far below what a machine holds. Of a remote file also `max_bytes`, and
    `max_fetch` seconds of waiting for the network; by HTTP it comes from public addresses alone, unless
    `allow_private`.
    """

    max_pixels: int = 150_000_000
    max_seconds: float = 48 * 3600.0
    max_bytes: int = 50_000_000_000
    max_fetch: float = 2 * 3600.0
    allow_private: bool = False

    def check_size(self, uri: str, width: int, height: int) -> None:
        """Raises LimitError for a picture that is too large."""
        if width * height > self.max_pixels:
            raise LimitError(
                f"{uri}: a picture of {width} x {height} pixels; expected at most "
                f"{self.max_pixels:,} pixels; scale it down, or raise Limits.max_pixels"
            )

    def check_bytes(self, uri: str, num_bytes: int) -> None:
        """Raises LimitError for a remote file that is too large."""
        if num_bytes > self.max_bytes:
            raise LimitError(
                f"{uri}: {num_bytes:,} bytes or more; expected at most {self.max_bytes:,} bytes of a remote "
                "file; download it first, or raise Limits.max_bytes"
            )

    def check_seconds(self, uri: str, seconds: float) -> None:
        """Raises LimitError for a recording that is too long."""
        if seconds > self.max_seconds:
            raise LimitError(
                f"{uri}: {seconds:.0f} s long; expected at most {self.max_seconds:.0f} s; "
                "cut it, or raise Limits.max_seconds"
            )
