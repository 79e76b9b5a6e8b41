"""Causal language models of transformers from a local folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import transformers
from transformers.utils import logging

from sensorium.core.errors import ModelError


def load_causal(folder: str, device: str = "cpu") -> tuple[Any, Any]:
    """Model (frozen, ready to be used) and tokenizer of a folder with safetensors weights.

    Nothing is downloaded, no code from the folder is run, pickled weights are refused.

    Raises:
        ModelError: no such folder, no safetensors weights, weights that do not fit the config, a
            tokenizer without an end of text.
    """
    source = Path(folder).expanduser()
    if not (source / "config.json").is_file() or not any(source.glob("*.safetensors")):
        raise ModelError(
            f"{folder}: expected a local folder with config.json, safetensors weights and a tokenizer "
            "(pickled weights are refused: loading them may run code)"
        )
    safe = {"trust_remote_code": False, "local_files_only": True}
    weights = {"use_safetensors": True, "dtype": "auto", "output_loading_info": True}
    load: Any = transformers.AutoModelForCausalLM.from_pretrained
    try:
        with _no_bars():
            model, found = load(source, **weights, **safe)
            tokenizer = transformers.AutoTokenizer.from_pretrained(source, **safe)
    except Exception as error:
        raise ModelError(f"{folder}: no causal model of transformers; {error}") from error
    if missing := sorted(found["missing_keys"]):
        raise ModelError(
            f"{folder}: {len(missing)} weights are missing, such as {missing[0]}; is it complete?"
        )
    if tokenizer.eos_token_id is None:
        raise ModelError(
            f"{folder}: the tokenizer has no end of text (eos_token); captions need one"
        )
    try:
        return model.eval().requires_grad_(False).to(device), tokenizer
    except (RuntimeError, AssertionError) as error:
        raise ModelError(f"device {device!r}: {error}") from None


@contextmanager
def _no_bars() -> Iterator[None]:
    """Keeps the bars of transformers off the screen: ours tell what matters."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
