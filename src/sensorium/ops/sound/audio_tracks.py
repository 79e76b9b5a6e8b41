"""Which of a file's audio tracks is heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sensorium.core.errors import MediaError, UsageError
from sensorium.core.media import MediaRef, Track
from sensorium.ops.sound.language_codes import same_language

Wanted = int | str | None


def default_track(tracks: Sequence[Track]) -> int | None:
    """Index of the track that counts unless another is asked for; None if there is none.

    Those that the container marks as default go before the others, more channels before fewer, the
    first before the next.

    >>> default_track([Track(0, num_channels=2), Track(1, num_channels=6)])
    1
    >>> default_track([Track(0, num_channels=2, default=True), Track(1, num_channels=6)])
    0
    """
    best = min(tracks, key=lambda t: (not t.default, -t.num_channels, t.index), default=None)
    return None if best is None else best.index


def parsed_track(text: str) -> int | str:
    """What a user means by ``--audio-track``: a number from 0, or a language.

    Raises:
        UsageError: neither.

    >>> parsed_track("1"), parsed_track("de"), parsed_track("pt-BR")
    (1, 'de', 'pt-BR')
    """
    text = text.strip()
    if text.isdecimal():
        return int(text)
    if not text.replace("-", "").isalpha() or len(text.split("-")[0]) not in (2, 3):
        raise UsageError(
            f"audio_track: expected a number from 0 or a language such as de or deu, got {text!r}"
        )
    return text


def with_track(ref: MediaRef, wanted: Wanted) -> MediaRef:
    """The same file, heard through the track that is `wanted`: a number, a language, or None.

    Of several tracks of one language the one that `default_track` prefers. A file with one track is
    heard through that whatever is wanted: there is nothing to choose.

    Raises:
        MediaError: several tracks, and none of them is the one that is wanted.
    """
    if wanted is None or len(ref.tracks) < 2:
        return ref
    if isinstance(wanted, int):
        index = next((t.index for t in ref.tracks if t.index == wanted), None)
    else:
        index = default_track([t for t in ref.tracks if same_language(t.language, wanted)])
    if index is None:
        there = ", ".join(told(track) for track in ref.tracks)
        raise MediaError(
            f"{ref.uri}: expected the audio track {wanted!r}, there are {there}; "
            "choose one of these with --audio-track, or leave it to the file"
        )
    chosen = next(t for t in ref.tracks if t.index == index)
    return replace(
        ref,
        audio_track=index,
        sample_rate=chosen.sample_rate,
        num_channels=chosen.num_channels,
    )


def unlike(ref: MediaRef, wanted: Wanted) -> str | None:
    """What is to be said of a file whose only track is not the one that is wanted; None if it may be."""
    if wanted is None or len(ref.tracks) != 1:
        return None
    (only,) = ref.tracks
    if isinstance(wanted, int):
        fits = wanted == only.index
    else:
        fits = not only.language or same_language(only.language, wanted)
    return (
        None if fits else f"{ref.uri}: its only audio track, {told(only)}, is heard, not {wanted!r}"
    )


def told(track: Track) -> str:
    """A track in a few words.

    >>> told(Track(1, "aac", 2, 48000, "deu", "Kommentar"))
    "1 (deu, 2 channels, 'Kommentar')"
    """
    num = f"{track.num_channels} channel{'' if track.num_channels == 1 else 's'}"
    parts = [track.language, num, f"{track.title!r}" if track.title else ""]
    return f"{track.index} ({', '.join(part for part in parts if part)})"
