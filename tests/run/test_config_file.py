"""A config in a file: there and back, over and under, and what is wrong with it by name."""

import pytest
from click.testing import CliRunner

from sensorium.core.config import Config
from sensorium.core.errors import UsageError
from sensorium.interfaces.cli.main import main
from sensorium.pipelines.speech.speakers import SpeakersOptions
from sensorium.run.config_file import as_config, read_config, write_config
from sensorium.run.filled import filled, grouped, numbers
from sensorium.run.plan import check, listener


def test_there_and_back(tmp_path):
    """What is written is read again, and defaults are not written down."""
    config = Config(
        speech={
            "speakers": (2, None),
            "diarization": {"telling": {"distance": 0.5}},
            "live": {"gap": 0.5},
        },
        people={"faces_per_second": 2.0},
        passes=("speakers",),
    )
    file = write_config(tmp_path / "c.yaml", config, "why\nand how")
    text = file.read_text()
    assert text.startswith("# why\n# and how\n")
    assert "transcriber" not in text
    assert read_config(file) == config
    assert as_config(str(file)) == config
    assert hash(read_config(file)) == hash(config)
    assert as_config(None) == Config() == as_config(Config())
    assert read_config(write_config(tmp_path / "d.yaml", Config())) == Config()


def test_what_is_given_by_hand_wins(tmp_path):
    """Names over the file; the rest of the file stays."""
    file = tmp_path / "c.yaml"
    file.write_text("speech: {segmenter: 'pyannote-segmentation:x.onnx', speakers: [2, 4]}\n")
    config = read_config(file, speakers=(3, 3), passes=("speech",))
    assert config.speech.speakers == (3, 3)
    assert config.speech.segmenter == "pyannote-segmentation:x.onnx"
    assert config.passes == ("speech",)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("speach: {}", "'speach'"),
        ("speech: {segmentor: x}", "speech: expected some of .*'segmentor'"),
        ("speech: {diarization: {distanze: 1}}", "diarization: expected some of .*'distanze'"),
        ("speech: {diarization: {hop: wide}}", "diarization.hop: expected a number, got 'wide'"),
        ("speech: {diarization: [1]}", "diarization: expected names with values"),
        ("speech: {diarization: {speakers: [1, 2]}}", "speakers does not belong here"),
        ("speech: {live: {latency: 2.0}}", "latency does not belong here"),
        ("speech: {live: {active: {low: 1}}}", "live.active: expected 2 values in a list"),
        ("speech: {speakers: [4, 2]}", "speech: speakers: expected 1 <= low <= high"),
        ("people: {faces_per_second: no}", "faces_per_second: expected a number, got False"),
        ("pictures: 5", "pictures: expected names with values, got 5"),
        ("passes: [singing]", "expected some of .*'singing'"),
        ("just words", "expected groups"),
        ("a: [", "cannot be read as YAML"),
    ],
)
def test_errors_name_file_and_key(tmp_path, text, key):
    """One line that says which file, which key, and what was expected."""
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(UsageError, match=key) as caught:
        read_config(file)
    assert "mine.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_file_is_said():
    """A file that is not there, by both commands."""
    for command in (["extract", "x.wav", "--out", "y"], ["listen", "x.wav"]):
        done = CliRunner().invoke(main, [*command, "--config", "nowhere.yaml"])
        assert done.exit_code == 2
        assert "nowhere.yaml: expected a config" in done.output


def test_a_config_by_hand_is_checked_before_any_work():
    """Options that do not exist, and a segmenter's file that is not there."""
    with pytest.raises(UsageError, match="diarization: expected some of"):
        check(Config(speech={"diarization": {"wide": 1}}))
    with pytest.raises(Exception, match=r"nowhere\.onnx: expected a segmentation"):
        check(Config(speech={"segmenter": "pyannote-segmentation:nowhere.onnx"}))


def test_live_options_reach_the_stream():
    """What a file says of streams is what the stage has, at the latency of the command."""
    heard = listener(Config(speech={"live": {"gap": 0.7}}), False, True, 2.0)
    options = heard._turns._options
    assert (options.gap, options.latency) == (0.7, 2.0)


def test_numbers_of_options_and_back():
    """Names with dots and groups are the same thing."""
    own = dict(numbers(SpeakersOptions()))
    assert own["telling.distance"] == SpeakersOptions().telling.distance
    assert "speakers" not in own
    assert filled(SpeakersOptions(), grouped(own), "x") == SpeakersOptions()
