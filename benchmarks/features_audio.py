"""Log-mel rows beside the peers: the same samples, one process, one thread.

    pip install --no-deps asrfront openai-whisper    # left out where they are not installed
    python benchmarks/features_audio.py

The fastest of many runs; peak memory is what numpy and torch's CPU allocator hold on top of the input, by
tracemalloc (native allocations of asrfront and of numba's scratch space, 0.1 MB, are not seen).
"""

from __future__ import annotations

import time
import tracemalloc
import warnings
from collections.abc import Callable, Iterator

import numpy as np

from sensorium.ops.sound import mel

warnings.simplefilter("ignore")
Row = tuple[str, str, str, str, str, str]


def fastest(run: Callable[[], object], repeat: int) -> float:
    """Milliseconds of the quickest run, after one that is not counted."""
    run()
    best = float("inf")
    for _ in range(repeat):
        began = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - began)
    return best * 1e3


def peak(run: Callable[[], object]) -> float:
    """MB that numpy holds at most."""
    tracemalloc.start()
    run()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / 1e6


def whisper_peers(samples: np.ndarray) -> Iterator[tuple[str, Callable[[], np.ndarray], str]]:
    """(name, run, target) of each peer that is installed."""
    from faster_whisper.feature_extractor import FeatureExtractor
    from transformers import WhisperFeatureExtractor

    theirs = WhisperFeatureExtractor()
    yield (
        "transformers, numpy",
        lambda: theirs._np_extract_fbank_features(samples[None], "cpu")[0],
        ">= 4",
    )
    fast = FeatureExtractor()
    yield "faster-whisper", lambda: fast(samples, padding=0), ">= 1"
    try:
        import asrfront

        yield "asrfront", lambda: asrfront.whisper.log_mel(samples), ">= 0.67"
    except ImportError:
        pass
    try:
        import torch
        from whisper.audio import log_mel_spectrogram

        torch.set_num_threads(1)
        yield "openai-whisper", lambda: log_mel_spectrogram(samples).numpy(), ">= 1"
    except ImportError:
        pass


def rows() -> Iterator[Row]:
    """Job, ours, peer, ratio, target, memory and difference."""
    rng = np.random.default_rng(0)
    samples = (0.1 * rng.standard_normal(480_000)).astype(np.float32)
    samples[100_000:200_000] *= 1e-3

    def ours() -> np.ndarray:
        return mel.whisper_window(samples)

    yield from compared("Whisper log-mel, 30 s", ours, whisper_peers(samples))
    from transformers import ASTFeatureExtractor

    short, theirs = samples[:163_840], ASTFeatureExtractor()

    def reference() -> np.ndarray:
        return theirs(short, sampling_rate=16_000, return_tensors="np").input_values[0]

    peers = iter([("transformers, numpy", reference, ">= 4")])
    yield from compared("AST filter banks, 10.24 s", lambda: mel.ast_window(short), peers)


def compared(job: str, ours: Callable[[], np.ndarray], peers) -> Iterator[Row]:
    """One row per peer."""
    mine, memory, result = fastest(ours, 50), peak(ours), ours()
    for name, run, target in peers:
        theirs, other = fastest(run, 8), np.asarray(run())
        most = f"{np.abs(other - result).max():.1e}"
        memories = f"{memory:.1f} / {peak(run):.1f}"
        yield (
            f"{job}; {name}",
            f"{mine:.2f}",
            f"{theirs:.2f}",
            f"{theirs / mine:.2f}",
            target,
            (f"{memories}; {most}"),
        )


def main() -> None:
    """One table."""
    print(
        "| job; peer | ours ms | peer ms | ratio | target | peak MB ours / peer; largest difference |"
    )
    print("|---|---:|---:|---:|---|---|")
    for row in rows():
        print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
