"""What learns: datasets out of a library, adapters into a language model, detectors that take over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensorium.core.lazy import lazily

if TYPE_CHECKING:
    from sensorium.learn.adapter_training import train_adapter as train_adapter
    from sensorium.learn.detector_training import train_detector as train_detector
    from sensorium.learn.exporting import export_dataset as export_dataset

_WHERE = {
    "export_dataset": "learn.exporting:export_dataset",
    "train_adapter": "learn.adapter_training:train_adapter",
    "train_detector": "learn.detector_training:train_detector",
}
__all__ = sorted(_WHERE)
__getattr__ = lazily(__name__, _WHERE)
