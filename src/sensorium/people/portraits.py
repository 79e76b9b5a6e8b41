"""A cast list into a library: names, and portraits as embeddings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from sensorium.adapters.media.reader import MediaReader
from sensorium.adapters.stores.cast_lists import read_cast
from sensorium.core.config import Config
from sensorium.core.errors import SensoriumError, UsageError
from sensorium.core.people.identity import comparable
from sensorium.core.people.members import Member, Unused
from sensorium.library.gallery import Gallery
from sensorium.library.layout import Layout
from sensorium.models.registry import load_model

_SIDE = 1280  # pixels at which a portrait is read


def take_cast(layout: Layout, path: str | os.PathLike[str], config: Config) -> list[Unused]:
    """Reads a cast list and keeps it in the library, for this run and later ones.

    It takes the place of the one before. Returns what could not be used: two people of one name, a
    portrait that cannot be read or shows no face or several. The caller holds the library's lock.

    Raises:
        UsageError: no cast list, or of another format.
    """
    cast = read_cast(path)
    looked = _Portraits(config)
    unused = list(cast.unused)
    members = [_member(each, looked, unused) for each in cast.members]
    gallery = Gallery(layout)
    plain = [{"what": each.what, "message": each.message} for each in unused]
    if members != gallery.known().cast.get("members") or plain:
        gallery.add("cast", members=members, unused=plain)
    return unused


def _member(member: Member, looked: _Portraits, unused: list[Unused]) -> dict[str, Any]:
    found = []
    for file in member.portraits:
        try:
            found.append(looked.at(file))
        except SensoriumError as error:
            unused.append(Unused(f"portrait of {member.name}", str(error)))
    return {"name": member.name, "aliases": list(member.aliases), "portraits": found}


class _Portraits:
    """Finds the face of a portrait and embeds it; the models are loaded at the first one."""

    def __init__(self, config: Config) -> None:
        self._reader = MediaReader()
        self._detector = load_model("face_detector", config.people.face_detector, 1)
        self._encoder = load_model("face_encoder", config.people.face_encoder, 1)

    def at(self, file: str) -> Mapping[str, Any]:
        """One portrait as plain data.

        Raises:
            UsageError: no face, or more than one.
            MediaError: it cannot be read.
        """
        ref = self._reader.probe(file)
        if ref.kind != "image":
            raise UsageError(f"{file}: expected a picture with one face, it is {ref.kind}")
        frame = next(iter(self._reader.frames(ref, _SIDE)))
        faces = self._detector.detect(frame)[0]
        if len(faces) != 1:
            what = f"{len(faces)} faces" if len(faces) else "no face"
            raise UsageError(
                f"{file}: expected a portrait with one face, found {what}; "
                "cut the picture to the head and shoulders of the one who is meant"
            )
        made_by = self._encoder.provenance
        values = self._encoder.encode(frame, [faces])[0][0]
        values = values / max(float((values**2).sum()) ** 0.5, 1e-12)
        return {
            "file": os.path.basename(file),
            "digest": ref.digest,
            "model": comparable(made_by.model, made_by.revision),
            "embedding": [round(float(value), 6) for value in values],
        }
