"""EvidenceSource: claims about those who are in the scene."""

from __future__ import annotations

from sensorium.core.people.evidence import Claim, Scene, Text
from sensorium.core.speech import Cue
from sensorium.core.time import Span
from sensorium.ops.people.person_names import Names

NAMES = Names({"Mary Weaver": (), "John Park": ("Johnny",)})


def words(start: float, key: str | None, text: str) -> list:
    """Three words a second."""
    return [
        (Span(start + i / 3, start + i / 3 + 0.3), word, key) for i, word in enumerate(text.split())
    ]


SCENE = Scene(
    uri="/talks/Interview with Mary Weaver.mp4",
    turns=((Span(0.0, 4.0), "r/S1"), (Span(4.0, 6.5), "r/S2")),
    words=(
        *words(0.0, "r/S1", "Hello, my name is Mary Weaver"),
        *words(4.2, "r/S2", "Thank you, Mary, and I am Johnny"),
    ),
    faces=((Span(0.0, 4.0), "r/P1"), (Span(4.0, 6.5), "r/P2")),
    cues=(
        Cue(Span(0.1, 2.0), "MARY: Hello"),
        Cue(Span(4.2, 6.0), "Thank you", name="John Park"),
        Cue(Span(9.0, 9.5), "MARY: nobody speaks here"),
    ),
    texts=(Text(Span(1.0, 1.0), "MARY WEAVER", 0.99, (10, 300, 200, 330)),),
    speaks_as={"r/S1": "r/P1", "r/S2": "r/P2"},
    title="Mary Weaver",
    detected=(("r/P1", "Mary Weaver", 0.9),),
)


class EvidenceSourceContract:
    """Of every EvidenceSource: a fixture `source`."""

    def test_claims_are_of_somebody_in_the_scene(self, source):
        claims = list(source(SCENE, NAMES))
        assert claims, "the scene holds something for every source"
        keys = {*(key for _, key in SCENE.turns), *(key for _, key in SCENE.faces)}
        for claim in claims:
            assert isinstance(claim, Claim)
            assert claim.identity in keys
            assert claim.source
            assert claim.uri == SCENE.uri
            assert claim.quote
            assert claim.span is None or 0 <= claim.span.start <= claim.span.end <= 10

    def test_the_same_scene_gives_the_same_claims(self, source):
        assert list(source(SCENE, NAMES)) == list(source(SCENE, NAMES))

    def test_an_empty_scene_claims_nothing(self, source):
        assert list(source(Scene("/talks/a.mp4"), NAMES)) == []
        assert list(source(Scene("/talks/a.mp4", title="A", cues=SCENE.cues), Names({}))) == []
