"""Models that cost next to nothing, for `many.py`: what is left is what the files themselves cost.

Registered as another package registers its own, through entry points; `plugin` writes those beside this
file's folder. Nothing here sees or hears anything: a face's colour is the number of its person.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sensorium.core.media import Frames
from sensorium.core.people.identity import Calibration
from sensorium.core.record import Provenance
from sensorium.core.vision import Regions
from sensorium.models.bundled import Model
from sensorium.testing import fake_encoders, fake_hearing, fake_seeing

CONFIG = """\
speech: {speech_detector: fake, transcriber: fake, segmenter: fake, speaker_encoder: fake}
sound: {sound_encoder: fake}
pictures: {image_encoder: fake, text_detector: fake}
people: {face_detector: fake, face_encoder: fake}
"""
_JOBS = (
    "speech_detector", "transcriber", "segmenter", "speaker_encoder", "sound_encoder",
    "image_encoder", "face_detector", "face_encoder", "text_detector",
)  # fmt: skip


def plugin(folder: Path) -> None:
    """Writes the entry points of these models into `folder`, and their config."""
    info = folder / "sensorium_many_fakes-0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: sensorium-many-fakes\nVersion: 0\n"
    )
    lines = [f"{job} = many_fakes:{job.upper()}" for job in _JOBS]
    (info / "entry_points.txt").write_text("\n".join(["[sensorium.models]", *lines, ""]))
    (folder / "fakes.yaml").write_text(CONFIG)


def path_of(folder: Path) -> list[str]:
    """What PYTHONPATH needs so that a process finds the models."""
    return [str(folder), str(Path(__file__).parent), *sys.path]


class Detector(fake_hearing.FakeDetector):
    """Speech wherever the samples are not 0."""

    def __init__(self, threads: int = 1) -> None:
        pass


class Transcriber(fake_hearing.FakeTranscriber):
    """The words that the samples spell."""

    def __init__(self, threads: int = 1) -> None:
        super().__init__()


class Segmenter(fake_hearing.FakeSegmenter):
    """One speaker."""

    def __init__(self, threads: int = 1) -> None:
        pass


class Voices(fake_hearing.FakeVoices):
    """One voice."""

    def __init__(self, threads: int = 1) -> None:
        pass


class Faces(fake_seeing.FakeFaceFinder):
    """All that is red."""

    def __init__(self, threads: int = 1) -> None:
        pass


class FaceEncoder:
    """128 numbers of the person whose number is the colour of the face, and a little noise of the picture."""

    provenance = Provenance("fake-many-faces", "1")

    def __init__(self, threads: int = 1) -> None:
        pass

    def encode(self, frames: Frames, regions: Sequence[Regions]) -> list[np.ndarray]:
        """One row a face."""
        pairs = zip(frames.pixels, regions, strict=True)
        return [
            np.array([_embedding(p, box) for box in each.xyxy], np.float32).reshape(-1, 128)
            for p, each in pairs
        ]


def _embedding(pixels: np.ndarray, box: np.ndarray) -> np.ndarray:
    left, top, right, bottom = np.round(box).astype(int)
    _, high, low = pixels[(top + bottom) // 2, (left + right) // 2].tolist()
    person = np.random.default_rng(high * 128 + low).standard_normal(128)
    noise = np.random.default_rng(int(pixels.sum())).standard_normal(128)
    return person / np.linalg.norm(person) + 0.2 * noise / np.linalg.norm(noise)


class NoText:
    """There is none."""

    provenance = Provenance("fake-no-text", "1")

    def __init__(self, threads: int = 1) -> None:
        pass

    def detect(self, frames: Frames) -> list[Regions]:
        """No region in any picture."""
        nothing = np.zeros((0, 4), np.float32), np.zeros(0, np.float32), (), np.zeros(0, np.int64)
        return [Regions(*nothing, at) for at in frames.times.tolist()]


def _model(job: str, load: str, **more: object) -> Model:
    return Model("fake", job, "none", "none", f"many_fakes:{load}", **more)  # type: ignore[arg-type]


ImageEncoder, SoundEncoder = fake_encoders.FakeImageEncoder, fake_encoders.FakeSoundEncoder
SPEECH_DETECTOR = _model("speech_detector", "Detector")
TRANSCRIBER = _model("transcriber", "Transcriber")
SEGMENTER = _model("segmenter", "Segmenter")
SPEAKER_ENCODER = _model("speaker_encoder", "Voices")
SOUND_ENCODER = _model("sound_encoder", "SoundEncoder")
IMAGE_ENCODER = _model("image_encoder", "ImageEncoder")
FACE_DETECTOR = _model("face_detector", "Faces")
FACE_ENCODER = _model("face_encoder", "FaceEncoder", calibration=Calibration(40.0, 0.0, 0.0, -24.0))
TEXT_DETECTOR = _model("text_detector", "NoText")
