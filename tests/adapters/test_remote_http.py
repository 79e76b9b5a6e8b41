"""Files by HTTP: ranges, troubles, what is refused, and what is never told."""

import hashlib
import json
import pickle

import numpy as np
import pytest
from serving import Place, busy, cut, serving, silent

from sensorium.adapters.media.reader import MediaReader
from sensorium.adapters.remote import address, http_origin, opening, origin
from sensorium.adapters.stores.cast_lists import read_cast
from sensorium.core.errors import FetchError, LimitError, MissingMediaError, UnsupportedMediaError
from sensorium.core.limits import Limits
from sensorium.testing.made_media import squares, tone, write_sound, write_video

OPEN = Limits(allow_private=True)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """No real pauses, and no file of another test."""
    monkeypatch.setattr(origin, "_sleep", lambda seconds: None)
    opening._open.clear()


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Two megabytes of video with sound."""
    noise = np.random.default_rng(0)
    pictures = [noise.integers(0, 255, (240, 320, 3), np.uint8) for _ in range(60)]
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    return write_video(path, pictures, sound=(tone(2.4, 16_000), 16_000))


def test_a_film_is_read_as_it_is_on_disk(film):
    """Headers, digest, sound and pictures; each byte comes once."""
    with serving(film__mp4=film.read_bytes()) as (root, places):
        uri = f"{root}/film.mp4"
        reader, here = MediaReader(OPEN), MediaReader()
        ref, mine = reader.probe(uri), here.probe(str(film))
        assert (ref.digest, ref.duration, ref.width) == (mine.digest, mine.duration, mine.width)
        for far, near in zip(reader.frames(ref, 64), here.frames(mine, 64), strict=True):
            assert np.array_equal(far.pixels, near.pixels)
        far, near = (
            np.concatenate([a.samples for a in r.audio(x, 16_000)], axis=1)
            for r, x in ((reader, ref), (here, mine))
        )
        assert np.array_equal(far, near)
        assert places["/film.mp4"].sent <= len(film.read_bytes()) + 10


def test_a_glance_at_a_film_reads_a_part_of_it(film):
    """What `sensorium probe` tells needs the index and the first frames."""
    data = film.read_bytes()
    with serving(film__mp4=data) as (root, places):
        ref = MediaReader(OPEN).glance(f"{root}/film.mp4")
        assert (ref.kind, ref.digest, ref.has_sound) == ("video", "", True)
        assert ref.duration == pytest.approx(2.4, abs=0.1)
        assert places["/film.mp4"].sent < len(data) / 2


def test_troubles_are_tried_again_and_what_came_is_kept(film):
    """503, an answer cut in half, a connection that hangs up."""
    data = film.read_bytes()
    with serving(film__mp4=data) as (root, places):
        places["/film.mp4"].troubles = [busy, cut, silent(0)]
        assert (
            opening.fetched(f"{root}/film.mp4", OPEN).digest() == hashlib.sha256(data).hexdigest()
        )
        assert not places["/film.mp4"].troubles


def test_a_part_that_never_comes_is_given_up(film, monkeypatch):
    """A silent server costs the time that it may, and one clear error that is worth another try."""
    monkeypatch.setattr(http_origin, "SILENCE", 0.05)
    with serving(film__mp4=film.read_bytes()) as (root, places):
        places["/film.mp4"].troubles = [silent(0.3)] * 10
        with pytest.raises(FetchError, match=r"film.mp4: could not be fetched, 5 times in a row"):
            MediaReader(OPEN).probe(f"{root}/film.mp4")
        opening._open.clear()
        short = Limits(allow_private=True, max_fetch=0.08)
        with pytest.raises(FetchError, match=r"not fetched within 0 s; try again"):
            MediaReader(short).probe(f"{root}/film.mp4")


@pytest.mark.parametrize(
    ("status", "says"), [(403, "refused"), (404, "no such file"), (401, "login")]
)
def test_what_is_refused_is_one_error_at_once(status, says):
    with serving(a__wav=Place(b"")) as (root, places):
        places["/a.wav"].status = status
        with pytest.raises(MissingMediaError, match=says) as raised:
            MediaReader(OPEN).probe(f"{root}/a.wav")
        assert not isinstance(raised.value, FetchError)
        assert places["/a.wav"].asked == 1


def test_a_file_that_changes_between_reads_is_an_error_and_never_a_mixture(film):
    data = film.read_bytes()
    with serving(film__mp4=data) as (root, places):
        uri, place = f"{root}/film.mp4", places["/film.mp4"]
        opened = opening.fetched(uri, OPEN)
        opened.read(0, 10)
        place.data, place.version = data[:-1] + b"x", 2
        with pytest.raises(FetchError, match="changed while it was read; try again"):
            opened.digest()
        opening.forget(uri)
        assert MediaReader(OPEN).probe(uri).digest == hashlib.sha256(place.data).hexdigest()


def test_a_server_without_ranges_is_read_once_as_a_whole(film):
    data = film.read_bytes()
    with serving(film__mp4=Place(data, ranges=False)) as (root, places):
        reader = MediaReader(OPEN)
        ref = reader.probe(f"{root}/film.mp4")
        assert len(list(reader.frames(ref, 32))) == 60
        assert places["/film.mp4"].asked == 2
        opening._open.clear()
        with pytest.raises(LimitError, match="expected at most 1,000 bytes"):
            MediaReader(Limits(allow_private=True, max_bytes=1000)).probe(f"{root}/film.mp4")


def test_private_addresses_are_refused_also_behind_names_and_redirects(monkeypatch):
    """What is checked is what is connected to, at every step."""
    with serving(a__wav=Place(b"")) as (root, places):
        for place in (
            root,
            root.replace("127.0.0.1", "localhost"),
            root.replace("127.0.0.1", "2130706433"),
        ):
            with pytest.raises(MissingMediaError, match=r"private address.*--allow-private"):
                MediaReader().probe(f"{place}/a.wav")
        assert not places["/a.wav"].asked
        places["/a.wav"].location = root.replace("127.0.0.1", "127.0.0.2") + "/b.wav"
        first = root.rpartition(":")[2]
        monkeypatch.setattr(
            http_origin, "is_public", lambda ip: ip == "127.0.0.1" or http_origin_is_public(ip)
        )
        with pytest.raises(MissingMediaError, match=r"127\.0\.0\.2 is at a private address"):
            MediaReader().probe(f"http://127.0.0.1:{first}/a.wav")
        places["/a.wav"].location = "file:///etc/passwd"
        with pytest.raises(MissingMediaError, match="something else than HTTP"):
            MediaReader().probe(f"{root}/a.wav")


http_origin_is_public = http_origin.is_public


def test_a_portrait_may_be_an_address(tmp_path):
    (tmp_path / "cast.csv").write_text("name,portraits\nAnn,https://ann:pw@h/a.jpg?v=1;b.jpg\n")
    (member,) = read_cast(tmp_path / "cast.csv").members
    assert member.portraits == ("https://h/a.jpg?v=1", str(tmp_path / "b.jpg"))


def test_a_page_in_place_of_a_file_is_said_to_be_one():
    page = b"<!DOCTYPE html><html><body>Log in</body></html>"
    with (
        serving(a__mp4=page) as (root, _),
        pytest.raises(UnsupportedMediaError, match="HTML"),
    ):
        MediaReader(OPEN).probe(f"{root}/a.mp4")


def test_a_playlist_opens_nothing(tmp_path, film):
    """FFmpeg must not fetch or open what a remote file names."""
    playlist = f"#EXTM3U\n#EXTINF:1,\n{film}\n#EXT-X-ENDLIST\n".encode()
    script = f"ffconcat version 1.0\nfile {film}\n".encode()
    with serving(a__m3u8=playlist, b__ffconcat=script, c__jpg=b"\xff\xd8nothing") as (root, _):
        for name in ("a.m3u8", "b.ffconcat", "c.jpg"):
            with pytest.raises((UnsupportedMediaError, MissingMediaError)):
                MediaReader(OPEN).probe(f"{root}/{name}")


def test_secrets_are_sent_and_never_told(tmp_path):
    """A login and a signature reach the server; no error, no reference and no record has them."""
    sound = write_sound(tmp_path / "a.wav", tone(1, 16_000), 16_000, "pcm_s16le").read_bytes()
    query = "id=7&X-Amz-Signature=feedbeef&X-Amz-Credential=AKIASECRET&token=hush"
    with serving(a__wav=sound) as (root, places):
        whole = f"{root.replace('//', '//annlee:hunter2@')}/a.wav?{query}"
        ref = MediaReader(OPEN).probe(whole)
        assert places["/a.wav"].headers[0]["Authorization"].startswith("Basic ")
        assert places["/a.wav"].headers[0]["path"].endswith(query)
        places["/a.wav"].status = 403
        opening._open.clear()
        with pytest.raises(MissingMediaError) as raised:
            MediaReader(OPEN).probe(whole)
    told = repr(ref) + str(raised.value)
    for secret in ("hunter2", "annlee", "feedbeef", "AKIASECRET", "hush"):
        assert secret not in told
    assert "id=7" in ref.uri


def test_addresses_that_differ_in_what_they_name_are_two_inputs():
    one, two = "https://h/a.mp4?v=1&token=abc", "https://h/a.mp4?v=1&token=abd"
    assert address.shown(one) != address.shown(two)
    again = "https://h/a.mp4?X-Amz-Date=2&X-Amz-Signature=bb"
    assert address.shown("https://h/a.mp4?X-Amz-Date=1&X-Amz-Signature=aa") == address.shown(again)
    azure = "https://h/a.mp4?sv=2024&sig=abc%3D&se=2026&snapshot=5"
    assert address.shown(azure) == "https://h/a.mp4?snapshot=5"
    assert address.shown("s3://key:word@bucket/a?b#c.mp4") == "s3://bucket/a?b#c.mp4"


def test_an_input_tells_no_secret():
    from sensorium.run.inputs import find

    (each,) = find("https://ann:pw@h/a.mp4?sig=1&sv=2")
    assert "pw" not in repr(each)
    assert "pw" in pickle.loads(pickle.dumps(each)).address


def test_probe_on_the_command_line(film):
    from click.testing import CliRunner

    from sensorium.interfaces.cli.main import main

    with serving(film__mp4=film.read_bytes()) as (root, _):
        refused = CliRunner().invoke(main, ["probe", f"{root}/film.mp4"])
        assert refused.exit_code == 3
        assert "--allow-private" in refused.stderr
        told = CliRunner().invoke(main, ["probe", f"{root}/film.mp4", "--allow-private"])
        assert json.loads(told.stdout)["kind"] == "video"


def test_pictures_are_read_from_afar(tmp_path):
    from PIL import Image

    Image.fromarray(squares(1)[0]).save(tmp_path / "a.png")
    with serving(a__png=(tmp_path / "a.png").read_bytes()) as (root, _):
        ref = MediaReader(OPEN).probe(f"{root}/a.png")
        (frame,) = MediaReader(OPEN).frames(ref, None)
        assert np.array_equal(frame.pixels[0], squares(1)[0])
