"""A library with media that play, the viewer of it on a port, and a real Chromium that looks at it."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sensorium.adapters.media.reader import MediaReader
from sensorium.core.record import Record
from sensorium.library.library import Library
from sensorium.testing.made_media import drawn_face, murmur, write_video
from sensorium.testing.sample_gallery import add_known
from sensorium.testing.sample_library import synthetic_record, synthetic_talk

WHOSE = {"S1": "V1", "S2": "V2", "P1": "V1", "P2": "V2"}
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
# Debian's browser in a container: no sandbox of its own, and nothing asked of the network.
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--autoplay-policy=no-user-gesture-required",
]


def talk_video(path: Path) -> Path:
    """Half a minute of two drawn faces, one after the other, with sound."""
    pictures = []
    for index, hair in enumerate([(90, 60, 140), (160, 90, 40)]):
        picture = np.full((360, 640, 3), (70, 80, 96), np.uint8)
        face = drawn_face(150, hair=hair)[:, 15:135]
        left = 120 + 260 * index
        picture[80:230, left : left + 120] = face
        pictures += [picture] * 30
    sound = murmur(30.0, 16000, 3)[None]
    return write_video(path, pictures, [n / 2 for n in range(60)], (sound, 16000), "libx264")


def served_library(folder: Path) -> Library:
    """Two talks of the same two people; some words unsure, text on the screen."""
    first = talk_video(folder / "interview.mp4")
    second = Path(shutil.copyfile(first, folder / "evening <b>talk.mp4"))
    with open(second, "ab") as file:  # other bytes, so another file; players skip what follows
        file.write(b"\0\0\0\x08free")
    reader, root, score = MediaReader(), folder / "library", None
    for path in (first, second):
        ref = reader.probe(str(path))
        records = [_unsure(record) for record in synthetic_talk(ref)]
        box = {"x0": 1.0, "y0": 1.0, "x1": 90.0, "y1": 20.0}
        records.append(synthetic_record("text", 2.0, 6.0, text="Ann <i>Lee</i>", score=0.9, **box))
        add_known(root, ref, records, WHOSE, score)
        score = 0.71
    return Library(root)


def _unsure(record: Record) -> Record:
    if record.kind == "word" and record.values["text"] in ("patches,", "good"):
        return replace(record, values={**record.values, "score": 0.3})
    return record


def silence(path: Path, seconds: float) -> Path:
    """A WAV file of silence, of the lowest rate that browsers play; little is written to the disk."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 1, 3000, 0, "NONE", ""))
        block = b"\x80" * 3000 * 60
        for _ in range(int(seconds // 60)):
            file.writeframesraw(block)
    return path


def long_library(folder: Path, seconds: float = 10800.0, num_words: int = 30_000) -> Library:
    """Three hours of two voices with thirty thousand words."""
    ref = MediaReader().probe(str(silence(folder / "long.wav", seconds)))
    step, records, words = (
        seconds / num_words,
        [],
        ["one", "two", "three", "four", "five", "six", "seven", "eight"],
    )
    for number in range(num_words):
        start, speaker = round(number * step, 3), f"S{1 + number // 40 % 2}"
        who = {"text": f"{words[number % 8]}{number}", "speaker": speaker}
        records.append(synthetic_record("assignment", start, start + 0.3, **who))
        text = {"text": who["text"], "score": 0.9, "language": "en"}
        records.append(synthetic_record("word", start, start + 0.3, **text))
        if number % 40 == 0:
            end = start + 39 * step
            records.append(synthetic_record("turn", start, end, speaker=speaker, score=0.9))
    for speaker in ("S1", "S2"):
        voice = {"speaker": speaker, "duration": seconds / 2, "embedding": [1.0, 0.0]}
        records.append(synthetic_record("voice", **voice))
    add_known(folder / "library", ref, records, {"S1": "V1", "S2": "V2"})
    return Library(folder / "library")


@contextmanager
def serving(library: Library) -> Iterator[str]:
    """The address of the viewer of a library, alone in an application."""
    import uvicorn
    from fastapi import FastAPI

    from sensorium.interfaces.viewer.app import router_for

    app = FastAPI(openapi_url=None)
    app.include_router(router_for(library))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


@contextmanager
def browser() -> Iterator[Any]:
    """A Chromium of the machine, driven by Playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield opened
        finally:
            opened.close()
