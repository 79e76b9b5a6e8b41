"""How much a file may hold once it is decoded."""

from __future__ import annotations

from dataclasses import dataclass

from sensorium.core.errors import LimitError, UsageError


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps that are checked from the headers and again while decoding.

    `max_pixels` per picture, `max_seconds` per file. A few kilobytes can decode to terabytes; these are
    far above what people hold and far below what a machine holds. What is large though there is next to
    nothing in it is refused as well: more than `max_pixels_per_byte` of a picture of 40 million pixels and
    more, `max_seconds_per_byte` of an hour and more. Of a remote file also `max_bytes`, and `max_fetch`
    seconds of waiting for the network; by HTTP it comes from public addresses alone, unless
    `allow_private`.
    """

    max_pixels: int = 150_000_000
    max_seconds: float = 48 * 3600.0
    max_pixels_per_byte: float = 1000.0
    max_seconds_per_byte: float = 0.5
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

    def check_filled(self, uri: str, num_bytes: int, pixels: int = 0, seconds: float = 0.0) -> None:
        """Raises LimitError for a file that holds next to nothing and claims to be large."""
        if pixels >= _LARGE and pixels > self.max_pixels_per_byte * num_bytes:
            what, most = f"a picture of {pixels:,} pixels", f"{self.max_pixels_per_byte:g} pixels"
        elif seconds >= _LONG and seconds > self.max_seconds_per_byte * num_bytes:
            what, most = f"a recording of {seconds:.0f} s", f"{self.max_seconds_per_byte:g} s"
        else:
            return
        raise LimitError(
            f"{uri}: {what} in {num_bytes:,} bytes; expected at most {most} a byte of what is that large; "
            "it is empty, damaged, or made to fill the memory"
        )


_LARGE, _LONG = 40_000_000, 3600.0  # pixels, seconds


@dataclass(frozen=True, slots=True)
class Fence:
    """What a worker may use while it works on files of strangers; see `adapters.fencing.fence`.

    `memory` in bytes, beyond what is shared with others; `seconds` for one file, and `per_second` more for
    each second that it lasts; `file_bytes` of any file that it writes; `network`: it may open connections,
    for a file that is fetched piece by piece.

    Raises:
        UsageError: a limit that is not above 0.
    """

    memory: float = 6e9
    seconds: float = 300.0
    per_second: float = 20.0
    file_bytes: float = 4e9
    network: bool = False

    def __post_init__(self) -> None:
        for name in ("memory", "seconds", "per_second", "file_bytes"):
            if not getattr(self, name) > 0:
                raise UsageError(f"Fence.{name}: expected more than 0, got {getattr(self, name)}")

    def late(self, uri: str, running: float, duration: float) -> str:
        """What to say of a file of `duration` seconds that is worked on for `running`; empty: nothing yet."""
        most = self.seconds + self.per_second * duration
        if running <= most:
            return ""
        return (
            f"{uri}: not done within {most:.0f} s, the time that the fence leaves to a file of "
            f"{duration:.0f} s; work on it without the fence if you trust it, or raise Fence.seconds"
        )
