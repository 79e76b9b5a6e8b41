"""Reader: files by content, sound without gap, pictures with their times."""

from __future__ import annotations

import shutil
from itertools import pairwise

import numpy as np
import pytest

from sensorium.core.errors import MediaError, MissingMediaError, UnsupportedMediaError, UsageError


class ReaderContract:
    """Of every Reader: fixtures `reader`, `sound` (a path), `film` (a path or None), `no_media` (a path)."""

    def heard(self, reader, path, rate=16_000, **more):
        """(ref, chunks), checked to join."""
        ref = reader.probe(str(path))
        chunks = list(reader.audio(ref, rate, **more))
        for chunk in chunks:
            assert chunk.sample_rate == rate
            assert chunk.samples.shape[0] == 1
            assert 0 < chunk.duration <= 30
            assert np.abs(chunk.samples).max() <= 1.01  # resampling overshoots a little
        for before, after in pairwise(chunks):
            assert after.start == pytest.approx(before.end, abs=1e-9)
        return ref, chunks

    def test_a_file_is_known_by_its_content(self, reader, sound, tmp_path):
        """Not by its name or place."""
        ref = reader.probe(str(sound))
        copy = shutil.copy(sound, tmp_path / "another name.bin")
        other = reader.probe(str(copy))
        assert ref.uri == str(sound)
        assert (other.digest, other.kind, other.duration) == (ref.digest, ref.kind, ref.duration)
        assert len(ref.digest) == 64
        assert (ref.kind, ref.has_sound) == ("audio", True)

    def test_what_is_no_media_is_a_media_error_that_names_it(self, reader, no_media, tmp_path):
        with pytest.raises(UnsupportedMediaError, match=no_media.name):
            reader.probe(str(no_media))
        with pytest.raises(MissingMediaError, match=r"away\.mp4"):
            reader.probe(str(tmp_path / "away.mp4"))
        assert issubclass(UnsupportedMediaError, MediaError)
        assert issubclass(MissingMediaError, MediaError)

    @pytest.mark.parametrize("rate", [8000, 16_000, 44_100])
    def test_sound_comes_in_chunks_that_join_and_are_all_of_it(self, reader, sound, rate):
        ref, chunks = self.heard(reader, sound, rate)
        assert chunks[0].start == 0
        assert chunks[-1].end == pytest.approx(ref.duration, abs=0.01)

    def test_sound_is_the_same_twice(self, reader, sound):
        (_, once), (_, again) = self.heard(reader, sound), self.heard(reader, sound)
        for one, other in zip(once, again, strict=True):
            np.testing.assert_array_equal(one.samples, other.samples)

    def test_a_channel_is_taken_or_refused(self, reader, sound):
        ref, mixed = self.heard(reader, sound)
        _, alone = self.heard(reader, sound, channel=0)
        assert [c.samples.shape for c in alone] == [c.samples.shape for c in mixed]
        with pytest.raises(UsageError, match=r"channel: expected 0 to"):
            list(reader.audio(ref, 16_000, ref.num_channels))

    def test_sound_alone_has_no_pictures(self, reader, sound):
        assert list(reader.frames(reader.probe(str(sound)), None)) == []


class FilmReaderContract(ReaderContract):
    """Of a Reader that knows pictures: `film` is a path too, without sound, and `still` one of a picture."""

    def test_pictures_come_one_at_a_time_in_order(self, reader, film):
        ref = reader.probe(str(film))
        frames = list(reader.frames(ref, None))
        times = [float(frame.times[0]) for frame in frames]
        assert {frame.pixels.shape for frame in frames} == {(1, ref.height, ref.width, 3)}
        assert times == sorted(set(times))
        assert times[0] == 0
        assert times[-1] < ref.duration
        assert (ref.kind, ref.has_sound) == ("video", False)
        assert list(reader.audio(ref, 16_000)) == []

    def test_one_picture_per_time_that_is_asked_for(self, reader, film):
        """The one on display then; of no times none."""
        ref = reader.probe(str(film))
        every = [float(frame.times[0]) for frame in reader.frames(ref, None)]
        wanted = [0.0, 0.05, 0.05, 0.5, 99.0]
        found = [float(frame.times[0]) for frame in reader.frames(ref, None, wanted)]
        assert found == [max(t for t in every if t <= at + 1e-9) for at in wanted]
        assert list(reader.frames(ref, None, [])) == []

    def test_max_side_scales_down_only(self, reader, film, still):
        for path in (film, still):
            ref = reader.probe(str(path))
            small = next(iter(reader.frames(ref, 20))).pixels.shape
            assert max(small) == 20
            assert small[1] / small[2] == pytest.approx(ref.height / ref.width, rel=0.1)
            assert next(iter(reader.frames(ref, 999))).pixels.shape == (1, ref.height, ref.width, 3)

    def test_a_still_is_one_picture_at_0_s(self, reader, still):
        ref = reader.probe(str(still))
        assert (ref.kind, ref.duration, ref.has_sound) == ("image", None, False)
        (frame,) = reader.frames(ref, None)
        assert frame.times.tolist() == [0.0]
        assert list(reader.frames(ref, None, [])) == []
        assert list(reader.audio(ref, 16_000)) == []
