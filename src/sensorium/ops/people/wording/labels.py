"""Subtitles that say who speaks: ``JOHN: ...``, ``[Anna] ...``, ``- АННА: ...``, ``安娜：...``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from sensorium.core.people.evidence import Claim, Scene
from sensorium.core.speech import Cue
from sensorium.core.time import Span
from sensorium.ops.people.person_names import Names, like_a_name, written
from sensorium.ops.people.wording.spelling import cased

_LABEL = re.compile(
    r"^(?P<mark>[\s>»–—-]*)(?:"
    r"[\[【［〔](?P<square>[^\]】］〕]{2,40})[\]】］〕]\s*:?|[(（](?P<round>[^)）]{2,40})[)）]\s*:?|"
    r"(?P<plain>[^:：\n\[\]()（）「」]{2,40})(?:\s*[(\[（][^)\]）\n]{1,20}[)\]）])?\s*[:：]|"
    r"(?P<quoted>[^:：\n\[\]()（）「」\s]{2,16})(?=「))"
    r"\s*(?=\S)"
)
_CLEAR = 0.7  # share of what is spoken in a cue that one voice needs to be its speaker
_SIDE, _BURNED, _FIELD, _NOISE = 0.8, 0.75, 0.85, 0.6
_SURE = 0.8  # of a reader of text in pictures


class Label(NamedTuple):
    """Who is said to speak, whether that is `clear` from how it is written, and the words behind it."""

    text: str
    clear: bool
    bracketed: bool
    rest: str


def label_of(line: str) -> Label | None:
    """The label that a line begins with.

    >>> label_of("- ANNA: Come in.")
    Label(text='ANNA', clear=True, bracketed=False, rest='Come in.')
    >>> label_of("[安娜] 请进")
    Label(text='安娜', clear=False, bracketed=True, rest='请进')
    >>> label_of("ANNA (off): Come in.").text, label_of("Come in.")
    ('ANNA', None)
    """
    found = _LABEL.match(line)
    if not found:
        return None
    text = next(
        found[name] for name in ("square", "round", "plain", "quoted") if found[name]
    ).strip()
    large = cased(text) and text == text.upper()
    clear = large or bool(found["mark"].strip()) or bool(found["quoted"])
    return Label(text, clear, bool(found["square"] or found["round"]), line[found.end() :])


def subtitles(scene: Scene, names: Names) -> Iterator[Claim]:
    """Speaker labels of subtitles, beside the file or in the picture, and the Name field of .ass files.

    Only where one voice holds a cue. Labels such as NARRATOR, MAN 2 or MUTTER name nobody; one that nobody
    knows, and that is not written as labels are, has to come again.
    """
    told = [part for cue in scene.cues for part in _parts(cue, scene)]
    told += [
        (text.span, label, _BURNED, text.text)
        for text in scene.texts
        if text.score >= _SURE and (label := label_of(text.text)) and label.rest
    ]
    times = Counter(label.text for _, label, _, _ in told)
    for span, label, score, quote in told:
        name = named(label.text, names)
        known = name is not None and name in names
        if name is None or not (known or label.clear or times[label.text] > 1):
            continue
        if label.bracketed and not known:
            score = min(score, _NOISE)  # it may be a noise in a language that we know too little of
        key = speaker(span, scene)
        if key:
            yield Claim(key, name, score, "subtitles", scene.uri, span, _short(quote))


def _parts(cue: Cue, scene: Scene) -> Iterator[tuple[Span, Label, float, str]]:
    """(span, label, score, quote) of who speaks in a cue; two in one share its time by their words."""
    if cue.name:
        label = Label(cue.name, True, False, cue.text)
        yield cue.span, label, _FIELD, f"{cue.name}: {cue.text}"
        return
    lines = cue.text.splitlines()
    labels = [label_of(line) for line in lines]
    if not labels or labels[0] is None:
        return
    starts = [place for place, label in enumerate(labels) if label]
    texts = ["\n".join(lines[a:b]) for a, b in zip(starts, [*starts[1:], len(lines)], strict=True)]
    whole, done, spans = sum(map(len, texts)), 0, []
    for text in texts:
        low, done = done, done + len(text)
        width = cue.span.duration / whole
        spans.append(Span(cue.span.start + low * width, cue.span.start + done * width))
    voices = [speaker(span, scene) for span in spans]
    if len(set(voices)) < len(voices):
        return  # two are said to speak, and one is heard
    for place, span, text in zip(starts, spans, texts, strict=True):
        if found := labels[place]:
            yield (cue.span if len(starts) == 1 else span), found, _SIDE, text


def named(text: str, names: Names) -> str | None:
    """The known name that a label means, or a new one; None for what names nobody, or may mean two."""
    if known := names.meant(text):
        return known
    if names.unclear(text) or not like_a_name(text):
        return None
    return written(text)


def speaker(span: Span, scene: Scene) -> str | None:
    """The voice that holds a stretch, or the one that is heard at a moment; None for two or none."""
    if span.duration == 0:
        heard = {key for turn, key in scene.turns if turn.start <= span.start < turn.end}
        return heard.pop() if len(heard) == 1 else None
    shares: dict[str, float] = {}
    for turn, key in scene.turns:
        shares[key] = shares.get(key, 0.0) + max(turn.overlap(span), 0.0)
    best = max(shares, key=lambda key: shares[key], default=None)
    if best is None or shares[best] < max(
        min(0.3, span.duration / 2), _CLEAR * sum(shares.values())
    ):
        return None
    return best


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else line[:77] + "..."
