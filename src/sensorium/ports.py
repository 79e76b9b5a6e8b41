"""What we ask of the outside: every port, each with at most three methods.

Pipelines see these Protocols only; adapters fulfil them; `sensorium.testing` ships a fake of each.
A model's `provenance` is known without loading its weights; the weights are loaded at the first
call (or by `load`), never in the constructor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from sensorium.core.features import Features
from sensorium.core.media import Audio, Frames, MediaRef
from sensorium.core.people.evidence import Claim, Scene
from sensorium.core.people.inquiry import Answer, Case, Hit, Page
from sensorium.core.record import Provenance, Record
from sensorium.core.speech import Cue, Transcript
from sensorium.core.vision import Regions
from sensorium.ops.people.person_names import Names


class Reader(Protocol):
    """Opens files; the one door through which bytes become sound and pictures."""

    def probe(self, uri: str) -> MediaRef:
        """What the file is, by content. Raises a MediaError for what is no media."""

    def audio(self, ref: MediaRef, sample_rate: int, channel: int | None = None) -> Iterator[Audio]:
        """The sound in chunks of at most 30 s, mono, resampled to `sample_rate`, gapless.

        It is that of the track ``ref.audio_track``. Channels are averaged, or the one that is asked for
        is taken. Chunk i+1 starts where chunk i ended; silence fills holes in the time stamps.
        """

    def frames(
        self, ref: MediaRef, max_side: int | None, times: Sequence[float] | None = None
    ) -> Iterator[Frames]:
        """The pictures one at a time (each a Frames of one), upright, with their true times.

        `max_side` scales down so that the longer side has at most so many pixels (None: as stored).
        With `times` (ascending seconds) only the picture on display at each of these times.
        """


class SubtitleReader(Protocol):
    """Finds and reads the subtitle files that lie beside a media file."""

    def beside(self, uri: str) -> list[str]:
        """Paths of the subtitle files that belong to the file, sorted."""

    def read(self, path: str) -> list[Cue]:
        """The entries of one subtitle file in order of time."""


class SpeechDetector(Protocol):
    """Voice activity. Stateful per call of `probabilities`: a file and a microphone alike."""

    provenance: Provenance

    def probabilities(self, chunks: Iterable[Audio]) -> Iterator[Features]:
        """Speech probability, axes ``(time,)``, dim 1, for mono 16 kHz chunks of any length.

        Rows come out as soon as they are known; together they cover the input without gap.
        """


class Transcriber(Protocol):
    """Speech to words."""

    provenance: Provenance

    def transcribe(
        self, audio: Audio, prompt: str = "", language: str = "", translate: bool = False
    ) -> Transcript:
        """The words in at most 30 s of mono 16 kHz audio, timed from the start of the source.

        `prompt` is the text before it, for recognisers that can use it. `language` is the BCP-47 tag
        of what is spoken, empty where it is not known; `translate`: into English.
        """


class LanguageDetector(Protocol):
    """Which language is spoken; a transcriber that tells languages apart is one too."""

    provenance: Provenance

    def languages(self, audio: Audio) -> list[tuple[str, float]]:
        """(BCP-47 tag, probability), most probable first, of at most 30 s of mono 16 kHz speech."""


class Segmenter(Protocol):
    """Who is active inside a short window, as local speakers without names."""

    provenance: Provenance
    window: float  # seconds

    def segment(self, windows: Sequence[Audio]) -> list[Features]:
        """Activity 0..1 per row of the time axis and local speaker: axes ``(time,)``, dim speakers."""


class SpeakerEncoder(Protocol):
    """A voice as one embedding."""

    provenance: Provenance

    def encode(self, clips: Sequence[Audio]) -> list[Features]:
        """One embedding ``(dim,)`` of unit norm per mono 16 kHz clip of at least 0.5 s."""


class SoundEncoder(Protocol):
    """What a language model hears: an audio encoder's rows."""

    provenance: Provenance
    window: float  # seconds

    def encode(self, windows: Sequence[Audio]) -> list[tuple[Features, ...]]:
        """Per window of at most `window` seconds, mono 16 kHz, its outputs.

        Those with a time axis have `num_valid`: how much of it covers real sound.
        """


class ImageEncoder(Protocol):
    """What a language model sees: an image encoder's tokens."""

    provenance: Provenance

    def encode(self, frames: Frames) -> list[tuple[Features, ...]]:
        """Per frame its outputs: ``patches`` with axes (height, width), ``class`` without axes."""


class Detector(Protocol):
    """Finds things in pictures."""

    provenance: Provenance

    def detect(self, frames: Frames) -> list[Regions]:
        """One Regions per frame, boxes in pixels of the frame given."""


class FaceEncoder(Protocol):
    """A face as one embedding."""

    provenance: Provenance

    def encode(self, frames: Frames, regions: Sequence[Regions]) -> list[NDArray]:
        """Per frame float32 ``(region, dim)``."""


class ActiveSpeaker(Protocol):
    """Whether a face speaks what is heard."""

    provenance: Provenance

    def speaks(self, faces: NDArray, sound: Audio) -> NDArray:
        """Probability float32 ``(picture,)`` for gray faces uint8 ``(picture, 112, 112)`` at 25 a second.

        `sound` is mono, 16 kHz, of any length.
        """


class SearchEngine(Protocol):
    """Looks something up; an agent reaches the web by it, and by a PageReader for what it found."""

    place: str  # where queries go, for people

    def search(self, query: str, num: int = 5) -> list[Hit]:
        """The first `num` results. Raises SearchError."""


class PageReader(Protocol):
    """Reads pages of the web."""

    def read(self, url: str, seconds: float) -> Page:
        """The page at an address, in at most so many seconds. Raises SensoriumError."""


class NameAgent(Protocol):
    """Finds the name of an identity where the evidence of the library does not suffice."""

    def name(self, case: Case) -> Answer:
        """A name with evidence that was checked, or None with the reason. Never raises for a bad answer."""


class EvidenceSource(Protocol):
    """Claims names for the voices and faces of one file."""

    def __call__(self, scene: Scene, names: Names) -> Iterable[Claim]:
        """Claims whose `identity` is the key of a voice or face in the scene."""


Earlier = Mapping[str, Sequence[Record]]
Report = Callable[[float], None]


class Pass(Protocol):
    """One kind of work on one file, a pure function of the file and of `recipe`.

    Its result is stored under (digest of the file, digest of recipe and of the recipes it needs),
    so a changed model repeats this pass and those that need it, and no other.
    """

    name: str
    needs: tuple[str, ...]  # names of the passes whose records it reads

    def recipe(self) -> Mapping[str, Any]:
        """Plain data: everything that decides the result, known without loading a model."""

    def applies(self, ref: MediaRef) -> bool:
        """Whether there is anything to do for such a file."""

    def run(self, ref: MediaRef, earlier: Earlier, report: Report) -> Iterator[Record | Features]:
        """The results, as they come. `earlier` maps record kind to the records of needed passes.

        `report` is told how many seconds of the source are done.
        """


class Executor(Protocol):
    """Runs a function over items somewhere: here, in worker processes, on a cluster."""

    @property
    def shares_disk(self) -> bool:
        """Whether workers see the disk of who asks; if not, jobs bring what they need, and send results."""

    def map(
        self, function: Callable[[Any], Any], items: Sequence[Any]
    ) -> Iterator[tuple[int, Any]]:
        """(index, result or the exception) in any order; a dying worker fails its item only.

        Where workers see another disk, what an item's `progress` (a path here) is told comes back to it.
        """


class Equipment(Protocol):
    """What must lie on a machine before work begins there, such as models; picklable, it is sent along."""

    def lacks(self) -> bool:
        """On the machine of a worker: whether anything is missing there."""

    def packed(self) -> bytes:
        """On the machine of the run: all of it, for who lacks something."""

    def unpack(self, data: bytes) -> None:
        """On the machine of a worker: puts it where it belongs."""
