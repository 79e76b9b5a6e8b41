"""Sound and pictures of one file at once: what must not depend on which of them is faster."""

import json
import threading

import pytest

from sensorium.adapters.media.notices import heard, notice
from sensorium.core.config import Config
from sensorium.library.library import Library
from sensorium.run import work
from sensorium.run.executors import Options
from sensorium.run.extract import run
from sensorium.run.parts.side_by_side import Lanes
from sensorium.run.plan import Built
from sensorium.run.progress import Watcher
from sensorium.testing.fake_passes import CountingPass, FakeReader, NoSubtitles

PASSES = [("speech", ()), ("speakers", ()), ("shots", ()), ("faces", ("shots",)),
          ("who", ("speech", "faces"))]  # fmt: skip


class Meeting(CountingPass):
    """Waits for the pass of the other lane, and tells of the file."""

    both = threading.Barrier(2)

    def run(self, ref, earlier, report):
        if self.name in ("speech", "shots"):
            self.both.wait(20)
        notice(ref.uri, f"something about {'who' if self.name == 'who' else 'the file'}")
        yield from super().run(ref, earlier, report)


def test_the_library_is_that_of_one_after_the_other(monkeypatch, tmp_path):
    """Two lanes meet, warnings are told to the pass that met them, and the outcome is in order."""
    file = tmp_path / "a.wav"
    file.write_text("content")
    monkeypatch.setattr("sensorium.run.extract.check", lambda config: None)
    results = []
    for kind, at_once in ((CountingPass, False), (Meeting, True), (Meeting, True)):
        passes = [kind(name, needs) for name, needs in PASSES]
        built = Built(FakeReader(), NoSubtitles(), passes)
        monkeypatch.setattr(work, "_built", lambda config, threads, built=built: built)
        monkeypatch.setattr("sensorium.run.extract.has_cores", lambda num, value=at_once: value)
        out = tmp_path / f"library{len(results)}"
        outcome = run([file], out, Config(), Options(num_workers=0), Watcher())[0]
        assert not outcome.failures
        told = sorted(Library(out).records("warning")[["step", "message"]].values.tolist())
        results.append((outcome.computed, outcome.warnings, told))
    assert results[0][0] == results[1][0] == ("media", *(name for name, _ in PASSES))
    assert results[1] == results[2]
    assert {step for step, _ in results[1][2]} == {name for name, _ in PASSES}


@pytest.mark.parametrize("slow", ["speech", "texts"])
def test_the_lane_that_ends_first_takes_the_free_passes(slow):
    """Once, after what they need, and while the other lane is still at work."""
    lanes, done, order = Lanes(at_once=True), threading.Event(), []

    def do(each):
        if each.name == slow:
            assert done.wait(20)
        order.append(each.name)
        if each.name == "pictures":
            done.set()

    named = [("speech", ()), ("shots", ()), ("pictures", ("shots",)), ("texts", ("shots",)),
             ("who", ("speech",))]  # fmt: skip
    lanes.run([CountingPass(name, needs) for name, needs in named], do)
    assert sorted(order) == sorted(name for name, _ in named)
    assert order.index("shots") < order.index("pictures") < order.index(slow)
    assert order[-1] == "who"


def test_a_picture_has_two_lanes_as_well():
    meeting = threading.Barrier(2)
    named = [("pictures", ("shots",)), ("faces", ("shots",)), ("texts", ("shots",))]
    passes, done = [CountingPass(name, needs) for name, needs in named], []

    def do(each):
        if each.name != "texts":
            meeting.wait(20)
        done.append(each.name)

    Lanes(at_once=True).run(passes, do)
    assert sorted(done) == ["faces", "pictures", "texts"]


def test_a_free_pass_waits_for_what_it_needs_unless_that_fails():
    lanes, begun = Lanes(at_once=True), []

    def do(each):
        begun.append(each.name)
        if each.name == "shots":
            raise ValueError("broken")

    named = [("speech", ()), ("shots", ()), ("pictures", ("shots",))]
    with pytest.raises(ValueError, match="broken"):
        lanes.run([CountingPass(name, needs) for name, needs in named], do)
    assert "pictures" not in begun


def test_a_pass_that_is_interrupted_stops_the_other_lane():
    """The interruption is what is raised, and the lane that goes on learns of it at its next report."""
    lanes, begun, seen = Lanes(at_once=True), threading.Event(), []

    def do(each):
        if each.name == "speech":
            begun.set()
            while True:
                lanes.check()
        begun.wait(20)
        seen.append(each.name)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lanes.run([CountingPass(name, needs) for name, needs in PASSES], do)
    assert seen == ["shots"]


def test_what_fails_in_the_other_thread_is_raised_here():
    """Not that this one was stopped for it."""
    lanes = Lanes(at_once=True)

    def do(each):
        if each.name == "speech":
            raise ValueError(json.dumps("broken"))
        while True:
            lanes.check()

    with pytest.raises(ValueError, match="broken"):
        lanes.run([CountingPass(name, needs) for name, needs in PASSES], do)


def test_each_thread_hears_its_own_notices():
    """Of one file, whoever began to listen last; what a thread without ears says is heard as well."""
    mine, other = [], []
    ready, done = threading.Event(), threading.Event()

    def beside():
        with heard("a.mp4", other):
            ready.set()
            done.wait(20)
            notice("a.mp4", "beside")

    thread = threading.Thread(target=beside)
    with heard("a.mp4", mine):
        thread.start()
        ready.wait(20)
        notice("a.mp4", "here")
        done.set()
        thread.join()
    helper = threading.Thread(target=notice, args=("a.mp4", "helper"))
    with heard("a.mp4", mine):
        helper.start()
        helper.join()
    assert (mine, other) == (["a.mp4: here", "a.mp4: helper"], ["a.mp4: beside"])
