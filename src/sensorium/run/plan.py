"""How a config becomes passes: the only place that knows both sides, pipelines and adapters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sensorium.core.config import ON_DEMAND, Config
from sensorium.core.errors import UsageError
from sensorium.models.bundled import Model
from sensorium.models.registry import Deferred, find_model, load_model
from sensorium.ops.speech.languages import code
from sensorium.ports import Pass, Reader, SubtitleReader
from sensorium.run.filled import filled

if TYPE_CHECKING:
    from sensorium.pipelines.live.live_turns import LiveTurnsOptions
    from sensorium.pipelines.speech.speakers import SpeakersOptions


def check(config: Config) -> None:
    """Raises what is wrong with the models of a config, before any file is touched."""
    for job, chosen in config.models().items():
        model, _ = find_model(job, chosen)
        if job == "transcriber":
            _check_language(model, config)
    whole_options(config.speech.diarization, "config.speech.diarization")
    if ":" in config.speech.segmenter:
        _ = load_model(
            "segmenter", config.speech.segmenter, 1
        ).provenance  # raises if there is no file
    if config.people.active_speaker:
        _ = load_model("active_speaker", f"onnx:{config.people.active_speaker}", 1).provenance
    if config.people.trained:
        _ = load_model(
            "detector", f"yolo:{config.people.trained}", 1
        ).classes  # raises what is wrong with it


def _check_language(model: Model, config: Config) -> None:
    given = config.speech.language
    if model.identifies and given:
        code(given)
    one = model.language
    if one and (
        (given and given.split("-")[0].lower() != one) or config.speech.task != "transcribe"
    ):
        raise UsageError(
            f"transcriber: expected one that knows other languages than {one}, such as auto, got "
            f"{model.name} with language {given or 'auto'} and task {config.speech.task}"
        )


_SOUND = {
    "speech": ("speech_detector", "transcriber"),
    "speakers": ("segmenter", "speaker_encoder", "speech_detector"),
    "sound": ("sound_encoder",),
}
OVER_SOUND = frozenset(_SOUND)  # passes that look at no picture
_PICTURES = {"pictures": ("image_encoder",), "faces": ("face_detector", "face_encoder"),
             "bodies": ("body_detector",), "drawn": ("drawn_detector", "drawn_encoder"),
             "texts": ("text_detector",)}  # fmt: skip


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
    stored = [name for job in jobs for name in _stored(find_model(job, chosen[job])[0], config)]
    return list(dict.fromkeys(name for name in stored if name))


def _stored(model: Model, config: Config) -> tuple[str, ...]:
    """The weights of a model; of one that chooses by the language, what a given language leaves."""
    given = (config.speech.language or "").split("-")[0].lower()
    if not given or not model.also:
        return (model.stored, model.also)
    return (model.stored,) if given == "en" else (model.also,)


def whole_options(given: Mapping[str, Any], where: str) -> SpeakersOptions:
    """The options of who speaks when in a whole file, `given` over the defaults.

    Raises:
        UsageError: an option that does not exist, or that is given elsewhere; `where` names the place.
    """
    from sensorium.pipelines.speech.speakers import SpeakersOptions

    _not_here(given, "speakers", where)
    return filled(SpeakersOptions(), given, where)


def live_options(
    given: Mapping[str, Any], where: str, latency: float | None = None
) -> LiveTurnsOptions:
    """The same for a stream; what is tuned holds at any `latency` in seconds (None: the usual one)."""
    from sensorium.pipelines.live.live_turns import LiveTurnsOptions

    _not_here(given, "latency", where)
    options = LiveTurnsOptions() if latency is None else LiveTurnsOptions(latency=latency)
    return filled(options, given, where)


def _not_here(given: Mapping[str, Any], name: str, where: str) -> None:
    if name in given:
        raise UsageError(
            f"{where}: {name} does not belong here; give --{name}"
            + (", or speech.speakers" if name == "speakers" else "")
        )


Opened = Callable[[str, str, int], Any]  # (job, chosen model, threads) -> what fulfils its port


@dataclass(frozen=True, slots=True)
class Built:
    """A config made real: what opens files, and the passes in order of need."""

    reader: Reader
    subtitles: SubtitleReader
    passes: Sequence[Pass]


def build(
    config: Config, threads: int, opened: Opened = Deferred, media: Reader | None = None
) -> Built:
    """The passes of a config, in order of need; no weights are read yet.

    `opened` gives the model of a job: who serves many at once shares them. `media` opens the files.
    """
    from sensorium.adapters.media.reader import MediaReader
    from sensorium.adapters.media.subtitles import SubtitleFiles
    from sensorium.pipelines.people.who import Who
    from sensorium.pipelines.vision.pictures import Pictures, PicturesOptions
    from sensorium.pipelines.vision.shots import Shots
    from sensorium.pipelines.vision.texts import Texts

    media = media or MediaReader()
    chosen = config.models()
    model: dict[str, Any] = {job: opened(job, name, threads) for job, name in chosen.items()}
    passes: list[Pass] = [
        *_heard(media, model, config),
        Shots(media),
        Pictures(
            media, model["image_encoder"], PicturesOptions(every=config.pictures.picture_every)
        ),
        _faces(media, model, config, threads),
        *_bodies(media, model, config),
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
    from sensorium.pipelines.speech.speakers import Speakers
    from sensorium.pipelines.speech.transcribe import Speech, SpeechOptions

    track, detector = config.sound.audio_track, model["speech_detector"]
    channels = OwnVoices(media, detector, config.speech.channels)

    words = SpeechOptions(
        language=config.speech.language or "", translate=config.speech.task == "translate"
    )
    tells = find_model("transcriber", config.speech.transcriber)[0].identifies
    languages = model["transcriber"] if tells else None

    def speech(reader: Reader) -> Pass:
        return Speech(reader, detector, model["transcriber"], words, languages)

    chosen = whole_options(config.speech.diarization, "config.speech.diarization")

    def speakers(reader: Reader, bounds: tuple[int | None, int | None]) -> Pass:
        options = replace(chosen, speakers=bounds)
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

    both: Any = Takeover(yolo, finder, near=finder)
    return Faces(media, both, encoder, options, classes=yolo.identities)


def _bodies(media: Reader, model: Mapping[str, Any], config: Config) -> list[Pass]:
    """Bodies, where they are asked for: they go with the faces."""
    if "bodies" not in (config.passes or ()):
        return []
    from sensorium.pipelines.people.bodies import Bodies, BodiesOptions

    options = BodiesOptions(per_second=config.people.faces_per_second)
    return [Bodies(media, model["body_detector"], options)]


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

    slow = FacesOptions(  # a drawing is flat and sharp: what is said of film does not hold for it
        per_second=1.0,
        sightings=2,
        least_sharp=0.0,
        distance=0.35,
        tracks=TrackRule(patience=2.5),
    )
    return Faces(media, model["drawn_detector"], model["drawn_encoder"], slow, drawn=True)


def listener(
    config: Config, words: bool, turns: bool, latency: float, opened: Opened | None = None
) -> Any:
    """What hears a stream; no weights are read yet. `opened` as for `build`."""
    from sensorium.pipelines.live.listener import Listener
    from sensorium.pipelines.live.live_tongue import LiveTongue
    from sensorium.pipelines.live.live_turns import LiveTurns
    from sensorium.pipelines.live.live_words import LiveWords

    chosen, _ = find_model("transcriber", config.speech.transcriber)
    _check_language(chosen, config)
    opened = opened or load_model
    model = {job: opened(job, name, 1) for job, name in config.models().items() if job in _LIVE}
    options = live_options(config.speech.live, "config.speech.live", latency)
    hears = LiveWords(
        model["speech_detector"],
        model["transcriber"],
        language=config.speech.language or "",
        tongue=LiveTongue(model["transcriber"]) if chosen.identifies else None,
    )
    return Listener(
        hears if words else None,
        LiveTurns(model["segmenter"], model["speaker_encoder"], options, model["speech_detector"])
        if turns
        else None,
    )


_LIVE = ("speech_detector", "transcriber", "segmenter", "speaker_encoder")
