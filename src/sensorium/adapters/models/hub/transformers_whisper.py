"""Whisper through Hugging Face transformers, from a local folder or a hub name.

Weights are read from safetensors files only, code from the installed library only.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import torch
import transformers

from sensorium.adapters.models.from_transformers import FromTransformers
from sensorium.core.errors import ModelError, UsageError
from sensorium.core.media import Audio
from sensorium.core.speech import Transcript, Word
from sensorium.core.time import Span
from sensorium.models.foreign import located
from sensorium.ops.speech.languages import code, tag, translated

_RATE = 16_000
_ENDS = ".?!,;:…"


class TransformersTranscriber(FromTransformers):
    """Words with times by a Whisper model of `transformers`.

    Multilingual models detect the language; word times come from cross-attention where the model's
    generation config names its alignment heads, else every word gets its share of its segment.

    Raises:
        ModelError: a folder or name without config, tokenizer or safetensors weights of a Whisper. At
            the first `transcribe`, not before.
    """

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        torch.set_num_threads(self._threads)
        try:
            model = transformers.WhisperForConditionalGeneration.from_pretrained(
                located(self._source), use_safetensors=True, trust_remote_code=False
            )
            processor = transformers.WhisperProcessor.from_pretrained(located(self._source))
        except Exception as error:
            raise ModelError(
                f"transformers:{self._source}: expected a local folder or a hub name of a Whisper with "
                f"config, tokenizer and safetensors weights (pickled weights are refused); {error}"
            ) from error
        return model.eval(), processor

    def transcribe(
        self, audio: Audio, prompt: str = "", language: str = "", translate: bool = False
    ) -> Transcript:
        """The words of mono 16 kHz `audio` of at most 30 s, timed from the start of the source."""
        if audio.sample_rate != _RATE or audio.duration > 30 + 1e-6:
            raise UsageError(f"transcribe: expected at most 30 s at 16000 Hz, got {audio!r}")
        if not audio.samples.shape[1]:
            return Transcript((), "und", 0)
        model, processor = self._loaded
        inputs = processor(audio.mono(), sampling_rate=_RATE, return_tensors="pt",
                           return_attention_mask=True)  # fmt: skip
        timed = getattr(model.generation_config, "alignment_heads", None) is not None
        options: dict[str, Any] = {"return_token_timestamps": True} if timed else {}
        if getattr(model.generation_config, "is_multilingual", False):
            options |= {"language": code(language)} if language else {}
            options |= {"task": "translate"} if translate else {}
        if prompt:
            options["prompt_ids"] = processor.get_prompt_ids(prompt, return_tensors="pt")
        with torch.inference_mode():
            told = model.generate(
                inputs.input_features, attention_mask=inputs.attention_mask,
                return_dict_in_generate=True, **options,
            )  # fmt: skip
        words = self._words(told, processor.tokenizer, audio, len(options.get("prompt_ids", ())))
        spoken = self._language(processor.tokenizer, told)
        told_in = translated(spoken) if "task" in options else spoken
        return Transcript(tuple(words), told_in, len(words))

    def _words(self, told: Any, tokenizer: Any, audio: Audio, num_prompt: int) -> list[Word]:
        """Tokens joined to words: a new one begins where the text has a blank."""
        tokens = told["sequences"][0].tolist()
        times = told.get("token_timestamps")
        special = set(tokenizer.all_special_ids)
        kept = [i for i, t in enumerate(tokens) if t not in special and t < tokenizer.vocab_size]
        kept = [i for i in kept if i >= num_prompt or tokens[0] not in special]
        groups: list[list[int]] = []
        for place in kept:
            text = tokenizer.decode([tokens[place]])
            if not groups or (text[:1].isspace() and text.strip(_ENDS + " ")):
                groups.append([])
            groups[-1].append(place)
        ends = np.linspace(0, audio.duration, len(groups) + 1)
        words = []
        for number, group in enumerate(groups):
            text = tokenizer.decode([tokens[i] for i in group]).strip()
            start, end = float(ends[number]), float(ends[number + 1])
            if times is not None:
                start, end = (float(times[0][max(i, 0)]) for i in (group[0] - 1, group[-1]))
            low = min(max(start, 0.0), audio.duration)
            high = min(max(end, low), audio.duration)
            if text:
                words.append(Word(text, Span(audio.start + low, audio.start + high), None))
        return words

    def _language(self, tokenizer: Any, told: Any) -> str:
        first = [tokenizer.decode([t]) for t in told["sequences"][0].tolist()[:8]]
        known = [each[2:-2] for each in first if each.startswith("<|") and len(each) in (6, 7)]
        return tag(known[0]) if known else "en"
