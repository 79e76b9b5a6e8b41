"""Subtitles with names for every video and recording of a library: ``NAME.srt``.

python examples/subtitles.py LIBRARY FOLDER
"""

import sys
from pathlib import Path

import sensorium as sm
from sensorium.interfaces.text.formats import render


def main(library_folder: str, out: str) -> None:
    """Writes one file for each input in which something is said."""
    library, folder = sm.open(library_folder), Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    for name in library:
        text = render(library, "srt", library[name].uri)
        if text:
            target = folder / f"{Path(name).stem}.srt"
            target.write_text(text, encoding="utf-8")
            print(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
