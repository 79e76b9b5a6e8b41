"""Search over words, names and text on the screen, as a user of a library meets it."""

import json
import multiprocessing
import os
import shutil
import sqlite3
import unicodedata
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sensorium.adapters.stores.full_text import Filter, FullText, Unit
from sensorium.core.errors import LibraryError, UsageError
from sensorium.find import index as search_index
from sensorium.library.gallery import Gallery
from sensorium.library.layout import Layout
from sensorium.library.library import Library
from sensorium.library.store.writing import adding
from sensorium.ops.text.query import parse, places
from sensorium.ops.text.tokens import indexed, tokens
from sensorium.testing.sample_library import (
    add_synthetic,
    synthetic_library,
    synthetic_record,
    synthetic_ref,
    synthetic_words,
)

LINES = {
    "english": ("en", "Climate change is well-known; it's about CO2, and naïve façades."),
    "german": ("de", "Die Straße führt über die Brücke nach Ångström."),
    "russian": ("ru", "Ёлка стояла в чужом доме всю зиму."),
    "greek": ("el", "Η Αθήνα είναι η πρωτεύουσα της Ελλάδας."),
    "chinese": ("zh", "我 昨天 去 了 北京 的 故宫"),
    "japanese": ("ja", "東京 タワー に ガス で 行く"),
    "thai": ("th", "วันนี้ อากาศ ดี มาก"),
    "korean": ("ko", "어제 서울에서 친구를 만났다."),
    "arabic": ("ar", "مَرْحَبًا بالعالم"),
    "hindi": ("hi", "नमस्ते दुनिया में आपका स्वागत है"),
}


def add_line(root, name, language, text, more=()):
    """One sound file in which S1 says `text`."""
    records = synthetic_words([("S1", None, text)])
    for record in records:
        if record.kind == "word":
            record.values["language"] = language
    add_synthetic(root, synthetic_ref(f"/m/{name}.wav", "audio", duration=60.0), [*records, *more])


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """A library with a line in each of ten languages."""
    root = tmp_path_factory.mktemp("spoken") / "library"
    for name, (language, text) in LINES.items():
        add_line(root, name, language, text)
    return Library(root)


def where(hits):
    return [Path(uri).stem for uri in hits["uri"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("climate", "english"),
        ("CLIMATE Change", "english"),
        ("facades naive", "english"),
        ('"change is well"', "english"),
        ("well-known", "english"),
        ("clim*", "english"),
        ('"is well kno"*', "english"),
        ("ｃｌｉｍａｔｅ", "english"),
        ("strasse", "german"),
        ("STRASSE bruc*", "german"),
        ("angstrom", "german"),
        ("елка", "russian"),
        ("αθηνα", "greek"),
        ("故宫", "chinese"),
        ("京的故", "chinese"),
        ("去", "chinese"),
        ("東京タワー", "japanese"),
        ("ｶﾞｽ", "japanese"),
        ("อากาศ", "thai"),
        ("서울", "korean"),
        (unicodedata.normalize("NFD", "서울"), "korean"),
        ("مرحبا", "arabic"),
        ("दुनिया", "hindi"),
    ],
)
def test_every_language_is_found(spoken, query, found):
    """Without regard to case, accents, width and normal form; where no blanks are written, too."""
    assert where(spoken.find(query)) == [found]


@pytest.mark.parametrize(
    "query", ['"change climate"', "climat", "weather", "climate straße", "पानी"]
)
def test_what_is_not_there_is_not_found(spoken, query):
    """A phrase keeps its order, a word is whole, and all words must be there."""
    assert spoken.find(query).empty


def test_a_hit_says_where(spoken):
    """The utterance, the words that matched, and when the first of them is said."""
    (hit,) = spoken.find("about co2").to_dict("records")
    assert hit["text"] == LINES["english"][1]
    assert (
        hit["marked"] == "Climate change is well-known; it's **about** **CO2**, and naïve façades."
    )
    assert [hit["text"][a:b] for a, b in hit["marks"]] == ["about", "CO2"]
    words = spoken.words("english.wav").set_index("text")
    assert hit["at"] == words.loc["about", "start"]
    assert (hit["start"], hit["end"]) == (words["start"].min(), words["end"].max())
    assert (hit["kind"], hit["speaker"]) == ("word", "S1")
    (hit,) = spoken.find("ガス").to_dict("records")
    assert hit["text"] == "東京タワーにガスで行く"
    assert hit["at"] == spoken.words("japanese.wav")["start"][3]


def named_library(root):
    """Obama speaks and is seen in two files; a slide and a subtitle say more."""
    layout = Layout(root)
    for name in ("one", "two"):
        ref = synthetic_ref(f"/m/{name}.mp4")
        voice = {"speaker": "S1", "duration": 9.0, "embedding": [1.0, 0.0]}
        records = [
            *synthetic_words(
                [("S1", "P1", f"Good evening number {name}."), ("S2", None, "Thanks, Obama.")]
            ),
            synthetic_record("turn", 0.5, 1.0, speaker="S1", score=0.9),
            synthetic_record("turn", 1.0, 4.0, speaker="S1", score=0.9),
            synthetic_record("voice", **voice),
            synthetic_record("subtitle", 1.0, 4.0, text="Good\nevening", name="Zoë", source=""),
            synthetic_record("text", 2.0, 2.0, text="Barack Obama, President", score=0.9),
            synthetic_record("text", 5.0, 5.0, text="Barack Obama, President", score=0.9),
            synthetic_record("text", 40.0, 40.0, text="Barack Obama, President", score=0.9),
        ]
        add_synthetic(root, ref, records, "speakers")
        key = f"{ref.digest[:32]}/speakers-{'0' * 16}/S1"
        sample = {
            "key": key,
            "uri": ref.uri,
            "label": "S1",
            "kind": "voice",
            "model": "synthetic 1",
        }
        more = {"seconds": 9.0, "embedding": [1.0, 0.0], "identity": "V1", "score": None}
        Gallery(layout).add("seen", samples=[{**sample, **more}])
    Gallery(layout).add("named", identity="V1", name="Barack Obámá")
    return Library(root)


def test_names_text_and_subtitles(tmp_path):
    """Names first; a line that stays on the screen is one; filters narrow."""
    library = named_library(tmp_path / "library")
    hits = library.find("obama")
    assert [kind == "name" for kind in hits["kind"]] == [True] + [False] * (len(hits) - 1)
    assert where(library.find("obama", kind="name")) == ["one", "two"]
    assert (hits["at"][0], hits["end"][0], hits["marked"][0]) == (1.0, 4.0, "Barack **Obámá**")
    text = library.find("obama", kind="text", media="one.mp4")
    assert sorted(zip(text["start"], text["end"], strict=True)) == [(2.0, 5.0), (40.0, 40.0)]
    assert where(library.find("evening", kind="subtitle")) == ["one", "two"]
    assert list(library.find("evening", kind="subtitle", speaker="zoe")["name"]) == ["Zoë", "Zoë"]
    said = library.find("good", speaker="barack obama")
    assert (set(said["kind"]), set(said["name"]), len(said)) == ({"word"}, {"Barack Obámá"}, 2)
    assert where(library.find("number", speaker="V1", media="two.mp4")) == ["two"]
    assert len(library.find("thanks", speaker="S2")) == 2
    assert library.find("thanks", speaker="Barack Obama").empty
    assert len(library.find("obama", kind="text", between=(30, 50))) == 2
    assert len(library.find("evening", limit=3)) == 3
    with pytest.raises(UsageError, match=r"'Nobody': expected the name.*Barack Obámá \(V1\)"):
        library.find("good", speaker="Nobody")


@pytest.mark.parametrize(
    ("text", "options", "reason"),
    [
        ("", {}, "a letter or a digit"),
        ("!?", {}, "a letter or a digit"),
        ('"open', {}, "not closed"),
        ("a*b", {}, "at the end of a word"),
        ("*", {}, "at the end of a word"),
        ("a " * 80, {}, "at most 64"),
        ("a", {"kind": "noise"}, "expected one of word, text"),
        ("a", {"limit": 0}, "limit"),
        ("a", {"between": (3, 1)}, "start first"),
        ("a", {"media": "nowhere.mp4"}, "no input of that name"),
        ("a", {"like": "x.jpg"}, "got both"),
    ],
)
def test_what_cannot_be_meant(spoken, text, options, reason):
    """One clear message, never one of SQLite."""
    with pytest.raises(UsageError, match=reason):
        spoken.find(text, **options)


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(
        st.text(),
        st.text(alphabet="ab\"*-+^:(){}'; \x00ＮOTéก東", max_size=20),
        st.sampled_from(
            ["a OR b", "NOT a", "a NEAR b", "tokens:a", "a' --", "{tokens} : a", "^a", "a + b"]
        ),
    )
)
def test_arbitrary_text_is_an_answer_or_a_usage_error(spoken, text):
    """Nothing of it reaches SQLite as syntax; and what is found holds it."""
    try:
        hits = spoken.find(text)
    except UsageError:
        return
    for found in hits["text"]:
        assert places(parse(text), tokens(found))


@pytest.mark.parametrize("text", ["น้ำตา", "ຄຳ", "กำ ำ"])
def test_vowels_that_fall_apart_are_found_in_both_forms(text):
    """SARA AM is one character or two, and the same to who looks for it."""
    assert indexed(unicodedata.normalize("NFKD", text)) == indexed(text)
    assert indexed(indexed(text)) == indexed(text)


@given(st.text(), st.text())
@example("\u0e33", "\u0e4d\u0e32")
def test_tokens_do_not_depend_on_the_form(one, two):
    """Folding is stable, keeps places, and each token is letters and digits of the text."""
    found = tokens(one)
    assert indexed(indexed(one)) == indexed(one)
    assert all(0 <= t.start < t.end <= len(one) for t in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
    assert indexed(one + " " + two) == " ".join(filter(None, [indexed(one), indexed(two)]))
    assert unicodedata.is_normalized("NFC", indexed(one))


VOCABULARY = [
    "ann",
    "anna",
    "Änn",
    "bo",
    "co-op",
    "東京",
    "東",
    "京都",
    "ที่",
    "วันนี้",
    "Straße",
    "x1",
    "서울에서",
]
PIECES = st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=4).map(" ".join)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Two hundred utterances of few words in five scripts."""
    root, rng = tmp_path_factory.mktemp("mixed") / "library", np.random.default_rng(5)
    for number in range(4):
        said = [" ".join(rng.choice(VOCABULARY, rng.integers(1, 6))) for _ in range(50)]
        records = [
            synthetic_record("transcript", i, i + 1, text=text, language="", score=1.0)
            for i, text in enumerate(said)
        ]
        add_synthetic(root, synthetic_ref(f"/m/{number}.wav", "audio", duration=60.0), records)
    return Library(root)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.one_of(PIECES, PIECES.map('"{}"'.format), PIECES.map("{}*".format)),
        min_size=1,
        max_size=3,
    )
)
def test_the_index_finds_what_reading_everything_finds(mixed, parts):
    """Exactly the utterances that hold the query, no other and none less."""
    query = " ".join(parts)
    hits = mixed.find(query, limit=1000)
    everything = mixed.records("transcript")
    expected = [
        (row.uri, row.start)
        for row in everything.itertuples()
        if places(parse(query), tokens(row.text))
    ]
    assert sorted(zip(hits["uri"], hits["start"], strict=True)) == sorted(expected)


def test_the_index_follows_the_library(tmp_path):
    """New, changed and removed inputs, a deleted and a broken index; what did not change is kept."""
    root = tmp_path / "library"
    library = synthetic_library(root)
    assert len(library.find("patches")) == 1
    before = os.stat(root / "search.sqlite").st_ino
    assert len(library.find("patches")) == 1
    assert os.stat(root / "search.sqlite").st_ino == before  # nothing changed, nothing was written
    add_line(root, "new", "en", "more patches")
    assert len(library.find("patches")) == 2
    (entry,) = library.chosen("new.wav")
    with adding(Layout(root)) as sink:
        sink.forget(entry["uri"])
    assert len(library.find("patches")) == 1
    (root / "search.sqlite").unlink()
    assert len(library.find("patches")) == 1
    (root / "search.sqlite").write_bytes(b"no index" * 1000)
    assert len(library.find("patches")) == 1
    with sqlite3.connect(root / "search.sqlite") as db:
        db.execute("UPDATE meta SET value = 'of another version'")
    assert len(library.find("patches")) == 1
    (root / "search.sqlite.99999.part").write_bytes(b"of a process that was killed")
    add_line(root, "newer", "en", "still more patches")
    assert len(library.find("patches")) == 2
    assert not list(root.glob("*.part"))


def test_a_changed_result_takes_the_place_of_the_old(tmp_path):
    """An input whose results are others now is indexed again, and the others are not touched."""
    root = tmp_path / "library"
    for name in ("a", "b", "c"):
        add_line(root, name, "en", f"old words of {name}")
    library = Library(root)
    assert len(library.find("old")) == 3
    records = synthetic_words([("S1", None, "fresh speech of b")])
    add_synthetic(root, synthetic_ref("/m/b.wav", "audio", duration=60.0), records, "other")
    assert where(library.find("old")) == ["a", "c"]
    assert where(library.find("fresh")) == ["b"]
    assert where(library.find("of")) == ["a", "b", "c"]


def test_damage_has_one_clear_error(tmp_path):
    """Of a result, and of an index whose beginning is sound."""
    library = synthetic_library(tmp_path / "library")
    library.files("word")[0].write_bytes(b"nothing")
    with pytest.raises(LibraryError, match=r"word\.parquet: expected the records"):
        library.find("patches")
    with FullText(tmp_path / "index", write=True) as index:
        units = [Unit("word", 0.0, 1.0, None, None, f"patches {n}") for n in range(2000)]
        index.change((), [("a", "state", units)])
    data = bytearray((tmp_path / "index").read_bytes())
    data[len(data) // 4 :] = bytes(len(data) - len(data) // 4)
    (tmp_path / "index").write_bytes(data)
    with FullText(tmp_path / "index") as index:
        assert index.states() == {"a": "state"}
        with pytest.raises(LibraryError, match=r"index is damaged .*delete the file"):
            index.search(parse("patches"), Filter(), 5000)


def test_a_disk_that_cannot_be_written_to(tmp_path, monkeypatch):
    """The index goes to the cache folder, else to memory; the library is not touched."""
    library = synthetic_library(tmp_path / "library")
    update, tried = search_index._update, []

    def refuse(place, *rest):
        tried.append(place)
        if place.parent == library.path or len(tried) > 2:
            raise PermissionError(30, "read-only file system", str(place))
        update(place, *rest)

    monkeypatch.setattr(search_index, "_update", refuse)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert len(library.find("patches")) == 1
    assert len(list((tmp_path / "cache" / "sensorium").glob("*.sqlite"))) == 1
    assert len(library.find("patches")) == 1
    assert len(tried) == 2  # the second search used what lay in the cache
    shutil.rmtree(tmp_path / "cache")
    assert len(library.find("patches")) == 1  # in memory
    assert not list(library.path.glob("search*"))


def test_without_fts5_there_is_one_clear_error(tmp_path, monkeypatch):
    """Not a message of SQLite's."""
    from sensorium.adapters.stores import full_text

    monkeypatch.setattr(
        full_text, "_TABLES", full_text._TABLES.replace("USING fts5", "USING nofts5")
    )
    with pytest.raises(LibraryError, match="built without it"):
        synthetic_library(tmp_path / "library").find("patches")


def search(root, query, num, out):
    """What a process that searches again and again sees: counts of hits, or an error."""
    library, seen = Library(root), []
    try:
        for _ in range(num):
            seen.append(len(library.find(query, limit=100)))
    except Exception as error:
        seen.append(repr(error))
    out.put(seen)


def test_readers_and_writers_at_once(tmp_path):
    """Three processes search while files are added: each sees whole states only, growing."""
    root = tmp_path / "library"
    add_line(root, "0", "en", "the same words")
    context = multiprocessing.get_context("spawn")
    out = context.Queue()
    readers = [context.Process(target=search, args=(root, "same", 15, out)) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(1, 15):
        add_line(root, str(number), "en", "the same words")
    told = [out.get(timeout=120) for _ in readers]
    for reader in readers:
        reader.join()
    for seen in told:
        assert all(isinstance(each, int) for each in seen), seen
        assert seen == sorted(seen)
    assert len(Library(root).find("same", limit=100)) == 15


def test_the_columns_are_json(spoken):
    """What the command line prints can be read back."""
    rows = json.loads(spoken.find("climate").to_json(orient="records"))
    assert rows[0]["marks"] == [[0, 7]]
