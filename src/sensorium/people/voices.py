"""The same speaker across files: the voices of a library's cast, and learning one from a clip."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sensorium.core.config import Config
from sensorium.core.errors import UsageError
from sensorium.core.people.identity import Identity
from sensorium.library.lock import held
from sensorium.ops.people.everybody import Everybody
from sensorium.ops.people.similarity import MatchRule
from sensorium.people.cast import Cast
from sensorium.people.match import matched
from sensorium.people.sample import heard, plain

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What became of an enrolment; `score` is how sure it is that the voice was known before."""

    identity: str
    name: str
    seconds: float
    score: float | None


class Voices(Cast):
    """Everyone who was heard in a library; all that `Cast` can do, and enrolment from clips.

    Example::

        voices = sm.Voices("library")
        voices.table()                        # identity, name, seconds, files
        voices.enroll("Barack Obama", "obama.wav")
    """

    def all(self) -> list[Identity]:
        """Every identity that has a voice, the one heard longest first."""
        return [who for who in super().all() if who.of("voice")]

    def table(self) -> pd.DataFrame:
        """One row per voice of a file, with the columns of `Cast.table` that voices need."""
        table = super().table()
        table = table[table["kind"] == "voice"].rename(columns={"label": "speaker"})
        return table[["identity", "name", "score", "uri", "speaker", "seconds", "sample"]]

    def enroll(
        self, name: str, clip: str | os.PathLike[str], config: Config | None = None
    ) -> Enrolled:
        """Learns a voice from a recording in which one person speaks.

        Where the voice is that of an unnamed identity, that one gets the name.

        Raises:
            UsageError: no name, under a second of speech, two voices in the clip, or a voice that
                goes by another name already.
            MediaError: a clip that cannot be read or has no sound.
        """
        if not name.strip():
            raise UsageError("enroll: expected a name, got an empty one")
        sample = heard(clip, config or Config())
        with held(self._layout):
            known = self._gallery.known()
            if known.of.get(sample.key):
                raise UsageError(f"{clip}: enrolled already, as {known.of[sample.key]}")
            found = matched(
                [sample], Everybody(known.identities, known.of), MatchRule(founding=0.0)
            )
            if not found:
                raise UsageError(f"{sample.model}: no calibration is registered for this encoder")
            _, whose, score = found[0]
            before = known.identities.get(whose)
            if before is not None and before.name not in (None, name.strip()):
                raise UsageError(
                    f"{clip}: this voice is known as {before.name} ({whose}, probability {score:.2f}); "
                    f"rename it with: sensorium voices name {whose} {name.strip()!r}"
                )
            self._gallery.add("seen", samples=[plain(sample, whose, score)])
            self._gallery.add("named", identity=whose, name=name.strip())
        return Enrolled(whose, name.strip(), sample.seconds, score)
