"""Files in object stores, against moto's S3 server: whole runs, and what goes wrong there."""

import hashlib
import json
import logging
import os
import threading
import time

import boto3
import fsspec
import numpy as np
import pytest
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from sensorium.adapters.media.reader import MediaReader
from sensorium.adapters.remote import opening, origin, store_origin
from sensorium.core.config import Config
from sensorium.core.errors import (
    FetchError,
    LibraryError,
    MissingDependencyError,
    MissingMediaError,
    UsageError,
)
from sensorium.library.library import Library, open_library
from sensorium.library.originals import changed
from sensorium.run import work
from sensorium.run.executors import Options
from sensorium.run.extract import run
from sensorium.run.inputs import find
from sensorium.run.plan import Built
from sensorium.run.progress import Watcher
from sensorium.testing.fake_passes import CountingPass, NoSubtitles
from sensorium.testing.made_media import tone, write_sound, write_video

SECRET = "hush-hush-hush"


class _Troubled:
    """moto's server with answers of our own for some objects: key -> (status, code) in turn, or seconds."""

    def __init__(self):
        self.s3, self.answers = DomainDispatcherApplication(create_backend_app), {}

    def __call__(self, environ, start):
        waiting = self.answers.get(environ["PATH_INFO"].rpartition("/")[2])
        if not waiting or environ["REQUEST_METHOD"] == "PUT":
            return self.s3(environ, start)
        what = waiting[0] if len(waiting) == 1 else waiting.pop(0)
        if isinstance(what, float):
            time.sleep(what)
            return self.s3(environ, start)
        if what is None:
            waiting.pop(0)
            return self.s3(environ, start)
        status, code = what
        start(f"{status} {code}", [("Content-Type", "application/xml")])
        said = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{SECRET}</Message></Error>"
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else said.encode()]


@pytest.fixture(scope="module")
def s3():
    """A server on a port of this machine."""
    app = _Troubled()
    one = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=one.serve_forever, daemon=True).start()
    app.address = f"http://127.0.0.1:{one.server_port}"
    yield app
    one.shutdown()


@pytest.fixture
def server(s3):
    s3.answers.clear()
    return s3.address


@pytest.fixture
def bucket(s3, server, monkeypatch):
    """A client of an empty bucket ``films``; the environment has what s3fs needs, as a user's would."""
    environment = {
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_ENDPOINT_URL": server,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(origin, "_sleep", lambda seconds: None)
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    opening._open.clear()
    client = boto3.client("s3")
    client.create_bucket(Bucket="films")
    yield client
    s3.answers.clear()
    for each in client.list_objects_v2(Bucket="films").get("Contents", ()):
        client.delete_object(Bucket="films", Key=each["Key"])


@pytest.fixture(scope="module")
def wav(tmp_path_factory):
    return write_sound(tmp_path_factory.mktemp("w") / "a.wav", tone(1, 16_000), 16_000, "pcm_s16le")


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    noise = np.random.default_rng(0)
    pictures = [noise.integers(0, 255, (240, 320, 3), np.uint8) for _ in range(60)]
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    return write_video(path, pictures, sound=(tone(2.4, 16_000), 16_000))


def put(client, key, data):
    client.put_object(Bucket="films", Key=key, Body=data)


def go(monkeypatch, inputs, out, *passes):
    """A run with the real reader and passes of our own."""
    built = Built(MediaReader(), NoSubtitles(), list(passes))
    monkeypatch.setattr(work, "_built", lambda config, threads: built)
    monkeypatch.setattr("sensorium.run.extract.check", lambda config: None)
    return run(inputs, out, Config(passes=("speech",)), Options(num_workers=0), Watcher())


def test_folders_patterns_and_files(bucket):
    for key in ("a/1.wav", "a/b/2.wav", "a/.hidden/3.wav", "a/4.srt", "a/notes.txt"):
        put(bucket, key, b"x")
    assert [(each.uri, each.claimed) for each in find("s3://films/a")] == [
        ("s3://films/a/1.wav", True),
        ("s3://films/a/b/2.wav", True),
        ("s3://films/a/notes.txt", False),
    ]
    assert [each.uri for each in find("s3://films/a/*.wav")] == ["s3://films/a/1.wav"]
    assert [each.uri for each in find("s3://films/a/1.wav")] == ["s3://films/a/1.wav"]
    (missing,) = find("s3://films/gone/*.wav")
    assert missing.claimed


def test_a_run_over_a_bucket_keys_results_by_content(bucket, monkeypatch, wav, tmp_path):
    """The same bytes elsewhere are the same results; a second run fetches nothing; a new object is new."""
    put(bucket, "in/a.wav", wav.read_bytes())
    speech = CountingPass("speech")
    assert not go(monkeypatch, "s3://films/in/", tmp_path / "lib", speech)[0].failures
    digest = Library(tmp_path / "lib").inputs()[0]["digest"]
    assert digest == hashlib.sha256(wav.read_bytes()).hexdigest()
    for name in ("pieces", "about"):
        monkeypatch.setattr(store_origin.StoreOrigin, name, lambda *args: pytest.fail("asked for"))
    (again,) = go(monkeypatch, "s3://films/in/", tmp_path / "lib", speech)
    assert again.found == ("media", "speech")
    monkeypatch.undo()
    (local,) = go(monkeypatch, str(wav), tmp_path / "lib", speech)
    assert (local.found, speech.num_runs) == (("media", "speech"), 1)


def test_a_film_in_a_bucket_is_glanced_at_by_ranges(bucket, film, monkeypatch):
    put(bucket, "film.mp4", film.read_bytes())
    came = []
    pieces = store_origin.StoreOrigin.pieces

    def counted(self, start, stop):
        for piece in pieces(self, start, stop):
            came.append(len(piece))
            yield piece

    monkeypatch.setattr(store_origin.StoreOrigin, "pieces", counted)
    ref = MediaReader().glance("s3://films/film.mp4")
    assert (ref.kind, ref.has_sound) == ("video", True)
    assert 0 < sum(came) < film.stat().st_size / 2


def test_one_that_is_gone_is_refused_or_changes_costs_itself_only(
    bucket, s3, monkeypatch, wav, tmp_path
):
    """Each has one clear error without a secret, the others are done, and the next run tries again."""
    for name in ("ok.wav", "refused.wav", "moving.wav"):
        put(bucket, name, wav.read_bytes() + name.encode())
    pieces, moving = store_origin.StoreOrigin.pieces, [True]

    def troubled(self, start, stop):
        yield from pieces(self, start, stop)
        if "moving" in self._path and moving:
            put(bucket, "moving.wav", wav.read_bytes() + b"another")

    monkeypatch.setattr(store_origin.StoreOrigin, "pieces", troubled)
    s3.answers["refused.wav"] = [(403, "AccessDenied")]
    names = [f"s3://films/{name}.wav" for name in ("ok", "refused", "gone", "moving")]
    outcomes = go(monkeypatch, names, tmp_path / "lib", CountingPass("speech"))
    told = [[failure.message for failure in each.failures] for each in outcomes]
    assert told == [
        [],
        ["s3://films/refused.wav: access is refused; see to the credentials of its store"],
        ["s3://films/gone.wav: there is no such file"],
        ["s3://films/moving.wav: changed while it was read; try again"],
    ]
    moving.clear()
    outcomes = go(monkeypatch, names, tmp_path / "lib", CountingPass("speech"))
    assert [bool(each.failures) for each in outcomes] == [False, True, True, False]


def test_a_store_that_is_busy_for_a_while_and_one_that_hangs(bucket, s3, monkeypatch, wav):
    """503 is tried again; a part that does not come in time is given up, and at the end the file is."""
    put(bucket, "a.wav", wav.read_bytes())
    busy = s3.answers["a.wav"] = [
        (503, "SlowDown"),
        (500, "InternalError"),
        (503, "SlowDown"),
        None,
    ]
    ref = MediaReader().probe("s3://films/a.wav")
    assert (ref.num_bytes, busy) == (wav.stat().st_size, [])
    opening._open.clear()
    s3.answers["a.wav"] = [0.3]
    monkeypatch.setattr(store_origin, "PART_SECONDS", 0.05)
    with pytest.raises(FetchError, match=r"5 times in a row .a part took more than") as raised:
        MediaReader().probe("s3://films/a.wav")
    assert SECRET not in str(raised.value)


def test_an_original_that_changed_is_not_shown(bucket, wav):
    put(bucket, "a.wav", wav.read_bytes())
    ref, stat = MediaReader().probe("s3://films/a.wav"), opening.stat("s3://films/a.wav")
    assert changed(ref.uri, ref.digest, stat, MediaReader()) == ""
    assert changed(ref.uri, ref.digest, None, MediaReader()) == ""
    put(bucket, "a.wav", wav.read_bytes() + b"more")
    assert changed(ref.uri, ref.digest, stat, MediaReader()) == "the file has changed since"
    bucket.delete_object(Bucket="films", Key="a.wav")
    assert "no such file" in changed(ref.uri, ref.digest, stat, MediaReader())


def test_a_library_and_a_log_hold_no_secret(bucket, monkeypatch, wav, tmp_path, server, caplog):
    """A link that is signed: its signature lies in no file, and a link signed anew is the same input."""
    put(bucket, "a.wav", wav.read_bytes())
    caplog.set_level(logging.DEBUG, "sensorium")
    monkeypatch.setenv("SENSORIUM_ALLOW_PRIVATE", "1")

    def signed(seconds):
        parameters = {"Bucket": "films", "Key": "a.wav"}
        return bucket.generate_presigned_url("get_object", parameters, ExpiresIn=seconds)

    first, second = signed(600), signed(700)
    assert not go(monkeypatch, first, tmp_path / "lib", CountingPass("speech"))[0].failures
    go(monkeypatch, second, tmp_path / "lib", CountingPass("speech"))
    assert len(Library(tmp_path / "lib").inputs()) == 1
    signature = first.partition("Signature=")[2].partition("&")[0].encode()
    assert len(signature) > 10
    for place in (tmp_path / "lib").rglob("*"):
        if place.is_file():
            assert signature not in place.read_bytes(), place
            assert SECRET.encode() not in place.read_bytes()
    ours = [each.getMessage() for each in caplog.records if each.name != "werkzeug"]  # the server's
    assert not any(signature.decode() in message for message in ours)


def test_other_places_that_fsspec_knows(wav):
    with fsspec.open("memory://there/a.wav", "wb") as file:
        file.write(wav.read_bytes())
    (each,) = find("memory://there/*.wav")
    assert MediaReader().probe(each.uri).digest == hashlib.sha256(wav.read_bytes()).hexdigest()
    assert find(wav.as_uri())[0].uri == str(wav)


def test_what_cannot_be_meant(monkeypatch):
    with pytest.raises(UsageError, match="expected an address of a known kind"):
        find("nosuch://a/b.wav")
    with pytest.raises(UsageError, match="HTTP address inside another"):
        find("zip://a.wav::http://127.0.0.1/a.zip")

    def absent(address):
        raise ImportError("Install s3fs")

    monkeypatch.setattr(store_origin, "url_to_fs", absent)
    with pytest.raises(MissingDependencyError, match=r"pip install 'sensorium\[gs\]'"):
        find("gs://bucket/a.wav")


def test_a_library_in_a_store_is_refused_with_its_reason(tmp_path):
    """And no folder named s3: appears."""
    for attempt in (
        lambda: run([str(tmp_path)], "s3://me:word@films/lib", Config(), Options(), Watcher()),
        lambda: open_library("s3://me:word@films/lib"),
    ):
        with pytest.raises(
            LibraryError, match=r"^s3://films/lib: a library lies in a local folder"
        ):
            attempt()
    assert not os.path.exists("s3:")


def test_no_credentials_is_one_error(bucket, monkeypatch):
    import s3fs

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(
        MissingMediaError, match=r"s3://films/a\.wav: (no credentials|access is refused)"
    ):
        MediaReader().probe("s3://films/a.wav")


def test_json_of_a_run_tells_addresses_only(bucket, wav):
    """What `Input` gives to be printed is what may be told."""
    put(bucket, "a.wav", wav.read_bytes())
    (each,) = find("s3://me:word@films/a.wav")
    assert "word" not in json.dumps({"uri": each.uri}) + repr(each)
