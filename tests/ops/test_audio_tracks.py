"""Which of several audio tracks is heard."""

import json
from dataclasses import asdict

import pytest

from sensorium.core.config import Config
from sensorium.core.errors import MediaError, UsageError
from sensorium.core.media import MediaRef, Track
from sensorium.ops.sound.audio_tracks import default_track, parsed_track, unlike, with_track
from sensorium.ops.sound.language_codes import same_language

FILM = (
    Track(0, "ac3", 6, 48000, "eng"),
    Track(1, "ac3", 2, 48000, "ger", "Kommentar"),
    Track(2, "ac3", 6, 48000, "deu", default=True),
    Track(3, "ac3", 2, 44100, "fra"),
)


def ref(*tracks):
    return MediaRef("film.mkv", "0", "video", has_sound=True, tracks=tracks, audio_track=0)


def test_the_default_flag_then_channels_then_order():
    assert default_track(FILM) == 2
    assert default_track([FILM[1], FILM[0], FILM[3]]) == 0
    assert default_track([Track(0, num_channels=2), Track(1, num_channels=2)]) == 0
    assert default_track([]) is None


def test_by_number_and_by_language():
    """Of two German tracks the one that counts; rate and channels are those of the track."""
    assert with_track(ref(*FILM), 1).audio_track == 1
    assert with_track(ref(*FILM), "de").audio_track == 2
    chosen = with_track(ref(*FILM), "fr-CA")
    assert (chosen.audio_track, chosen.num_channels, chosen.sample_rate) == (3, 2, 44100)
    assert with_track(ref(*FILM), None).audio_track == 0


@pytest.mark.parametrize("wanted", [7, "it"])
def test_a_track_that_is_not_there_is_an_error_that_lists_those_that_are(wanted):
    with pytest.raises(MediaError, match=r"film.mkv: expected the audio track .*'Kommentar'"):
        with_track(ref(*FILM), wanted)


def test_a_single_track_is_heard_and_said_to_be_another_one():
    only = ref(FILM[0])
    assert with_track(only, "de") == only
    assert "0 (eng, 6 channels)" in unlike(only, "de")
    assert unlike(only, "en") is unlike(only, 0) is unlike(only, None) is None
    assert unlike(ref(Track(0)), "de") is None
    assert unlike(only, 1)


def test_languages_by_any_code():
    assert all(same_language("de", each) for each in ("deu", "ger", "DE", "de-CH", "de_AT"))
    assert same_language("chi", "zho")
    assert same_language("yue", "yue")
    assert not same_language("nob", "nno")
    assert not same_language("", "")


def test_bad_choices_are_refused_at_once():
    for bad in ("german", "", "-1", "a"):
        with pytest.raises(UsageError, match="expected a number from 0 or a language"):
            parsed_track(bad)
    with pytest.raises(UsageError, match="audio_track"):
        Config.flat(audio_track=-1)
    with pytest.raises(UsageError, match="channels: expected mix, split, auto"):
        Config.flat(channels="both")
    assert Config.flat(audio_track="de", channels="split").sound.audio_track == "de"


def test_a_file_is_the_same_after_json():
    """What an earlier run read is kept as JSON."""
    known = ref(*FILM)
    assert MediaRef(**json.loads(json.dumps(asdict(known)))) == known
