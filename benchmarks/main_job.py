"""The main job on real media: are the answers right, and what does a second of video cost?

    python benchmarks/main_job.py            # fetches the demo's media as `make demo` does
    python benchmarks/main_job.py --speech ../shared/data/speech   # with jfk.flac, pyannote_sample.wav

Prints one table. The reference text of the speech is its published wording; the recording breaks off
during the last word.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import av
import jiwer

from sensorium.core.config import Config
from sensorium.library.library import Library
from sensorium.run.executors import Options
from sensorium.run.extract import run
from sensorium.run.plan import build
from sensorium.run.progress import Watcher

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "examples"))

SPEECH = (
    "today after two years of negotiations the united states together with our international "
    "partners has achieved something"
)
JFK = (
    "and so my fellow americans ask not what your country can do for you ask what you can do for "
    "your country"
)


def plain(words: list[str]) -> str:
    """Lower case, no punctuation."""
    kept = ("".join(c for c in word.lower() if c.isalnum() or c == "'") for word in words)
    return " ".join(word for word in kept if word)


def answers(library: Library, name: str) -> list[tuple[str, str]]:
    """What issue 2 asks of the demo's video."""
    words = library.words(name)
    regions, turns = library.regions(name), library.turns(name)
    pictures = regions.groupby("start")["person"].agg(lambda p: set(p.dropna()))
    speaking = turns["person"].dropna().mode()
    who = speaking.iloc[0] if len(speaking) else None
    text = plain(words["text"].tolist())
    return [
        ("word error rate", f"{jiwer.wer(SPEECH, text):.3f}"),
        ("heard", text),
        ("speakers", str(turns["speaker"].nunique())),
        ("persons", ", ".join(sorted(regions["person"].dropna().unique()))),
        (
            "turns linked to a face",
            f"{turns['person'].notna().sum()} of {len(turns)}, all to {who}",
        ),
        (
            "that face in the searched pictures",
            f"{sum(who in p for p in pictures)} of {len(pictures)}",
        ),
    ]


def scaled(source: Path, target: Path, size: tuple[int, int], times: int, sound: Path) -> None:
    """The pictures of `source` at another size, repeated, with other sound.

    Its own sound repeated would mislead: Whisper takes repetition for a failure and tries again.
    """
    with av.open(str(target), "w") as out:
        picture = out.add_stream("libx264", rate=25)
        (picture.width, picture.height), picture.pix_fmt = size, "yuv420p"
        voice = out.add_stream("aac", rate=24000, layout="mono")
        with av.open(str(source)) as first:
            length = first.duration / av.time_base
        for turn in range(times):
            with av.open(str(source)) as container:
                for frame in container.decode(video=0):
                    at = round((frame.time + turn * length) / frame.time_base)
                    base = frame.time_base
                    frame = frame.reformat(width=size[0], height=size[1])
                    frame.pts, frame.time_base = at, base
                    out.mux(picture.encode(frame))
        with av.open(str(sound)) as container:
            for heard in container.decode(audio=0):
                if heard.time < times * length:
                    out.mux(voice.encode(heard))
        out.mux(picture.encode(None))
        out.mux(voice.encode(None))


def costs(video: Path, threads: int) -> list[tuple[str, str]]:
    """Seconds of computing per second of video, pass by pass, models loaded."""
    built = build(Config(), threads)
    ref = built.reader.probe(str(video))
    length, rows, total, found = ref.duration or 1.0, [], 0.0, {}
    for each in built.passes:
        earlier = _Kinds(found)
        list(each.run(ref, earlier, lambda done: None))  # loads the models
        started = time.perf_counter()
        for item in each.run(ref, earlier, lambda done: None):
            if hasattr(item, "kind"):
                found.setdefault(item.kind, []).append(item)
        cost = (time.perf_counter() - started) / length
        total += cost
        rows.append((f"{each.name}, s per s of video", f"{cost:.3f}"))
    size = f"{ref.width}x{ref.height}, {length:.0f} s"
    return [*rows, (f"all passes, s per s of video ({size})", f"{total:.3f}")]


class _Kinds(dict):
    """Kinds without records are empty."""

    def __missing__(self, kind: str) -> list:
        return []


def main() -> None:
    """The table."""
    from demo import fetch

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--speech", type=Path, help="folder with jfk.flac and pyannote_sample.wav")
    options = parser.parse_args()
    video = fetch()[0]
    rows: list[tuple[str, str]] = []
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "library"
        jfk = [options.speech / "jfk.flac"] if options.speech else []
        run([video, *jfk], out, Config(), Options(num_workers=0), Watcher())
        rows += answers(Library(out), video.name)
        if jfk:
            heard = plain(Library(out).words("jfk.flac")["text"].tolist())
            rows.append(("jfk.flac word for word", "yes" if heard == JFK else heard))
        sound = options.speech / "pyannote_sample.wav" if options.speech else video
        large = Path(name) / "large.mp4"
        scaled(video, large, (640, 360), 3 if options.speech else 1, sound)
        rows += costs(large, Options().threads)
    print("\n| what | result |\n|---|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
