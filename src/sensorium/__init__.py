"""Sensorium: eyes and ears for language models.

Names are loaded when they are first used, so ``import sensorium`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from sensorium import transforms as transforms
    from sensorium.adapters.language.adapter import Adapter as Adapter
    from sensorium.adapters.language.fuyu import FuyuPrompts as FuyuPrompts
    from sensorium.adapters.language.prompt import embed_prompt as embed_prompt
    from sensorium.adapters.processors.images import load_processor as load_processor
    from sensorium.bundled import Model as Model
    from sensorium.cast import Cast as Cast
    from sensorium.core.config import Config as Config
    from sensorium.core.errors import LibraryError as LibraryError
    from sensorium.core.errors import MediaError as MediaError
    from sensorium.core.errors import ModelError as ModelError
    from sensorium.core.errors import SensoriumError as SensoriumError
    from sensorium.core.errors import UsageError as UsageError
    from sensorium.core.features import Features as Features
    from sensorium.core.grid import PatchGrid as PatchGrid
    from sensorium.core.media import Audio as Audio
    from sensorium.core.media import Frames as Frames
    from sensorium.core.media import MediaRef as MediaRef
    from sensorium.core.record import KINDS as KINDS
    from sensorium.core.record import Record as Record
    from sensorium.core.time import Axis as Axis
    from sensorium.core.time import Span as Span
    from sensorium.encoding import encode_audio as encode_audio
    from sensorium.encoding import encode_images as encode_images
    from sensorium.extraction import extract as extract
    from sensorium.library.library import Library as Library
    from sensorium.library.library import open_library as open_library
    from sensorium.listening import Hearing as Hearing
    from sensorium.listening import listen as listen
    from sensorium.ops.fuyu import FuyuLayout as FuyuLayout
    from sensorium.patches import Merger as Merger
    from sensorium.patches import Patches as Patches
    from sensorium.patches import draw as draw
    from sensorium.patches import merge as merge
    from sensorium.patches import pack as pack
    from sensorium.patches import split as split
    from sensorium.training import train_adapter as train_adapter
    from sensorium.voices import Voices as Voices

_WHERE = {
    "Adapter": "adapters.language.adapter",
    "Audio": "core.media",
    "Axis": "core.time",
    "Cast": "cast",
    "Config": "core.config",
    "Features": "core.features",
    "Frames": "core.media",
    "FuyuLayout": "ops.fuyu",
    "FuyuPrompts": "adapters.language.fuyu",
    "Hearing": "listening",
    "KINDS": "core.record",
    "Library": "library.library",
    "LibraryError": "core.errors",
    "MediaError": "core.errors",
    "MediaRef": "core.media",
    "Merger": "patches",
    "Model": "bundled",
    "ModelError": "core.errors",
    "PatchGrid": "core.grid",
    "Patches": "patches",
    "Record": "core.record",
    "SensoriumError": "core.errors",
    "Span": "core.time",
    "UsageError": "core.errors",
    "Voices": "voices",
    "draw": "patches",
    "embed_prompt": "adapters.language.prompt",
    "encode_audio": "encoding",
    "encode_images": "encoding",
    "extract": "extraction",
    "listen": "listening",
    "load_processor": "adapters.processors.images",
    "merge": "patches",
    "open_library": "library.library",
    "pack": "patches",
    "split": "patches",
    "train_adapter": "training",
    "transforms": "transforms",  # a module
}
__all__ = ["__version__", *sorted(_WHERE)]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'sensorium' has no attribute {name!r}")
    module = import_module(f"sensorium.{_WHERE[name]}")
    value = module if _WHERE[name] == name else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
