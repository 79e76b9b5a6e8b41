"""Names with evidence: what is claimed, how it is weighed, and when nobody is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorium.core.errors import UsageError
from sensorium.core.people.evidence import Claim, Scene, Text
from sensorium.core.speech import Cue
from sensorium.core.time import Span
from sensorium.ops.people.belief import decided, probabilities
from sensorium.ops.people.person_names import Names, like_a_name
from sensorium.ops.people.sources import file_name, screen
from sensorium.ops.people.wording.heard import spoken
from sensorium.ops.people.wording.labels import subtitles

CAST = Names({"Mary Weaver": (), "John Park": ("Johnny",), "John Hill": ()})
CLAIMS = st.builds(
    Claim,
    st.just("V1"),
    st.sampled_from(["Ann", "Bob", "Cy"]),
    st.floats(0.0, 1.0),
    st.sampled_from(["subtitles", "screen", "speech"]),
)


def claims(source, scene, names=CAST):
    return [(c.identity, c.name, round(c.score, 2)) for c in source(scene, names)]


def said(*turns):
    """A scene of (voice, text), two seconds each."""
    words = []
    for number, (key, text) in enumerate(turns):
        tokens = text.split()
        for place, token in enumerate(tokens):
            start = 2 * number + 1.8 * place / len(tokens)
            words.append((Span(start, start + 0.1), token, key))
    return Scene("talk.mp4", words=tuple(words))


@given(st.lists(CLAIMS, max_size=12))
def test_names_share_at_most_one(found):
    """They exclude each other, and the order of the claims does not matter."""
    names = probabilities(found)
    assert sum(names.values()) <= 1 + 1e-9
    again = probabilities(list(reversed(found)))
    assert names == pytest.approx(again)


def test_agreement_names_and_conflict_abstains():
    one = Claim("V1", "Ann", 0.8, "subtitles")
    assert decided(probabilities([one])) is None
    assert decided(probabilities([one, Claim("V1", "Ann", 0.7, "screen")]))[0] == "Ann"
    other = Claim("V1", "Bob", 0.9, "cast")
    assert decided(probabilities([one, one, one, other])) is None
    assert decided({}) is None


def test_one_source_cannot_talk_itself_into_certainty():
    """A hundred labels of one subtitle file are not a hundred witnesses."""
    many = [Claim("V1", "Ann", 0.8, "subtitles")] * 100
    assert probabilities(many)["Ann"] < 0.95


def test_a_wrong_label_now_and_then_does_not_unname():
    labels = [Claim("V1", "Ann", 0.8, "subtitles")] * 10 + [Claim("V1", "Bob", 0.8, "subtitles")]
    name, _ = decided(probabilities(labels))
    assert name == "Ann"


def test_a_claim_needs_a_name_and_a_probability():
    with pytest.raises(UsageError, match=r"0\.\.1"):
        Claim("V1", "Ann", 1.2, "speech")
    with pytest.raises(UsageError, match="empty"):
        Claim("V1", " ", 0.5, "speech")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("MARY: Come in.", "Mary Weaver"),
        ("[Mary] Come in.", "Mary Weaver"),
        ("(MARY WEAVER) Come in.", "Mary Weaver"),
        (">> Zoe Ray: Come in.", "Zoe Ray"),
        ("O'NEIL: Come in.", "O'Neil"),
    ],
)
def test_speaker_labels(text, name):
    scene = Scene("a.mp4", turns=((Span(0, 3), "S1"),), cues=(Cue(Span(0, 3), text),))
    assert claims(subtitles, scene) == [("S1", name, 0.8)]


@pytest.mark.parametrize(
    "text",
    [
        "NARRATOR: Come in.",
        "MAN 2: Come in.",
        "[laughs] Come in.",
        "[applause]",
        "JOHN: Come in.",  # two of that name
        "Then he said: come in.",
        "- MARY: Hi.\n- JOHNNY: Hello.",  # who of the two is heard?
        "It is 12:30 now.",
    ],
)
def test_what_names_nobody(text):
    scene = Scene("a.mp4", turns=((Span(0, 3), "S1"),), cues=(Cue(Span(0, 3), text),))
    assert claims(subtitles, scene) == []


def test_a_cue_with_two_voices_names_neither():
    turns = ((Span(0, 2), "S1"), (Span(2, 4), "S2"))
    cue = Cue(Span(0, 4), "Come in.", "Mary Weaver")
    assert claims(subtitles, Scene("a.mp4", turns=turns, cues=(cue,))) == []


def test_who_speaks_and_who_is_addressed():
    scene = said(("S1", "Hello, I'm Mary."), ("S2", "Thank you, Mary."), ("S1", "You are welcome."))
    assert claims(spoken, scene) == [
        ("S1", "Mary Weaver", 0.9),
        ("S2", "Mary Weaver", 0.1),
        ("S1", "Mary Weaver", 0.65),
    ]


@pytest.mark.parametrize(
    "text", ["I'm sorry.", "I am German.", "I'm John.", "I'm Fine", "This is Berlin."]
)
def test_what_is_said_and_is_no_name(text):
    assert claims(spoken, said(("S1", text))) == []


def text_at(at, text, score=0.99):
    return Text(Span(at, at), text, score, (10, 300, 200, 320))


def test_text_beside_one_face_names_it():
    scene = Scene("a.mp4", faces=((Span(0, 5), "P1"),), texts=(text_at(2, "JOHNNY"),))
    assert claims(screen, scene) == [("P1", "John Park", 0.85)]
    scene = Scene("a.mp4", faces=((Span(0, 5), "P1"),), texts=(text_at(2, "ZOE RAY"),))
    assert claims(screen, scene) == [("P1", "Zoe Ray", 0.65)]
    scene = Scene(
        "a.mp4", faces=((Span(0, 5), "P1"),), texts=(text_at(2, "BREAKING NEWS TODAY 12"),)
    )
    assert claims(screen, scene) == []


def test_text_beside_two_faces_names_the_one_who_speaks_or_nobody():
    faces = ((Span(0, 5), "P1"), (Span(0, 5), "P2"))
    scene = Scene("a.mp4", faces=faces, texts=(text_at(2, "MARY WEAVER"),))
    assert claims(screen, scene) == []
    scene = Scene(
        "a.mp4",
        turns=((Span(1, 4), "S1"),),
        faces=faces,
        texts=(text_at(2, "MARY WEAVER"),),
        speaks_as={"S1": "P2"},
    )
    assert claims(screen, scene) == [("P2", "Mary Weaver", 0.75)]


def test_a_file_name_names_only_whom_it_is_about():
    turns = ((Span(0, 9), "S1"), (Span(9, 10), "S2"))
    assert claims(file_name, Scene("/x/mary_weaver_talk.mp4", turns=turns)) == [
        ("S1", "Mary Weaver", 0.6)
    ]
    half = ((Span(0, 5), "S1"), (Span(5, 10), "S2"))
    assert claims(file_name, Scene("/x/mary_weaver_talk.mp4", turns=half)) == []
    assert claims(file_name, Scene("/x/holiday.mp4", turns=turns)) == []


def test_known_names_and_doubt():
    assert CAST.meant("Jonh Hill") is None or CAST.meant("Jonh Hill") == "John Hill"
    assert CAST.meant("John") is None
    assert CAST.unclear("John")
    assert CAST.within("with JOHN PARK and friends") == ["John Park"]
    assert not like_a_name("")
