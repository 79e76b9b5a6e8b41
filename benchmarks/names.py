"""Introductions in scripts that say who speaks: how many are caught, and how many claims are right.

    for p in httt utbs did sof nr thot; do apt-get download wesnoth-1.18-$p; done  # sid, 1.18.8; GPL-2
    for f in *.deb; do dpkg -x $f unpacked; done
    python benchmarks/names.py unpacked

No line of them is kept here. Of 4,520 messages the lines in which somebody says his own name (84) were looked
through by one person; those by which a viewer would learn the speaker's name are marked, by six digits of the
sha256 of the line. A line in which nobody says his own name is no introduction by this count.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator
from math import sqrt
from pathlib import Path

from sensorium.core.people.evidence import Scene
from sensorium.core.time import Span
from sensorium.ops.people.person_names import Names
from sensorium.ops.people.wording.heard import spoken

TUNED = ("Under_the_Burning_Suns", "Heir_To_The_Throne")  # the others are reported apart
MARKED = frozenset(
    """
    390e95 c29b3f c2b69b ad2e8b 045cdb 3a3be2 6bf7c8 67ddaf b241d2 bdc363 d43710 ac929c 840aa2 c500d6 00ac78
    d06c36 d86a03 a05247 9045ce 4a79b3 150c73 c0bdea 0e2013 43d628 1e4823 06ae8d 57266f b16bcc 9b3f37 57c22c
    a8eb2c a93495 78dd95 f83db8 7198c0
    """.split()  # noqa: SIM905
)
_MESSAGE = re.compile(r"\[message\](.*?)\[/message\]", re.DOTALL)
_SPEAKER = re.compile(r'speaker\s*=\s*"?([^"\n]+?)"?\s*\n')
_TEXT = re.compile(r'message\s*=\s*_\s*"((?:[^"]|"")*)"')
_NOBODY = ("narrator", "unit", "second_unit", "")


def scripts(root: Path) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """(campaign, its lines as (speaker, text)) of each scenario."""
    for file in sorted(root.rglob("scenarios/*.cfg")):
        lines = []
        for message in _MESSAGE.findall(file.read_text(encoding="utf-8", errors="replace")):
            who, text = _SPEAKER.search(message), _TEXT.search(message)
            if text:
                said = " ".join(text[1].replace('""', '"').split())
                lines.append((who[1].strip() if who else "", said))
        yield file.parent.parent.name, lines


def claimed(lines: list[tuple[str, str]], names: Names) -> Iterator[tuple[str, str, str, float]]:
    """(line, who it is claimed of, the name, probability) of one scenario; a line lasts 3 s."""
    words, turns = [], []
    for place, (who, text) in enumerate(lines):
        span = Span(3.0 * place, 3.0 * place + 2.9)
        key = who if who not in _NOBODY and "$" not in who else None
        words.append((span, re.sub(r"<[^>]*>", "", text), key))
        turns += [(span, key)] if key else []
    scene = Scene(uri="script", title="", words=tuple(words), turns=tuple(turns))
    for claim in spoken(scene, names):
        if claim.score > 0.5:
            said = lines[int(claim.span.start // 3)][1] if claim.span else ""
            yield said, claim.identity, claim.name, claim.score


def right(who: str, name: str) -> bool:
    """Whether a name is one of a speaker, by a word of it: the script calls Thera "Sister Thera"."""
    return bool({word.casefold() for word in name.split()} & {w.casefold() for w in who.split()})


def wilson(hits: int, num: int) -> str:
    """A share with its 95 % interval."""
    if not num:
        return "none"
    p, z = hits / num, 1.96
    middle, wide = p + z * z / (2 * num), z * sqrt(p * (1 - p) / num + z * z / (4 * num * num))
    low, high = ((middle - s * wide) / (1 + z * z / num) for s in (1, -1))
    return f"{hits} of {num} ({100 * p:.0f} %; {100 * low:.0f} to {100 * high:.0f} %)"


def mark(text: str) -> str:
    """The name of a line."""
    return hashlib.sha256(text.encode()).hexdigest()[:6]


def main(root: Path) -> None:
    """Prints both shares, with and without the campaign's speakers as known names."""
    found = list(scripts(root))
    for known in (False, True):
        for part in ("tuned", "unseen"):
            mine = [each for each in found if (each[0] in TUNED) == (part == "tuned")]
            intro, caught, claims, good, wrong = set(), set(), 0, 0, []
            for _, lines in mine:
                there = {w for w, _ in lines if w[:1].isupper() and "$" not in w}
                names = Names(there if known else ())
                intro |= {mark(text) for _, text in lines} & MARKED
                for text, who, name, score in claimed(lines, names):
                    claims, hit = claims + 1, right(who, name)
                    good += hit
                    caught |= {mark(text)} & MARKED if hit else set()
                    wrong += [] if hit else [(who, name, f"{score:.2f}", mark(text))]
            print(
                f"{part}, {sum(len(lines) for _, lines in mine)} lines, names {'' if known else 'not '}known:"
            )
            print(f"  introductions caught {wilson(len(caught), len(intro))}")
            print(f"  claims above 0.5 that are right {wilson(good, claims)}")
            if "--lines" in sys.argv:
                print("  missed:", *sorted(intro - caught), "\n  wrong:", *wrong)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
