"""Sensorium: eyes and ears for language models.

Files into a library: `extract`, `open`, `Library`, with choices in a `Config`. Streams: `listen`. Who is who:
`Cast`, `Voices`. Pictures and sound into features: `embed_images`, `embed_audio`, `transforms`, `patches`.
Features into a language model: `Adapter`, `embed_prompt`. What learns: `learn`. Weights: `models`.

Names are loaded when they are first used, so ``import sensorium`` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensorium.core.lazy import lazily

__version__ = "0.1.0"

if TYPE_CHECKING:
    from sensorium import learn as learn
    from sensorium import models as models
    from sensorium import patches as patches
    from sensorium.adapters.language.adapter import Adapter as Adapter
    from sensorium.adapters.language.prompt import embed_prompt as embed_prompt
    from sensorium.core.config import Config as Config
    from sensorium.core.errors import LibraryError as LibraryError
    from sensorium.core.errors import MediaError as MediaError
    from sensorium.core.errors import ModelError as ModelError
    from sensorium.core.errors import SensoriumError as SensoriumError
    from sensorium.core.errors import UsageError as UsageError
    from sensorium.core.features import Features as Features
    from sensorium.core.media import Audio as Audio
    from sensorium.core.media import Frames as Frames
    from sensorium.core.time import Span as Span
    from sensorium.embed import transforms as transforms
    from sensorium.embed.encode import embed_audio as embed_audio
    from sensorium.embed.encode import embed_images as embed_images
    from sensorium.library.library import Library as Library
    from sensorium.library.library import open_library as open  # noqa: F401
    from sensorium.people.cast import Cast as Cast
    from sensorium.people.voices import Voices as Voices
    from sensorium.run.extract import extract as extract
    from sensorium.run.listen import listen as listen

_WHERE = {
    "Adapter": "adapters.language.adapter:Adapter",
    "Audio": "core.media:Audio",
    "Cast": "people.cast:Cast",
    "Config": "core.config:Config",
    "Features": "core.features:Features",
    "Frames": "core.media:Frames",
    "Library": "library.library:Library",
    "LibraryError": "core.errors:LibraryError",
    "MediaError": "core.errors:MediaError",
    "ModelError": "core.errors:ModelError",
    "SensoriumError": "core.errors:SensoriumError",
    "Span": "core.time:Span",
    "UsageError": "core.errors:UsageError",
    "Voices": "people.voices:Voices",
    "embed_audio": "embed.encode:embed_audio",
    "embed_images": "embed.encode:embed_images",
    "embed_prompt": "adapters.language.prompt:embed_prompt",
    "extract": "run.extract:extract",
    "learn": "learn",
    "listen": "run.listen:listen",
    "models": "models",
    "open": "library.library:open_library",
    "patches": "patches",
    "transforms": "embed.transforms",
}
__all__ = ["__version__", *sorted(_WHERE)]
__getattr__ = lazily(__name__, _WHERE)


def __dir__() -> list[str]:
    return __all__
