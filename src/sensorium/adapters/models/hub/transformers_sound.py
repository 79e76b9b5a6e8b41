"""Sound encoders through Hugging Face transformers: Whisper's encoder alone, and AST.

From a local folder or a hub name; weights from safetensors files only, code from the installed library only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from safetensors import safe_open

from sensorium.core.errors import ModelError, UsageError
from sensorium.core.features import Features
from sensorium.core.media import Audio
from sensorium.core.record import Provenance
from sensorium.core.time import Axis, Span
from sensorium.models.foreign import located
from sensorium.ops.sound.mel import RATE, ast_window, whisper_window

_ROW = 0.01  # seconds between rows of the spectrogram
_REACH = 0.025  # seconds that one row covers


class TransformersSoundEncoder:
    """The rows of a Whisper encoder of any size, or the tokens of an Audio Spectrogram Transformer.

    Of a Whisper model only the encoder's weights are read. Whisper gives ``encoder`` (time, dim) for
    windows of 30 s; AST gives ``patches`` (mel, time, dim), ``class``, ``distillation`` and ``pooled`` (dim,)
    for windows of 10.24 s (its `max_length`). Values are float32.

    Raises:
        ModelError: no config, no safetensors weights, weights of another shape, or a family that is
            neither. At the first use, not before.
    """

    def __init__(self, source: str, threads: int = 1) -> None:
        self._source = source
        self._threads = threads

    @cached_property
    def provenance(self) -> Provenance:
        """Model name, version of the library, and where the weights come from."""
        version = f"transformers {transformers.__version__}"
        name = f"transformers-sound:{Path(self._source).name}"
        return Provenance(name, version, {"source": self._source})

    @cached_property
    def window(self) -> float:
        """Seconds that the model hears at once."""
        if self._config.model_type == "whisper":
            return self._config.max_source_positions * 2 * _ROW
        return self._config.max_length * _ROW

    @cached_property
    def _folder(self) -> Path:
        folder = Path(located(self._source))
        if folder.is_dir():
            return folder
        from huggingface_hub import snapshot_download

        try:
            return Path(snapshot_download(str(folder), allow_patterns=["*.json", "*.safetensors"]))
        except Exception as error:
            raise ModelError(
                f"transformers-sound:{self._source}: expected a local folder or a hub name; {error}"
            ) from error

    @cached_property
    def _config(self) -> Any:
        try:
            config = transformers.AutoConfig.from_pretrained(self._folder, trust_remote_code=False)
        except (OSError, ValueError) as error:
            raise ModelError(
                f"transformers-sound:{self._source}: expected a config.json that transformers knows; {error}"
            ) from error
        families = ("whisper", "audio-spectrogram-transformer")
        if config.model_type not in families:
            raise ModelError(
                f"transformers-sound:{self._source}: expected a model of {' or '.join(families)}, "
                f"got {config.model_type!r}"
            )
        return config

    @cached_property
    def _model(self) -> Any:
        torch.set_num_threads(self._threads)
        _refuse_pickles(self._folder, self._source)
        try:
            model = self._whisper() if self._config.model_type == "whisper" else self._ast()
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelError(
                f"transformers-sound:{self._source}: the weights are not of the shape that config.json "
                f"tells of; {error}"
            ) from error
        return model.eval()

    def _whisper(self) -> Any:
        """The encoder alone: the decoder's weights are never read."""
        from transformers.models.whisper.modeling_whisper import WhisperEncoder

        model = WhisperEncoder(self._config)
        model.load_state_dict(dict(_weights(self._folder, ("model.encoder.", "encoder."))))
        return model

    def _ast(self) -> Any:
        """Through the library, which knows the older names of the weights."""
        loaded: Any = transformers.ASTModel.from_pretrained(
            self._folder, use_safetensors=True, trust_remote_code=False, output_loading_info=True
        )
        model, told = loaded
        if told["missing_keys"]:
            raise ValueError(f"missing: {', '.join(sorted(told['missing_keys'])[:5])}")
        return model

    def encode(self, windows: Sequence[Audio]) -> list[tuple[Features, ...]]:
        """Per window its outputs; a shorter window is filled up and `num_valid` marks the real part."""
        return [self._encode(each) for each in windows]

    def _encode(self, window: Audio) -> tuple[Features, ...]:
        if window.sample_rate != RATE or window.duration > self.window + _REACH:
            raise UsageError(
                f"encode: expected at most {self.window:g} s at 16000 Hz, got {window!r}"
            )
        model, config = self._model, self._config
        with torch.inference_mode():
            if config.model_type == "whisper":
                mel = whisper_window(window.mono(), config.num_mel_bins, self.window)
                rows = model(torch.from_numpy(np.ascontiguousarray(mel))[None]).last_hidden_state[0]
                return (self._rows(rows.numpy(), window),)
            mel = ast_window(window.mono(), config.max_length)
            told = model(torch.from_numpy(mel)[None])
        return self._tokens(told, window)

    def _rows(self, rows: np.ndarray, window: Audio) -> Features:
        step = self.window / len(rows)
        axis = Axis("time", window.start, step, step, "s")
        num_valid = min(len(rows), int(np.ceil(window.duration / step - 1e-9)))
        span = Span(window.start, window.end)
        return Features(rows, (axis,), self.provenance.model, "encoder", span, num_valid)

    def _tokens(self, told: Any, window: Audio) -> tuple[Features, ...]:
        config, name = self._config, self.provenance.model
        patch, high, far = config.patch_size, config.frequency_stride, config.time_stride
        num_mel = (config.num_mel_bins - patch) // high + 1
        num_time = (config.max_length - patch) // far + 1
        tokens, span = told.last_hidden_state[0].numpy(), Span(window.start, window.end)
        step, width = far * _ROW, (patch - 1) * _ROW + _REACH
        axes = (
            Axis("mel", 0.0, high, patch, "bin"),
            Axis("time", window.start, step, width, "s"),
        )
        num_valid = min(num_time, max(0, int(np.ceil(window.duration / step - 1e-9))))
        grid = tokens[2:].reshape(num_mel, num_time, -1)
        alone = {
            "class": tokens[0],
            "distillation": tokens[1],
            "pooled": told.pooler_output[0].numpy(),
        }
        return (
            Features(grid, axes, name, "patches", span, num_valid),
            *(Features(values, (), name, key, span) for key, values in alone.items()),
        )


def _refuse_pickles(folder: Path, source: str) -> None:
    """Raises ModelError where there are no safetensors weights."""
    if any(folder.glob("*.safetensors")):
        return
    pickled = ", ".join(path.name for path in folder.glob("*.bin"))
    reason = (
        f"{pickled} is a pickle, which can run code when it is loaded, and is refused; convert it "
        "with save_pretrained(safe_serialization=True)"
        if pickled
        else "there is none"
    )
    raise ModelError(f"transformers-sound:{source}: expected weights in *.safetensors; {reason}")


def _weights(folder: Path, prefixes: Sequence[str]) -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors under the first of `prefixes` that any has; nothing else is read."""
    index = folder / "model.safetensors.index.json"
    if index.exists():
        names = sorted(set(json.loads(index.read_text())["weight_map"].values()))
    else:
        names = [path.name for path in folder.glob("*.safetensors")]
    files = [safe_open(folder / name, framework="pt") for name in names]
    known = [(file, key) for file in files for key in list(file.keys())]
    prefix = next((p for p in prefixes if any(key.startswith(p) for _, key in known)), "")
    for file, key in known:
        if key.startswith(prefix):
            yield key.removeprefix(prefix), file.get_tensor(key)
