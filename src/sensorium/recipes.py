"""The registry of models by name, and how a config becomes passes.

The only place that knows both sides: pipelines see ports, adapters see libraries.

A model is one adapter and one `Model` entry in `bundled.py`. Other packages register theirs through the entry
point group ``sensorium.models``, each entry a `Model`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from sensorium.bundled import BUNDLED, Model
from sensorium.core.config import ON_DEMAND, Config
from sensorium.core.errors import MissingDependencyError, UsageError
from sensorium.ops import evidence
from sensorium.ports import EvidenceSource, Pass, Reader, SubtitleReader


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
            model["speech_detector"],
        ),
        Sound(media, model["sound_encoder"], SoundOptions(hop=config.sound_hop)),
        Shots(media),
        Pictures(media, model["image_encoder"], PicturesOptions(every=config.picture_every)),
        _faces(media, model, config, threads),
        *_objects(media, config, threads),
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
    options = FacesOptions(per_second=config.faces_per_second)
    yolo = load_model("detector", f"yolo:{config.trained}", threads) if config.trained else None
    if yolo is None or not yolo.identities:
        return Faces(media, finder, encoder, options)
    from sensorium.pipelines.takeover import Takeover

    both: Any = Takeover(yolo, finder)
    return Faces(media, both, encoder, options, classes=yolo.identities)


def _objects(media: Reader, config: Config, threads: int) -> list[Pass]:
    """The things that a detector knows whose classes are no identities."""
    if not config.trained:
        return []
    from sensorium.pipelines.objects import Objects, ObjectsOptions

    yolo = load_model("detector", f"yolo:{config.trained}", threads)
    found = Objects(media, yolo, ObjectsOptions(per_second=config.faces_per_second))
    return [] if yolo.identities else [found]


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
