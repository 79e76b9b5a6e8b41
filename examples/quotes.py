"""Cuts out every place where something is said, as WAV files to listen to.

python examples/quotes.py LIBRARY "two years" FOLDER
"""

import sys
import wave
from pathlib import Path

import numpy as np

import sensorium as sm


def main(library_folder: str, text: str, out: str) -> None:
    """One file for each hit, with half a second before and after."""
    library, folder = sm.open(library_folder), Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    for number, hit in enumerate(library.find(text, kind="word").to_dict("records")):
        start, end = max(hit["start"] - 0.5, 0.0), hit["end"] + 0.5
        sound = library[hit["uri"]].audio(start, end)
        target = folder / f"{number:03d}.wav"
        with wave.open(str(target), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(sound.sample_rate)
            file.writeframes((np.clip(sound.mono(), -1, 1) * 32767).astype("<i2").tobytes())
        print(f"{target}  {hit['text']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
