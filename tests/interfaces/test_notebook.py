"""What a notebook shows: whole, escaped, small, without a network; and tables, completion, plots."""

import re

import numpy as np
import pytest
from PIL import Image

import sensorium as sm
from sensorium.adapters.media.reader import MediaReader
from sensorium.core.people.identity import Identity, Sample
from sensorium.core.speech import Transcript, Turn, Word
from sensorium.core.time import Axis
from sensorium.testing.made_media import tone, write_sound
from sensorium.testing.sample_library import (
    add_synthetic,
    synthetic_library,
    synthetic_record,
    synthetic_ref,
    synthetic_words,
)

EVIL = '<script>alert("x")</script>'


def shown(thing):
    """Its markup, which must be small and need nothing from outside."""
    text = thing._repr_html_()
    assert len(text) < 200_000
    assert "<script" not in text
    assert "<style" not in text
    assert not re.findall(r'(?:src|href)="(?!data:)', text)
    assert not re.search(r"\bon\w+=", text)
    assert len(re.findall(r"<div\b", text)) == text.count("</div>")
    assert len(re.findall(r"<td\b", text)) == text.count("</td>")
    return text


def patches(rng, rows=6, columns=8, size=10.0):
    axes = tuple(Axis(name, 0.0, size, size, "px") for name in ("height", "width"))
    values = rng.standard_normal((rows, columns, 16)).astype(np.float32)
    return sm.Features(values, axes, "made-up", "patches")


@pytest.fixture
def real(tmp_path, rng):
    """A library of a picture and a sound that are there, each named to do harm."""
    root = tmp_path / "library"
    noise = rng.integers(0, 255, (90, 120, 3), dtype=np.uint8)
    names = {"picture": f"{EVIL.replace('/', '')}.png", "sound": "tone & more.wav"}
    Image.fromarray(noise).save(tmp_path / names["picture"])
    write_sound(tmp_path / names["sound"], tone(3.0, 16_000), 16_000, "pcm_s16le")
    reader = MediaReader()
    face = {"label": "face", "score": 0.8, "x0": 10.0, "y0": 20.0, "x1": 60.0, "y1": 70.0}
    region = synthetic_record("region", **face, person="P1")
    add_synthetic(root, reader.probe(str(tmp_path / names["picture"])), [region])
    talk = synthetic_words([("S1", None, EVIL), ("S1", None, "ascending & descending")])
    turn = synthetic_record("turn", 1.0, 2.0, speaker="S1", score=1.0)
    add_synthetic(root, reader.probe(str(tmp_path / names["sound"])), [*talk, turn])
    return sm.open(root), names


def test_sound_is_heard_and_pictures_are_seen(rng):
    loud = sm.Audio(rng.uniform(-1, 1, (2, 48_000 * 60)).astype(np.float32), 48_000, 5.0)
    text = shown(loud)
    assert 'src="data:audio/mpeg;base64,' in text
    assert "the first 30 s" in text
    assert "<svg" in text
    broken = sm.Audio(np.full((1, 8000), np.nan, np.float32), 8000)
    assert "data:audio" in shown(broken)
    assert "data:audio" not in shown(sm.Audio(np.zeros((1, 0), np.float32), 8000))
    many = rng.integers(0, 255, (40, 720, 1280, 3), dtype=np.uint8)
    text = shown(sm.Frames(many, np.arange(40.0)))
    assert text.count("data:image/jpeg") == 12
    assert "12 of 40 pictures" in text


def test_features_of_every_kind_show_themselves(rng):
    assert "height 6 × 10 px, width 8 × 10 px, 16 numbers each, made-up" in shown(patches(rng))
    rows = rng.standard_normal((1500, 384)).astype(np.float16)
    sound = sm.Features(
        rows, (Axis("time", 0, 0.02, 0.025, "s"),), "ear", "encoder", sm.Span(30.0, 60.0), 800
    )
    assert "00:30.0 to 01:00.0" in shown(sound)
    assert "embedding, 16 numbers" in shown(sm.Features(rows[0, :16], (), "face"))
    shown(sm.Features(np.zeros((2, 3, 4, 5), np.float32),
                      tuple(Axis(n, 0, 1, 1, "px") for n in ("time", "height", "width")), "v"))  # fmt: skip


def test_words_turns_and_identities():
    words = tuple(Word(f"w{i}", sm.Span(i, i + 1)) for i in range(9000))
    text = shown(Transcript((Word(EVIL, sm.Span(0, 1)), *words), "en", 3))
    assert "and 7501 more words" in text
    assert "S1 (V12)" in shown(Turn(sm.Span(1, 2), "S1", "V12"))
    sample = Sample("a/S1", f"/media/{EVIL}.wav", "S1", "ear 1", 5.0, np.ones(4, np.float32))
    assert "&lt;script&gt;" in shown(Identity("V12", EVIL, (sample,) * 70, 0.97))


def test_a_library_its_files_and_people(real, two_people, tmp_path):
    library, names = real
    text = shown(library)
    assert "&lt;script&gt;" in text
    assert text.count("data:image/jpeg") == 1
    text = shown(library[names["picture"]])
    assert "data:image/jpeg" in text
    text = shown(library[names["sound"]])
    assert "ascending &amp; descending" in text
    assert "Mary" in shown(sm.Cast(two_people))
    assert "Mary" in shown(sm.Voices(two_people))
    assert "could not be read" in shown(synthetic_library(tmp_path / "made up"))
    assert "the file is no longer there" in shown(sm.open(tmp_path / "made up")["talk show.mp4"])


def test_what_is_long_and_busy_stays_small(tmp_path, rng):
    """Ten voices that change every second for an hour; pictures of nothing but noise."""
    records = [
        synthetic_record("turn", float(i), i + 0.5, speaker=f"S{i % 10}", score=1.0)
        for i in range(3600)
    ]
    records += synthetic_words([(f"S{i % 10}", None, "and so on & on") for i in range(500)])
    root = tmp_path / "library"
    add_synthetic(root, synthetic_ref("/a/long.wav", "audio", duration=3600.0), records)
    assert shown(sm.open(root)["long.wav"]).count("heard") == 8
    noise = rng.integers(0, 255, (12, 220, 220, 3), dtype=np.uint8)
    shown(sm.Frames(noise, np.arange(12.0)))
    shown(patches(rng, 60, 80))


def test_tables_put_what_people_read_first_and_digests_last(tmp_path):
    library = synthetic_library(tmp_path / "library")
    turns = library.turns()
    assert list(turns.columns)[:6] == ["uri", "start", "end", "speaker", "person", "name"]
    assert list(turns.columns)[-1] == "media"
    assert list(library.words().columns)[:7] == [
        "uri", "start", "end", "speaker", "person", "name", "identity",
    ]  # fmt: skip
    text = shown(turns[turns["speaker"] == "S2"])
    assert ">talk show.mp4</span>" in text
    assert "of which not shown: model, revision, params, media" in text
    assert turns["media"][0] not in text
    assert library.dataset("words").num_rows == len(library.words())
    assert shown(library.records("person"))
    assert "the first 20 rows" in shown(library.regions())


def test_one_file_is_taken_by_its_name(real, tmp_path):
    library, names = real
    assert sorted(library) == sorted(names.values())
    assert names["sound"] in library
    assert library[names["sound"]].uri in library
    assert "nobody.mp4" not in library
    one = library[names["sound"]]
    assert set(one.words()["uri"]) == {one.uri}
    assert len(one.turns()) == 1
    assert len(one.find("descending")) == 1
    assert "descending" in one.prompt()
    assert one.people().empty
    assert one.features() == []
    heard = one.audio(0.5, 2.0)
    assert (heard.start, heard.duration) == pytest.approx((0.5, 1.5))
    assert library[names["picture"]].frames().pixels.shape == (1, 90, 120, 3)
    with pytest.raises(sm.UsageError, match="no input of that name"):
        library["nobody.mp4"]
    made_up = synthetic_library(tmp_path / "made up")
    for bad in ("talk show.mp4", "broken.png"):
        with pytest.raises(sm.MediaError):
            made_up[bad].audio()


def test_names_are_completed(real, two_people):
    core = pytest.importorskip("IPython.core.interactiveshell")
    shell = core.InteractiveShell()
    shell.user_ns.update(library=real[0], cast=sm.Cast(two_people))
    for typed, wanted in (('library["to', "tone & more.wav"), ('cast["M', "Mary")):
        assert any(wanted in each for each in shell.complete(None, typed, len(typed))[1])
    assert sm.Cast(two_people)["Mary"].name == "Mary"
    assert "Mary" in sm.Cast(two_people)
    assert "Bob" not in sm.Cast(two_people)
    assert len(list(sm.Cast(two_people))) == 3


def test_the_map_is_brightest_where_it_looks(rng):
    features = patches(rng)
    picture = np.full((60, 80, 3), 128, np.uint8)
    alone = np.asarray(features.plot(at=(35, 25)))
    assert alone.shape == (480, 640, 3)
    yellow = np.argwhere((alone == (253, 231, 37)).all(-1))
    assert yellow.min(0) == pytest.approx((160, 240))
    assert yellow.max(0) == pytest.approx((239, 319))
    assert features.plot(picture, at=(35, 25)).size == (80, 60)
    assert features.plot(picture).size == (80, 60)
    assert features.plot(Image.fromarray(picture)).size == (80, 60)
    with pytest.raises(sm.UsageError, match="lies outside; width goes from 0 to 80"):
        features.plot(picture, at=(90, 5))
    with pytest.raises(sm.UsageError, match="patches of a picture"):
        sm.Features(np.zeros((4, 5), np.float32), (Axis("time", 0, 1, 1, "s"),), "a").plot(picture)


def test_a_spectrogram_is_bright_where_the_tone_is(real):
    picture = sm.Audio(tone(2.0, 44_100, hz=2000.0), 44_100, 10.0).plot()
    pixels = np.asarray(picture)[:240, 64:].astype(int)
    loud = np.argmax((pixels[..., 0] + pixels[..., 1]).mean(axis=1)) / 240
    assert 0.3 < loud < 0.6  # 2 kHz on the mel scale to 8 kHz, from above
    with pytest.raises(sm.UsageError, match=r"0\.05 s or more"):
        sm.Audio(np.zeros((1, 10), np.float32), 16_000).plot()
    assert real[0][real[1]["sound"]].plot().width == 1280


def test_a_notebook_runs_and_is_exported_whole(real):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    library, names = real
    code = [
        f"import sensorium as sm; library = sm.open({str(library.path)!r}); library",
        f"library[{names['sound']!r}]",
        f"library[{names['sound']!r}].audio()",
        "library.turns()",
        f"library[{names['sound']!r}].audio().plot()",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in code])
    nbclient.NotebookClient(book, timeout=120, kernel_name="python3").execute()
    data = [cell.outputs[0].data for cell in book.cells]
    assert all("text/html" in each for each in data[:4])
    assert "image/png" in data[4]
    assert "data:audio/mpeg" in data[2]["text/html"]
