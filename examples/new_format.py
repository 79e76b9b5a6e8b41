"""A new export format: the labels of Audacity, one line a turn.

In the house it is one function in interfaces/text/formats.py beside the others, its name in FORMATS, and its
row in docs/cli.md.

    python examples/new_format.py LIBRARY
"""

import sys

import sensorium as sm


def audacity(library: sm.Library, media: str | None = None) -> str:
    """``start<TAB>end<TAB>label`` per turn (manual.audacityteam.org, "Importing and Exporting Labels")."""
    lines = []
    for turn in library.turns(media).itertuples():
        label = turn.name if isinstance(turn.name, str) else turn.speaker
        lines.append(f"{turn.start:.6f}\t{turn.end:.6f}\t{' '.join(label.split())}\n")
    return "".join(lines)


if __name__ == "__main__":
    print(audacity(sm.open(sys.argv[1])), end="")
