"""Training of the segmentation and tuning of thresholds: on tiny sounds that a second is enough for.

The voices are harmonic tones that come and go; the networks are small wherever the size does not matter.
"""

from __future__ import annotations

import json
import shutil
import wave
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from sensorium.core.errors import ModelError, UsageError
from sensorium.core.learning import VoicesTraining, VoicesTuning
from sensorium.core.speech import Turn
from sensorium.core.time import Span
from sensorium.interfaces.cli.main import main
from sensorium.learn import voice_training, voice_tuning
from sensorium.learn.voice_data import divided, read_voices
from sensorium.learn.voice_error import change, total
from sensorium.ops.learning.voice_windows import Recording, WindowSource, back_to_back
from sensorium.ops.voices import powerset
from sensorium.run.config_file import read_config
from sensorium.testing.fake_hearing import FakeSegmenter, FakeVoices

RATE = 16_000


def spoken(seconds: float, seed: int) -> tuple[NDArray[np.int16], list[Turn]]:
    """Two tones that take turns, and who when."""
    rng = np.random.default_rng(seed)
    samples, turns, at = np.zeros(round(seconds * RATE)), [], 0.2
    while at < seconds - 0.8:
        who = len(turns) % 2
        end = min(at + rng.uniform(0.4, 1.5), seconds)
        times = np.arange(round(at * RATE), round(end * RATE)) / RATE
        pitch = (110.0, 210.0)[who] * (1 + 0.02 * np.sin(9 * times))
        voice = sum(np.sin(2 * np.pi * k * pitch * times) / k for k in range(1, 12))
        samples[round(at * RATE) : round(end * RATE)] = 0.2 * voice * np.hanning(len(times))
        turns.append(Turn(Span(at, end), f"{seed}-{'ab'[who]}"))
        at = end + rng.uniform(0.05, 0.3)
    samples += 0.003 * rng.standard_normal(len(samples))
    return np.clip(samples * 32767, -32768, 32767).astype(np.int16), turns


def recording(seconds: float, seed: int) -> Recording:
    return Recording(f"{seed}.wav", *spoken(seconds, seed))


def write(folder: Path, name: str, seconds: float = 4.0, seed: int = 0) -> Path:
    """A recording and its .rttm."""
    samples, turns = spoken(seconds, seed)
    with wave.open(str(folder / f"{name}.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    (folder / f"{name}.rttm").write_text(
        "".join(
            f"SPEAKER {name} 1 {t.span.start:.3f} {t.span.duration:.3f} <NA> <NA> {t.speaker} <NA> <NA>\n"
            for t in turns
        )
    )
    return folder / f"{name}.wav"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    for seed, name in enumerate(("one", "two", "three")):
        write(folder, name, seed=seed)
    return folder


def test_windows_follow_from_seed_and_step() -> None:
    """The same step gives the same windows, another one others; labels have a class for every row."""
    choices = VoicesTraining(batch=2, telephone=0.5, mix=1.0, echo=1.0, noise=1.0)
    sources = [WindowSource([recording(4, s) for s in (1, 2, 3)], choices, 2.0) for _ in range(2)]
    samples, classes = sources[0].batch(5)
    assert samples.shape == (2, 2 * RATE)
    assert samples.dtype == np.float32
    assert classes.shape == (2, (2 * RATE - 991) // 270 + 1)
    assert np.array_equal(samples, sources[1].batch(5)[0])
    assert not np.array_equal(samples, sources[0].batch(6)[0])
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() <= 1


def test_mixed_windows_have_both_truths() -> None:
    """Mixing adds voices of another recording, and leaves alone what has a name in common."""
    choices = VoicesTraining(batch=4, mix=1.0, echo=0, noise=0, gain=0)
    one = np.full(4 * RATE, 1000, np.int16)
    recordings = [
        Recording(name, one, [Turn(Span(0, 4), speaker)])
        for name, speaker in (("x", "anna"), ("y", "bob"))
    ]
    _, classes = WindowSource(recordings, choices, 2.0).batch(0)
    assert (classes == 4).all()  # both speak all the time
    same = [Recording(each.name, one, [Turn(Span(0, 4), "S1")]) for each in recordings]
    samples, classes = WindowSource(same, choices, 2.0).batch(0)
    assert (classes == 1).all()
    assert np.allclose(samples, 1000 / 32768)


def test_all_of_a_recording_is_measured() -> None:
    """Windows back to back see every turn once; a short recording is one window."""
    whole = recording(5, 1)
    rows = sum(int((c > 0).sum()) for _, c in back_to_back([whole], 2, 2.0))
    spoken_rows = sum(t.span.duration for t in whole.turns) * RATE / 270
    assert abs(rows - spoken_rows) < 0.12 * spoken_rows  # the last rows of a window have no middle
    assert [len(s) for s, _ in back_to_back([recording(1.5, 1)], 2, 2.0)] == [1]


def trained(torch, folder, windows, stop_at=None, choices=None):
    """A tiny training; `stop_at` is the step at which it is killed."""
    from sensorium.adapters.run_folder import RunFolder
    from sensorium.adapters.segmentation_network import SegmentationNetwork
    from sensorium.adapters.trainers.segmentation_training import (
        SegmentationTrainer,
        TrainedSegmentation,
    )

    class KilledError(Exception):
        pass

    def report(done, steps, loss):
        if done == stop_at:
            raise KilledError

    choices = choices or VoicesTraining(
        batch=2, windows=8, epochs=3, dropout=0.5, learning_rate=1e-2, checkpoint_every=3,
        device="cpu",
    )  # fmt: skip
    torch.manual_seed(0)
    torch.set_num_threads(1)
    network = SegmentationNetwork(hidden=6, layers=2)
    trainer = SegmentationTrainer(TrainedSegmentation(network, choices), choices)
    kept = RunFolder(folder)
    kept.begin({"a": 1}, resume=folder.exists())
    source = WindowSource(windows, choices, 1.0)
    try:
        trainer.run(source.batch, source.per_epoch, lambda: back_to_back(windows[:1], 4, 1.0),
                    kept, report)  # fmt: skip
    except KilledError:
        return None, kept
    return trainer.model.weights(), kept


@pytest.mark.parametrize("stop_at", [4, 7])
def test_killed_and_resumed_ends_the_same(tmp_path: Path, stop_at: int) -> None:
    """Weights and metrics are those of a run that nobody disturbed, bit by bit, wherever it was killed."""
    torch = pytest.importorskip("torch")
    windows = [recording(3, s) for s in (1, 2, 3)]
    whole, kept = trained(torch, tmp_path / "whole", windows)
    assert trained(torch, tmp_path / "half", windows, stop_at)[0] is None
    (tmp_path / "half" / "checkpoints" / "00000099.part").mkdir()  # what a kill leaves behind
    with open(tmp_path / "half" / "metrics.jsonl", "a") as file:
        file.write('{"step": 9')
    again, resumed = trained(torch, tmp_path / "half", windows)
    assert all(np.array_equal(whole[name], again[name]) for name in whole)
    assert kept.noted() == resumed.noted()
    first = kept.noted()[0]
    assert (first["step"], first["epoch"]) == (0, 0)
    assert len({row["window_error"] for row in kept.noted() if "window_error" in row}) > 1


def test_it_stops_early_and_keeps_the_best(tmp_path: Path) -> None:
    """With no gain it ends after its patience, and the result is the epoch that was best."""
    torch = pytest.importorskip("torch")
    from safetensors.numpy import load_file

    choices = VoicesTraining(batch=2, windows=2, epochs=50, patience=2, device="cpu",
                             learning_rate=1e-12)  # fmt: skip
    weights, kept = trained(torch, tmp_path / "run", [recording(3, 1)], choices=choices)
    measured = [row for row in kept.noted() if "window_error" in row]
    assert len(measured) == 3  # before, and two epochs without a gain
    [best] = (tmp_path / "run" / "best").iterdir()
    assert best.name == "00000000"
    kept_weights = load_file(best / "model.safetensors")
    assert all(np.array_equal(weights[name], kept_weights[name]) for name in weights)


def test_the_loss_does_not_mind_names() -> None:
    """Right classes cost next to nothing under any names; the loss says what to do about wrong ones."""
    torch = pytest.importorskip("torch")
    from sensorium.adapters.trainers.segmentation_training import powerset_loss

    classes = torch.tensor([[0, 1, 1, 4, 2, 3, -1], [0, 0, 5, 5, 6, 1, 2]])
    for names in powerset.PERMUTED:
        said = torch.as_tensor(names)[classes.clamp(min=0)]
        logits = 20.0 * torch.nn.functional.one_hot(said, 7).float()
        assert float(powerset_loss(logits, classes)) < 1e-6
    wrong = torch.zeros(2, 7, 7, requires_grad=True)
    loss = powerset_loss(wrong, classes)
    loss.backward()
    assert abs(float(loss.detach()) - np.log(7)) < 1e-5
    assert not wrong.grad[0, 6].any()  # the row that says nothing


def test_rttm_folders_that_cannot_be_used(tmp_path: Path) -> None:
    """Each error names the file, and the line where there is one."""
    with pytest.raises(UsageError, match="nowhere: expected a folder"):
        read_voices(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"each with a \.rttm"):
        read_voices(tmp_path)
    sound = write(tmp_path, "a")
    label = sound.with_suffix(".rttm")
    good = label.read_text()
    assert [each.name for each in read_voices(tmp_path)] == ["a.wav"]
    for text, match in (
        (good + "SPEAKER a 1 soon 1.0 <NA> <NA> x <NA> <NA>\n", f"line {good.count(chr(10)) + 1}: exp"),
        (good + "SPEAKER a 1 3.0 9.0 <NA> <NA> x <NA> <NA>\n", "a.rttm, line .*: expected a turn in"),
        (good.replace("SPEAKER a ", "SPEAKER b ", 1).replace("SPEAKER a", "SPEAKER c"), "b, c"),
        ("", "at least one SPEAKER line"),
    ):  # fmt: skip
        label.write_text(text)
        with pytest.raises(UsageError, match=match) as caught:
            read_voices(tmp_path)
        assert "a.rttm" in str(caught.value)
    label.write_text(good)
    (tmp_path / "b.wav").write_bytes(sound.read_bytes())
    with pytest.raises(UsageError, match=r"b\.wav: expected b\.rttm beside it"):
        read_voices(tmp_path)
    sound.unlink()
    (tmp_path / "b.wav").unlink()
    with pytest.raises(UsageError, match=r"a\.rttm: expected one recording.*none"):
        read_voices(tmp_path)
    (tmp_path / "a.wav").write_bytes(b"no sound")
    with pytest.raises(UsageError, match=r"a\.wav: expected a recording"):
        read_voices(tmp_path)


def test_a_file_has_one_purpose(data: Path, tmp_path: Path) -> None:
    """Groups are disjoint by content, whatever files are called, and follow from the seed."""
    for path in data.iterdir():
        shutil.copy(path, tmp_path)
    for end in (".wav", ".rttm"):
        shutil.copy(tmp_path / f"one{end}", tmp_path / f"copy{end}")
    files = read_voices(tmp_path)
    for seed in range(8):
        groups = divided(files, (0.3, 0.2), seed)
        digests = [{each.ref.digest for each in group} for group in groups]
        assert all(digests)
        assert sum(map(len, digests)) == len(set().union(*digests)) == 3
        assert sum(map(len, groups)) == 4
        assert groups == divided(files, (0.3, 0.2), seed)
    with pytest.raises(UsageError, match=r"at least 3 recordings.*got 1"):
        divided(files[:1], (0.3, 0.2), 0)


def test_the_interval_knows_the_sign() -> None:
    """Better is below 0; files are drawn in pairs; one file gives no interval."""
    row = {"der": 0.3, "missed": 0.1, "false_alarm": 0.1, "confusion": 0.1, "speech": 10.0}
    before, after = [row] * 6, [{**row, "der": 0.3 - 0.01 * k} for k in range(1, 7)]
    moved, low, high = change(before, after)
    assert low is not None
    assert high is not None
    assert low < moved < high < 0
    assert abs(moved + 0.035) < 1e-9
    assert change(before[:1], after[:1])[1:] == (None, None)
    assert total([row, {**row, "der": 0.0, "speech": 30.0}])["der"] == pytest.approx(0.075)


@pytest.mark.parametrize(
    "wrong",
    [{"epochs": 0}, {"mix": 1.5}, {"held_out": 0}, {"device": "tpu"}, {"trained": "most"},
     {"snr": (9.0, 1.0)}, {"learning_rate": 0.0}, {"nothing": 1}],
)  # fmt: skip
def test_choices_that_cannot_be_meant(data: Path, tmp_path: Path, wrong: dict) -> None:
    """They are refused by name, before anything is written."""
    with pytest.raises(UsageError, match=next(iter(wrong))):
        voice_training.train_voices(data, tmp_path / "run", **wrong)
    assert not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict, list]:
    """A training by the command line: its folder, what it printed, what was drawn from which files."""
    pytest.importorskip("torch")
    pytest.importorskip("pyannote.metrics")
    out, taught = tmp_path_factory.mktemp("runs") / "run", []

    class Watched(WindowSource):
        def __init__(self, recordings, choices):
            taught.extend(each.name for each in recordings)
            super().__init__(recordings, choices)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(voice_training, "WindowSource", Watched)
        done = CliRunner().invoke(
            main,
            ["train", "voices", str(data), "--out", str(out), "--epochs", "1", "--windows", "1",
             "--batch", "1", "--trained", "head", "--device", "cpu", "--snr", "5..20", "--lr", "0.01",
             "--json", "--quiet"],
        )  # fmt: skip
    assert done.exit_code == 0, done.output
    return out, json.loads(done.stdout), taught


@pytest.mark.model
def test_what_is_reported_was_not_trained_on(run: tuple[Path, dict, list]) -> None:
    """Windows come from the files that teach alone; one file stops, one is reported."""
    _, told, taught = run
    assert taught == told["learnt_from"]
    sides = [set(told[name]) for name in ("learnt_from", "stopped_by", "held_out")]
    assert set().union(*sides) == {"one.wav", "two.wav", "three.wav"}
    assert [len(side) for side in sides] == [1, 1, 1]
    assert told["names_in_both"] == []
    assert {"der", "missed", "window_error", "voice_error"} <= told["before"].keys()
    assert "MIT" in told["licence"]


@pytest.mark.model
def test_the_file_computes_what_the_network_does(run: tuple[Path, dict, list], rng) -> None:
    """segmentation.onnx in onnxruntime equals model.safetensors in torch."""
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file

    from sensorium.adapters.models.sound.pyannote import SegmentationFile
    from sensorium.adapters.segmentation_network import SegmentationNetwork
    from sensorium.core.media import Audio

    out, told, _ = run
    network = SegmentationNetwork().eval()
    network.load_state_dict(load_file(out / "model.safetensors"))
    samples = np.stack([spoken(10, 7)[0], spoken(10, 8)[0]]).astype(np.float32) / 32768
    with torch.inference_mode():
        expected = powerset.activity(network(torch.from_numpy(samples)[:, None]).numpy())
    segmenter = SegmentationFile(str(out / "segmentation.onnx"))
    found = segmenter.segment([Audio(each[None], RATE, 3.0) for each in samples])
    assert np.abs(np.stack([each.values for each in found]) - expected).max() < 1e-4
    assert found[0].axes[0].start == pytest.approx(3.0 + 0.02253125)
    assert "segmentation.onnx sha256:" in segmenter.provenance.revision
    assert told["segmenter"] == f"pyannote-segmentation:{out / 'segmentation.onnx'}"


@pytest.mark.model
def test_a_run_is_resumed_or_refused(run: tuple[Path, dict, list], data: Path) -> None:
    """A folder that holds a training is not written over, nor gone on with by other choices."""
    out, _, _ = run
    with pytest.raises(UsageError, match="--resume"):
        voice_training.train_voices(data, out)
    with pytest.raises(UsageError, match="cannot resume"):
        voice_training.train_voices(data, out, resume=True, epochs=9)
    with pytest.raises(ModelError, match=r"nothing\.safetensors: expected"):
        voice_training.train_voices(data, out / "new", start="nothing.safetensors")
    with pytest.raises(UsageError, match="is in both folders"):
        voice_training.train_voices(data, out / "new", held_out_data=str(data))


def test_a_segmentation_that_is_none(tmp_path: Path) -> None:
    """A file that is missing, or no ONNX, is named."""
    from sensorium.adapters.models.sound.pyannote import SegmentationFile
    from sensorium.core.media import Audio

    window = [Audio(np.zeros((1, 10 * RATE), np.float32), RATE)]
    with pytest.raises(ModelError, match=r"x\.onnx: expected a segmentation"):
        SegmentationFile(str(tmp_path / "x.onnx")).segment(window)
    (tmp_path / "x.onnx").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"x\.onnx: expected an ONNX model"):
        SegmentationFile(str(tmp_path / "x.onnx")).segment(window)


@pytest.mark.model
def test_extract_takes_the_segmenter_by_a_config(
    run: tuple[Path, dict, list], data: Path, tmp_path: Path
) -> None:
    """The file that was trained and thresholds from a config, in the main job; options win over the file."""
    file = tmp_path / "mine.yaml"
    options = {"telling": {"distance": 0.5}, "active": [0.4, 1.4]}
    speech = {"segmenter": run[1]["segmenter"], "diarization": options}
    file.write_text(json.dumps({"speech": speech, "passes": ["sound"]}))  # JSON is YAML
    done = CliRunner().invoke(
        main,
        ["extract", str(data / "one.wav"), "--out", str(tmp_path / "library"), "--config", str(file),
         "--only", "speakers", "--workers", "0", "--json", "--quiet"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["failed"], told["files"][0]["computed"]) == (0, ["media", "speakers"])


def test_thresholds_into_a_config(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search over files and streams writes a config, with the segmenter it was made for."""
    pytest.importorskip("optuna")
    pytest.importorskip("pyannote.metrics")
    fakes = {"segmenter": FakeSegmenter, "speaker_encoder": FakeVoices}
    monkeypatch.setattr(voice_tuning, "load_model", lambda job, name, threads: fakes[job]())
    (tmp_path / "x.onnx").touch()
    file, segmenter = tmp_path / "mine.yaml", f"pyannote-segmentation:{tmp_path / 'x.onnx'}"
    done = CliRunner().invoke(
        main,
        ["train", "thresholds", str(data), "--out", str(file), "--trials", "2", "--folds", "2",
         "--search", "telling.distance=0.2..0.8", "--segmenter", segmenter, "--quiet"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert all(f"{side}: error" in done.output for side in ("diarization", "live"))
    text = file.read_text()
    assert text.startswith("# Thresholds")
    config = read_config(file)
    assert config.speech.segmenter == segmenter


def test_a_search_for_nothing_is_refused(data: Path, tmp_path: Path) -> None:
    """An option that nobody has, and more folds than files."""
    with pytest.raises(UsageError, match=r"search: expected some of .*got 'wide'"):
        voice_tuning.tune_voices(data, tmp_path / "x.yaml", search={"wide": (0, 1)}, folds=2)
    with pytest.raises(UsageError, match="at most the 3 recordings"):
        voice_tuning.tune_voices(data, tmp_path / "x.yaml", folds=4)
    with pytest.raises(UsageError, match="trials"):
        VoicesTuning(trials=1)


def test_the_search_finds_a_minimum_and_begins_with_the_defaults() -> None:
    """The first trial is what there is; what cannot be meant is passed over; seeded."""
    pytest.importorskip("optuna")
    from sensorium.adapters.trainers.threshold_search import search

    tried: list[dict] = []

    def cost(point):
        tried.append(point)
        if point["a"] > 0.9:
            raise UsageError("too much")
        return (point["a"] - 0.3) ** 2 + (point["b"] - 2) ** 2

    space, begin = {"a": (0.0, 1.0), "b": (0.01, 4.0)}, {"a": 0.5, "b": 1.0}
    best, least = search(cost, space, begin, 40, 0)
    assert tried[0] == begin
    assert least <= cost(begin)
    assert abs(best["b"] - 2) < 0.5
    assert search(cost, space, begin, 40, 0) == (best, least)
    with pytest.raises(UsageError, match="none of 3 trials"):
        search(lambda point: cost({"a": 1, "b": 1}), space, begin, 3, 0)
