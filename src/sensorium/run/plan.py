"""How a config becomes passes: the only place that knows both sides, pipelines and adapters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sensorium.core.config import ON_DEMAND, Config
from sensorium.models.registry import Deferred, find_model, load_model
from sensorium.ports import Pass, Reader, SubtitleReader


def check(config: Config) -> None:
    """Raises what is wrong with the models of a config, before any file is touched."""
    for job, chosen in config.models().items():
        find_model(job, chosen)
    if config.people.active_speaker:
        _ = load_model("active_speaker", f"onnx:{config.people.active_speaker}", 1).provenance
    if config.people.trained:
        _ = load_model(
            "detector", f"yolo:{config.people.trained}", 1
        ).classes  # raises what is wrong with it


_SOUND = {
    "speech": ("speech_detector", "transcriber"),
    "speakers": ("segmenter", "speaker_encoder", "speech_detector"),
    "sound": ("sound_encoder",),
}
_PICTURES = {"pictures": ("image_encoder",), "faces": ("face_detector", "face_encoder"),
             "drawn": ("drawn_detector", "drawn_encoder"), "texts": ("text_detector",)}  # fmt: skip


def weights_for(config: Config, kinds: Iterable[str]) -> list[str]:
    """Names of the weights in the store that files of some kinds (image, audio, video) will need."""
    chosen = config.models()
    of_kind = {"image": [_PICTURES], "audio": [_SOUND], "video": [_SOUND, _PICTURES]}
    jobs = [
        job
        for kind in kinds
        for passes in of_kind[kind]
        for name, its in passes.items()
        if name in (config.passes or passes)
        for job in its
        if job in chosen
    ]
    stored = [find_model(job, chosen[job])[0].stored for job in jobs]
    return list(dict.fromkeys(name for name in stored if name))


@dataclass(frozen=True, slots=True)
class Built:
    """A config made real: what opens files, and the passes in order of need."""

    reader: Reader
    subtitles: SubtitleReader
    passes: Sequence[Pass]


def build(config: Config, threads: int) -> Built:
    """The passes of a config, in order of need; no weights are read yet."""
    from sensorium.adapters.media.reader import MediaReader
    from sensorium.adapters.media.subtitles import SubtitleFiles
    from sensorium.pipelines.people.who import Who
    from sensorium.pipelines.vision.pictures import Pictures, PicturesOptions
    from sensorium.pipelines.vision.shots import Shots
    from sensorium.pipelines.vision.texts import Texts

    media = MediaReader()
    chosen = config.models()
    model: dict[str, Any] = {job: Deferred(job, name, threads) for job, name in chosen.items()}
    passes: list[Pass] = [
        *_heard(media, model, config),
        Shots(media),
        Pictures(
            media, model["image_encoder"], PicturesOptions(every=config.pictures.picture_every)
        ),
        _faces(media, model, config, threads),
        *_objects(media, config, threads),
        *([_drawn(media, model)] if "drawn" in (config.passes or ()) else []),
        Texts(media, model["text_detector"]),
        *([_speaking(media, config, threads)] if config.people.active_speaker else []),
        Who(learned=bool(config.people.active_speaker)),
    ]
    wanted: Sequence[str] = config.passes or [p.name for p in passes if p.name not in ON_DEMAND]
    return Built(media, SubtitleFiles(), [each for each in passes if each.name in wanted])


def _heard(media: Reader, model: Mapping[str, Any], config: Config) -> list[Pass]:
    """Speech, speakers and sound: of the track that is asked for, channel by channel where that is due."""
    from sensorium.pipelines.sound.hear import Sound, SoundOptions
    from sensorium.pipelines.sound.of_track import OfTrack
    from sensorium.pipelines.speech.own_voice import OwnVoices
    from sensorium.pipelines.speech.per_channel import SpeakersPerChannel, SpeechPerChannel
    from sensorium.pipelines.speech.speakers import Speakers, SpeakersOptions
    from sensorium.pipelines.speech.transcribe import Speech

    track, detector = config.sound.audio_track, model["speech_detector"]
    channels = OwnVoices(media, detector, config.speech.channels)

    def speech(reader: Reader) -> Pass:
        return Speech(reader, detector, model["transcriber"])

    def speakers(reader: Reader, bounds: tuple[int | None, int | None]) -> Pass:
        options = SpeakersOptions(speakers=bounds)
        return Speakers(reader, model["segmenter"], model["speaker_encoder"], options, detector)

    sound = Sound(media, model["sound_encoder"], SoundOptions(hop=config.sound.sound_hop))
    return [
        OfTrack(SpeechPerChannel(speech, media, channels), track, (media, detector)),
        OfTrack(SpeakersPerChannel(speakers, media, channels, config.speech.speakers), track),
        OfTrack(sound, track),
    ]


def _faces(media: Reader, model: Mapping[str, Any], config: Config, threads: int) -> Pass:
    """Faces by the general detector, or by one that was trained and asks the general one."""
    from sensorium.pipelines.people.faces import Faces
    from sensorium.pipelines.people.watch import FacesOptions

    finder, encoder = model["face_detector"], model["face_encoder"]
    options = FacesOptions(per_second=config.people.faces_per_second)
    yolo = (
        load_model("detector", f"yolo:{config.people.trained}", threads)
        if config.people.trained
        else None
    )
    if yolo is None or not yolo.identities:
        return Faces(media, finder, encoder, options)
    from sensorium.pipelines.people.takeover import Takeover

    both: Any = Takeover(yolo, finder)
    return Faces(media, both, encoder, options, classes=yolo.identities)


def _objects(media: Reader, config: Config, threads: int) -> list[Pass]:
    """The things that a detector knows whose classes are no identities."""
    if not config.people.trained:
        return []
    from sensorium.pipelines.vision.objects import Objects, ObjectsOptions

    yolo = load_model("detector", f"yolo:{config.people.trained}", threads)
    found = Objects(media, yolo, ObjectsOptions(per_second=config.people.faces_per_second))
    return [] if yolo.identities else [found]


def _speaking(media: Reader, config: Config, threads: int) -> Pass:
    """A trained active-speaker model, from a file."""
    from sensorium.pipelines.people.speaking import Speaking
    from sensorium.pipelines.sound.of_track import OfTrack

    model = load_model("active_speaker", f"onnx:{config.people.active_speaker}", threads)
    return OfTrack(Speaking(media, model), config.sound.audio_track)


def _drawn(media: Reader, model: Mapping[str, Any]) -> Pass:
    """Drawn faces: looked for less often, and joined only where drawings are nearly equal."""
    from sensorium.ops.vision.track import TrackRule
    from sensorium.pipelines.people.faces import Faces
    from sensorium.pipelines.people.watch import FacesOptions

    slow = FacesOptions(per_second=1.0, sightings=2, distance=0.17, tracks=TrackRule(patience=2.5))
    return Faces(media, model["drawn_detector"], model["drawn_encoder"], slow, drawn=True)


def listener(config: Config, words: bool, turns: bool, latency: float) -> Any:
    """What hears a stream; no weights are read yet."""
    from sensorium.pipelines.live.listener import Listener
    from sensorium.pipelines.live.live_turns import LiveTurns, LiveTurnsOptions
    from sensorium.pipelines.live.live_words import LiveWords

    model = {job: load_model(job, name, 1) for job, name in config.models().items() if job in _LIVE}
    options = LiveTurnsOptions(latency=latency)
    return Listener(
        LiveWords(model["speech_detector"], model["transcriber"]) if words else None,
        LiveTurns(model["segmenter"], model["speaker_encoder"], options, model["speech_detector"])
        if turns
        else None,
    )


_LIVE = ("speech_detector", "transcriber", "segmenter", "speaker_encoder")
