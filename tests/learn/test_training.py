"""Training of adapters: told apart or not, killed and resumed, refused with a reason.

The causal models are tiny. One is taught to write a caption from its words in any order; the other has
random weights. The features are invented: one pattern per picture.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from safetensors.torch import load_file

from sensorium.adapters.drawing.curve import ticks, write_curve
from sensorium.adapters.language.adapter import Adapter
from sensorium.adapters.language.causal import load_causal
from sensorium.adapters.language.prompt import embed_prompt
from sensorium.adapters.language.trainer import Example, Trainer, split
from sensorium.adapters.run_folder import RunFolder
from sensorium.adapters.stores.captions import read_captions
from sensorium.core.errors import ModelError, UsageError
from sensorium.core.features import Features
from sensorium.core.learning import Training
from sensorium.core.time import Axis, Span
from sensorium.interfaces.cli.main import main
from sensorium.learn.adapter_training import train_adapter
from sensorium.testing.sample_library import add_synthetic, synthetic_ref
from sensorium.testing.tiny_causal import (
    keyword_lines,
    save_causal,
    teach,
    tiny_causal,
    word_tokenizer,
)

TEXTS = [
    f"a {colour} {thing} {place}"
    for colour, thing, place in [
        ("red", "bus", "in a street"),
        ("red", "boat", "on a lake"),
        ("blue", "boat", "in a street"),
        ("blue", "bird", "on a roof"),
        ("green", "bird", "on a lake"),
        ("green", "house", "on a hill"),
        ("white", "house", "on a lake"),
        ("white", "cat", "on a roof"),
    ]
]
TOKENIZER = word_tokenizer(TEXTS)


def features(index: int, name: str = "patches", span: Span | None = None) -> Features:
    values = np.random.default_rng(index).standard_normal((3, 4, 24)).astype(np.float16)
    axes = (Axis("height", 0, 14, 14, "px"), Axis("width", 0, 14, 14, "px"))
    return Features(values, axes, "eye", name, span)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("library") / "library"
    for index in range(len(TEXTS)):
        add_synthetic(root, synthetic_ref(f"/photos/{index}.jpg", "image"), [features(index)])
    spans = [Span(0, 15), Span(15, 30)]
    shots = [features(100 + index, span=span) for index, span in enumerate(spans)]
    add_synthetic(root, synthetic_ref("/photos/film.mp4"), shots)
    add_synthetic(root, synthetic_ref("/photos/unseen.jpg", "image"), [])
    return root


@pytest.fixture
def captions(tmp_path: Path) -> Path:
    rows = [{"media": f"{i}.jpg", "text": text} for i, text in enumerate(TEXTS)]
    return write(tmp_path / "captions.jsonl", rows)


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def random_causal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("random")
    return save_causal(tiny_causal(TOKENIZER, 32), TOKENIZER, folder)


@pytest.fixture(scope="module")
def taught_causal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = tiny_causal(TOKENIZER, 48)
    teach(model, TOKENIZER, keyword_lines(TEXTS), 300)
    return save_causal(model, TOKENIZER, tmp_path_factory.mktemp("taught"))


def said(folder: Path, adapter: Adapter, index: int) -> str:
    model, tokenizer = load_causal(str(folder))
    inputs = embed_prompt(model, tokenizer, "<image>", [features(index)], adapters=adapter)
    ids = model.generate(**inputs, max_new_tokens=12, do_sample=False)[0]
    return tokenizer.decode(ids, skip_special_tokens=True)


def test_it_tells_the_pictures_apart(
    library: Path, captions: Path, taught_causal: Path, tmp_path: Path
) -> None:
    choices: Any = {"epochs": 80, "batch": 8, "learning_rate": 1e-2}
    train_adapter(library, captions, taught_causal, tmp_path / "run", **choices)
    adapter = Adapter.load(tmp_path / "run/adapter")
    assert (adapter.plan.encoder, adapter.plan.output) == ("eye", "patches")
    assert [said(taught_causal, adapter, index) for index in range(8)] == TEXTS


def test_shuffled_features_teach_nothing(taught_causal: Path, tmp_path: Path) -> None:
    """The control: the same training, but each time with the features of any picture."""
    rng = np.random.default_rng(0)

    def any_picture() -> list[Features]:
        return [features(int(rng.integers(8)))]

    model, tokenizer = load_causal(str(taught_causal))
    torch.manual_seed(0)
    adapter = Adapter.between(features(0), model)
    choices = Training(epochs=80, batch=8, learning_rate=1e-2)
    folder = RunFolder(tmp_path / "run")
    folder.begin({}, False)
    examples = [Example(str(i), text, any_picture) for i, text in enumerate(TEXTS)]
    Trainer(adapter, model, tokenizer, choices).run(examples, folder, lambda *_: None)
    right = sum(said(taught_causal, adapter, i) == text for i, text in enumerate(TEXTS))
    assert right <= 3  # one would be right by saying the same of all


@pytest.mark.parametrize("kind", ["mlp", "unshuffle", "pool", "resampler"])
def test_every_kind_learns(
    kind: str, library: Path, captions: Path, taught_causal: Path, tmp_path: Path
) -> None:
    run, choices = tmp_path / "run", {"epochs": 12, "learning_rate": 1e-2, "num_queries": 3}
    train_adapter(library, captions, taught_causal, run, kind=kind, **choices)
    losses = [row["loss"] for row in RunFolder(run).noted()]
    assert losses[-1] < 0.8 * losses[0]
    assert Adapter.load(run / "adapter").plan.kind == kind


def test_the_model_stays_as_it_is(
    library: Path, captions: Path, random_causal: Path, tmp_path: Path
) -> None:
    before = load_file(random_causal / "model.safetensors")
    model, tokenizer = load_causal(str(random_causal))
    folder = RunFolder(tmp_path / "run")
    folder.begin({}, False)
    adapter = Adapter.between(features(0), model)
    trainer = Trainer(adapter, model, tokenizer, Training(epochs=2))
    trainer.run([Example("0", TEXTS[0], lambda: [features(0)])], folder, lambda *_: None)
    for name, weight in model.state_dict().items():
        assert weight.grad is None
        if name in before:
            assert torch.equal(weight, before[name])


def command(library: Path, captions: Path, model: Path, out: Path, *more: str) -> list[str]:
    words = [
        "train",
        "adapter",
        str(library),
        str(captions),
        "--model",
        str(model),
        "--out",
        str(out),
    ]
    return [*words, "--epochs", "30", "--batch", "3", "--lr", "0.01", "--held-out", "0.2",
            "--checkpoint-every", "7", *more]  # fmt: skip


def kill_after_a_checkpoint(words: list[str], checkpoints: Path) -> int:
    """Runs the command, kills it when it has written one more checkpoint; gives how it ended."""

    def newest() -> str:
        return max((path.name for path in checkpoints.glob("[0-9]*[0-9]")), default="")

    before = newest()
    process = subprocess.Popen([sys.executable, "-m", "sensorium", *words, "--resume"])
    while process.poll() is None:
        if newest() > before:
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.005)
    return process.wait()


def test_killed_and_resumed_is_as_never_killed(
    library: Path, captions: Path, random_causal: Path, tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    told = CliRunner().invoke(main, command(library, captions, random_causal, whole, "--json"))
    assert told.exit_code == 0, told.output
    summary = json.loads(told.stdout)
    assert summary["step"] == 60
    assert summary["held_out_loss"] > 0
    words = command(library, captions, random_causal, killed, "--quiet")
    ended = [kill_after_a_checkpoint(words, killed / "checkpoints") for _ in range(2)]
    assert -signal.SIGKILL in ended
    resumed = CliRunner().invoke(main, [*words, "--resume"])
    assert resumed.exit_code == 0, resumed.output
    one, other = (load_file(run / "adapter/adapter.safetensors") for run in (whole, killed))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert (whole / "metrics.jsonl").read_text() == (killed / "metrics.jsonl").read_text()
    assert not list(killed.rglob("*.part"))


def test_every_stop_resumes_to_the_same(random_causal: Path, tmp_path: Path) -> None:
    """Stopped after each step in turn, with what a kill leaves: half a checkpoint, half a line."""
    examples = [Example(str(i), text, partial(_one, i)) for i, text in enumerate(TEXTS[:4])]
    choices = Training(epochs=3, batch=2, learning_rate=1e-2, checkpoint_every=2)

    class Stop(Exception):
        pass

    def run(folder: RunFolder, stop: int) -> Adapter:
        model, tokenizer = load_causal(str(random_causal))
        torch.manual_seed(3)
        adapter = Adapter.between(features(0), model, "mlp")

        def report(step: int, total: int, loss: float) -> None:
            if step == stop:
                raise Stop

        Trainer(adapter, model, tokenizer, choices).run(examples, folder, report)
        return adapter

    def folder(name: str) -> RunFolder:
        made = RunFolder(tmp_path / name)
        made.begin({}, False)
        return made

    whole = run(folder("whole"), -1).state_dict()
    for stop in range(1, 7):
        half = folder(str(stop))
        with pytest.raises(Stop):
            run(half, stop)
        (half.root / "checkpoints/00000099.part").mkdir()
        with open(half.metrics, "a") as file:
            file.write('{"step": 7, "lo')
        half.begin({}, True)
        resumed = run(half, -1).state_dict()
        assert all(torch.equal(whole[name], resumed[name]) for name in whole)
        assert half.noted() == RunFolder(tmp_path / "whole").noted()


def _one(index: int) -> list[Features]:
    return [features(index)]


def test_another_training_is_not_resumed(
    library: Path, captions: Path, random_causal: Path, tmp_path: Path
) -> None:
    run, choices = tmp_path / "run", {"epochs": 1}
    train_adapter(library, captions, random_causal, run, **choices)
    with pytest.raises(UsageError, match="expected a new or empty folder; to go on"):
        train_adapter(library, captions, random_causal, run, **choices)
    with pytest.raises(UsageError, match="cannot resume, epochs was 1, now 2"):
        train_adapter(library, captions, random_causal, run, resume=True, epochs=2)
    before = (run / "adapter/adapter.safetensors").read_bytes()
    train_adapter(library, captions, random_causal, run, resume=True, **choices)
    assert (run / "adapter/adapter.safetensors").read_bytes() == before
    write(captions, [{"media": "0.jpg", "text": "something else"}])
    with pytest.raises(UsageError, match="cannot resume, number was 8, now 1"):
        train_adapter(library, captions, random_causal, run, resume=True, **choices)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/letter.txt").write_text("dear")
    with pytest.raises(UsageError, match=r"found no training\.json"):
        train_adapter(library, captions, random_causal, tmp_path / "full", resume=True)


def test_a_caption_of_a_stretch_sees_that_stretch(library: Path, tmp_path: Path) -> None:
    from sensorium.learn.adapter_training import examples
    from sensorium.library.library import Library

    rows: list[dict[str, Any]] = [
        {"media": "film.mp4", "text": "all of it"},
        {"media": "film.mp4", "text": "the end", "start": 20.0, "end": 25.0},
    ]
    found = read_captions(write(tmp_path / "c.jsonl", rows))
    whole, end = examples(Library(library), found, "patches", "c.jsonl")
    assert [f.span for f in whole.features()] == [Span(0, 15), Span(15, 30)]
    assert [f.span for f in end.features()] == [Span(15, 30)]


def test_held_out_media_are_never_trained_on() -> None:
    examples = [Example(str(i // 2), "a", list) for i in range(20)]
    train, held = split(examples, 0.3, 0)
    assert len({each.media for each in held}) == 3
    assert not {each.media for each in train} & {each.media for each in held}
    assert len(train) + len(held) == 20
    assert split(examples[:2], 0.9, 0) == (examples[:2], [])  # something must be left to train on


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_captions_in_three_formats(form: str, tmp_path: Path) -> None:
    import pandas as pd

    rows = pd.DataFrame({"media": ["a.jpg", "b.mp4"], "text": ["007", "two\nlines, and a comma"]})
    path = tmp_path / f"captions.{form}"
    if form == "jsonl":
        rows.to_json(path, orient="records", lines=True)
    elif form == "csv":
        rows.assign(start=[None, 1.0], end=[None, 2.5]).to_csv(path, index=False)
    else:
        rows.to_parquet(path)
    one, two = read_captions(path)
    assert (one.media, one.text, one.span, one.row) == ("a.jpg", "007", None, 1)
    assert two.text == "two\nlines, and a comma"
    assert two.span == (Span(1.0, 2.5) if form == "csv" else None)


def test_wrong_captions_are_one_clear_error(
    library: Path, random_causal: Path, tmp_path: Path
) -> None:
    def train(*rows: Any, **choices: Any) -> None:
        path = write(tmp_path / "captions.jsonl", list(rows))
        train_adapter(library, path, random_causal, tmp_path / "run", **choices)

    good = {"media": "0.jpg", "text": "a cat"}
    with pytest.raises(UsageError, match="row 2: expected a text in 'text', got None"):
        train(good, {"media": "0.jpg"})
    with pytest.raises(UsageError, match=r"'9\.jpg': no input of that name in .* row 2, library"):
        train(good, {"media": "9.jpg", "text": "a"})
    with pytest.raises(
        UsageError, match=r"row 1: the library has no features 'patches' of unseen\.jpg"
    ):
        train({"media": "unseen.jpg", "text": "a"})
    with pytest.raises(UsageError, match=r"no features 'encoder' of 0\.jpg"):
        train(good, output="encoder")
    with pytest.raises(UsageError, match="row 1: expected start and end, or neither"):
        train({**good, "start": 1.0})
    with pytest.raises(UsageError, match="has no row"):
        train()
    with pytest.raises(UsageError, match="expected one <image> or <audio>"):
        train(good, prompt="What is it?")
    with pytest.raises(UsageError, match="kind: expected one of"):
        train(good, kind="magic")
    with pytest.raises(UsageError, match="unexpected keyword argument 'epoch'"):
        train(good, epoch=3)
    with pytest.raises(UsageError, match="lower the learning rate"):
        train(good, learning_rate=1e30, epochs=30)
    with pytest.raises(UsageError, match=r"expected captions as \.jsonl"):
        read_captions("captions.txt")
    with pytest.raises(UsageError, match="No such file"):
        read_captions(tmp_path / "none.csv")
    (tmp_path / "broken.jsonl").write_text("{not json")
    with pytest.raises(UsageError, match="cannot be read as jsonl"):
        read_captions(tmp_path / "broken.jsonl")


def test_wrong_models_are_one_clear_error(random_causal: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"expected a local folder with config\.json"):
        load_causal("gpt2")
    model = tiny_causal(TOKENIZER, 32)
    broken = save_causal(model, TOKENIZER, tmp_path / "broken")
    torch.save(model.state_dict(), broken / "pytorch_model.bin")
    os.remove(broken / "model.safetensors")
    with pytest.raises(ModelError, match="pickled weights are refused"):
        load_causal(str(broken))
    from safetensors.torch import save_file

    weights = load_file(random_causal / "model.safetensors")
    gone = sorted(weights)[3]
    save_file(
        {k: v for k, v in weights.items() if k != gone},
        broken / "model.safetensors",
        {"format": "pt"},
    )
    with pytest.raises(ModelError, match="1 weights are missing"):
        load_causal(str(broken))
    save_file({**weights, gone: torch.zeros(3, 3)}, broken / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="no causal model of transformers"):
        load_causal(str(broken))


def test_the_curve_is_a_picture(tmp_path: Path) -> None:
    lines = {"loss": [(1, 3.0), (2, 1.0), (3, float("nan"))], "held out": [(2, 2.0)], "none": []}
    picture = Image.open(write_curve(tmp_path / "loss.png", lines, "a run", "step"))
    assert picture.format == "PNG"
    colours = {colour for _, colour in picture.getcolors(100_000) or []}
    assert {(0x2F, 0x6F, 0xAB), (0xB3, 0x54, 0x1E)} <= colours
    write_curve(tmp_path / "loss.png", {}, "nothing yet", "step")
    assert ticks(0.0, 0.034) == [0.0, 0.01, 0.02, 0.03]
