"""How much memory `speakers` takes per hour of sound; made-up models, the pass as it is.

    python benchmarks/speakers_memory.py --hours 2

Sound comes from a generator, a second at a time, so that nothing holds it. The models are made up (five
voices of 192 dimensions with noise, one talks after the other, a row each 16.9 ms as pyannote's), since
those of the product take the same memory for a minute as for ten hours; what the pass keeps is real.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from sensorium.core.features import Features
from sensorium.core.media import Audio, MediaRef
from sensorium.core.record import Provenance
from sensorium.core.time import Axis
from sensorium.pipelines.speech.speakers import Speakers

RATE, VOICES, DIM = 16_000, 5, 192
_TURN = 4.0  # seconds that one talks, less a pause of 0.4
_STEP, _ROWS = 270 / RATE, 589


def speaking(seconds: np.ndarray) -> np.ndarray:
    """(row,) who talks, -1 where nobody does."""
    turn = (seconds // _TURN).astype(int)
    return np.where(seconds % _TURN < _TURN - 0.4, (turn * 7 + turn // 11) % VOICES, -1)


class MadeUp:
    """A segmenter, a speaker encoder and a speech detector that know what is said."""

    provenance, window = Provenance("made-up", "1"), 10.0

    def __init__(self) -> None:
        self._rng = np.random.default_rng(0)
        self._voices = self._rng.standard_normal((VOICES, DIM))

    def segment(self, windows):
        """Three local speakers."""
        told = []
        for each in windows:
            axis = Axis("time", each.start + _STEP, _STEP, _STEP, "s")
            who = speaking(axis.start + np.arange(_ROWS) * _STEP)
            local = np.stack([(who >= 0) & (who % 3 == place) for place in range(3)], axis=1)
            told.append(Features(local.astype(np.float32), (axis,), "made-up", "activity"))
        return told

    def encode(self, clips):
        """A voice, and as much noise."""
        who = [max(int(speaking(np.array([clip.start + 0.7]))[0]), 0) for clip in clips]
        values = self._voices[who] + 0.8 * self._rng.standard_normal((len(who), DIM))
        return [Features(value.astype(np.float32), (), "made-up", "voice") for value in values]

    def probabilities(self, chunks):
        """Rows of 32 ms."""
        for chunk in chunks:
            num = -(-chunk.samples.shape[1] // 512)
            if num:
                axis = Axis("time", chunk.start, 0.032, 0.032, "s")
                yield Features(np.ones((num, 1), np.float32), (axis,), "made-up", "speech")


class Endless:
    """A reader of that many hours of noise, made as it is read."""

    def __init__(self, hours: float) -> None:
        self._seconds = round(hours * 3600)

    def audio(self, ref, sample_rate, channel=None):
        """A second at a time."""
        rng = np.random.default_rng(1)
        for second in range(self._seconds):
            samples = rng.standard_normal((1, RATE)).astype(np.float32) * 0.01
            yield Audio(samples, RATE, float(second))


def memory() -> tuple[float, float]:
    """(resident now, most so far) in MB."""
    with open("/proc/self/status") as lines:
        told = dict(line.split(":", 1) for line in lines)
    return tuple(int(told[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))


def main() -> None:
    """A row for each half hour, and one for the end."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=2.0)
    hours = parser.parse_args().hours
    made, began, due = MadeUp(), time.process_time(), 0.0

    def report(done: float) -> None:
        nonlocal due
        if done >= due:
            now, most = memory()
            print(f"| {done / 3600:.2f} h heard | {now:.0f} | {most:.0f} |", flush=True)
            due += 1800

    print("| up to | resident, MB | most so far, MB |\n|---|---|---|")
    stage = Speakers(Endless(hours), made, made, detector=made)
    ref = MediaRef("memory", "0", "audio", duration=hours * 3600, has_sound=True)
    counts: dict[str, int] = {}
    for record in stage.run(ref, {}, report):
        counts[record.kind] = counts.get(record.kind, 0) + 1
    now, most = memory()
    print(f"| everything told | {now:.0f} | {most:.0f} |")
    print(f"{counts}, {time.process_time() - began:.0f} s of CPU time without models")


if __name__ == "__main__":
    main()
