"""What a library keeps, however it is killed: journals, shards, the catalogue, the way from format 1."""

import json
import os
import random
import resource
import shutil
import signal
import threading
import zipfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import sensorium as sm
from sensorium.core.config import Config
from sensorium.core.errors import LibraryError
from sensorium.core.features import Features
from sensorium.core.record import KINDS
from sensorium.library.gallery import Gallery
from sensorium.library.layout import Layout
from sensorium.library.library import Library
from sensorium.library.store import catalogue, keeper, writing
from sensorium.library.store.journal import Journal
from sensorium.library.store.shard import about
from sensorium.library.store.shelf import Shelf
from sensorium.library.store.writing import sink_of
from sensorium.run import work
from sensorium.run.executors import Options
from sensorium.run.extract import run
from sensorium.run.plan import Built
from sensorium.run.progress import Watcher
from sensorium.testing.fake_passes import CountingPass, FakeReader, NoSubtitles
from sensorium.testing.sample_library import add_synthetic, synthetic_ref, synthetic_words

FORMAT1 = Path(__file__).parents[1] / "golden" / "format1.zip"


class FeaturePass(CountingPass):
    """Gives a tensor as well, whose numbers tell whose it is."""

    def run(self, ref, earlier, report):
        yield from super().run(ref, earlier, report)
        number = float(int(ref.digest[:4], 16))
        yield Features(np.full(3, number, np.float32), (), self.provenance.model, "class")


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for index in range(4):
        (folder / f"{index}.wav").write_text(f"content {index}")
    return folder


def passes(size=1):
    return [FeaturePass("speech", size=size), CountingPass("who", ("speech",))]


def go(folder, out, made, **options):
    """A run with these passes in this process, or by an executor."""
    work._built = lambda config, threads: Built(FakeReader(), NoSubtitles(), made)
    return run([folder], out, Config(), Options(num_workers=0, **options), Watcher())


@pytest.fixture(autouse=True)
def fakes(monkeypatch):
    monkeypatch.setattr(work, "_built", None)
    monkeypatch.setattr("sensorium.run.extract.check", lambda config: None)


def seen(root):
    """All that a reader sees; where the tensors lie is nobody's business."""
    library = Library(root)
    tables = {kind: library.table(kind).to_pylist() for kind in KINDS if kind != "feature"}
    values = [each.values.tolist() for each in library.iter_features()]
    decisions = Gallery(Layout(root)).decisions()
    return json.dumps([library.inputs(), tables, values, decisions], sort_keys=True)


def all_files(root):
    return [path for path in root.rglob("*") if path.is_file()]


# killed

POINTS = (
    "os.fsync",
    "os.rename",
    "os.replace",
    "os.unlink",
    "shutil.rmtree",
    "pathlib.Path.unlink",
)


def steps(counted, action):
    """Runs `action` with something done before and after every step that touches the disk."""
    patched = pytest.MonkeyPatch()

    def wrap(function):
        def step(*args, **kwargs):
            counted()
            result = function(*args, **kwargs)
            counted()
            return result

        return step

    for name in POINTS:
        owner, _, attribute = name.rpartition(".")
        place = {"os": os, "shutil": shutil, "pathlib.Path": Path}[owner]
        patched.setattr(place, attribute, wrap(getattr(place, attribute)))
    patched.setattr(catalogue.Catalogue, "apply", wrap(catalogue.Catalogue.apply))
    try:
        return action()
    finally:
        patched.undo()


def count_steps(action):
    """How many moments there are at which it can be killed."""
    count = [0]

    def counted():
        count[0] += 1

    steps(counted, action)
    return count[0]


def killed_at(moment, action):
    """Runs `action` in a process of its own that ends by SIGKILL at one of its moments."""
    process = os.fork()
    if not process:
        count = [0]

        def counted():
            count[0] += 1
            if count[0] == moment:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            steps(counted, action)
        finally:
            os._exit(1)
    _, status = os.waitpid(process, 0)
    return os.WIFSIGNALED(status)


def moments(number, most):
    """All of them, or as many as there is time for, the first and the last among them."""
    every = range(1, number + 1)
    return every if number <= most else sorted({1, number, *random.Random(7).sample(every, most)})


def test_killed_at_every_step_of_a_run_nothing_is_lost(files, tmp_path):
    """Into a library that has results of another recipe: journal, compaction, catalogue, clearing away."""
    base, whole = tmp_path / "base", tmp_path / "whole"
    go(files, base, passes(2))
    (files / "new.wav").write_text("one more")
    shutil.copytree(base, whole)
    number = count_steps(lambda: go(files, whole, passes(1)))
    expected = seen(whole)
    assert number > 40
    for moment in moments(number, 30):
        out = tmp_path / f"killed{moment}"
        shutil.copytree(base, out)
        assert killed_at(moment, lambda out=out: go(files, out, passes(1)))
        assert len(Library(out).media()) in range(4, 6)  # readable, as it is
        go(files, out, passes(1))
        assert seen(out) == expected, moment
        shutil.rmtree(out)


# cut: the kernel ends a process in the middle of a write, where a file would get longer than it may

CUT = {
    "journal": (Journal, "add", (1, 20, 25, 300, 1111, 2500, 5000)),
    "compaction": (keeper.Keeper, "_shelve", (1, 500, 1500, 2500, 4000)),
    "index": (catalogue.Catalogue, "apply", (1, 512, 4096, 9000, 16384, 32768, 45056)),
}


def cut_at(size, action, owner=None, name=""):
    """Runs `action` in a process that may write no file beyond `size` bytes, once it has called the method
    `name` of `owner`; whether it was ended for that."""
    process = os.fork()
    if not process:
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            if owner is None:
                limit(size)
            else:
                function = getattr(owner, name)
                setattr(owner, name, lambda *args: limit(size) or function(*args))
            action()
        finally:
            os._exit(1)
    _, status = os.waitpid(process, 0)
    return os.WIFSIGNALED(status)


def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


@pytest.mark.parametrize("what", CUT)
def test_killed_inside_a_write_nothing_is_lost(files, tmp_path, what):
    """Half a frame of a journal, half a file of a shard, half the pages of a transaction of the catalogue."""
    owner, name, sizes = CUT[what]
    base, whole = tmp_path / "base", tmp_path / "whole"
    go(files, base, passes(2))
    (files / "new.wav").write_text("one more")
    shutil.copytree(base, whole)
    go(files, whole, passes(1))
    expected = seen(whole)
    for size in sizes:
        out = tmp_path / f"cut{size}"
        shutil.copytree(base, out)
        assert cut_at(size, lambda out=out: go(files, out, passes(1)), owner, name), size
        assert len(Library(out).media()) == 4  # readable, as it was
        go(files, out, passes(1))
        assert seen(out) == expected, size


@pytest.mark.parametrize("size", [1, 512, 4096, 20_000, 40_000])
def test_killed_inside_a_write_of_the_index_of_find(tmp_path, size):
    root = tmp_path / "library"
    for number in range(3):
        ref = synthetic_ref(f"/m/{number}.wav", "audio")
        add_synthetic(root, ref, synthetic_words([("S1", None, f"word {number}")]))
    assert cut_at(size, lambda: sm.open(root).find("word"))
    assert len(sm.open(root).find("word")) == 3
    assert (root / "search.sqlite").stat().st_size > size


def test_a_change_of_recipe_is_not_written_for_each_file(tmp_path, monkeypatch):
    """What it costs follows what it brings, not how often the run keeps what it has."""
    folder = tmp_path / "in"
    folder.mkdir()
    for index in range(30):
        (folder / f"{index}.wav").write_text(f"content {index}")
    out, whole, written = tmp_path / "out", tmp_path / "whole", []
    go(folder, out, passes(2))
    shutil.copytree(out, whole)
    go(folder, whole, passes(1))
    publish = keeper.ShardWriter.publish
    monkeypatch.setattr(
        keeper.ShardWriter, "publish", lambda *args: written.append(1) or publish(*args)
    )
    monkeypatch.setattr(writing.Writing, "poke", lambda self: self._keeper.compact())
    monkeypatch.setattr(keeper, "_REWRITTEN", 0.1)
    go(folder, out, passes(1))
    assert 1 <= len(written) <= 8  # of 30 times that it was asked to
    assert seen(out) == seen(whole)


def test_killed_at_every_step_of_the_migration_nothing_is_lost(tmp_path):
    """Format 1 stays until format 2 is whole; whoever opens it next ends what was begun."""
    with zipfile.ZipFile(FORMAT1) as pack:
        pack.extractall(tmp_path / "old")
    old, whole = tmp_path / "old" / "library", tmp_path / "whole"
    shutil.copytree(old, whole)
    number = count_steps(lambda: Library(whole))
    expected = seen(whole)
    for moment in moments(number, 15):
        out = tmp_path / f"killed{moment}"
        shutil.copytree(old, out)
        assert killed_at(moment, lambda out=out: Library(out))
        assert seen(out) == expected, moment
        shutil.rmtree(out)


# format 1


def test_a_library_of_format_1_is_what_it_was(tmp_path):
    """Made and read by the version before; opened by this one it says the same, and goes on."""
    with zipfile.ZipFile(FORMAT1) as pack:
        pack.extractall(tmp_path)
    expected = json.loads((tmp_path / "expected.json").read_text())
    root = tmp_path / "library"
    library = sm.open(root)
    now = [[each["uri"], sorted(each["results"])] for each in library.inputs()]
    assert now == expected["inputs"]
    for kind, rows in expected["tables"].items():
        found = library.table(kind).to_pylist()
        assert json.dumps(found, sort_keys=True) == json.dumps(rows, sort_keys=True), kind
    assert [each.values.tolist() for each in library.iter_features()] == expected["features"]
    told = json.loads(json.dumps(library.people().to_dict("records")))
    assert told == expected["people"]
    assert json.loads((root / "sensorium.json").read_text()) == {"format": 2}
    assert not any((root / name).exists() for name in ("inputs", "results", "identities"))
    sm.Cast(root).name("V2", "Bob")
    assert set(library.people()["name"]) == {"Ada", "Bob"}


def test_results_of_other_recipes_come_along(tmp_path):
    """What format 1 kept beside the current results is found again."""
    with zipfile.ZipFile(FORMAT1) as pack:
        pack.extractall(tmp_path)
    sm.open(tmp_path / "library")
    shelf = Shelf(Layout(tmp_path / "library"))
    with shelf.catalogue() as opened:
        held = [each for n in opened.shards() for each in opened.results_of(n)]
    speech = [each for each in held if "/speech-" in each.key]
    assert sorted(each.cached for each in speech) == [False] * 3 + [True] * 3


# current and cached


def test_files_hold_what_counts_now_and_nothing_else(files, tmp_path):
    """Another recipe, a changed file, a way back: other tools never read what is superseded."""
    out = tmp_path / "lib"

    def texts():
        rows = [
            row
            for file in Library(out).files("transcript")
            for row in pq.read_table(file).to_pylist()
        ]
        assert len(rows) == len(Library(out).table("transcript")) > 0
        return sorted({(Path(row["uri"]).name, row["text"]) for row in rows})

    go(files, out, passes(1))
    first = texts()
    go(files, out, passes(2))
    assert len(texts()) == len(first) + 4
    computed = go(files, out, passes(1))
    assert all(each.computed == () for each in computed)  # the results of before are found again
    assert texts() == first
    (files / "0.wav").write_text("other content, other length")
    go(files, out, passes(1))
    assert texts() == first
    assert len(Library(out).media()) == 4
    assert len(Library(out).features()) == 4


def test_many_runs_leave_few_files(tmp_path):
    """Small shards are joined with others, tensors as well; what is replaced goes."""
    root = tmp_path / "lib"
    for number in range(30):
        tensor = Features(np.full((2,), number, np.float16), (), "synthetic sound", "encoder")
        ref = synthetic_ref(f"/m/{number:02d}.wav", "audio")
        add_synthetic(root, ref, [*synthetic_words([("S1", None, f"word {number}")]), tensor])
    for place in root.glob("shards/*/retired"):
        os.utime(place, (0, 0))
    with writing.adding(Layout(root)):
        pass
    assert len(all_files(root)) < 60
    library = Library(root)
    assert [each.values[0] for each in library.iter_features()] == list(range(30))
    assert library.words("17.wav")["text"].tolist() == ["word", "17"]
    assert library.words()["text"].tolist()[1::2] == [str(number) for number in range(30)]


# the catalogue


def test_the_catalogue_is_made_again_from_the_shards(files, tmp_path):
    """Deleted, overwritten, of another version: the library says the same."""
    out = tmp_path / "lib"
    go(files, out, passes(1))
    go(files, out, passes(2))
    with writing.adding(Layout(out)) as sink:
        sink.forget(str(files / "3.wav"))
    expected = seen(out)
    assert len(Library(out).inputs()) == 3
    place = Layout(out).catalogue
    for damage in (b"", b"no catalogue" * 1000, None):
        place.unlink() if damage is None else place.write_bytes(damage)
        assert seen(out) == expected
    place.unlink()
    (outcome, *_) = go(files / "0.wav", out, passes(2))
    assert outcome.computed == ()


def test_a_shard_says_what_it_should_be(files, tmp_path):
    """Sizes and checksums of its files and of its tensors; damage has one clear error."""
    out = tmp_path / "lib"
    go(files, out, passes(1))
    (folder,) = (out / "shards").iterdir()
    said = about(folder)
    assert set(said["files"]) == {path.name for path in folder.iterdir()} - {"shard.json"}
    assert set(said["tensors"]) == {path.name for path in (out / "tensors").iterdir()}
    (folder / "transcript.parquet").write_bytes(b"nothing")
    with pytest.raises(LibraryError, match=r"transcript\.parquet: expected the records"):
        Library(out).table("transcript")
    (folder / "transcript.parquet").unlink()
    with pytest.raises(LibraryError, match="a file of the library is missing"):
        Library(out).table("transcript")


def test_a_frame_that_is_cut_counts_for_nothing(files, tmp_path):
    """The journal of a process that was killed while it wrote: all before it is kept."""
    out = tmp_path / "lib"
    go(files, out, passes(1))
    journal, sink = sink_of(str(out), "cut", b"")
    ref = synthetic_ref("/m/a.wav", "audio")
    for name in ("one", "two"):
        key = f"{ref.digest[:32]}/{name}-{'0' * 16}"
        sink.write(key, ref, synthetic_words([("S1", None, name)]), {})
    sink.note(
        {"uri": ref.uri, "digest": ref.digest, "stat": None, "ref": None, "results": {"one": key}}
    )
    journal.sync()
    (place,) = (out / "journals").iterdir()
    place.write_bytes(place.read_bytes()[:-20])
    with writing.adding(Layout(out)):
        pass
    held = Shelf(Layout(out))
    assert held.state(key)["counts"] == {"word": 1, "assignment": 1}
    assert held.entry(ref.uri) is None
    assert list((out / "journals").iterdir()) == []


# one reads while another writes


def test_a_reader_sees_one_state_while_a_run_writes(files, tmp_path, monkeypatch):
    """Shards are replaced under its eyes, at once: it never sees half, and never an error."""
    out = tmp_path / "lib"
    monkeypatch.setattr(keeper, "_GRACE", -1.0)
    go(files, out, passes(1))
    library, stop, wrong = Library(out), threading.Event(), []

    def read():
        while not stop.is_set():
            try:
                rows = library.table("transcript", "0.wav").to_pylist()
                if len(rows) not in (2, 3) or len({row["media"] for row in rows}) != 1:
                    wrong.append(rows)
            except Exception as error:
                wrong.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for size in (2, 1, 2, 1, 2):
            go(files, out, passes(size))
    finally:
        stop.set()
        reader.join()
    assert wrong == []


# workers without the library's disk


class Elsewhere:
    """Workers that see the inputs, and no library: what they know came with the job."""

    shares_disk = False

    def map(self, function, items):
        for index in range(len(items)):
            assert items[index].library == ""
            yield index, function(items[index])


def test_workers_elsewhere_send_their_results(files, tmp_path):
    """The same library as by workers here; what is finished is not computed again there."""
    go(files, tmp_path / "here", passes(1))
    first = passes(1)
    go(files, tmp_path / "there", first, executor=Elsewhere())
    assert seen(tmp_path / "there") == seen(tmp_path / "here")
    more = [first[0], CountingPass("who", ("speech",), size=3)]
    outcomes = go(files, tmp_path / "there", more, executor=Elsewhere())
    assert all(each.computed == ("who",) and not each.frames for each in outcomes)
    assert first[0].num_runs == 4


def test_nothing_to_do_asks_no_worker(files, tmp_path):
    """Decided from the catalogue; a file that changed, one that failed and a new one are worked on."""

    class Counting(Elsewhere):
        asked = 0

        def map(self, function, items):
            Counting.asked += len(items)
            return super().map(function, items)

    out, made = tmp_path / "lib", passes(1)
    made[1].fail = {"1.wav": OSError("disk full"), "2.wav": sm.MediaError("2.wav: cut short")}
    first = go(files, out, made, executor=Counting())
    assert Counting.asked == 4
    second = go(files, out, made, executor=Counting())
    assert Counting.asked == 5  # the full disk may be better now
    assert [each.failures for each in second] == [each.failures for each in first]
    assert second[0].found == ("media", "speech", "who")
    (files / "0.wav").write_text("other content")
    (files / "new.wav").write_text("new content")
    go(files, out, made, executor=Counting())
    assert Counting.asked == 8
    go(files, out, passes(2), executor=Counting())
    assert Counting.asked == 13


def test_much_at_once_is_taken_up_in_parts(files, tmp_path, monkeypatch):
    """Two results at a time: what is seen is the same, and full shards are left alone."""
    go(files, tmp_path / "whole", passes())
    monkeypatch.setattr(keeper, "_AT_ONCE", 2)
    monkeypatch.setattr(keeper, "_FULL", 1)
    go(files, tmp_path / "parts", passes())
    assert seen(tmp_path / "parts") == seen(tmp_path / "whole")
    with Shelf(Layout(tmp_path / "parts")).catalogue() as opened:
        assert len(opened.shards()) > 1
    assert not list(Layout(tmp_path / "parts").journals.iterdir())
