"""A stream of sound cut into planned pieces, holding no more than the pieces need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from sensorium.core.media import Audio
from sensorium.core.time import Span


def cut(chunks: Iterable[Audio], spans: Iterable[Span]) -> Iterator[Audio]:
    """The sound of each span, clipped to what there is; `spans` are ordered by their start.

    A span wholly beyond the end gives nothing; one that reaches past it gives what there is.

    >>> sound = Audio(np.arange(100, dtype=np.float32)[None], 10)
    >>> [piece.start for piece in cut([sound], [Span(0, 4), Span(2, 6)])]
    [0.0, 2.0]
    """
    source = iter(chunks)
    held: Audio | None = None
    for span in spans:
        while held is None or held.end < span.end:
            chunk = next(source, None)
            if chunk is None:
                break
            held = chunk if held is None else held.between(span.start, held.end).followed_by(chunk)
        if held is None:
            return
        piece = held.between(span.start, span.end)
        if piece.samples.shape[1]:
            yield piece
        elif held.end <= span.start:
            return  # the sound has ended, and later spans start later


def rolling(chunks: Iterable[Audio], width: float, hop: float) -> Iterator[Audio]:
    """Windows of `width` seconds every `hop` seconds from where the sound starts until it ends.

    The last one is the last `width` seconds, whatever the length: nothing is left out, and nothing
    of it is padding. Sound shorter than a window is one. What is stated about the length is not
    asked; only the sound itself is.

    >>> sound = Audio(np.zeros((1, 105), np.float32), 10)
    >>> [(w.start, w.duration) for w in rolling([sound], 4.0, 4.0)]
    [(0.0, 4.0), (4.0, 4.0), (6.5, 4.0)]
    """
    held: Audio | None = None
    number, given = 0, 0  # windows so far, and samples that they cover
    first, size, step = (
        0,
        0,
        0.0,
    )  # number of the first sample that is held, and samples of a window
    for chunk in chunks:
        if held is None:
            held, size = chunk, max(round(width * chunk.sample_rate), 1)
            step, origin = min(hop * chunk.sample_rate, size), chunk.start
        else:
            held = held.followed_by(chunk)
        while first + held.samples.shape[1] >= (start := round(number * step)) + size:
            part = held.samples[:, start - first : start - first + size]
            yield Audio(part, held.sample_rate, origin + start / held.sample_rate)
            number, given = number + 1, start + size
            keep = max(min(round(number * step), given - size + 1), first)
            keep = min(keep, first + held.samples.shape[1])
            held = Audio(held.samples[:, keep - first :], held.sample_rate, held.start)
            first = keep
    if held is not None and first + held.samples.shape[1] > given:
        part = held.samples[:, -size:]
        start = first + held.samples.shape[1] - part.shape[1]
        yield Audio(part, held.sample_rate, origin + start / held.sample_rate)


def windows(width: float, hop: float, duration: float) -> list[Span]:
    """Spans of `width` seconds every `hop` seconds until one reaches the end.

    The last may reach past the end: nothing is left out.

    >>> windows(10.0, 5.0, 12.0)
    [Span(start=0.0, end=10.0), Span(start=5.0, end=15.0)]
    """
    num = max(1, int(np.ceil((duration - width) / hop - 1e-9)) + 1)
    return [Span(i * hop, i * hop + width) for i in range(num)]


def padded(audio: Audio, seconds: float) -> Audio:
    """The sound followed by silence, so that it lasts `seconds`."""
    missing = round(seconds * audio.sample_rate) - audio.samples.shape[1]
    if missing <= 0:
        return audio
    samples = np.pad(audio.samples, ((0, 0), (0, missing)))
    return Audio(samples, audio.sample_rate, audio.start)
