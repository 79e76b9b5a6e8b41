"""SubtitleReader: what lies beside a file, in order of time."""

from __future__ import annotations

import pytest

from sensorium.core.errors import MediaError

SRT = "2\n00:00:05,000 --> 00:00:06,000\nlater\n\n1\n00:00:01,000 --> 00:00:02,500\nfirst\n"


class SubtitleReaderContract:
    """Of every SubtitleReader: a fixture `subtitles`, and how many of two files it finds."""

    finds = 2

    @pytest.fixture
    def talk(self, tmp_path):
        """A media file with subtitles in two languages beside it, and those of another one."""
        for name in ("talk.srt", "talk.en.srt", "talks.srt", "other.srt"):
            (tmp_path / name).write_text(SRT)
        (tmp_path / "talk.mp4").write_bytes(b"")
        return tmp_path / "talk.mp4"

    def test_files_of_that_name_are_found_and_sorted(self, subtitles, talk):
        found = subtitles.beside(str(talk))
        assert found == [str(talk.with_name(n)) for n in ("talk.en.srt", "talk.srt")][: self.finds]
        assert subtitles.beside(str(talk.with_name("silent.mp4"))) == []
        assert subtitles.beside(str(talk.parent / "away" / "a.mp4")) == []

    def test_what_is_found_can_be_read_in_order_of_time(self, subtitles, talk):
        told = [subtitles.read(path) for path in subtitles.beside(str(talk))]
        assert len(told) == self.finds
        for cues in told:
            assert [(c.span.start, c.span.end, c.text) for c in cues] == [
                (1.0, 2.5, "first"),
                (5.0, 6.0, "later"),
            ]

    def test_a_file_that_is_not_there_is_a_media_error(self, subtitles, tmp_path):
        with pytest.raises(MediaError, match=r"away\.srt"):
            subtitles.read(str(tmp_path / "away.srt"))
