"""What is wrong with a file though it is used: said once a file, kept in the library, counted."""

import io
import json
import logging

import av
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from sensorium.adapters.media.notices import heard, notice
from sensorium.adapters.media.reader import MediaReader
from sensorium.core.config import Config
from sensorium.core.record import Record
from sensorium.interfaces.cli.main import main
from sensorium.library.library import Library
from sensorium.run import work
from sensorium.run.executors import Options
from sensorium.run.extract import run
from sensorium.run.plan import Built
from sensorium.run.progress import Lines, Watcher
from sensorium.testing.fake_passes import CountingPass, NoSubtitles
from sensorium.testing.made_media import squares, tone, write_sound, write_video


class Looking(CountingPass):
    """Reads all pictures and all sound of its file, as the real passes do."""

    reader = MediaReader()

    def run(self, ref, earlier, report):
        for _ in self.reader.frames(ref, 32):
            pass
        for _ in self.reader.audio(ref, 16000):
            pass
        yield from super().run(ref, earlier, report)


@pytest.fixture
def passes(monkeypatch):
    """Three passes over real files."""
    made = [Looking("shots"), Looking("texts"), Looking("faces")]
    built = Built(MediaReader(), NoSubtitles(), made)
    monkeypatch.setattr(work, "_built", lambda config, threads: built)
    monkeypatch.setattr("sensorium.run.extract.check", lambda config: None)
    return made


def with_a_broken_packet(path):
    """A video of which one packet in the middle is rubbish."""
    whole = write_video(path.with_name("whole.mkv"), squares(60), sound=(tone(2.4, 16000), 16000))
    with av.open(str(whole)) as container:
        places = [p.pos for p in container.demux(video=0) if p.pos and p.size]
        packets = [bytes(p) for p in av.open(str(whole)).demux(video=0) if p.size]
    data = bytearray(whole.read_bytes())
    broken = packets[30]
    at = data.index(broken, places[30] - 40)
    data[at : at + len(broken)] = b"\0" * len(broken)
    path.write_bytes(data)
    whole.unlink()
    return path


def go(inputs, out, watch=None, **options):
    return run(inputs, out, Config(), Options(num_workers=0, **options), watch or Watcher())


def test_a_broken_packet_is_told_once_a_file(passes, tmp_path, caplog):
    """Not once a pass; nothing goes past the library; a second run says the same, and computes nothing."""
    path = with_a_broken_packet(tmp_path / "a.mkv")
    with caplog.at_level(logging.DEBUG):
        (outcome,) = go([path], tmp_path / "lib")
    assert outcome.failures == ()
    assert len(outcome.warnings) == 1
    assert "a broken video packet near 1.2" in outcome.warnings[0]  # threads tell it a packet later
    assert not [r for r in caplog.records if r.name.startswith("sensorium")]
    kept = Library(tmp_path / "lib").warnings()
    assert kept["message"].tolist() == list(outcome.warnings)
    assert kept["uri"].tolist() == [str(path)]
    (again,) = go([path], tmp_path / "lib")
    assert again.computed == ()
    assert again.warnings == outcome.warnings
    assert Library(tmp_path / "lib").errors().empty


def test_warnings_stay_when_a_later_run_adds_a_pass(passes, tmp_path):
    """Each result says what it met, whichever was computed first."""
    path = with_a_broken_packet(tmp_path / "a.mkv")
    later = passes.pop()
    go([path], tmp_path / "lib")
    passes[:] = [later]
    (outcome,) = go([path], tmp_path / "lib")
    assert len(outcome.warnings) == 1
    assert len(Library(tmp_path / "lib").warnings()) == 1


def test_a_picture_cut_short_is_used_with_one_warning(passes, tmp_path, capsys):
    """And one that holds nothing is one failure, not one a pass."""
    noise = np.random.default_rng(0).integers(0, 255, (90, 90, 3), np.uint8)
    whole = io.BytesIO()
    Image.fromarray(noise).save(whole, "JPEG")
    (tmp_path / "half.jpg").write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    png = io.BytesIO()
    Image.fromarray(noise).save(png, "PNG")
    (tmp_path / "nothing.png").write_bytes(png.getvalue()[:60])
    lines = io.StringIO()
    half, nothing = go(
        [tmp_path / "half.jpg", tmp_path / "nothing.png"], tmp_path / "lib", Lines(lines)
    )
    assert half.computed == ("media", "shots", "texts", "faces")
    assert len(half.warnings) == 1
    assert "of its rows are missing" in half.warnings[0]
    assert [f.step for f in nothing.failures] == ["media"]
    assert nothing.warnings == ()
    assert lines.getvalue().count("warning ") == 1
    assert len(Library(tmp_path / "lib").errors()) == 1


def test_the_command_counts_them_and_quiet_holds_them_back(passes, tmp_path):
    """With --quiet nothing is on stderr; the summary counts, `show` tells."""
    path = with_a_broken_packet(tmp_path / "a.mkv")
    named = ["extract", str(path), "--out", str(tmp_path / "lib"), "--workers", "0"]
    told = CliRunner().invoke(main, [*named, "--quiet", "--json"])
    assert told.exit_code == 0, told.output
    assert told.stderr == ""
    summary = json.loads(told.stdout)
    assert summary["warnings"] == 1
    assert len(summary["files"][0]["warnings"]) == 1
    loud = CliRunner().invoke(main, named)
    assert loud.stderr.count("broken video packet") == 1
    assert "Warnings: 1, in 1 inputs" in loud.stdout
    shown = CliRunner().invoke(main, ["show", str(tmp_path / "lib")])
    assert shown.stdout.count("warning: ") == 1


def test_many_warnings_of_one_file_are_shown_in_part(tmp_path):
    """A file with hundreds does not fill the terminal."""
    from sensorium.run.job import Outcome
    from sensorium.run.progress import line

    outcome = Outcome("a.mkv", "video", 1.0, ("media",), warnings=tuple(f"w{i}" for i in range(9)))
    assert line(outcome).count("\n") == 4
    assert "6 more" in line(outcome)


def test_one_cause_is_told_once(passes, tmp_path):
    """Sound that holds no numbers stops three passes: one line, and a record of each pass."""
    samples = tone(1.0, 16000)
    samples[0, 8000] = np.nan
    write_sound(tmp_path / "a.wav", samples, 16000, "pcm_f32le")
    lines = io.StringIO()
    go([tmp_path / "a.wav"], tmp_path / "lib", Lines(lines))
    assert lines.getvalue().count("FAILED") == 1
    assert "shots, texts, faces: " in lines.getvalue()
    assert len(Library(tmp_path / "lib").errors()) == 3


def test_who_listens_hears_only_its_file(caplog):
    """The rest goes to the log; the inner of two listeners hears, and a Record holds the words."""
    inner, outer = [], []
    with heard("a", outer):
        with heard("a", inner):
            notice("a", "x")
            notice("b", "y")
        notice("a", "z")
    assert (inner, outer) == (["a: x"], ["a: z"])
    assert [record.getMessage() for record in caplog.records] == ["b: y"]
    Record("warning", None, {"step": "faces", "message": "a: x"}, CountingPass("a").provenance)


class Doubting(CountingPass):
    """Says itself what it doubts, among its results."""

    def run(self, ref, earlier, report):
        told = {"step": self.name, "message": "the language is uncertain"}
        yield Record("warning", None, told, self.provenance)
        yield from super().run(ref, earlier, report)


def test_a_warning_among_the_results_of_a_pass_is_told_as_others_are(monkeypatch, tmp_path):
    """At once, when the result is found again, and by the library; each time once."""
    source = write_sound(tmp_path / "a.wav", tone(0.5, 16000), 16000, "pcm_s16le")
    built = Built(MediaReader(), NoSubtitles(), [Doubting("speech")])
    monkeypatch.setattr(work, "_built", lambda config, threads: built)
    monkeypatch.setattr("sensorium.run.extract.check", lambda config: None)
    for _ in range(2):
        (outcome,) = run([source], tmp_path / "lib", Config(), Options(num_workers=0), Watcher())
        assert outcome.warnings == ("the language is uncertain",)
    told = Library(tmp_path / "lib").warnings()
    assert told[["step", "message"]].values.tolist() == [["speech", "the language is uncertain"]]
    assert len(Library(tmp_path / "lib").records("transcript")) == 1
