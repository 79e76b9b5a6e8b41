"""What a language model is told of a file: within the budget, in order, nothing cut without a word."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sensorium.core.errors import UsageError
from sensorium.interfaces.agent.token_count import counted, estimate, of_picture
from sensorium.library.library import Library
from sensorium.models.installing import installed
from sensorium.testing.made_media import squares, write_video
from sensorium.testing.sample_library import (
    add_synthetic,
    synthetic_library,
    synthetic_record,
    synthetic_ref,
    synthetic_words,
)

TOKENIZERS = {"estimate": None, "words": str.split, "letters": len}
SENTENCES = [f"Sentence {i} is about {what}." for i, what in enumerate("abcdefghij" * 4)]


def long_library(root):
    """An hour of talk in forty sentences, shots and lines on the screen."""
    talk = [(f"S{1 + i % 2}", None, " ".join(SENTENCES[i : i + 2])) for i in range(0, 40, 2)]
    records = synthetic_words(talk)
    for i in range(20):
        records.append(synthetic_record("shot", 10.0 * i, 10.0 * i + 10, index=i))
        at = 10.0 * i + 5
        records.append(synthetic_record("text", at, at, text=f"Slide number {i}", score=0.9))
    add_synthetic(root, synthetic_ref("/m/long.mp4", duration=200.0), records)
    return Library(root)


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    return long_library(tmp_path_factory.mktemp("digest") / "library")


def test_all_of_a_short_file(tmp_path):
    """Who, when, what, who was seen: nothing is left out if it fits."""
    text = synthetic_library(tmp_path / "library").prompt("talk show.mp4")
    assert text.splitlines()[:3] == [
        "talk show.mp4 (video, 0:30.0, 640x360, 25 pictures/s, sound 48 kHz stereo, 2.4 MB)",
        "heard: S2 5 s, S1 5 s",
        "seen: P1 15 s, P2 15 s",
    ]
    assert "[00:00.0-00:15.0] shot 0: P1" in text
    assert "S1: Let us begin." in text
    assert "[...]" not in text


@settings(deadline=None, max_examples=60)
@given(st.integers(50, 1500), st.sampled_from(sorted(TOKENIZERS)))
def test_the_budget_holds(long, budget, name):
    """Whatever counts the tokens; in order of time; only whole sentences, or told."""
    tokenizer = TOKENIZERS[name]
    text = long.prompt("long.mp4", budget, tokenizer)
    assert counted(tokenizer)(text) <= budget
    assert text == long.prompt("long.mp4", budget, tokenizer)
    times = re.findall(r"^\[(\d\d:\d\d\.\d)", text, re.MULTILINE)
    assert times == sorted(times)
    assert "\n[...]\n[...]" not in text
    for line in text.splitlines():
        if found := re.match(r"\[[\d:.]+\] S\d: (.*)", line):
            said = found[1].removesuffix(" [...]")
            whole = all(part in SENTENCES for part in re.split(r"(?<=\.) ", said))
            assert whole or line.endswith("[...]")
    missing = [each for each in SENTENCES if each not in text]
    assert not missing or "[...]" in text


def test_what_is_cut_first(long):
    """Nothing that was said is left out while a shot stays beyond its share; slides keep theirs."""
    count = counted()
    full = long.prompt("long.mp4", 100_000)
    assert all(each in full for each in SENTENCES)
    half = long.prompt("long.mp4", count(full) // 2)
    said = sum(each in half for each in SENTENCES)
    assert said >= 20
    assert "Slide number" in half
    assert re.search(r"shot \d", half)


def test_rare_words_stay(tmp_path):
    """Of two utterances of one length, the one that says something else is kept."""
    talk = [("S1", None, "yes of course we do that here.")] * 12
    talk[7] = ("S1", None, "the reactor in Oslo failed yesterday.")
    records = []
    for number, each in enumerate(talk):
        records += synthetic_words([each], 10.0 * number)
    add_synthetic(tmp_path / "l", synthetic_ref("/m/a.wav", "audio", duration=130.0), records)
    assert "reactor in Oslo" in Library(tmp_path / "l").prompt("a.wav", 80)


def test_pictures_stand_at_their_time(tmp_path):
    """A picture of each shot, between the lines before and after it; their tokens count."""
    file = write_video(tmp_path / "film.mp4", squares(50), [i / 10 for i in range(50)])
    from sensorium.adapters.media.reader import MediaReader

    ref = MediaReader().probe(str(file))
    records = synthetic_words([("S1", None, "At first."), ("S1", None, "Much later.")], 0.5, 1.0)
    shots = [(0.0, 2.0), (2.0, 5.0)]
    records += [synthetic_record("shot", *s, index=i) for i, s in enumerate(shots)]
    add_synthetic(tmp_path / "library", ref, records)
    library = Library(tmp_path / "library")
    parts = library.prompt("film.mp4", pictures=True)
    assert {part["type"] for part in parts} == {"text", "image"}
    images = [part["image"] for part in parts if part["type"] == "image"]
    assert len(images) >= 2
    assert all(isinstance(each, Image.Image) and each.size == (64, 48) for each in images)
    text = "\n".join(part["text"] for part in parts if part["type"] == "text")
    times = re.findall(r"^\[(\d\d:\d\d\.\d)", text, re.MULTILINE)
    assert times == sorted(times)
    for budget in (60, 100, 200):
        parts = library.prompt("film.mp4", budget, pictures=True)
        took = sum(
            estimate(part["text"]) if part["type"] == "text" else of_picture(*part["image"].size)
            for part in parts
        )
        assert took <= budget
    file.unlink()
    parts = library.prompt("film.mp4", pictures=True)
    assert [part["type"] for part in parts] == ["text"]
    assert "no longer there" in parts[0]["text"]


def test_a_file_that_could_not_be_read(tmp_path):
    """It has a head and nothing below it."""
    text = synthetic_library(tmp_path / "library").prompt("broken.png")
    assert text == "broken.png (could not be read)"


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"budget": 3}, "50 tokens or more"), ({"tokenizer": 7}, "something with encode")],
)
def test_what_cannot_be_meant(long, options, reason):
    with pytest.raises(UsageError, match=reason):
        long.prompt("long.mp4", **options)


@pytest.mark.model
def test_the_estimate_is_not_below_gpt2():
    """Over the digest of a file, and over text in scripts that GPT-2's tokenizer was not made for."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(installed("whisper-tiny.en") / "tokenizer.json"))
    empty = len(tokenizer.encode("").ids)
    for text in (
        "[00:12.3] Ann Ray: Thank you; it's good to be here. Is x < y & y > z?\n",
        "heard: Ann Ray (S1) 12 s, S2 9 s\nseen: P1 15 s\n[...]\n[00:00.0-00:08.7] shot 0: P1, P2",
        "Сегодня мы говорим о погоде и о людях.",
        "東京タワーにガスで行く。今日は良い天気です",
        "我昨天去了北京的故宫。",
        "วันนี้อากาศดีมาก",
        "नमस्ते दुनिया में आपका स्वागत है",
        "مرحبا بالعالم",
        "Η Αθήνα είναι η πρωτεύουσα της Ελλάδας.",
    ):
        assert estimate(text) >= len(tokenizer.encode(text).ids) - empty, text
