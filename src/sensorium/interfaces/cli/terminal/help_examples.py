"""An example or two of every command: the last lines of its ``--help``, read by the tests."""

from __future__ import annotations

from collections.abc import Mapping

import click

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "extract": (
        "sensorium extract talk.mp4 photos/ 'talks/**/*.mp4' --out library/",
        "sensorium extract s3://bucket/talks/ https://example.org/talk.mp4 --out library/",
        "sensorium extract call.wav --out library/ --speakers 2 --only speech --only speakers",
    ),
    "show": (
        "sensorium show library/ --media talk.mp4",
        "sensorium show library/ --media talk.mp4 --format vtt",
    ),
    "page": (
        "sensorium page library/ --out library.html",
        "sensorium page library/ --media talk.mp4 --out talk.png",
    ),
    "probe": ("sensorium probe talk.mp4",),
    "check": (
        "sensorium check library/",
        "sensorium check library/ --repair --config choices.yaml",
    ),
    "completion": (
        'eval "$(sensorium completion bash)"',
        "sensorium completion fish",
    ),
    "find": (
        "sensorium find library/ climate",
        'sensorium find library/ \'"good evening"\' --speaker "Ann Ray"',
        "sensorium find library/ 'clim*' --media talk.mp4 --kind word",
        "sensorium find library/ --like photo.jpg",
    ),
    "mcp": ("sensorium mcp library/ --allow-extract recordings/",),
    "listen": (
        "sensorium listen podcast.mp3",
        "sensorium listen microphone --latency 2 --json",
    ),
    "score": ("sensorium score reference.rttm talk.txt library/ --collar 0.25",),
    "dataset": ("sensorium dataset library/ --out data/ --format coco --named-only",),
    "export": (
        "sensorium export library/ --out data/ --table words --feature encoder",
        "sensorium export library/ --out shards/ --format webdataset",
    ),
    "patches": (
        "sensorium patches picture.jpg --patch 128 --stride 64 --out tiles/",
        "sensorium patches --merge tiles/ --out picture.png",
    ),
    "train adapter": (
        "sensorium train adapter library/ captions.csv --model models/small-llama --out runs/a",
    ),
    "train detector": ("sensorium train detector data/ --out runs/detector",),
    "train voices": ("sensorium train voices calls/ --out runs/calls --telephone 0.5",),
    "train thresholds": ("sensorium train thresholds calls/ --out calls.yaml",),
    "serve": ("sensorium serve library/ --port 8000",),
    "models": ("sensorium models", "sensorium models install"),
    "models install": (
        "sensorium models install whisper-tiny.en",
        "sensorium models install --from weights.tar",
    ),
    "models list": ("sensorium models list --json",),
    "models verify": ("sensorium models verify",),
    "models pack": ("sensorium models pack weights.tar",),
    "models where": ("sensorium models where",),
    "voices list": ("sensorium voices list --library library/",),
    "voices show": ("sensorium voices show V3f2a91c0",),
    "voices enroll": ('sensorium voices enroll "Ann Ray" ann.wav',),
    "voices name": ('sensorium voices name V3f2a91c0 "Ann Ray"',),
    "voices merge": ('sensorium voices merge "Ann Ray" V77c01b2e',),
    "voices split": ("sensorium voices split V3f2a91c0",),
    "voices forget": ("sensorium voices forget V3f2a91c0",),
    "voices undo": ("sensorium voices undo", "sensorium voices undo 12"),
    "voices join": ("sensorium voices join other/ --library library/",),
    "cast list": ("sensorium cast list --library library/ --json",),
    "cast show": ('sensorium cast show "Ann Ray"',),
    "cast explain": ("sensorium cast explain V3f2a91c0",),
    "cast name": ('sensorium cast name V3f2a91c0 "Ann Ray"',),
    "cast merge": ('sensorium cast merge "Ann Ray" F77c01b2e',),
    "cast split": ("sensorium cast split V3f2a91c0",),
    "cast apart": ("sensorium cast apart V3f2a91c0 F77c01b2e",),
    "cast undo": ("sensorium cast undo",),
    "cast title": ("sensorium cast title library/ --out title.html",),
    "cast review": ("sensorium cast review library/ --out review.html",),
    "cast ask": (
        "sensorium cast ask --model http://localhost:8000/v1#qwen --search ddgs --library library/",
    ),
}


def add_examples(command: click.Command, name: str = "") -> None:
    """Writes the examples of a command, and of those below it, under its help."""
    told = EXAMPLES.get(name)
    if told:
        command.epilog = "\b\n" + "\n".join(("Examples:", *(f"  {each}" for each in told)))
    for below, each in getattr(command, "commands", {}).items():
        add_examples(each, f"{name} {below}".strip())
