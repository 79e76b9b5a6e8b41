"""Times, sizes and media in the words that people read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def describe(about: Mapping[str, Any]) -> str:
    """Kind, length, size and rates of a file in one line.

    >>> describe({"kind": "video", "duration": 64.25, "width": 1280, "height": 720,
    ...           "frame_rate": 25.0, "has_sound": False, "num_bytes": 2_400_000})
    'video, 1:04.2, 1280x720, 25 pictures/s, no sound, 2.4 MB'
    """
    if not about:
        return "could not be read"
    parts = [about["kind"]]
    if about.get("duration") is not None and about["kind"] != "image":
        parts.append(clock(about["duration"], padded=False))
    if about.get("width"):
        parts.append(f"{about['width']}x{about['height']}")
    if about.get("frame_rate"):
        parts.append(f"{about['frame_rate']:.4g} pictures/s")
    if about.get("has_sound") and about.get("sample_rate"):
        channels = {1: "mono", 2: "stereo"}.get(
            about.get("num_channels") or 0, f"{about.get('num_channels')} channels"
        )
        parts.append(f"sound {about['sample_rate'] / 1000:g} kHz {channels}")
    elif about["kind"] == "video" and not about.get("has_sound"):
        parts.append("no sound")
    return ", ".join([*parts, num_bytes(about.get("num_bytes") or 0)])


def num_bytes(count: int) -> str:
    """A size for people: 930 B, 12 kB, 2.4 MB."""
    value, units = float(count), ["B", "kB", "MB", "GB"]
    while value >= 999.5 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.2g} {units[0]}" if value < 10 else f"{value:.0f} {units[0]}"


def clock(seconds: float, padded: bool = True) -> str:
    """Minutes and seconds with tenths, hours where there are any; cut, not rounded.

    >>> clock(3.25), clock(3661.0), clock(59.99), clock(64.25, padded=False)
    ('00:03.2', '1:01:01.0', '00:59.9', '1:04.2')
    """
    tenths = math.floor(max(seconds, 0.0) * 10 + 1e-6)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    tail = f"{rest // 10:02d}.{rest % 10}"
    if hours:
        return f"{hours}:{minutes:02d}:{tail}"
    return f"{minutes:02d}:{tail}" if padded else f"{minutes}:{tail}"
