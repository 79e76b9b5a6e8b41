"""Resuming, failing, killing: what must hold for a run over many files, with passes made for it."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from sensorium.core.config import Config
from sensorium.core.errors import LibraryError, MediaError, UsageError
from sensorium.core.record import KINDS
from sensorium.library.gallery import Gallery
from sensorium.library.layout import Layout
from sensorium.library.library import Library
from sensorium.library.store.shelf import Shelf
from sensorium.run import work
from sensorium.run.extract import Options, run
from sensorium.run.plan import Built
from sensorium.run.progress import Watcher
from sensorium.testing.fake_passes import CountingPass, FakeReader, NoSubtitles


def built_of(*passes):
    """What `sensorium.run.plan.build` would give, of these passes."""
    return Built(FakeReader(), NoSubtitles(), list(passes))


@pytest.fixture
def files(tmp_path):
    """Five small files; the fake reader calls everything audio unless it says otherwise."""
    folder = tmp_path / "in"
    folder.mkdir()
    for index in range(5):
        (folder / f"{index}.wav").write_text(f"content {index}")
    return folder


def use(monkeypatch, *passes):
    """Makes the run use these passes instead of the real ones."""
    monkeypatch.setattr(work, "_built", lambda config, threads: built_of(*passes))
    monkeypatch.setattr("sensorium.run.extract.check", lambda config: None)


def go(inputs, out, **options):
    named = inputs if isinstance(inputs, list) else [inputs]
    return run(named, out, Config(), Options(num_workers=0, **options), Watcher())


def test_a_second_run_computes_nothing(monkeypatch, files, tmp_path):
    """What is finished is found again, by content and recipe."""
    first = CountingPass("speech")
    use(monkeypatch, first)
    go(files, tmp_path / "lib")
    assert first.num_runs == 5
    outcomes = go(files, tmp_path / "lib")
    assert first.num_runs == 5
    assert [o.computed for o in outcomes] == [()] * 5
    assert all(o.found == ("media", "speech") for o in outcomes)


def test_a_changed_parameter_repeats_its_pass_and_those_that_need_it(monkeypatch, files, tmp_path):
    """Nothing else is computed again, and the old results stay where they were."""
    out = tmp_path / "lib"
    use(
        monkeypatch, CountingPass("speech"), CountingPass("faces"), CountingPass("who", ("speech",))
    )
    go(files, out)
    before = cached(out)
    use(
        monkeypatch,
        CountingPass("speech", size=2),
        CountingPass("faces"),
        CountingPass("who", ("speech",)),
    )
    outcomes = go(files, out)
    assert all(o.computed == ("speech", "who") for o in outcomes)
    assert set(before) < set(cached(out))
    assert len(Library(out).records("transcript", "0.wav")) == 2 + 1 + 1


def test_same_content_twice_is_computed_once(monkeypatch, files, tmp_path):
    """Two names of the same bytes share one result."""
    (files / "copy.wav").write_bytes((files / "0.wav").read_bytes())
    each = CountingPass("speech")
    use(monkeypatch, each)
    go(files, tmp_path / "lib")
    assert each.num_runs == 5
    assert len(Library(tmp_path / "lib").inputs()) == 6


def test_one_bad_file_is_one_error_and_stops_nothing(monkeypatch, files, tmp_path):
    """The others are whole; what the bad one had finished before stays; the cause is one record."""
    use(
        monkeypatch,
        CountingPass("speech"),
        CountingPass("faces", fail={"3.wav": MediaError("3.wav: the pictures end at 2.0 s")}),
        CountingPass("who", ("faces",)),
    )
    out = tmp_path / "lib"
    outcomes = go([files / f"{i}.wav" for i in range(5)], out)
    failed = [o for o in outcomes if o.failures]
    assert [f.message for o in failed for f in o.failures] == ["3.wav: the pictures end at 2.0 s"]
    library = Library(out)
    assert library.errors()[["step", "error"]].values.tolist() == [["faces", "MediaError"]]
    assert len(library.records("transcript", "3.wav")) == 1
    assert len(library.records("transcript", "2.wav")) == 3


def test_a_bad_file_is_not_tried_again_but_other_failures_are(monkeypatch, files, tmp_path):
    """The same bytes fail the same way; a full disk or a missing package may be better next time."""
    bad = CountingPass("faces", fail={"3.wav": MediaError("no"), "4.wav": OSError("disk full")})
    use(monkeypatch, bad)
    out = tmp_path / "lib"
    go(files, out)
    assert bad.num_runs == 5
    outcomes = go(files, out)
    assert bad.num_runs == 6
    assert [bool(o.failures) for o in outcomes] == [False, False, False, True, True]
    go(files, out, retry_failed=True)
    assert bad.num_runs == 8
    bad.fail.clear()
    go(files, out, retry_failed=True)
    assert len(Library(out).errors()) == 0


def test_missing_and_unreadable_inputs_are_errors_among_the_others(monkeypatch, files, tmp_path):
    """A name that does not exist, and a claimed file that is no media, do not stop the rest."""
    (files / "text.mp4").write_text("no media")
    (files / "notes.txt").write_text("no media")
    use(monkeypatch, CountingPass("speech"))
    out = tmp_path / "lib"
    outcomes = go([files, files / "missing.wav"], out)
    assert sum(bool(o.failures) for o in outcomes) == 2
    assert sum(o.passed_over for o in outcomes) == 1
    assert set(Library(out).errors()["error"]) == {"MissingMediaError", "UnsupportedMediaError"}
    (files / "missing.wav").write_text("now it is here")
    go([files / "missing.wav"], out)
    assert set(Library(out).errors()["error"]) == {"UnsupportedMediaError"}


def test_changed_content_replaces_what_the_library_shows(monkeypatch, files, tmp_path):
    """A file that was overwritten is a new file; the table shows it once."""
    use(monkeypatch, CountingPass("speech"))
    out = tmp_path / "lib"
    go(files, out)
    (files / "0.wav").write_text("other content, other length")
    go(files, out)
    assert len(Library(out).media()) == 5
    assert len(Library(out).records("transcript")) == 5


def test_a_folder_with_other_things_is_not_taken_for_a_library(monkeypatch, files, tmp_path):
    """Nothing is written into somebody's folder by mistake."""
    use(monkeypatch, CountingPass("speech"))
    with pytest.raises(LibraryError, match="not empty and is no Sensorium library"):
        go(files, files)
    with pytest.raises(UsageError, match="no input"):
        go([], tmp_path / "lib")


def test_two_runs_do_not_write_to_one_library(monkeypatch, files, tmp_path):
    """The second is told so at once."""
    out = tmp_path / "lib"

    class Nested(CountingPass):
        def run(self, ref, earlier, report):
            with pytest.raises(LibraryError, match="another run"):
                go(files, out)
            return super().run(ref, earlier, report)

    use(monkeypatch, Nested("speech"))
    go([files / "0.wav"], out)


SCRIPT = """
import sys, time
from sensorium.run import work, extract as extraction
from sensorium.core.config import Config
from sensorium.run.extract import Options, run
from sensorium.run.progress import Watcher
from sensorium.run.plan import Built
from sensorium.testing.fake_passes import CountingPass, FakeReader, NoSubtitles

both = [CountingPass("speech", size=200), CountingPass("who", ("speech",), pause=0.01)]
passes = Built(FakeReader(), NoSubtitles(), both)
work._built = lambda config, threads: passes
extraction.check = lambda config: None
run([sys.argv[1]], sys.argv[2], Config(), Options(num_workers=0), Watcher())
"""


def cached(out):
    """The results that a library holds, current or not, with what is known of each."""
    with Shelf(Layout(out)).catalogue() as catalogue:
        shards = catalogue.shards()
        return {each.key: each.state for n in shards for each in catalogue.results_of(n)}


def contents(out):
    """Everything in a library that a user can see."""
    library = Library(out)
    tables = {kind: library.table(kind).to_pylist() for kind in KINDS}
    return library.inputs(), tables, cached(out), Gallery(Layout(out)).decisions()


def test_killed_at_any_moment_the_library_is_readable_and_ends_the_same(files, tmp_path, rng):
    """kill -9 at random moments, then a run to the end: equal to the run that nobody disturbed."""
    script = tmp_path / "go.py"
    script.write_text(textwrap.dedent(SCRIPT))
    command = [sys.executable, str(script), str(files)]
    started = time.monotonic()
    subprocess.run([*command, str(tmp_path / "whole")], check=True)
    whole = time.monotonic() - started
    expected = contents(tmp_path / "whole")
    most = len(expected[1]["transcript"])
    for attempt in range(6):
        out = tmp_path / f"killed{attempt}"
        process = subprocess.Popen([*command, str(out)])
        time.sleep(whole * rng.uniform(0.5, 1.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
        if (out / "sensorium.json").exists():
            assert len(Library(out).records("transcript")) <= most
        subprocess.run([*command, str(out)], check=True)
        assert contents(out) == expected
        assert os.listdir(out / "work") == []
