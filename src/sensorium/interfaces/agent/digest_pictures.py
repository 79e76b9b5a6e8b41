"""The pictures of a digest: a person's best, a shot's middle, beside the lines of that time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PIL import Image

from sensorium.adapters.media.reader import MediaReader
from sensorium.interfaces.agent.digest_lines import Line, faces
from sensorium.interfaces.agent.token_count import estimate, of_picture
from sensorium.interfaces.text.timeline import Timeline
from sensorium.interfaces.text.units import clock
from sensorium.interfaces.viewer.thumbnails import pictures, plan, titles

SIDE = 448  # pixels of the longer side: 16 tokens of 28 pixels
Shown = list[tuple[float, str]]  # (seconds, line above the picture)


def chosen(timeline: Timeline, budget: int) -> tuple[Shown, int]:
    """Which pictures, in order of time, and the tokens that they and their lines take.

    The best picture of everyone, those longest on screen first; then one for each shot that has none
    yet; as many as fit.
    """
    if timeline.kind not in ("image", "video"):
        return [], 0
    width, height = timeline.about.get("width") or 16, timeline.about.get("height") or 9
    scale = min(1.0, SIDE / max(width, height))
    each = of_picture(round(width * scale), round(height * scale))
    names, found, left = titles(timeline), dict[float, str](), budget
    for at in _moments(timeline):
        who = faces(timeline.faces, at - 0.05, at + 0.05)
        if timeline.kind == "image":
            who = timeline.seen
        told = ", ".join(names.get(person, person) for person in who)
        when = "" if timeline.kind == "image" else f"[{clock(at)}] "
        line = f"{when}picture{f': {told}' if told else ''}"
        cost = each + estimate(f"{line}\n\n")
        if cost <= left and at not in found:
            found[at] = line
            left -= cost
    return sorted(found.items()), budget - left


def _moments(timeline: Timeline) -> list[float]:
    if timeline.kind == "image":
        return [0.0]
    best = [row["at"] for row in timeline.persons if row["at"] is not None]
    taken = list(best)
    for at in plan(timeline)[0]:
        shot = next((s for s in timeline.shots if s["start"] <= at < s["end"]), None)
        if shot is None or not any(shot["start"] <= t < shot["end"] for t in taken):
            taken.append(at)
    return list(dict.fromkeys(taken))


def parts(
    timeline: Timeline, shown: Shown, top: Sequence[str], told: Sequence[Line]
) -> list[dict[str, Any]]:
    """Text and pictures in turn, as chat models take them; a picture is a PIL picture.

    A picture that can no longer be had is told with the reason in its place.
    """
    got = pictures(timeline, MediaReader(), SIDE, [at for at, _ in shown])
    done: list[dict[str, Any]] = []
    open_ = list(top)
    waiting = list(told)
    for (at, line), picture in zip(shown, got, strict=True):
        while waiting and waiting[0].at <= at:
            open_.append(waiting.pop(0).text)
        if picture.pixels is None:
            continue
        done.append({"type": "text", "text": "\n".join([*open_, line])})
        done.append({"type": "image", "image": Image.fromarray(picture.pixels)})
        open_ = []
    open_ += [line.text for line in waiting]
    if missing := {each.missing for each in got if each.pixels is None}:
        open_.append(f"(no pictures: {', '.join(sorted(missing))})")
    return [*done, *([{"type": "text", "text": "\n".join(open_)}] if open_ else [])]
