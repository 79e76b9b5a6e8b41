"""The MCP server, through the SDK's own client: in this process, as a program, and over HTTP."""

import asyncio
import base64
import io
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from sensorium.core.errors import UsageError
from sensorium.interfaces.agent.answers import page, plain
from sensorium.interfaces.agent.library_tools import LibraryTools
from sensorium.interfaces.cli.main import main
from sensorium.library.library import Library
from sensorium.testing.made_media import squares, write_video
from sensorium.testing.sample_library import (
    add_synthetic,
    synthetic_library,
    synthetic_record,
    synthetic_words,
)

mcp = pytest.importorskip("mcp", reason="pip install 'sensorium[mcp]'")
TOOLS = {"list_files", "transcript", "who_appears", "find", "cast", "digest", "frames"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A library of invented results, with one video that there really is."""
    from sensorium.adapters.media.reader import MediaReader

    root = tmp_path_factory.mktemp("mcp")
    synthetic_library(root / "library")
    ref = MediaReader().probe(str(write_video(root / "film.mp4", squares(50))))
    records = [synthetic_record("shot", 0.0, 2.0, index=0)]
    add_synthetic(root / "library", ref, [*records, *synthetic_words([("S1", None, "A film.")])])
    (root / "secret.txt").write_text("top secret")
    return root


def ask(target, *calls, mode="auto"):
    """The results of some tool calls, and the names of the tools, by the SDK's client."""

    async def go():
        async with mcp.Client(target, mode=mode) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            return tools, [await client.call_tool(name, values) for name, values in calls]

    return asyncio.run(go())


@pytest.fixture
def asked(folder):
    from sensorium.interfaces.agent.mcp_server import mcp_server

    def call(name, /, **values):
        server = mcp_server(LibraryTools(Library(folder / "library")))
        _, (result,) = ask(server, (name, values))
        return result

    return call


def told(result):
    """The answer of a tool, which is the same as text and as data."""
    assert not result.is_error, result.content
    assert json.loads(result.content[0].text) == result.structured_content
    return result.structured_content


def test_tools_say_what_they_are(folder):
    """All are documented and marked read-only; extract is there only where it is allowed."""
    from sensorium.interfaces.agent.mcp_server import mcp_server

    library = Library(folder / "library")
    tools, _ = ask(mcp_server(LibraryTools(library)))
    assert set(tools) == TOOLS
    for tool in tools.values():
        assert tool.annotations.read_only_hint
        assert len(tool.description) > 40
    tools, _ = ask(mcp_server(LibraryTools(library, [folder])))
    assert set(tools) == {*TOOLS, "extract"}
    assert not tools["extract"].annotations.read_only_hint


def test_list_and_pages(asked):
    """Every file once, over pages."""
    seen, cursor = [], ""
    while cursor is not None:
        answer = told(asked("list_files", cursor=cursor, limit=2))
        assert len(answer["items"]) <= 2
        seen += [each["file"] for each in answer["items"]]
        cursor = answer["next"]
    assert sorted(seen) == ["broken.png", "film.mp4", "portrait.jpg", "song.wav", "talk show.mp4"]
    assert answer["total"] == 5


def test_transcript_of_a_span(asked):
    """With speakers; a span and pages narrow it."""
    items = told(asked("transcript", file="talk show.mp4"))["items"]
    assert [each["speaker"] for each in items] == ["S1", "S2", "S1"]
    assert items[2]["text"] == "Let us begin."
    later = told(
        asked("transcript", file="talk show.mp4", start=items[1]["start"], end=items[1]["end"])
    )
    assert later["items"] == [items[1]]
    first = told(asked("transcript", file="talk show.mp4", limit=1))
    assert first["items"] == items[:1]
    assert (
        told(asked("transcript", file="talk show.mp4", cursor=first["next"]))["items"] == items[1:]
    )


def test_who_find_cast_and_digest(asked):
    """The same as in the library, in few words."""
    who = told(asked("who_appears", file="talk show.mp4"))["items"]
    assert [each["label"] for each in who] == ["S1", "S2", "P1", "P2"]
    (hit,) = told(asked("find", text='"people in pic"*'))["items"]
    assert hit["file"] == "talk show.mp4"
    assert "**people in pictures**" in hit["text"]
    assert told(asked("find", text="good", kind="subtitle", between=[0, 5]))["items"]
    assert told(asked("cast"))["items"] == []
    text = asked("digest", file="talk show.mp4", budget=400).content[0].text
    assert text.startswith("talk show.mp4 (video")


def test_frames_are_pictures(asked):
    """JPEG with a line that says when; an image has one."""
    parts = asked("frames", file="film.mp4", num=2, max_side=64, end=1.0).content
    assert [part.type for part in parts] == ["text", "image"] * 2
    assert parts[0].text == "film.mp4 at 00:00.2"
    assert parts[1].mime_type == "image/jpeg"
    assert Image.open(io.BytesIO(base64.b64decode(parts[1].data))).size == (64, 48)


@pytest.mark.parametrize(
    ("tool", "values", "reason"),
    [
        ("transcript", {"file": "nowhere.mp4"}, "no input of that name"),
        ("transcript", {"file": "film.mp4", "start": 5, "end": 1}, "start first"),
        ("transcript", {"file": "film.mp4", "cursor": "7"}, "expected the value `next`"),
        ("list_files", {"limit": 0}, "1 to 200"),
        ("find", {"text": '"'}, "not closed"),
        ("find", {"text": "a", "kind": "sound"}, "expected one of"),
        ("find", {"text": "a", "between": [1]}, "start first"),
        ("frames", {"file": "song.wav"}, "expected a file with pictures"),
        ("frames", {"file": "talk show.mp4"}, "no longer there"),
        ("frames", {"file": "film.mp4", "num": 100}, "1 to 8 pictures"),
        ("frames", {"file": "film.mp4", "start": 9}, "expected seconds within"),
        ("digest", {"file": "film.mp4", "budget": 1}, "50 tokens"),
        ("extract", {"path": "film.mp4"}, "extract"),
    ],
)
def test_errors_are_tool_errors_with_our_messages(asked, tool, values, reason):
    """The agent can read what was wrong."""
    result = asked(tool, **values)
    assert result.is_error
    assert reason in result.content[0].text
    assert "Traceback" not in result.content[0].text


@pytest.mark.parametrize("tool", ["transcript", "who_appears", "digest", "frames"])
@pytest.mark.parametrize(
    "name", ["secret.txt", "../secret.txt", "{}/secret.txt", "/etc/passwd", "library"]
)
def test_nothing_outside_of_the_inputs_is_read(asked, folder, tool, name):
    """A path is compared with the library's inputs, never opened."""
    result = asked(tool, file=name.format(folder))
    assert result.is_error
    assert "no input of that name" in result.content[0].text


def test_a_file_that_was_put_in_the_place_of_an_input_is_not_shown(tmp_path):
    """Its bytes are not those of the library."""
    from sensorium.adapters.media.reader import MediaReader

    file = write_video(tmp_path / "film.mp4", squares(10))
    add_synthetic(tmp_path / "library", MediaReader().probe(str(file)), [])
    other = write_video(tmp_path / "private.mp4", squares(12))
    file.unlink()
    file.symlink_to(other)
    with pytest.raises(UsageError, match="has changed"):
        LibraryTools(Library(tmp_path / "library")).frames("film.mp4")


def test_extract_reads_only_where_it_may(folder, tmp_path):
    """No other folder, no link out of it, no pattern, no folder as a whole."""
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    (allowed / "link.txt").symlink_to(folder / "secret.txt")
    tools = LibraryTools(Library(folder / "library"), [allowed])
    for path in (
        folder / "film.mp4",
        allowed / "link.txt",
        allowed / ".." / "x.mp4",
        "/etc/passwd",
    ):
        with pytest.raises(UsageError, match="nothing else may be read"):
            tools.extract(str(path))
    for path in (allowed, allowed / "*", allowed / "none.mp4"):
        with pytest.raises(UsageError, match="expected a file, there is none"):
            tools.extract(str(path))


@pytest.mark.model
def test_extract_adds_a_file(tmp_path):
    """By the real server, over the wire; what was added can be asked for at once."""
    from sensorium.interfaces.agent.mcp_server import mcp_server

    synthetic_library(tmp_path / "library")
    (tmp_path / "in").mkdir()
    Image.new("RGB", (64, 48), "red").save(tmp_path / "in" / "red.png")
    server = mcp_server(LibraryTools(Library(tmp_path / "library"), [tmp_path / "in"]))
    path = str(tmp_path / "in" / "red.png")
    _, (added, shown) = ask(server, ("extract", {"path": path}), ("frames", {"file": "red.png"}))
    assert told(added) == {"file": "red.png", "failures": []}
    assert [part.type for part in shown.content] == ["text", "image"]


def environment():
    source = Path(__file__).resolve().parents[2] / "src"
    return {**os.environ, "PYTHONPATH": str(source)}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_as_a_program_over_stdio(folder, mode):
    """As a desktop client starts it, of today's protocol or the one before; nothing but the protocol
    comes out of its standard output.
    """
    program = mcp.StdioServerParameters(
        command=sys.executable,
        args=["-m", "sensorium", "mcp", str(folder / "library")],
        env=environment(),
    )
    calls = [
        ("list_files", {}),
        ("find", {"text": "spans"}),
        ("frames", {"file": "film.mp4", "num": 1}),
    ]
    tools, (files, hits, frames) = ask(program, *calls, mode=mode)
    assert set(tools) == TOOLS
    assert told(files)["total"] == 5
    assert len(told(hits)["items"]) == 1
    assert frames.content[1].type == "image"


def test_over_http_on_this_machine_only(folder):
    """Another host's name in the request is refused: no page in a browser can reach it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "sensorium",
        "mcp",
        str(folder / "library"),
        "--http",
        str(port),
    ]
    server = subprocess.Popen(command, env=environment(), stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        _, (files,) = ask(f"http://127.0.0.1:{port}/mcp", ("list_files", {}))
        assert told(files)["total"] == 5
        import http.client

        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request(
            "POST", "/mcp", "{}", {"Host": "evil.example", "Content-Type": "application/json"}
        )
        assert connection.getresponse().status in (403, 421)
    finally:
        server.terminate()
        server.wait(timeout=20)


def test_without_the_package_the_extra_is_named(folder, monkeypatch):
    """One line, exit code 2."""
    from sensorium.interfaces.agent import mcp_command

    monkeypatch.setattr(mcp_command, "find_spec", lambda name: None)
    result = CliRunner().invoke(main, ["mcp", str(folder / "library")])
    assert result.exit_code == 2
    assert 'pip install "sensorium[mcp]"' in result.output


def test_no_library_is_one_line(tmp_path):
    """Before anything is served."""
    result = CliRunner().invoke(main, ["mcp", str(tmp_path / "none")])
    assert result.exit_code == 2
    assert "no such folder" in result.output


def test_answers_are_small():
    """Nothing unknown, no long fractions; the last page has no mark."""
    assert plain({"a": 1.23456, "b": float("nan"), "c": None, "d": [{"e": ""}]}) == {
        "a": 1.23,
        "d": [{}],
    }
    assert page(range(3), "from:2", 5, lambda n: {"n": n}) == {"items": [{"n": 2}], "next": None}
    assert page(range(3), "from:9", 5, lambda n: {"n": n}) == {"items": [], "next": None}
