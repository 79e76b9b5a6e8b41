"""What learns: datasets out of a library, adapters into a language model, detectors that take over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensorium.core.lazy import lazily

if TYPE_CHECKING:
    from sensorium.learn.adapter_training import train_adapter as train_adapter
    from sensorium.learn.data_out import export_library as export_library
    from sensorium.learn.detector_training import train_detector as train_detector
    from sensorium.learn.exporting import export_dataset as export_dataset
    from sensorium.learn.feature_stream import FeatureStream as FeatureStream
    from sensorium.learn.voice_training import train_voices as train_voices
    from sensorium.learn.voice_tuning import tune_voices as tune_voices

_WHERE = {
    "FeatureStream": "learn.feature_stream:FeatureStream",
    "export_dataset": "learn.exporting:export_dataset",
    "export_library": "learn.data_out:export_library",
    "train_adapter": "learn.adapter_training:train_adapter",
    "train_detector": "learn.detector_training:train_detector",
    "train_voices": "learn.voice_training:train_voices",
    "tune_voices": "learn.voice_tuning:tune_voices",
}
__all__ = sorted(_WHERE)
__getattr__ = lazily(__name__, _WHERE)
