"""How long everybody speaks, over all files of a library.

python examples/speaking_time.py LIBRARY
"""

import sys

import sensorium as sm


def main(library_folder: str) -> None:
    """One line a voice: seconds, share, name; who has none is told by his identity or label."""
    turns = sm.open(library_folder).turns()
    who = turns["name"].fillna(turns["identity"]).fillna(turns["speaker"])
    seconds = (turns["end"] - turns["start"]).groupby(who).sum().sort_values(ascending=False)
    for name, each in seconds.items():
        print(f"{each:8.1f} s  {each / seconds.sum():4.0%}  {name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
