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
